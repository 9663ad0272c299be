/* WebM that is cut, that lies about its sizes, or lacks what it needs: nothing is read beyond its end, and what can be
 * played is kept. */
#include "base/err.h"
#include "base/mem.h"
#include "build.h"
#include "check.h"

static int scan(const struct buf *b, struct webm *w)
{
	struct webm_source source = build_source(b);
	return webm_scan(&source, w);
}

static void check_err(const struct buf *b, int want)
{
	struct webm w;
	assert_int_equal(scan(b, &w), want);
	webm_fini(&w);
}

/* What was made of a part must be whole, and last as long as the part did. */
static void check_part(const struct buf *b, const struct webm *w)
{
	struct buf out;
	struct webm again;
	buf_init(&out, 1 << 20);
	assert_in_range(w->end, w->first_cluster, b->len);
	for (size_t i = 0; i < w->n_cues; i++)
		assert_in_range(w->cues[i].cluster, w->first_cluster, w->end - 1);
	build_finished(b, w, &out);
	assert_int_equal(scan(&out, &again), 0);
	assert_false(again.is_cut);
	assert_int_equal(webm_duration_ms(&again), webm_duration_ms(w));
	assert_int_equal(again.n_cues, w->n_cues);
	webm_fini(&again);
	buf_fini(&out);
}

/* What is found out step by step, as it comes in, is what the whole says. */
static void check_steps(const struct buf *b, size_t step, const struct webm *want, int want_err)
{
	struct webm_scan *s = webm_scan_new();
	struct webm_source source = build_source(b);
	struct webm w;
	assert_non_null(s);
	for (source.size = 0; source.size < (int64_t)b->len; source.size += (int64_t)step)
		if (webm_scan_more(s, &source) < 0)
			break;
	bool gave_up = source.size < (int64_t)b->len;
	source.size = (int64_t)b->len;
	assert_int_equal(gave_up ? want_err : webm_scan_end(s, &source, &w), want_err);
	if (!want_err) {
		assert_int_equal(w.end, want->end);
		assert_int_equal(w.is_cut, want->is_cut);
		assert_int_equal(w.is_open, want->is_open);
		assert_int_equal(w.size_at, want->size_at);
		assert_int_equal(w.size_value, want->size_value);
		assert_int_equal(w.n_stale, want->n_stale);
		assert_int_equal(w.n_cues, want->n_cues);
		assert_int_equal(webm_duration_ms(&w), webm_duration_ms(want));
		if (w.n_cues)
			assert_memory_equal(w.cues, want->cues, w.n_cues * sizeof *w.cues);
	}
	if (!gave_up)
		webm_fini(&w);
	assert_true(webm_scan_size(s) > 0);
	webm_scan_free(s);
}

static void check_truncations(const struct buf *whole)
{
	int64_t last = 0;
	size_t n_good = 0;
	for (size_t n = 0; n <= whole->len; n++) {
		/* A block of its own, so that the sanitizer sees what is read behind it. */
		struct buf part;
		struct webm w;
		buf_init(&part, whole->len);
		buf_put(&part, str_n(whole->ptr, n));
		int err = scan(&part, &w);
		if (err == 0) {
			assert_true(webm_duration_ms(&w) >= last);
			last = webm_duration_ms(&w);
			check_part(&part, &w);
			n_good++;
		} else {
			assert_int_equal(err, ERR_PROTOCOL);
			assert_int_equal(n_good, 0); /* once something can be played, it stays so */
		}
		check_steps(&part, 1 + n % 13, &w, err);
		webm_fini(&w);
		buf_fini(&part);
	}
	assert_int_equal(last, 2000);
	assert_true(n_good > whole->len / 2);
}

static void test_every_truncation(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	build_live(&b, 2, NULL);
	check_truncations(&b);
	buf_fini(&b);
}

/* The same in clusters that tell their length, as ffmpeg writes them. */
static void test_every_truncation_of_known_clusters(void **state)
{
	struct buf b, cluster;
	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&cluster, 1 << 20);
	build_head(&b, 0);
	for (uint64_t i = 0; i < 2; i++) {
		buf_clear(&cluster);
		build_uint(&cluster, EBML_TIMESTAMP, i * 1000);
		for (int16_t ms = 0; ms < 1000; ms += 100) {
			build_block(&cluster, &(struct block){1, ms, ms == 0, 20});
			build_block(&cluster, &(struct block){2, (int16_t)(ms + 50), true, 5});
		}
		build_element(&b, EBML_CLUSTER, buf_str(&cluster));
	}
	check_truncations(&b);
	buf_fini(&b);
	buf_fini(&cluster);
}

static void test_cut_cluster(void **state)
{
	struct buf b;
	struct webm w;
	(void)state;
	buf_init(&b, 1 << 20);
	build_head(&b, 0);
	int64_t start = (int64_t)b.len;
	build_header(&b, EBML_CLUSTER, 100000, 4);
	build_uint(&b, EBML_TIMESTAMP, 0);
	build_block(&b, &(struct block){1, 0, true, 30});
	int64_t whole = (int64_t)b.len;
	build_block(&b, &(struct block){1, 40, false, 30});
	b.len -= 1;
	assert_int_equal(scan(&b, &w), 0);
	assert_true(w.is_cut && !w.is_open);
	assert_int_equal(w.end, whole);
	assert_int_equal(w.size_at, start + 4);
	assert_int_equal(w.size_width, 4);
	assert_int_equal(w.size_value, whole - start - 8);
	check_part(&b, &w);
	webm_fini(&w);
	buf_fini(&b);
}

/* Sizes as large as they can be told, in each place that has one. */
static void test_huge_sizes(void **state)
{
	static const uint32_t ids[] = {EBML_INFO, EBML_TRACKS, EBML_TAGS, EBML_CUES, EBML_SEEK_HEAD, EBML_CHAPTERS,
		EBML_ATTACHMENTS, EBML_VOID, EBML_SIMPLE_BLOCK, EBML_BLOCK_GROUP, EBML_TIMESTAMP, EBML_CLUSTER};
	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		for (uint64_t size = (1ull << 56) - 2; size; size >>= 9) {
			struct buf b;
			struct webm w;
			buf_init(&b, 1 << 20);
			build_live(&b, 1, NULL);
			build_header(&b, ids[i], size, 8);
			assert_int_equal(scan(&b, &w), 0);
			assert_int_equal(webm_duration_ms(&w), 1000);
			check_part(&b, &w);
			check_steps(&b, 100, &w, 0);
			webm_fini(&w);
			b.len = 0;
			build_element(&b, EBML_HEADER, STR("x"));
			build_header(&b, EBML_SEGMENT, size, 8);
			build_header(&b, ids[i], size, 8);
			check_err(&b, ERR_PROTOCOL);
			buf_fini(&b);
		}
	}
}

/* Inside of Info and of a track, where all must lie within its parent. */
static void test_sizes_beyond_the_parent(void **state)
{
	static const uint32_t parents[] = {EBML_INFO, EBML_TRACKS};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (uint64_t size = 1; size < 1ull << 55; size <<= 7) {
			struct buf b, part;
			buf_init(&b, 1 << 20);
			buf_init(&part, 1 << 10);
			build_element(&b, EBML_HEADER, STR("x"));
			build_header(&b, EBML_SEGMENT, UNKNOWN_SIZE, 8);
			build_header(&part, EBML_DURATION, size, 8);
			build_element(&b, parents[i], buf_str(&part));
			check_err(&b, ERR_PROTOCOL);
			buf_fini(&part);
			buf_fini(&b);
		}
	}
}

/* Depth is never followed: a group in a group in a group… is one element. */
static void test_depth(void **state)
{
	struct buf b;
	struct webm w;
	(void)state;
	buf_init(&b, 4 << 20);
	build_live(&b, 1, NULL);
	const uint64_t n = 100000;
	for (uint64_t i = 0; i < n; i++)
		build_header(&b, EBML_BLOCK_GROUP, (n - i - 1) * 5, 4);
	assert_int_equal(scan(&b, &w), 0);
	assert_int_equal(webm_duration_ms(&w), 1000);
	assert_int_equal(w.end, b.len);
	webm_fini(&w);
	for (uint64_t i = 0; i < n; i++)
		build_header(&b, EBML_CLUSTER, UNKNOWN_SIZE, 8);
	assert_int_equal(scan(&b, &w), 0);
	assert_int_equal(w.n_cues, 1);
	webm_fini(&w);
	buf_fini(&b);
}

static void test_what_must_be_there(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	check_err(&b, ERR_PROTOCOL);
	build_element(&b, EBML_HEADER, STR("x"));
	check_err(&b, ERR_PROTOCOL); /* no segment */
	build_header(&b, EBML_SEGMENT, UNKNOWN_SIZE, 8);
	check_err(&b, ERR_PROTOCOL);
	build_cluster(&b, 0);
	build_block(&b, &(struct block){1, 0, true, 9});
	check_err(&b, ERR_PROTOCOL); /* no Info, no Tracks */
	b.len = 0;
	build_head(&b, 0);
	check_err(&b, ERR_PROTOCOL); /* no cluster */
	build_cluster(&b, 0);
	check_err(&b, ERR_PROTOCOL); /* no block */
	buf_fini(&b);
}

/* Units of zero, or of more than a second, are no units. */
static void test_scale(void **state)
{
	static const uint64_t scales[] = {0, 1000000001, UINT64_MAX};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf b, info;
		buf_init(&b, 1 << 20);
		buf_init(&info, 1 << 10);
		build_element(&b, EBML_HEADER, STR("x"));
		build_header(&b, EBML_SEGMENT, UNKNOWN_SIZE, 8);
		build_uint(&info, EBML_TIMESTAMP_SCALE, scales[i]);
		build_element(&b, EBML_INFO, buf_str(&info));
		build_element(&b, EBML_TRACKS, STR(""));
		build_cluster(&b, 0);
		build_block(&b, &(struct block){1, 0, true, 9});
		check_err(&b, ERR_PROTOCOL);
		buf_fini(&info);
		buf_fini(&b);
	}
}

static int64_t read_badly(void *arg, int64_t at, void *into, size_t n)
{
	const struct buf *b = arg;
	if (at > 0)
		return ERR_IO;
	memcpy(into, b->ptr, n);
	return (int64_t)n;
}

static void test_disk_and_memory_fail(void **state)
{
	struct buf b;
	struct webm w;
	(void)state;
	buf_init(&b, 1 << 20);
	build_live(&b, 200, NULL);
	struct webm_source source = {read_badly, &b, (int64_t)b.len};
	assert_int_equal(webm_scan(&source, &w), ERR_IO);
	webm_fini(&w);
	int err = ERR_NO_MEMORY;
	for (long n = 0; err; n++) {
		mem_fail_after(n);
		err = scan(&b, &w);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NO_MEMORY);
		webm_fini(&w);
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_truncation_of_known_clusters),
		cmocka_unit_test(test_cut_cluster),
		cmocka_unit_test(test_huge_sizes),
		cmocka_unit_test(test_sizes_beyond_the_parent),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_what_must_be_there),
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_disk_and_memory_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Duration and index of live WebM, held against what the files were made from and against a reader of their own. */
#include "base/err.h"
#include "base/mem.h"
#include "build.h"
#include "check.h"

static int scan(const struct buf *b, struct webm *w)
{
	struct webm_source source = build_source(b);
	return webm_scan(&source, w);
}

/* --- a reader of finished files that shares nothing with the code under test --- */

struct cursor {
	const unsigned char *at;
	const unsigned char *end;
};

static uint64_t take_be(struct cursor *c, size_t n)
{
	uint64_t value = 0;
	assert_true((size_t)(c->end - c->at) >= n);
	while (n-- > 0)
		value = value << 8 | *c->at++;
	return value;
}

static unsigned width_of(const struct cursor *c)
{
	unsigned n = 1;
	assert_true(c->at < c->end && *c->at);
	while (!(*c->at & (0x80 >> (n - 1))))
		n++;
	return n;
}

/* The body of the next element; that of the segment, and of whatever has no length, goes to the end. */
static struct cursor take_element(struct cursor *c, uint32_t *id)
{
	*id = (uint32_t)take_be(c, width_of(c));
	unsigned n = width_of(c);
	uint64_t size = take_be(c, n) & ((1ull << (7 * n)) - 1);
	if (size == (1ull << (7 * n)) - 1)
		size = (uint64_t)(c->end - c->at);
	assert_true(size <= (uint64_t)(c->end - c->at));
	struct cursor body = {c->at, c->at + size};
	c->at = body.end;
	return body;
}

static struct cursor find(struct cursor in, uint32_t want)
{
	uint32_t id = 0;
	struct cursor body = {NULL, NULL};
	while (in.at < in.end && id != want)
		body = take_element(&in, &id);
	assert_int_equal(id, want);
	return body;
}

static uint64_t number(struct cursor in, uint32_t id)
{
	struct cursor body = find(in, id);
	return take_be(&body, (size_t)(body.end - body.at));
}

static double duration_of(struct cursor info)
{
	uint64_t bits = number(info, EBML_DURATION);
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static struct cursor segment_of(const struct buf *b)
{
	struct cursor all = {(const unsigned char *)b->ptr, (const unsigned char *)b->ptr + b->len};
	return find(all, EBML_SEGMENT);
}

/* Where the seek head says that an element stands. */
static struct cursor sought(struct cursor segment, uint32_t want)
{
	struct cursor seeks = find(segment, EBML_SEEK_HEAD);
	uint32_t id;
	while (seeks.at < seeks.end) {
		struct cursor one = take_element(&seeks, &id);
		if (number(one, EBML_SEEK_ID) != want)
			continue;
		struct cursor there = {segment.at + number(one, EBML_SEEK_POSITION), segment.end};
		struct cursor body = take_element(&there, &id);
		assert_int_equal(id, want);
		return body;
	}
	fail_msg("no seek entry for %x", want);
	return seeks;
}

static void check_cue(struct cursor segment, struct cursor point, uint64_t time)
{
	struct cursor place = find(point, EBML_CUE_TRACK_POSITIONS);
	assert_int_equal(number(point, EBML_CUE_TIME), time);
	assert_int_equal(number(place, EBML_CUE_TRACK), 1);
	struct cursor at = {segment.at + number(place, EBML_CUE_CLUSTER_POSITION), segment.end};
	assert_int_equal(take_be(&at, 4), EBML_CLUSTER);
	take_be(&at, width_of(&at));
	assert_int_equal(number(at, EBML_TIMESTAMP), time);
}

/* --- tests --- */

static void test_live(void **state)
{
	struct buf b, out;
	struct webm w;
	struct webm_cue due[7];
	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&out, 1 << 20);
	build_live(&b, 7, due);
	assert_int_equal(scan(&b, &w), 0);
	assert_true(w.is_open && !w.is_cut && w.has_video);
	assert_int_equal(w.end, b.len);
	assert_int_equal(webm_duration_ms(&w), 7000);
	assert_int_equal(w.n_cues, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(w.cues[i].time, due[i].time);
		assert_int_equal(w.cues[i].track, due[i].track);
		assert_int_equal(w.cues[i].cluster, due[i].cluster);
	}
	build_finished(&b, &w, &out);
	struct cursor segment = segment_of(&out);
	assert_true(duration_of(sought(segment, EBML_INFO)) == 7000);
	assert_int_equal(number(sought(segment, EBML_INFO), EBML_TIMESTAMP_SCALE), 1000000);
	sought(segment, EBML_TRACKS);
	struct cursor cues = sought(segment, EBML_CUES);
	uint32_t id;
	for (size_t i = 0; i < 7; i++) {
		struct cursor point = take_element(&cues, &id);
		assert_int_equal(id, EBML_CUE_POINT);
		check_cue(segment, point, due[i].time);
	}
	assert_ptr_equal(cues.at, cues.end);
	webm_fini(&w);
	buf_fini(&b);
	buf_fini(&out);
}

/* Finished once, it may be finished again and stays the same in what counts. */
static void test_finished_again(void **state)
{
	struct buf b, out, twice;
	struct webm w, again;
	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&out, 1 << 20);
	buf_init(&twice, 1 << 20);
	build_live(&b, 3, NULL);
	assert_int_equal(scan(&b, &w), 0);
	build_finished(&b, &w, &out);
	assert_int_equal(scan(&out, &again), 0);
	assert_true(again.told_duration == 3000);
	assert_int_equal(again.n_cues, 3);
	assert_int_equal(again.n_stale, 1); /* the index, which would stand among the clusters */
	build_finished(&out, &again, &twice);
	struct cursor info = sought(segment_of(&twice), EBML_INFO);
	assert_true(duration_of(info) == 3000);
	find(info, EBML_DURATION);
	uint32_t id;
	size_t n = 0;
	while (info.at < info.end) {
		take_element(&info, &id);
		n += id == EBML_DURATION;
	}
	assert_int_equal(n, 1);
	webm_fini(&w);
	webm_fini(&again);
	buf_fini(&b);
	buf_fini(&out);
	buf_fini(&twice);
}

static void test_told_duration(void **state)
{
	struct buf b;
	struct webm w;
	(void)state;
	buf_init(&b, 1 << 20);
	build_head(&b, 5432);
	build_cluster(&b, 0);
	build_block(&b, &(struct block){1, 0, true, 10});
	assert_int_equal(scan(&b, &w), 0);
	assert_int_equal(webm_duration_ms(&w), 5432);
	webm_fini(&w);
	/* What it says of a whole is not true of a part. */
	build_block(&b, &(struct block){1, 40, false, 10});
	build_block(&b, &(struct block){1, 80, false, 10});
	b.len -= 1;
	assert_int_equal(scan(&b, &w), 0);
	assert_true(w.is_cut);
	assert_int_equal(webm_duration_ms(&w), 80);
	webm_fini(&w);
	buf_fini(&b);
}

/* Sound alone can be entered anywhere; a group without a reference is a key frame. */
static void test_what_opens(void **state)
{
	struct buf b, group, block;
	struct webm w;
	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&group, 1 << 20);
	buf_init(&block, 1 << 20);
	build_head(&b, 0);
	buf_put(&block, str_n("\x81\0\0\0picture", 11));
	build_element(&group, EBML_BLOCK, buf_str(&block));
	int64_t first = build_cluster(&b, 0);
	build_element(&b, EBML_BLOCK_GROUP, buf_str(&group));
	build_cluster(&b, 1000);
	build_block(&b, &(struct block){2, 0, true, 10});
	build_cluster(&b, 2000);
	build_uint(&group, EBML_REFERENCE_BLOCK, 1);
	build_element(&b, EBML_BLOCK_GROUP, buf_str(&group));
	assert_int_equal(scan(&b, &w), 0);
	assert_int_equal(w.n_cues, 1);
	assert_int_equal(w.cues[0].cluster, first);
	assert_int_equal(w.last_time, 2000);
	webm_fini(&w);
	buf_fini(&b);
	buf_fini(&group);
	buf_fini(&block);
}

/* However many clusters there are, the index stays bounded, in order, and reaches from the beginning to the end. */
static void test_many_clusters(void **state)
{
	const size_t n = 3 * WEBM_MAX_CUES;
	struct buf b, out;
	struct webm w;
	(void)state;
	buf_init(&b, 64 << 20);
	buf_init(&out, 128 << 20);
	build_head(&b, 0);
	for (size_t i = 0; i < n; i++) {
		build_cluster(&b, i * 10);
		build_block(&b, &(struct block){1, 0, true, 1});
	}
	assert_int_equal(scan(&b, &w), 0);
	assert_in_range(w.n_cues, WEBM_MAX_CUES / 4, WEBM_MAX_CUES);
	assert_int_equal(w.cues[0].time, 0);
	assert_true(w.cues[w.n_cues - 1].time > (n - 10) * 10);
	for (size_t i = 1; i < w.n_cues; i++) {
		assert_true(w.cues[i].time > w.cues[i - 1].time);
		assert_true(w.cues[i].cluster > w.cues[i - 1].cluster);
	}
	build_finished(&b, &w, &out);
	webm_fini(&w);
	buf_fini(&b);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_finished_again),
		cmocka_unit_test(test_told_duration),
		cmocka_unit_test(test_what_opens),
		cmocka_unit_test(test_many_clusters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

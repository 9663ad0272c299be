/* See build.h. The numbers are written here once more, not by the code under test. */
#include "build.h"

#include "base/err.h"
#include "check.h"

static void put_be(struct buf *b, uint64_t value, unsigned n)
{
	while (n-- > 0)
		buf_put_c(b, (char)(value >> (8 * n)));
}

void build_header(struct buf *b, uint32_t id, uint64_t size, unsigned width)
{
	unsigned n = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
	uint64_t marker = 1ull << (7 * width);
	put_be(b, id, n);
	put_be(b, size == UNKNOWN_SIZE ? 2 * marker - 1 : marker | size, width);
}

void build_element(struct buf *b, uint32_t id, struct str body)
{
	build_header(b, id, body.len, body.len < 127 ? 1 : 4);
	buf_put(b, body);
}

void build_uint(struct buf *b, uint32_t id, uint64_t value)
{
	build_header(b, id, 8, 1);
	put_be(b, value, 8);
}

void build_block(struct buf *b, const struct block *block)
{
	build_header(b, EBML_SIMPLE_BLOCK, 4 + block->n, 4);
	buf_put_c(b, (char)(0x80 | block->track));
	put_be(b, (uint16_t)block->time, 2);
	buf_put_c(b, (char)(block->is_key ? 0x80 : 0));
	for (size_t i = 0; i < block->n; i++)
		buf_put_c(b, (char)(block->time + (int)i));
}

static void put_track(struct buf *tracks, uint64_t number, uint64_t type)
{
	struct buf entry;
	buf_init(&entry, 1000);
	build_uint(&entry, EBML_TRACK_NUMBER, number);
	build_uint(&entry, EBML_TRACK_TYPE, type);
	build_element(tracks, EBML_TRACK_ENTRY, buf_str(&entry));
	buf_fini(&entry);
}

void build_head(struct buf *b, double duration)
{
	struct buf part;
	buf_init(&part, 1000);
	build_element(b, EBML_HEADER, str_n("\x42\x82\x84webm", 7));
	build_header(b, EBML_SEGMENT, UNKNOWN_SIZE, 8);
	build_uint(&part, EBML_TIMESTAMP_SCALE, 1000000);
	if (duration > 0) {
		uint64_t bits;
		memcpy(&bits, &duration, sizeof bits);
		build_header(&part, EBML_DURATION, 8, 1);
		put_be(&part, bits, 8);
	}
	build_element(b, EBML_INFO, buf_str(&part));
	buf_clear(&part);
	put_track(&part, 1, 1);
	put_track(&part, 2, 2);
	build_element(b, EBML_TRACKS, buf_str(&part));
	buf_fini(&part);
}

int64_t build_cluster(struct buf *b, uint64_t time)
{
	int64_t at = (int64_t)b->len;
	build_header(b, EBML_CLUSTER, UNKNOWN_SIZE, 8);
	build_uint(b, EBML_TIMESTAMP, time);
	return at;
}

void build_live(struct buf *b, size_t n, struct webm_cue *cues)
{
	build_head(b, 0);
	for (size_t i = 0; i < n; i++) {
		int64_t at = build_cluster(b, i * 1000);
		if (cues)
			cues[i] = (struct webm_cue){i * 1000, 1, at};
		for (int16_t ms = 0; ms < 1000; ms += 100) {
			build_block(b, &(struct block){1, ms, ms == 0, 20});
			build_block(b, &(struct block){2, (int16_t)(ms + 50), true, 5});
		}
	}
}

static int64_t read_buf(void *arg, int64_t at, void *into, size_t n)
{
	const struct buf *b = arg;
	assert_true(at >= 0 && (size_t)at <= b->len && n <= b->len - (size_t)at);
	memcpy(into, b->ptr + at, n);
	return (int64_t)n;
}

struct webm_source build_source(const struct buf *b)
{
	return (struct webm_source){read_buf, (void *)(uintptr_t)b, (int64_t)b->len};
}

void build_finished(const struct buf *b, const struct webm *w, struct buf *out)
{
	struct buf head, index;
	uint8_t fix[16];
	buf_init(&head, WEBM_GAP);
	buf_init(&index, 4 << 20);
	assert_int_equal(webm_write(w, &head, &index), 0);
	assert_true(head.len <= WEBM_GAP);
	buf_put(out, buf_str(&head));
	while (out->len < WEBM_GAP)
		buf_put_c(out, 0);
	buf_put(out, str_n(b->ptr, (size_t)w->end));
	buf_put(out, buf_str(&index));
	assert_true(buf_ok(out));
	if (w->size_at) {
		webm_format_size(w, fix);
		memcpy(out->ptr + WEBM_GAP + w->size_at, fix, w->size_width);
	}
	for (size_t i = 0; i < w->n_stale; i++) {
		size_t n = webm_format_void(&w->stale[i], fix);
		assert_true(n <= w->stale[i].n_header);
		memcpy(out->ptr + WEBM_GAP + w->stale[i].at, fix, n);
	}
	buf_fini(&head);
	buf_fini(&index);
}

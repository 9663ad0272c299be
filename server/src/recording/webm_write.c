/* Writing what a live WebM lacks: a head with a duration and places to look, and an index. */
#include <string.h>

#include "base/err.h"
#include "recording/ebml.h"
#include "recording/webm.h"

static void put_bytes(struct buf *b, uint64_t value, unsigned n)
{
	while (n-- > 0)
		buf_put_c(b, (char)(value >> (8 * n)));
}

static unsigned width_of(uint64_t value)
{
	unsigned n = 1;
	while (n < 8 && value >> (8 * n))
		n++;
	return n;
}

static void put_id(struct buf *b, uint32_t id)
{
	put_bytes(b, id, width_of(id));
}

/* All ones: it lasts until the end. */
#define UNKNOWN_SIZE ((1ull << 56) - 1)

/* Always in eight bytes: what stands behind never moves with the value. */
static void put_size(struct buf *b, uint64_t size)
{
	put_bytes(b, size | 1ull << 56, 8);
}

static void put_short_size(struct buf *b, uint64_t size)
{
	buf_put_c(b, (char)(size | 0x80));
}

static void put_uint(struct buf *b, uint32_t id, uint64_t value)
{
	unsigned n = width_of(value);
	put_id(b, id);
	put_short_size(b, n);
	put_bytes(b, value, n);
}

static void put_seek(struct buf *b, uint32_t id, uint64_t position)
{
	put_id(b, EBML_SEEK);
	put_short_size(b, 3 + 4 + 3 + 8);
	put_id(b, EBML_SEEK_ID);
	put_short_size(b, 4);
	put_bytes(b, id, 4);
	put_id(b, EBML_SEEK_POSITION);
	put_short_size(b, 8);
	put_bytes(b, position, 8);
}

#define SEEK_SIZE (3 + 18)
#define SEEK_HEAD_SIZE (4 + 8 + 3 * SEEK_SIZE)
#define DURATION_SIZE (2 + 1 + 8)

static void put_info(const struct webm *w, struct buf *b)
{
	double units = (double)webm_duration_ms(w) * 1e6 / (double)w->scale;
	uint64_t bits;
	memcpy(&bits, &units, sizeof bits);
	put_id(b, EBML_INFO);
	put_size(b, w->info.len + DURATION_SIZE);
	buf_put(b, buf_str(&w->info));
	put_id(b, EBML_DURATION);
	put_short_size(b, 8);
	put_bytes(b, bits, 8);
}

/* From the end of the head to the first cluster, the old header in it. */
static void put_void(const struct webm *w, struct buf *b)
{
	uint64_t gap = (uint64_t)(WEBM_GAP + w->first_cluster) - b->len;
	put_id(b, EBML_VOID);
	put_size(b, gap - 9);
}

static void put_index(const struct webm *w, uint64_t segment, struct buf *b)
{
	struct buf points;
	buf_init(&points, (size_t)WEBM_MAX_CUES * 64);
	for (size_t i = 0; i < w->n_cues; i++) {
		const struct webm_cue *c = &w->cues[i];
		uint64_t position = (uint64_t)(WEBM_GAP + c->cluster) - segment;
		unsigned places = 2 + width_of(c->track) + 2 + width_of(position);
		put_id(&points, EBML_CUE_POINT);
		put_short_size(&points, 2 + width_of(c->time) + 2 + places);
		put_uint(&points, EBML_CUE_TIME, c->time);
		put_id(&points, EBML_CUE_TRACK_POSITIONS);
		put_short_size(&points, places);
		put_uint(&points, EBML_CUE_TRACK, c->track);
		put_uint(&points, EBML_CUE_CLUSTER_POSITION, position);
	}
	put_id(b, EBML_CUES);
	put_size(b, points.len);
	buf_put(b, buf_str(&points));
	if (!buf_ok(&points))
		b->err = points.err;
	buf_fini(&points);
}

int webm_write(const struct webm *w, struct buf *head, struct buf *index)
{
	uint64_t segment = w->ebml.len + 4 + 8; /* where positions are counted from */
	uint64_t info_at = SEEK_HEAD_SIZE;
	uint64_t tracks_at = info_at + 4 + 8 + w->info.len + DURATION_SIZE;
	put_index(w, segment, index);
	buf_put(head, buf_str(&w->ebml));
	put_id(head, EBML_SEGMENT);
	put_size(head, w->is_open ? UNKNOWN_SIZE : (uint64_t)(WEBM_GAP + w->end) + index->len - segment);
	put_id(head, EBML_SEEK_HEAD);
	put_size(head, 3 * SEEK_SIZE);
	put_seek(head, EBML_INFO, info_at);
	put_seek(head, EBML_TRACKS, tracks_at);
	put_seek(head, EBML_CUES, (uint64_t)(WEBM_GAP + w->end) - segment);
	put_info(w, head);
	buf_put(head, buf_str(&w->tracks));
	if (head->len + 9 > WEBM_GAP)
		return ERR_TOO_LARGE;
	put_void(w, head);
	return buf_ok(head) ? index->err : head->err;
}

void webm_format_size(const struct webm *w, uint8_t out[8])
{
	uint64_t value = w->size_value | 1ull << (7 * w->size_width);
	for (unsigned i = 0; i < w->size_width; i++)
		out[i] = (uint8_t)(value >> (8 * (w->size_width - 1u - i)));
}

size_t webm_format_void(const struct webm_stale *stale, uint8_t out[16])
{
	unsigned width = stale->n_header - 1 < 8 ? (unsigned)stale->n_header - 1 : 8;
	uint64_t size = (stale->size + stale->n_header - 1 - width) | 1ull << (7 * width);
	out[0] = EBML_VOID;
	for (unsigned i = 0; i < width; i++)
		out[1 + i] = (uint8_t)(size >> (8 * (width - 1 - i)));
	return 1 + width;
}

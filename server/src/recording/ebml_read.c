/* EBML through a window: elements are found by their headers, and what they hold is skipped unless somebody asks. */
#include "recording/ebml_read.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define WINDOW 65536
#define GLANCE 2048 /* read where something was skipped: mostly a header is all that is wanted there */

int ebml_reader_init(struct ebml_reader *r, const struct webm_source *source)
{
	*r = (struct ebml_reader){.source = source, .window = mem_new(WINDOW), .reach = GLANCE};
	return r->window ? 0 : ERR_NO_MEMORY;
}

void ebml_reader_fini(struct ebml_reader *r)
{
	mem_free(r->window);
	r->window = NULL;
}

/* Frames are skipped, so reading all would mean reading many times what is looked at. */
static size_t next_reach(const struct ebml_reader *r, int64_t at, size_t n)
{
	bool goes_on = at >= r->window_at && at <= r->window_at + (int64_t)r->window_n;
	size_t reach = goes_on ? 2 * r->reach : GLANCE;
	reach = reach < WINDOW ? reach : WINDOW;
	return reach > n ? reach : n;
}

const unsigned char *ebml_peek(struct ebml_reader *r, int64_t at, size_t n)
{
	if (at < 0 || at > r->source->size || (int64_t)n > r->source->size - at)
		return NULL;
	if (at < r->window_at || at + (int64_t)n > r->window_at + (int64_t)r->window_n) {
		int64_t left = r->source->size - at;
		r->reach = next_reach(r, at, n);
		size_t most = left < (int64_t)r->reach ? (size_t)left : r->reach;
		int64_t got = r->source->read(r->source->arg, at, r->window, most);
		if (got < 0)
			r->err = (int)got;
		r->window_at = at;
		r->window_n = got < 0 ? 0 : (size_t)got;
		if (got < (int64_t)n)
			return NULL;
	}
	return r->window + (at - r->window_at);
}

/* RFC 8794 §4: the number of leading zero bits tells the width; of sizes the marker is taken off. 0: none there. */
static uint8_t read_vint(struct ebml_reader *r, int64_t at, uint8_t max_width, bool keep_marker, uint64_t *out)
{
	const unsigned char *first = ebml_peek(r, at, 1);
	uint8_t width = 1;
	if (!first || !*first)
		return 0;
	while (!(*first & (0x80 >> (width - 1))))
		width++;
	const unsigned char *p = width <= max_width ? ebml_peek(r, at, width) : NULL;
	if (!p)
		return 0;
	uint64_t value = keep_marker ? p[0] : p[0] & (0xff >> width);
	bool ones = value == (keep_marker ? EBML_UNKNOWN : (uint64_t)(0xff >> width));
	for (uint8_t i = 1; i < width; i++) {
		value = value << 8 | p[i];
		ones &= p[i] == 0xff;
	}
	*out = !keep_marker && ones ? EBML_UNKNOWN : value;
	return width;
}

uint8_t ebml_read_vint(struct ebml_reader *r, int64_t at, uint64_t *out)
{
	return read_vint(r, at, 8, false, out);
}

bool ebml_read_header(struct ebml_reader *r, int64_t at, struct ebml_element *e)
{
	uint64_t id;
	e->start = at;
	uint8_t id_width = read_vint(r, at, 4, true, &id);
	if (!id_width)
		return false;
	e->id = (uint32_t)id;
	e->size_at = at + id_width;
	e->size_width = read_vint(r, e->size_at, 8, false, &e->size);
	e->body = e->size_at + e->size_width;
	return e->size_width != 0;
}

bool ebml_fits(const struct ebml_element *e, int64_t end)
{
	return e->body <= end && e->size <= (uint64_t)(end - e->body);
}

uint64_t ebml_read_uint(struct ebml_reader *r, const struct ebml_element *e)
{
	uint64_t value = 0;
	const unsigned char *p = e->size <= 8 ? ebml_peek(r, e->body, (size_t)e->size) : NULL;
	for (uint64_t i = 0; p && i < e->size; i++)
		value = value << 8 | p[i];
	return value;
}

double ebml_read_float(struct ebml_reader *r, const struct ebml_element *e)
{
	uint64_t bits = ebml_read_uint(r, e);
	uint32_t half = (uint32_t)bits;
	double wide = 0;
	float narrow = 0;
	if (e->size == 8)
		memcpy(&wide, &bits, sizeof wide);
	memcpy(&narrow, &half, sizeof narrow);
	return e->size == 8 ? wide : e->size == 4 ? (double)narrow : 0;
}

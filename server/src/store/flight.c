/* The flight recorder's memory: blocks made longer, answers given back. */
#include "store/flight.h"

#include "base/err.h"
#include "base/mem.h"

#define ROOM_FOR_ONE 256 /* bytes; more than any sample takes */

int64_t flight_batch_time(const struct flight_batch *b)
{
	return b->n_samples ? b->samples[0].at : b->n_notes ? b->notes[0].at : 0;
}

void flight_count_levels(const struct flight_batch *b, int64_t out[FLIGHT_N_LEVELS])
{
	memset(out, 0, FLIGHT_N_LEVELS * sizeof *out);
	for (size_t i = 0; i < b->n_samples; i++) {
		int32_t level = b->samples[i].values[QUALITY_FIELD_LEVEL];
		out[level > 0 && level < FLIGHT_N_LEVELS ? level : 0]++;
	}
}

/* Reads the old block to its end, so that writing may go on. What is damaged or of another version is left as it is. */
static bool take_up(struct quality_reader *r, struct str old, int64_t start)
{
	struct quality_sample skipped;
	int err = quality_read_begin(r, old, start);
	while (err == 0 && (err = quality_read_next(r, &skipped)) == 1)
		err = 0;
	return old.len && err == 0 && r->rest.len == 0;
}

int flight_extend(struct str old, int64_t *start, const struct quality_sample *samples, size_t n, size_t *n_taken,
	struct buf *out)
{
	struct quality_reader *r = mem_new(sizeof *r);
	*n_taken = 0;
	if (!r)
		return ERR_NO_MEMORY;
	buf_put(out, old);
	if (old.len == 0) {
		*start = samples[0].at;
		quality_write_begin(r, out, *start);
	} else if (!take_up(r, old, *start)) {
		n = 0;
	}
	for (; *n_taken < n; ++*n_taken) {
		const struct quality_sample *s = &samples[*n_taken];
		bool fits = s->at - *start < QUALITY_BLOCK_MS && out->len + ROOM_FOR_ONE <= QUALITY_BLOCK_MAX;
		if (*n_taken + old.len > 0 && !fits)
			break;
		if (quality_write(r, out, s) < 0)
			break;
	}
	mem_free(r);
	return out->err;
}

void flight_free(struct store_read_flight *q)
{
	for (size_t i = 0; i < q->n_legs; i++) {
		for (size_t k = 0; k < q->legs[i].n_blocks; k++)
			mem_free(q->legs[i].blocks[k].data);
		mem_free(q->legs[i].blocks);
	}
	mem_free(q->legs);
	mem_free(q->notes);
	q->legs = NULL;
	q->notes = NULL;
	q->n_legs = q->n_notes = 0;
}

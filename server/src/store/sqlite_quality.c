/* The flight recorder in SQLite: samples and notes in, a call's whole flight and the operators' overview out. */
#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

#define TIDY_LEGS 100

/* --- writing --- */

static int find_leg(struct sq_conn *c, const struct flight_batch *b, int64_t *out)
{
	struct sq q = sq_begin(c, SQ_FIND_QUALITY_LEG);
	sq_text(&q, b->leg_id);
	sq_text(&q, b->call_id);
	sq_text(&q, b->user_id);
	*out = sq_row(&q) ? sq_get_int(&q) : 0;
	return sq_end(&q);
}

static int put_leg(struct sq_conn *c, const struct flight_batch *b, int64_t *out)
{
	int err = find_leg(c, b, out);
	if (err < 0 || *out || b->only_known)
		return err;
	struct sq q = sq_begin(c, SQ_INSERT_QUALITY_LEG);
	sq_text(&q, b->call_id);
	sq_text(&q, b->leg_id);
	sq_text(&q, b->user_id);
	sq_int(&q, flight_batch_time(b));
	err = sq_run(&q);
	*out = sqlite3_last_insert_rowid(c->db);
	return err;
}

/* The newest block of a leg, appended to *data; *start stays as it is when there is none. */
static int newest_block(struct sq_conn *c, int64_t leg, int64_t *start, struct buf *data)
{
	struct sq q = sq_begin(c, SQ_NEWEST_BLOCK);
	sq_int(&q, leg);
	if (sq_row(&q)) {
		*start = sq_get_int(&q);
		buf_put(data, sq_get_blob(&q));
	}
	int err = sq_end(&q);
	return err < 0 ? err : data->err;
}

static int put_block(struct sq_conn *c, int64_t leg, int64_t start, struct str data)
{
	struct sq q = sq_begin(c, SQ_PUT_BLOCK);
	sq_int(&q, leg);
	sq_int(&q, start);
	sq_blob(&q, data);
	return sq_run(&q);
}

static int put_samples(struct sq_conn *c, int64_t leg, const struct flight_batch *b)
{
	struct buf old, block;
	int64_t start = 0;
	buf_init(&old, QUALITY_BLOCK_MAX + 1);
	buf_init(&block, 2 * QUALITY_BLOCK_MAX);
	int err = newest_block(c, leg, &start, &old);
	for (size_t i = 0, taken; err == 0 && i < b->n_samples; i += taken) {
		buf_clear(&block);
		err = flight_extend(buf_str(&old), &start, b->samples + i, b->n_samples - i, &taken, &block);
		if (err == 0 && taken)
			err = put_block(c, leg, start, buf_str(&block));
		buf_clear(&old); /* what is left begins a new one */
	}
	buf_fini(&old);
	buf_fini(&block);
	return err;
}

static int put_notes(struct sq_conn *c, int64_t leg, const struct flight_batch *b)
{
	int err = 0;
	for (size_t i = 0; err == 0 && i < b->n_notes; i++) {
		struct sq q = sq_begin(c, SQ_INSERT_NOTE);
		sq_int(&q, leg);
		sq_int(&q, b->notes[i].at);
		sq_text(&q, b->notes[i].type);
		sq_text(&q, b->notes[i].data);
		err = sq_run(&q);
	}
	return err;
}

static int count_levels(struct sq_conn *c, const struct flight_batch *b)
{
	int64_t n[FLIGHT_N_LEVELS];
	flight_count_levels(b, n);
	struct sq q = sq_begin(c, SQ_COUNT_LEVELS);
	sq_text(&q, b->call_id);
	sq_int(&q, flight_batch_time(b));
	for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
		sq_int(&q, n[i]);
	return sq_run(&q);
}

static int put_batch(struct sq_conn *c, int64_t leg, const struct flight_batch *b)
{
	int err = put_notes(c, leg, b);
	if (err == 0 && b->n_samples)
		err = put_samples(c, leg, b);
	if (err == 0 && b->n_samples)
		err = count_levels(c, b);
	return err;
}

int sqlite_put_flight(struct sq_conn *c, const struct store_put_flight *q)
{
	int err = 0;
	LIST_EACH((struct list *)&q->batches, l)
	{
		const struct flight_batch *b = CONTAINER_OF(l, struct flight_batch, link);
		int64_t leg;
		err = put_leg(c, b, &leg);
		if (err == 0 && leg)
			err = put_batch(c, leg, b);
		if (err < 0)
			break;
	}
	return err;
}

int sqlite_tidy_flight(struct sq_conn *c, int64_t before)
{
	static const enum sq_text steps[] = {
		SQ_TIDY_BLOCKS, SQ_TIDY_NOTES, SQ_TIDY_QUALITY_CALLS, SQ_TIDY_QUALITY_LEGS};
	int err = 0;
	for (size_t i = 0; err == 0 && i < sizeof steps / sizeof *steps; i++) {
		struct sq q = sq_begin(c, steps[i]);
		sq_int(&q, before);
		sq_int(&q, TIDY_LEGS);
		err = sq_run(&q);
	}
	return err < 0 ? err : sq_changes(c) == TIDY_LEGS;
}

/* --- reading: a call's flight --- */

static int read_legs(struct sq_conn *c, struct store_read_flight *q, int64_t **ids)
{
	size_t cap = 0, ids_cap = 0;
	struct sq s = sq_begin(c, SQ_QUALITY_LEGS);
	sq_text(&s, q->call_id);
	while (sq_row(&s)) {
		struct flight_leg *legs = sqlite_grow(q->legs, q->n_legs, &cap, sizeof *legs);
		int64_t *grown = sqlite_grow(*ids, q->n_legs, &ids_cap, sizeof *grown);
		q->legs = legs ? legs : q->legs;
		*ids = grown ? grown : *ids;
		if (!legs || !grown) {
			s.err = ERR_NO_MEMORY;
			break;
		}
		grown[q->n_legs] = sq_get_int(&s);
		sq_get_text(&s, legs[q->n_legs].leg_id, sizeof legs->leg_id);
		sq_get_text(&s, legs[q->n_legs].user_id, sizeof legs->user_id);
		q->n_legs++;
	}
	return sq_end(&s);
}

static int read_blocks(struct sq_conn *c, struct flight_leg *leg, int64_t id)
{
	size_t cap = 0;
	struct sq s = sq_begin(c, SQ_BLOCKS);
	sq_int(&s, id);
	while (sq_row(&s)) {
		struct flight_block *blocks = sqlite_grow(leg->blocks, leg->n_blocks, &cap, sizeof *blocks);
		if (!blocks) {
			s.err = ERR_NO_MEMORY;
			break;
		}
		leg->blocks = blocks;
		struct flight_block *b = &blocks[leg->n_blocks];
		b->start = sq_get_int(&s);
		struct str data = sq_get_blob(&s);
		b->data = mem_new(data.len + 1);
		if (!b->data) {
			s.err = ERR_NO_MEMORY;
			break;
		}
		memcpy(b->data, data.ptr, data.len);
		b->len = data.len;
		leg->n_blocks++;
	}
	return sq_end(&s);
}

static int read_notes(struct sq_conn *c, struct store_read_flight *q)
{
	size_t cap = 0;
	struct sq s = sq_begin(c, SQ_NOTES);
	sq_text(&s, q->call_id);
	sq_int(&s, FLIGHT_READ_NOTES_MAX);
	while (sq_row(&s)) {
		struct flight_note *notes = sqlite_grow(q->notes, q->n_notes, &cap, sizeof *notes);
		if (!notes) {
			s.err = ERR_NO_MEMORY;
			break;
		}
		q->notes = notes;
		struct flight_note *n = &notes[q->n_notes++];
		n->at = sq_get_int(&s);
		sq_get_text(&s, n->type, sizeof n->type);
		sq_get_text(&s, n->user_id, sizeof n->user_id);
		sq_get_text(&s, n->leg_id, sizeof n->leg_id);
		sq_get_text(&s, n->data, sizeof n->data);
	}
	return sq_end(&s);
}

int sqlite_read_flight(struct sq_conn *c, struct store_read_flight *q)
{
	int64_t *ids = NULL;
	q->legs = NULL;
	q->notes = NULL;
	q->n_legs = q->n_notes = 0;
	int err = q->only_notes ? 0 : read_legs(c, q, &ids);
	for (size_t i = 0; err == 0 && i < q->n_legs; i++)
		err = read_blocks(c, &q->legs[i], ids[i]);
	if (err == 0)
		err = read_notes(c, q);
	mem_free(ids);
	if (err < 0)
		flight_free(q);
	return err;
}

/* --- reading: the overview --- */

static void bind_span(struct sq *s, const struct store_read_overview *q)
{
	sq_int(s, q->since);
	sq_int(s, q->until);
}

static struct overview_bucket *bucket_of(struct store_read_overview *q, struct sq *s)
{
	static struct overview_bucket nowhere;
	int64_t i = sq_get_int(s);
	return i >= 0 && i < (int64_t)q->n_buckets ? &q->buckets[i] : &nowhere;
}

static int read_counts(struct sq_conn *c, struct store_read_overview *q)
{
	struct sq s = sq_begin(c, SQ_OVERVIEW_CALLS);
	bind_span(&s, q);
	sq_int(&s, q->bucket_ms);
	while (sq_row(&s)) {
		struct overview_bucket *b = bucket_of(q, &s);
		int64_t reason = sq_get_int(&s), n = sq_get_int(&s);
		b->calls += n;
		b->answered += sq_get_int(&s);
		if (reason > END_NONE && reason < END_REASON_COUNT)
			q->by_reason[reason] += n;
	}
	return sq_end(&s);
}

static int read_levels(struct sq_conn *c, struct store_read_overview *q)
{
	struct sq s = sq_begin(c, SQ_OVERVIEW_LEVELS);
	bind_span(&s, q);
	sq_int(&s, q->bucket_ms);
	while (sq_row(&s)) {
		struct overview_bucket *b = bucket_of(q, &s);
		for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
			b->levels[i] += sq_get_int(&s);
	}
	return sq_end(&s);
}

static int read_worst(struct sq_conn *c, struct store_read_overview *q)
{
	struct sq s = sq_begin(c, SQ_OVERVIEW_WORST);
	bind_span(&s, q);
	sq_int(&s, OVERVIEW_WORST);
	q->n_worst = 0;
	while (q->n_worst < OVERVIEW_WORST && sq_row(&s)) {
		struct overview_call *call = &q->worst[q->n_worst++];
		sq_get_text(&s, call->call_id, sizeof call->call_id);
		call->started_at = sq_get_int(&s);
		for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
			call->levels[i] = sq_get_int(&s);
	}
	return sq_end(&s);
}

int sqlite_read_overview(struct sq_conn *c, struct store_read_overview *q)
{
	q->n_buckets = (size_t)((q->until - q->since + q->bucket_ms - 1) / q->bucket_ms);
	q->buckets = mem_new((q->n_buckets + 1) * sizeof *q->buckets);
	if (!q->buckets)
		return ERR_NO_MEMORY;
	memset(q->by_reason, 0, sizeof q->by_reason);
	int err = read_counts(c, q);
	if (err == 0)
		err = read_levels(c, q);
	if (err == 0)
		err = read_worst(c, q);
	if (err < 0) {
		mem_free(q->buckets);
		q->buckets = NULL;
	}
	return err;
}

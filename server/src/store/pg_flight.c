/* The flight recorder in PostgreSQL: samples and notes in, a call's whole flight and the operators' overview out. */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

#define TIDY_LEGS 100
#define HEX_MAX (4 * QUALITY_BLOCK_MAX + 3)

/* --- writing --- */

/* The newest block of each batch's leg, as the table has it before this job. */
struct pg_blocks {
	size_t n;
	struct pg_block {
		bool is_strange; /* of a leg that nothing is taken from */
		int64_t start;
		size_t len; /* 0 = none */
		char data[QUALITY_BLOCK_MAX];
	} items[];
};

static int take_block(PGresult *res, int row, int column, struct pg_block *out)
{
	size_t len = 0;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(res, row, column), &len);
	if (!bytes)
		return ERR_NO_MEMORY;
	if (len <= sizeof out->data) {
		memcpy(out->data, bytes, len);
		out->len = len;
	}
	PQfreemem(bytes);
	return 0;
}

static int ask_newest(struct pg_conn *c, const struct flight_batch *b, struct pg_block *out)
{
	struct pq q = pq_begin(c, PG_NEWEST_BLOCK);
	PGresult *res = NULL;
	pq_text(&q, b->leg_id);
	int err = pg_ask(&q, &res);
	if (err == 0) {
		struct pg_rows rows = pg_rows_of(res);
		if (pg_row(&rows)) {
			out->start = pg_get_int(&rows);
			err = take_block(res, 0, 1, out);
		}
	}
	PQclear(res);
	return err;
}

static int ask_known(struct pg_conn *c, const struct flight_batch *b, struct pg_block *out)
{
	struct pq q = pq_begin(c, PG_FIND_QUALITY_LEG);
	PGresult *res = NULL;
	pq_text(&q, b->leg_id);
	pq_text(&q, b->call_id);
	pq_text(&q, b->user_id);
	int err = pg_ask(&q, &res);
	if (err == 0)
		out->is_strange = PQntuples(res) == 0;
	PQclear(res);
	return err;
}

int pg_ask_flight(struct pg_conn *c, struct pg_turn *t)
{
	struct store_put_flight *q = CONTAINER_OF(t->job, struct store_put_flight, job);
	size_t n = 0, i = 0;
	LIST_EACH(&q->batches, l) n++;
	mem_free(t->blocks);
	t->blocks = mem_new(sizeof *t->blocks + n * sizeof t->blocks->items[0]);
	if (!t->blocks)
		return ERR_NO_MEMORY;
	int err = 0;
	LIST_EACH(&q->batches, l)
	{
		const struct flight_batch *b = CONTAINER_OF(l, struct flight_batch, link);
		struct pg_block *block = &t->blocks->items[i++];
		if (err == 0 && b->only_known)
			err = ask_known(c, b, block);
		if (err == 0 && b->n_samples && !block->is_strange)
			err = ask_newest(c, b, block);
	}
	return err;
}

static int send_leg(struct pg_conn *c, struct pg_turn *t, const struct flight_batch *b)
{
	struct pq q = pq_begin(c, PG_PUT_QUALITY_LEG);
	pq_text(&q, b->call_id);
	pq_text(&q, b->leg_id);
	pq_text(&q, b->user_id);
	pq_int(&q, flight_batch_time(b));
	return pg_turn_send(t, &q);
}

static void put_hex(struct buf *out, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	buf_put(out, STR("\\x"));
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char byte = (unsigned char)bytes.ptr[i];
		buf_put_c(out, digits[byte >> 4]);
		buf_put_c(out, digits[byte & 15]);
	}
	buf_put_c(out, '\0');
}

static int send_block(struct pg_conn *c, struct pg_turn *t, const char *leg_id, const struct pg_block *block)
{
	struct buf hex;
	buf_init(&hex, HEX_MAX);
	put_hex(&hex, str_n(block->data, block->len));
	struct pq q = pq_begin(c, PG_PUT_BLOCK);
	pq_text(&q, leg_id);
	pq_int(&q, block->start);
	pq_text(&q, hex.ptr);
	int err = hex.err < 0 ? hex.err : pg_turn_send(t, &q);
	buf_fini(&hex);
	return err;
}

/* The block is made longer until it takes no more; what is left begins a new one. */
static int send_samples(struct pg_conn *c, struct pg_turn *t, const struct flight_batch *b, struct pg_block *block)
{
	struct buf data;
	int err = 0;
	buf_init(&data, sizeof block->data);
	for (size_t i = 0, taken; err == 0 && i < b->n_samples; i += taken) {
		buf_clear(&data);
		err = flight_extend(
			str_n(block->data, block->len), &block->start, b->samples + i, b->n_samples - i, &taken, &data);
		if (err == 0 && taken) {
			block->len = data.len;
			memcpy(block->data, data.ptr, data.len);
			err = send_block(c, t, b->leg_id, block);
		}
		block->len = 0;
	}
	buf_fini(&data);
	return err;
}

static int send_notes(struct pg_conn *c, struct pg_turn *t, const struct flight_batch *b)
{
	int err = 0;
	for (size_t i = 0; err == 0 && i < b->n_notes; i++) {
		struct pq q = pq_begin(c, PG_INSERT_NOTE);
		pq_text(&q, b->leg_id);
		pq_int(&q, b->notes[i].at);
		pq_text(&q, b->notes[i].type);
		pq_text(&q, b->notes[i].data);
		err = pg_turn_send(t, &q);
	}
	return err;
}

static int send_levels(struct pg_conn *c, struct pg_turn *t, const struct flight_batch *b)
{
	int64_t n[FLIGHT_N_LEVELS];
	flight_count_levels(b, n);
	struct pq q = pq_begin(c, PG_COUNT_LEVELS);
	pq_text(&q, b->call_id);
	pq_int(&q, flight_batch_time(b));
	for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
		pq_int(&q, n[i]);
	return pg_turn_send(t, &q);
}

static int send_batch(struct pg_conn *c, struct pg_turn *t, const struct flight_batch *b, struct pg_block *block)
{
	if (block->is_strange)
		return 0;
	int err = send_leg(c, t, b);
	if (err == 0 && b->n_samples)
		err = send_samples(c, t, b, block);
	if (err == 0)
		err = send_notes(c, t, b);
	return err < 0 || !b->n_samples ? err : send_levels(c, t, b);
}

int pg_send_flight(struct pg_conn *c, struct pg_turn *t)
{
	struct store_put_flight *q = CONTAINER_OF(t->job, struct store_put_flight, job);
	size_t i = 0;
	int err = 0;
	LIST_EACH(&q->batches, l)
	{
		if (err == 0)
			err = send_batch(c, t, CONTAINER_OF(l, struct flight_batch, link), &t->blocks->items[i]);
		i++;
	}
	mem_free(t->blocks);
	t->blocks = NULL;
	return err;
}

bool pg_tidy_flight(struct pg_conn *c, int64_t before)
{
	static const enum pg_text steps[] = {
		PG_TIDY_BLOCKS, PG_TIDY_NOTES, PG_TIDY_QUALITY_CALLS, PG_TIDY_QUALITY_LEGS};
	int err = 0, n = 0;
	for (size_t i = 0; err == 0 && i < sizeof steps / sizeof *steps; i++) {
		struct pq q = pq_begin(c, steps[i]);
		PGresult *res = NULL;
		pq_int(&q, before);
		pq_int(&q, TIDY_LEGS);
		err = pg_ask(&q, &res);
		n = err == 0 ? pg_touched(res) : 0;
		PQclear(res);
	}
	return n == TIDY_LEGS;
}

/* --- reading: a call's flight --- */

static int ask_of_call(struct pg_conn *c, enum pg_text which, const struct store_read_flight *q, PGresult **out)
{
	struct pq s = pq_begin(c, which);
	pq_text(&s, q->call_id);
	if (which == PG_NOTES)
		pq_int(&s, FLIGHT_READ_NOTES_MAX);
	return pg_ask(&s, out);
}

static int take_legs(struct store_read_flight *q, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	int n = PQntuples(res);
	q->legs = n ? mem_new((size_t)n * sizeof *q->legs) : NULL;
	if (n && !q->legs)
		return ERR_NO_MEMORY;
	while (pg_row(&rows)) {
		struct flight_leg *leg = &q->legs[q->n_legs++];
		pg_get_text(&rows, leg->leg_id, sizeof leg->leg_id);
		pg_get_text(&rows, leg->user_id, sizeof leg->user_id);
	}
	return rows.err;
}

static int add_block(struct flight_leg *leg, PGresult *res, int row)
{
	size_t len = 0;
	struct flight_block *grown = mem_resize(leg->blocks, (leg->n_blocks + 1) * sizeof *grown);
	if (!grown)
		return ERR_NO_MEMORY;
	leg->blocks = grown;
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(res, row, 2), &len);
	char *data = bytes ? mem_new(len + 1) : NULL;
	if (data) {
		memcpy(data, bytes, len);
		grown[leg->n_blocks++] = (struct flight_block){strtoll(PQgetvalue(res, row, 1), NULL, 10), data, len};
	}
	PQfreemem(bytes);
	return data ? 0 : ERR_NO_MEMORY;
}

/* Blocks come in the order of their legs. */
static int take_blocks(struct store_read_flight *q, PGresult *res)
{
	int err = 0;
	size_t leg = 0;
	for (int row = 0; row < PQntuples(res) && err == 0; row++) {
		while (leg < q->n_legs && strcmp(q->legs[leg].leg_id, PQgetvalue(res, row, 0)) != 0)
			leg++;
		if (leg == q->n_legs)
			return ERR_STORE;
		err = add_block(&q->legs[leg], res, row);
	}
	return err;
}

static int take_notes(struct store_read_flight *q, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	int n = PQntuples(res);
	q->notes = n ? mem_new((size_t)n * sizeof *q->notes) : NULL;
	if (n && !q->notes)
		return ERR_NO_MEMORY;
	while (pg_row(&rows)) {
		struct flight_note *note = &q->notes[q->n_notes++];
		note->at = pg_get_int(&rows);
		pg_get_text(&rows, note->type, sizeof note->type);
		pg_get_text(&rows, note->user_id, sizeof note->user_id);
		pg_get_text(&rows, note->leg_id, sizeof note->leg_id);
		pg_get_text(&rows, note->data, sizeof note->data);
	}
	return rows.err;
}

static int read_part(struct pg_conn *c, enum pg_text which, struct store_read_flight *q)
{
	PGresult *res = NULL;
	int err = ask_of_call(c, which, q, &res);
	if (err == 0)
		err = which == PG_QUALITY_LEGS ? take_legs(q, res)
		      : which == PG_BLOCKS     ? take_blocks(q, res)
					       : take_notes(q, res);
	PQclear(res);
	return err;
}

int pg_read_flight(struct pg_conn *c, struct store_read_flight *q)
{
	q->legs = NULL;
	q->notes = NULL;
	q->n_legs = q->n_notes = 0;
	int err = q->only_notes ? 0 : read_part(c, PG_QUALITY_LEGS, q);
	if (err == 0 && !q->only_notes)
		err = read_part(c, PG_BLOCKS, q);
	if (err == 0)
		err = read_part(c, PG_NOTES, q);
	if (err < 0)
		flight_free(q);
	return err;
}

/* --- reading: the overview --- */

static struct overview_bucket *bucket_of(struct store_read_overview *q, int64_t i, struct overview_bucket *nowhere)
{
	return i >= 0 && i < (int64_t)q->n_buckets ? &q->buckets[i] : nowhere;
}

static void row_counts(struct pg_rows *r, struct store_read_overview *q)
{
	struct overview_bucket nowhere = {0};
	struct overview_bucket *b = bucket_of(q, pg_get_int(r), &nowhere);
	int64_t reason = pg_get_int(r), n = pg_get_int(r);
	b->calls += n;
	b->answered += pg_get_int(r);
	if (reason > END_NONE && reason < END_REASON_COUNT)
		q->by_reason[reason] += n;
}

static void row_levels(struct pg_rows *r, struct store_read_overview *q)
{
	struct overview_bucket nowhere = {0};
	struct overview_bucket *b = bucket_of(q, pg_get_int(r), &nowhere);
	for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
		b->levels[i] += pg_get_int(r);
}

static void row_worst(struct pg_rows *r, struct store_read_overview *q)
{
	if (q->n_worst == OVERVIEW_WORST)
		return;
	struct overview_call *call = &q->worst[q->n_worst++];
	pg_get_text(r, call->call_id, sizeof call->call_id);
	call->started_at = pg_get_int(r);
	for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
		call->levels[i] = pg_get_int(r);
}

static int read_rows(struct pg_conn *c, enum pg_text which, struct store_read_overview *q)
{
	struct pq s = pq_begin(c, which);
	PGresult *res = NULL;
	pq_int(&s, q->since);
	pq_int(&s, q->until);
	pq_int(&s, which == PG_OVERVIEW_WORST ? OVERVIEW_WORST : q->bucket_ms);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	while (pg_row(&rows)) {
		if (which == PG_OVERVIEW_CALLS)
			row_counts(&rows, q);
		else if (which == PG_OVERVIEW_LEVELS)
			row_levels(&rows, q);
		else
			row_worst(&rows, q);
	}
	PQclear(res);
	return rows.err;
}

int pg_read_overview(struct pg_conn *c, struct store_read_overview *q)
{
	static const enum pg_text parts[] = {PG_OVERVIEW_CALLS, PG_OVERVIEW_LEVELS, PG_OVERVIEW_WORST};
	q->n_buckets = (size_t)((q->until - q->since + q->bucket_ms - 1) / q->bucket_ms);
	q->buckets = mem_new((q->n_buckets + 1) * sizeof *q->buckets);
	if (!q->buckets)
		return ERR_NO_MEMORY;
	memset(q->by_reason, 0, sizeof q->by_reason);
	q->n_worst = 0;
	int err = 0;
	for (size_t i = 0; i < 3 && err == 0; i++)
		err = read_rows(c, parts[i], q);
	if (err < 0) {
		mem_free(q->buckets);
		q->buckets = NULL;
	}
	return err;
}

/* The reading side: readers with connections of their own, each question answered from one snapshot. */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

#define PG_OPEN_MS 5000

int pg_ask(struct pq *q, PGresult **out)
{
	struct pg_conn *c = q->conn;
	PGresult *end = NULL;
	*out = NULL;
	int err = pq_send(q);
	if (err == 0)
		err = pg_sync(c);
	if (err < 0)
		return err;
	err = pg_result(c, out);
	int last = err == ERR_CLOSED ? err : pg_result(c, &end);
	return err < 0 ? err : last;
}

static int take_page(struct pg_page *page, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	int n = PQntuples(res);
	page->has_more = n > page->limit;
	char *items = n ? mem_new((size_t)n * page->size) : NULL;
	if (n && !items)
		return ERR_NO_MEMORY;
	page->items = items;
	while (page->n < (size_t)page->limit && pg_row(&rows))
		page->row(&rows, items + page->n++ * page->size);
	return rows.err;
}

int pg_ask_page(struct pq *q, struct pg_page *page)
{
	PGresult *res = NULL;
	int err = pg_ask(q, &res);
	if (err == 0)
		err = take_page(page, res);
	PQclear(res);
	return err;
}

/* Nobody should wait for a connection who asks first; one that cannot be had now is opened later. */
int pg_reader_open(struct backend *b, struct backend_reader **out)
{
	struct backend_reader *r = mem_new(sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	r->backend = b;
	r->link.conn.url = b->url;
	r->link.conn.names = &b->names;
	r->link.conn.deadline = clock_mono_ms() + PG_OPEN_MS;
	pg_link_ready(&r->link);
	*out = r;
	return 0;
}

void pg_reader_close(struct backend_reader *r)
{
	pg_close(&r->link.conn);
	mem_free(r);
}

/* --- answers kept --- */

static int read_reply(struct pg_conn *c, struct store_read_reply *q)
{
	struct pq s = pq_begin(c, PG_READ_REPLY);
	PGresult *res = NULL;
	q->body = NULL;
	pq_text(&s, q->user_id);
	pq_text(&s, q->key);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	q->found = pg_row(&rows);
	if (q->found) {
		q->request_hash = (uint64_t)pg_get_int(&rows);
		q->status = (int)pg_get_int(&rows);
		q->body = pg_get_dup(&rows);
	}
	PQclear(res);
	return rows.err;
}

static int read_tombstone(struct pg_conn *c, struct store_read_tombstone *q)
{
	struct pq s = pq_begin(c, PG_READ_TOMBSTONE);
	PGresult *res = NULL;
	pq_text(&s, q->user_id);
	pq_text(&s, q->call_id);
	pq_int(&s, q->now);
	int err = pg_ask(&s, &res);
	if (err == 0)
		q->found = PQntuples(res) > 0;
	PQclear(res);
	return err;
}

/* --- any question --- */

static int answer(struct backend_reader *r, struct store_job *job)
{
	struct pg_conn *c = &r->link.conn;
	switch ((enum read_kind)job->kind) {
	case JOB_READ_CALL: return pg_read_call(c, CONTAINER_OF(job, struct store_read_call, job));
	case JOB_READ_EVENTS: return pg_read_events(c, CONTAINER_OF(job, struct store_read_events, job));
	case JOB_READ_HISTORY: return pg_read_history(c, CONTAINER_OF(job, struct store_read_history, job));
	case JOB_READ_REPLY: return read_reply(c, CONTAINER_OF(job, struct store_read_reply, job));
	case JOB_READ_TOMBSTONE: return read_tombstone(c, CONTAINER_OF(job, struct store_read_tombstone, job));
	case JOB_READ_PEOPLE: return pg_read_people(c, CONTAINER_OF(job, struct store_read_people, job));
	case JOB_READ_CHANNEL: return pg_read_channel(c, CONTAINER_OF(job, struct store_read_channel, job));
	case JOB_READ_USER: return pg_read_user(c, CONTAINER_OF(job, struct store_read_user, job));
	case JOB_READ_FLIGHT: return pg_read_flight(c, CONTAINER_OF(job, struct store_read_flight, job));
	case JOB_READ_OVERVIEW: return pg_read_overview(c, CONTAINER_OF(job, struct store_read_overview, job));
	case JOB_READ_RECORDING: return pg_read_recording(c, CONTAINER_OF(job, struct store_read_recording, job));
	case JOB_LIST_RECORDINGS: return pg_list_recordings(c, CONTAINER_OF(job, struct store_list_recordings, job));
	case JOB_READ_OUTBOX: return pg_read_outbox(r, CONTAINER_OF(job, struct store_read_outbox, job));
	case JOB_READ_DELIVERY: return pg_read_delivery(r, CONTAINER_OF(job, struct store_read_delivery, job));
	case JOB_LIST_FAILURES: return pg_list_failures(c, CONTAINER_OF(job, struct store_list_failures, job));
	case JOB_BACKUP: return ERR_NOT_IMPLEMENTED; /* pg_dump makes it */
	}
	return ERR_INTERNAL;
}

static int plain(struct pg_conn *c, enum pg_text which)
{
	struct pq q = pq_begin(c, which);
	PGresult *res = NULL;
	int err = pg_ask(&q, &res);
	PQclear(res);
	return err;
}

/* Questions of several statements need one snapshot for all of them. */
static bool is_one_statement(const struct store_job *job)
{
	switch ((enum read_kind)job->kind) {
	case JOB_READ_CALL:
	case JOB_READ_HISTORY:
	case JOB_READ_PEOPLE:
	case JOB_READ_CHANNEL:
	case JOB_READ_FLIGHT:
	case JOB_READ_OVERVIEW: return false;
	default: return true;
	}
}

static int answer_whole(struct backend_reader *r, struct store_job *job)
{
	struct pg_conn *c = &r->link.conn;
	if (is_one_statement(job))
		return answer(r, job);
	int err = plain(c, PG_BEGIN_READ);
	if (err < 0)
		return err;
	err = answer(r, job);
	int end = plain(c, err < 0 ? PG_ROLLBACK : PG_COMMIT);
	return err < 0 ? err : end;
}

/* A connection that broke while nobody used it is tried once anew. */
void pg_read(struct backend_reader *r, struct store_job *job)
{
	struct pg_conn *c = &r->link.conn;
	bool was_open = c->pg != NULL;
	c->deadline = job->since + PG_READ_MS;
	int err = clock_mono_ms() < c->deadline ? pg_link_ready(&r->link) : ERR_STORE;
	if (err == 0)
		err = answer_whole(r, job);
	if (err == ERR_CLOSED && was_open && clock_mono_ms() < c->deadline) {
		err = pg_link_ready(&r->link);
		if (err == 0)
			err = answer_whole(r, job);
	}
	job->err = err == ERR_NO_MEMORY || err == ERR_NOT_IMPLEMENTED || err == 0 ? err : ERR_STORE;
}

/* --- at start --- */

static int load_ids(struct pg_conn *c, PGresult **out)
{
	struct pq q = pq_begin(c, PG_LIVE_CALLS);
	return pg_ask(&q, out);
}

static int load_one(struct pg_conn *c, struct pg_rows *ids, int (*cb)(void *arg, struct call *call), void *arg)
{
	struct store_read_call q = {0};
	pg_get_text(ids, q.id, sizeof q.id);
	c->deadline = clock_mono_ms() + PG_ANSWER_MS;
	int err = ids->err < 0 ? ids->err : pg_read_call(c, &q);
	if (err == 0 && q.call)
		err = cb(arg, q.call);
	return err;
}

/* Nobody writes yet, and the lock keeps others away: no snapshot is needed. */
int pg_load_live(struct backend *b, int (*cb)(void *arg, struct call *call), void *arg)
{
	struct pg_conn c = {.url = b->url, .names = &b->names, .deadline = clock_mono_ms() + 10000};
	PGresult *ids = NULL;
	int err = pg_open(&c);
	if (err == 0)
		err = load_ids(&c, &ids);
	struct pg_rows rows = pg_rows_of(ids);
	while (err == 0 && pg_row(&rows))
		err = load_one(&c, &rows, cb, arg);
	PQclear(ids);
	pg_close(&c);
	return err == ERR_CLOSED ? ERR_STORE : err;
}

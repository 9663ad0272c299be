/* Events in an order in which none comes late, how far their delivery has come, and dead letters.
 *
 * Several lanes commit at once, so that an event may become visible after one with a greater id. Every lane says from
 * which id on it has events under way; readers stop there. */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

/* next_event is read before the floors: what is numbered after that is above it, what was numbered before that has a
 * floor below it or is settled. */
int64_t pg_horizon(struct backend *b)
{
	int64_t horizon = atomic_load(&b->next_event);
	for (unsigned i = 0; i < b->n_lanes; i++) {
		int64_t floor = atomic_load(&b->lanes[i].floor);
		if (floor < horizon)
			horizon = floor;
	}
	return horizon;
}

static void row_outbox(struct pg_rows *r, void *item)
{
	struct outbox_event *e = item;
	e->id = pg_get_int(r);
	pg_get_text(r, e->call_id, sizeof e->call_id);
	pg_row_event(r, &e->stored);
}

int pg_read_outbox(struct backend_reader *r, struct store_read_outbox *q)
{
	struct pg_page page = {.limit = q->limit, .size = sizeof *q->events, .row = row_outbox};
	struct pq s = pq_begin(&r->link.conn, PG_READ_OUTBOX);
	pq_int(&s, q->after_id);
	pq_int(&s, q->limit + 1);
	pq_int(&s, pg_horizon(r->backend));
	int err = pg_ask_page(&s, &page);
	q->events = page.items;
	q->n_events = page.n;
	q->has_more = page.has_more;
	if (err < 0) {
		outbox_events_free(q->events, q->n_events);
		q->events = NULL;
		q->n_events = 0;
	}
	return err;
}

int pg_read_delivery(struct backend_reader *r, struct store_read_delivery *q)
{
	struct pq s = pq_begin(&r->link.conn, PG_READ_DELIVERY);
	PGresult *res = NULL;
	pq_int(&s, pg_horizon(r->backend));
	int err = pg_ask(&s, &res);
	if (err == 0) {
		struct pg_rows rows = pg_rows_of(res);
		if (pg_row(&rows))
			q->after_id = pg_get_int(&rows);
	}
	PQclear(res);
	return err;
}

static int send_failure(struct pg_conn *c, struct pg_turn *t, const struct outbox_failure *f)
{
	struct pq q = pq_begin(c, PG_PUT_FAILURE);
	pq_int(&q, f->event_id);
	pq_int(&q, f->at);
	pq_int(&q, f->attempts);
	pq_int(&q, f->status);
	pq_text(&q, f->error);
	return pg_turn_send(t, &q);
}

int pg_send_delivery(struct pg_conn *c, struct pg_turn *t)
{
	const struct store_put_delivery *put = CONTAINER_OF(t->job, struct store_put_delivery, job);
	struct pq q = pq_begin(c, PG_PUT_DELIVERY);
	pq_int(&q, put->after_id);
	int err = pg_turn_send(t, &q);
	for (size_t i = 0; i < put->n_failures && err == 0; i++)
		err = send_failure(c, t, &put->failures[i]);
	return err;
}

static void row_failed(struct pg_rows *r, void *item)
{
	struct failed_event *f = item;
	f->failure.at = pg_get_int(r);
	f->failure.attempts = (int)pg_get_int(r);
	f->failure.status = (int)pg_get_int(r);
	pg_get_text(r, f->failure.error, sizeof f->failure.error);
	row_outbox(r, &f->event);
	f->failure.event_id = f->event.id;
}

int pg_list_failures(struct pg_conn *c, struct store_list_failures *q)
{
	struct pg_page page = {.limit = q->limit, .size = sizeof *q->failures, .row = row_failed};
	struct pq s = pq_begin(c, PG_LIST_FAILURES);
	pq_int(&s, q->after_id);
	pq_int(&s, q->limit + 1);
	int err = pg_ask_page(&s, &page);
	q->failures = page.items;
	q->n_failures = page.n;
	q->has_more = page.has_more;
	if (err < 0) {
		failed_events_free(q->failures, q->n_failures);
		q->failures = NULL;
		q->n_failures = 0;
	}
	return err;
}

/* Events in the order of their commits, how far their delivery has come, and dead letters. */
#include "store/outbox.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

static void row_outbox(struct sq *q, void *item)
{
	struct outbox_event *e = item;
	e->id = sq_get_int(q);
	sq_get_text(q, e->call_id, sizeof e->call_id);
	sqlite_row_event(q, &e->stored);
}

int sqlite_read_outbox(struct sq_conn *c, struct store_read_outbox *q)
{
	struct sq_page page = {.limit = q->limit, .size = sizeof *q->events, .row = row_outbox};
	struct sq s = sq_begin(c, SQ_READ_OUTBOX);
	sq_int(&s, q->after_id);
	sq_int(&s, q->limit + 1);
	int err = sqlite_take_page(&s, &page);
	q->events = page.items;
	q->n_events = page.n;
	q->has_more = page.has_more;
	for (size_t i = 0; i < q->n_events; i++) /* where they stay from now on */
		q->events[i].stored.event.type = q->events[i].stored.type;
	if (err < 0) {
		outbox_events_free(q->events, q->n_events);
		q->events = NULL;
		q->n_events = 0;
	}
	return err;
}

int sqlite_read_delivery(struct sq_conn *c, struct store_read_delivery *q)
{
	struct sq s = sq_begin(c, SQ_READ_DELIVERY);
	if (sq_row(&s))
		q->after_id = sq_get_int(&s);
	return sq_end(&s);
}

static int put_failure(struct sq_conn *c, const struct outbox_failure *f)
{
	struct sq s = sq_begin(c, SQ_PUT_FAILURE);
	sq_int(&s, f->event_id);
	sq_int(&s, f->at);
	sq_int(&s, f->attempts);
	sq_int(&s, f->status);
	sq_text(&s, f->error);
	return sq_run(&s);
}

int sqlite_put_delivery(struct sq_conn *c, const struct store_put_delivery *q)
{
	struct sq s = sq_begin(c, SQ_PUT_DELIVERY);
	sq_int(&s, q->after_id);
	int err = sq_run(&s);
	for (size_t i = 0; i < q->n_failures && err == 0; i++)
		err = put_failure(c, &q->failures[i]);
	return err;
}

static void row_failed(struct sq *q, void *item)
{
	struct failed_event *f = item;
	f->failure.at = sq_get_int(q);
	f->failure.attempts = (int)sq_get_int(q);
	f->failure.status = (int)sq_get_int(q);
	sq_get_text(q, f->failure.error, sizeof f->failure.error);
	row_outbox(q, &f->event);
	f->failure.event_id = f->event.id;
}

int sqlite_list_failures(struct sq_conn *c, struct store_list_failures *q)
{
	struct sq_page page = {.limit = q->limit, .size = sizeof *q->failures, .row = row_failed};
	struct sq s = sq_begin(c, SQ_LIST_FAILURES);
	sq_int(&s, q->after_id);
	sq_int(&s, q->limit + 1);
	int err = sqlite_take_page(&s, &page);
	q->failures = page.items;
	q->n_failures = page.n;
	q->has_more = page.has_more;
	for (size_t i = 0; i < q->n_failures; i++)
		q->failures[i].event.stored.event.type = q->failures[i].event.stored.type;
	if (err < 0) {
		failed_events_free(q->failures, q->n_failures);
		q->failures = NULL;
		q->n_failures = 0;
	}
	return err;
}

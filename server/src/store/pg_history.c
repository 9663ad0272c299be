/* Histories: pages of calls, newest first, found by place and not by counting; two questions a page, whatever its size.
 */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

static enum pg_text choose(const struct store_read_history *q)
{
	if (!q->channel_id[0])
		return q->viewer_id[0] ? PG_HISTORY_OF_USER : PG_HISTORY_OF_ALL;
	return q->viewer_id[0] ? PG_HISTORY_SEEN_BY : PG_HISTORY_OF_CHANNEL;
}

static int ask_page(struct pg_conn *c, const struct store_read_history *q, PGresult **out)
{
	struct history_cursor after = history_first_place(q);
	struct pq s = pq_begin(c, choose(q));
	pq_text(&s, q->channel_id[0] ? q->channel_id : q->viewer_id);
	pq_int(&s, after.started_at);
	pq_text(&s, after.call_id);
	pq_int(&s, q->since);
	pq_int(&s, q->call_type);
	pq_int(&s, q->status);
	pq_int(&s, q->outcome);
	pq_int(&s, q->direction);
	pq_int(&s, q->limit + 1);
	if (q->channel_id[0] && q->viewer_id[0])
		pq_text(&s, q->viewer_id);
	return pg_ask(&s, out);
}

static int take_page(struct store_read_history *q, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	q->has_more = PQntuples(res) > q->limit;
	while (q->n_calls < (size_t)q->limit && pg_row(&rows)) {
		struct call *call = pg_row_call(&rows);
		if (!call)
			break;
		q->calls[q->n_calls++] = call;
	}
	return rows.err;
}

/* Participants of the whole page, in the order of its calls. */
static int ask_participants(struct pg_conn *c, const struct store_read_history *q, PGresult **out)
{
	struct buf ids;
	char flat[STORE_HISTORY_MAX][ID_UUID_SIZE];
	buf_init(&ids, sizeof flat + 3 * STORE_HISTORY_MAX + 16);
	for (size_t i = 0; i < q->n_calls; i++)
		memcpy(flat[i], q->calls[i]->id, ID_UUID_SIZE);
	pg_array(&ids, flat[0], ID_UUID_SIZE, q->n_calls);
	struct pq s = pq_begin(c, PG_READ_PAGE_PARTICIPANTS);
	pq_text(&s, ids.ptr);
	int err = ids.err < 0 ? ids.err : pg_ask(&s, out);
	buf_fini(&ids);
	return err;
}

/* How many rows from this one on belong to the same call. */
static int n_alike(PGresult *res, int from)
{
	int n = 1;
	while (from + n < PQntuples(res) && strcmp(PQgetvalue(res, from, 0), PQgetvalue(res, from + n, 0)) == 0)
		n++;
	return n;
}

static int take_participants(struct store_read_history *q, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	struct call *call = NULL;
	while (pg_row(&rows)) {
		size_t at = (size_t)pg_get_int(&rows) - 1;
		if (at >= q->n_calls)
			return ERR_STORE;
		if (call != q->calls[at]) {
			call = q->calls[at];
			call->participants = mem_new((size_t)n_alike(res, rows.row) * sizeof *call->participants);
			if (!call->participants)
				return ERR_NO_MEMORY;
		}
		pg_row_participant(&rows, &call->participants[call->n_participants++]);
	}
	return rows.err;
}

static int read_page(struct pg_conn *c, struct store_read_history *q)
{
	PGresult *page = NULL, *people = NULL;
	int err = ask_page(c, q, &page);
	if (err == 0)
		err = take_page(q, page);
	if (err == 0 && q->n_calls)
		err = ask_participants(c, q, &people);
	if (err == 0 && people)
		err = take_participants(q, people);
	PQclear(page);
	PQclear(people);
	return err;
}

int pg_read_history(struct pg_conn *c, struct store_read_history *q)
{
	q->n_calls = 0;
	q->has_more = false;
	q->calls = mem_new((size_t)q->limit * sizeof(struct call *));
	if (!q->calls)
		return ERR_NO_MEMORY;
	int err = read_page(c, q);
	if (err < 0) {
		history_free(q->calls, q->n_calls);
		q->calls = NULL;
		q->n_calls = 0;
	}
	return err;
}

/* Recordings: written with the event that tells of them, here and in the host's table; read one by one or in pages. */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

int pg_send_recording(struct pg_conn *c, struct pg_turn *t, const struct recording *r)
{
	struct pq q = pq_begin(c, PG_INSERT_RECORDING);
	pq_text(&q, r->id);
	pq_text(&q, r->call_id);
	pq_text(&q, r->user_id);
	pq_text(&q, r->url);
	pq_text(&q, r->media_type);
	pq_text(&q, r->file_name);
	pq_int(&q, r->file_size);
	pq_int(&q, r->duration_ms);
	pq_text(&q, r->sha256);
	pq_text(&q, r->upload_sha256);
	pq_int(&q, r->is_cut);
	pq_int(&q, r->started_at);
	pq_int(&q, r->ended_at);
	pq_int(&q, r->created_at);
	return pg_turn_send(t, &q);
}

static void row_recording(struct pg_rows *q, void *item)
{
	struct recording *r = item;
	pg_get_text(q, r->id, sizeof r->id);
	pg_get_text(q, r->call_id, sizeof r->call_id);
	pg_get_text(q, r->user_id, sizeof r->user_id);
	pg_get_text(q, r->url, sizeof r->url);
	pg_get_text(q, r->media_type, sizeof r->media_type);
	pg_get_text(q, r->file_name, sizeof r->file_name);
	r->file_size = pg_get_int(q);
	r->duration_ms = pg_get_int(q);
	pg_get_text(q, r->sha256, sizeof r->sha256);
	pg_get_text(q, r->upload_sha256, sizeof r->upload_sha256);
	r->is_cut = pg_get_int(q);
	r->started_at = pg_get_int(q);
	r->ended_at = pg_get_int(q);
	r->created_at = pg_get_int(q);
}

int pg_read_recording(struct pg_conn *c, struct store_read_recording *q)
{
	struct pq s = pq_begin(c, PG_READ_RECORDING);
	PGresult *res = NULL;
	pq_text(&s, q->id);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	q->found = pg_row(&rows);
	if (q->found)
		row_recording(&rows, &q->recording);
	PQclear(res);
	return rows.err;
}

int pg_list_recordings(struct pg_conn *c, struct store_list_recordings *q)
{
	struct pg_page page = {.limit = q->limit, .size = sizeof *q->recordings, .row = row_recording};
	enum pg_text all = q->is_gone ? PG_LIST_GONE_RECORDINGS : PG_LIST_RECORDINGS;
	struct pq s = pq_begin(c, q->call_id[0] ? PG_LIST_RECORDINGS_OF_CALL : all);
	if (q->call_id[0])
		pq_text(&s, q->call_id);
	pq_text(&s, q->after_id);
	pq_int(&s, q->created_before ? q->created_before : INT64_MAX);
	pq_int(&s, q->limit + 1);
	int err = pg_ask_page(&s, &page);
	q->recordings = page.items;
	q->n_recordings = page.n;
	q->has_more = page.has_more;
	if (err < 0) {
		mem_free(q->recordings);
		q->recordings = NULL;
		q->n_recordings = 0;
	}
	return err;
}

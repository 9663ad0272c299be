/* Recordings: rows written with the event that tells of them, read one by one or in pages, deleted. */
#include "base/err.h"
#include "base/mem.h"
#include "store/recording.h"
#include "store/sqlite.h"

int sqlite_write_recording(struct sq_conn *c, const struct recording *r)
{
	struct sq q = sq_begin(c, SQ_INSERT_RECORDING);
	sq_text(&q, r->id);
	sq_text(&q, r->call_id);
	sq_text(&q, r->user_id);
	sq_text(&q, r->url);
	sq_text(&q, r->media_type);
	sq_text(&q, r->file_name);
	sq_int(&q, r->file_size);
	sq_int(&q, r->duration_ms);
	sq_text(&q, r->sha256);
	sq_text(&q, r->upload_sha256);
	sq_int(&q, r->is_cut);
	sq_int(&q, r->started_at);
	sq_int(&q, r->ended_at);
	sq_int(&q, r->created_at);
	return sq_run(&q);
}

static void row_recording(struct sq *q, void *item)
{
	struct recording *r = item;
	sq_get_text(q, r->id, sizeof r->id);
	sq_get_text(q, r->call_id, sizeof r->call_id);
	sq_get_text(q, r->user_id, sizeof r->user_id);
	sq_get_text(q, r->url, sizeof r->url);
	sq_get_text(q, r->media_type, sizeof r->media_type);
	sq_get_text(q, r->file_name, sizeof r->file_name);
	r->file_size = sq_get_int(q);
	r->duration_ms = sq_get_int(q);
	sq_get_text(q, r->sha256, sizeof r->sha256);
	sq_get_text(q, r->upload_sha256, sizeof r->upload_sha256);
	r->is_cut = sq_get_int(q);
	r->started_at = sq_get_int(q);
	r->ended_at = sq_get_int(q);
	r->created_at = sq_get_int(q);
}

int sqlite_read_recording(struct sq_conn *c, struct store_read_recording *q)
{
	struct sq s = sq_begin(c, SQ_READ_RECORDING);
	sq_text(&s, q->id);
	q->found = sq_row(&s);
	if (q->found)
		row_recording(&s, &q->recording);
	return sq_end(&s);
}

int sqlite_list_recordings(struct sq_conn *c, struct store_list_recordings *q)
{
	struct sq_page page = {.limit = q->limit, .size = sizeof *q->recordings, .row = row_recording};
	if (q->is_gone) /* the one table is everyone's */
		return 0;
	struct sq s = sq_begin(c, q->call_id[0] ? SQ_LIST_RECORDINGS_OF_CALL : SQ_LIST_RECORDINGS);
	if (q->call_id[0])
		sq_text(&s, q->call_id);
	sq_text(&s, q->after_id);
	sq_int(&s, q->created_before ? q->created_before : INT64_MAX);
	sq_int(&s, q->limit + 1);
	int err = sqlite_take_page(&s, &page);
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

int sqlite_delete_recording(struct sq_conn *c, struct store_delete_recording *q)
{
	struct sq s = sq_begin(c, SQ_DELETE_RECORDING);
	sq_text(&s, q->id);
	int err = sq_run(&s);
	q->found = err == 0 && sq_changes(c) > 0;
	return err;
}

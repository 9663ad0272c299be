/* Histories: pages of calls, newest first, found by place and not by counting, so that the thousandth page costs what
 * the first does. */
#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

static enum sq_text choose(const struct store_read_history *q)
{
	if (!q->channel_id[0])
		return q->viewer_id[0] ? SQ_HISTORY_OF_USER : SQ_HISTORY_OF_ALL;
	return q->viewer_id[0] ? SQ_HISTORY_SEEN_BY : SQ_HISTORY_OF_CHANNEL;
}

static void bind_values(struct sq *s, const struct store_read_history *q, const struct history_cursor *after)
{
	sq_text(s, q->channel_id[0] ? q->channel_id : q->viewer_id);
	sq_int(s, after->started_at);
	sq_text(s, after->call_id);
	sq_int(s, q->since);
	sq_int(s, q->call_type);
	sq_int(s, q->status);
	sq_int(s, q->outcome);
	sq_int(s, q->direction);
	sq_int(s, q->limit + 1);
	if (q->channel_id[0] && q->viewer_id[0])
		sq_text(s, q->viewer_id);
}

static int add_row(struct sq_conn *c, struct sq *s, struct store_read_history *q)
{
	struct call *call = sqlite_row_call(s);
	if (!call)
		return s->err;
	int err = sqlite_fill_participants(c, call);
	if (err < 0) {
		call_free(call);
		return err;
	}
	q->calls[q->n_calls++] = call;
	return 0;
}

static int read_page(struct sq_conn *c, struct store_read_history *q)
{
	struct history_cursor after = history_first_place(q);
	struct sq s = sq_begin(c, choose(q));
	bind_values(&s, q, &after);
	int err = 0;
	while (err == 0 && sq_row(&s)) {
		if (q->n_calls == (size_t)q->limit) {
			q->has_more = true;
			break;
		}
		err = add_row(c, &s, q);
	}
	int end = sq_end(&s);
	return err < 0 ? err : end;
}

int sqlite_read_history(struct sq_conn *c, struct store_read_history *q)
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

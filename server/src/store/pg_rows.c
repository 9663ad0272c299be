/* Rows become calls, participants, legs and events again. */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

struct call *pg_row_call(struct pg_rows *r)
{
	struct call *call = call_new(0);
	if (!call) {
		r->err = ERR_NO_MEMORY;
		return NULL;
	}
	pg_get_text(r, call->id, sizeof call->id);
	call->seq = pg_get_int(r);
	pg_get_text(r, call->channel_id, sizeof call->channel_id);
	call->type = (enum call_type)pg_get_int(r);
	call->mode = (enum call_mode)pg_get_int(r);
	call->status = (enum call_status)pg_get_int(r);
	call->topology = (enum topology)pg_get_int(r);
	pg_get_text(r, call->started_by, sizeof call->started_by);
	call->started_at = pg_get_int(r);
	call->ring_expires_at = pg_get_int(r);
	call->answered_at = pg_get_int(r);
	call->ended_at = pg_get_int(r);
	call->end_reason = (enum end_reason)pg_get_int(r);
	pg_get_text(r, call->ended_by, sizeof call->ended_by);
	call->last_seen_at = pg_get_int(r);
	call->body_hash = (uint64_t)pg_get_int(r);
	call->record_policy = (enum record_policy)pg_get_int(r);
	call->record_state = (enum record_state)pg_get_int(r);
	pg_get_text(r, call->recorder_id, sizeof call->recorder_id);
	pg_get_text(r, call->recorder_leg, sizeof call->recorder_leg);
	call->record_at = pg_get_int(r);
	call->metadata = pg_get_dup(r);
	if (r->err == 0)
		return call;
	call_free(call);
	return NULL;
}

void pg_row_participant(struct pg_rows *r, struct participant *p)
{
	pg_get_text(r, p->user.id, sizeof p->user.id);
	pg_get_text(r, p->user.name, sizeof p->user.name);
	pg_get_text(r, p->user.avatar_url, sizeof p->user.avatar_url);
	p->state = (enum participant_state)pg_get_int(r);
	p->role = (enum participant_role)pg_get_int(r);
	p->invited_at = pg_get_int(r);
	p->ring_expires_at = pg_get_int(r);
	p->joined_at = pg_get_int(r);
	p->left_at = pg_get_int(r);
	p->talk_ms = pg_get_int(r);
	p->talk_since = pg_get_int(r);
	p->is_muted = pg_get_int(r);
	p->is_video_enabled = pg_get_int(r);
	p->is_screen_sharing = pg_get_int(r);
	p->quality = (enum quality)pg_get_int(r);
	p->agreed = pg_get_int(r);
	p->relayed_bytes = pg_get_int(r);
}

static int take_participants(struct call *call, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	int n = PQntuples(res);
	call->participants = n ? mem_new((size_t)n * sizeof *call->participants) : NULL;
	if (n && !call->participants)
		return ERR_NO_MEMORY;
	while (pg_row(&rows))
		pg_row_participant(&rows, &call->participants[call->n_participants++]);
	return rows.err;
}

/* A leg whose user is not in the call cannot be: rows are written together. */
static void row_leg(struct pg_rows *r, const struct call *call, struct leg *leg)
{
	char user_id[MODEL_USER_ID_SIZE];
	pg_get_text(r, leg->id, sizeof leg->id);
	pg_get_text(r, user_id, sizeof user_id);
	pg_get_text(r, leg->session_id, sizeof leg->session_id);
	leg->state = (enum leg_state)pg_get_int(r);
	leg->joined_at = pg_get_int(r);
	leg->media_seen = pg_get_int(r);
	const struct participant *p = call_participant(call, str_of(user_id));
	if (p)
		leg->participant = (size_t)(p - call->participants);
	else
		r->err = ERR_STORE;
}

static int take_legs(struct call *call, PGresult *res)
{
	struct pg_rows rows = pg_rows_of(res);
	int n = PQntuples(res);
	call->legs = n ? mem_new((size_t)n * sizeof *call->legs) : NULL;
	if (n && !call->legs)
		return ERR_NO_MEMORY;
	while (pg_row(&rows))
		row_leg(&rows, call, &call->legs[call->n_legs++]);
	return rows.err;
}

/* The three parts of a call, asked for at once: call, participants, legs. */
static int ask_call(struct pg_conn *c, const char *id, PGresult *out[3])
{
	static const enum pg_text parts[] = {PG_READ_CALL, PG_READ_PARTICIPANTS, PG_READ_LEGS};
	int err = 0;
	for (size_t i = 0; i < 3 && err == 0; i++) {
		struct pq q = pq_begin(c, parts[i]);
		pq_text(&q, id);
		err = pq_send(&q);
	}
	if (err == 0)
		err = pg_sync(c);
	int first = err;
	for (size_t i = 0; i < 3 && err != ERR_CLOSED; i++) {
		err = pg_result(c, &out[i]);
		first = first < 0 ? first : err;
	}
	PGresult *end = NULL;
	int last = err == ERR_CLOSED ? err : pg_result(c, &end);
	return first < 0 ? first : last;
}

static int take_call(PGresult *const res[3], struct call **out)
{
	struct pg_rows rows = pg_rows_of(res[0]);
	struct call *call = pg_row(&rows) ? pg_row_call(&rows) : NULL;
	int err = rows.err;
	if (call)
		err = take_participants(call, res[1]);
	if (call && err == 0)
		err = take_legs(call, res[2]);
	if (err < 0) {
		call_free(call);
		return err;
	}
	*out = call;
	return 0;
}

int pg_read_call(struct pg_conn *c, struct store_read_call *q)
{
	PGresult *res[3] = {NULL, NULL, NULL};
	q->call = NULL;
	int err = ask_call(c, q->id, res);
	if (err == 0)
		err = take_call(res, &q->call);
	for (size_t i = 0; i < 3; i++)
		PQclear(res[i]);
	return err;
}

void pg_row_event(struct pg_rows *r, struct stored_event *stored)
{
	struct call_event *e = &stored->event;
	e->seq = pg_get_int(r);
	e->at = pg_get_int(r);
	pg_get_text(r, stored->type, sizeof stored->type);
	e->type = stored->type;
	e->audience = (enum audience)pg_get_int(r);
	pg_get_text(r, e->user_id, sizeof e->user_id);
	pg_get_text(r, e->leg_id, sizeof e->leg_id);
	pg_get_text(r, e->except_session, sizeof e->except_session);
	pg_get_text(r, e->actor_id, sizeof e->actor_id);
	e->is_webhook = pg_get_int(r);
	e->payload = pg_get_dup(r);
}

static void row_event(struct pg_rows *r, void *item)
{
	pg_row_event(r, item);
}

int pg_read_events(struct pg_conn *c, struct store_read_events *q)
{
	struct pg_page page = {.limit = q->limit, .size = sizeof *q->events, .row = row_event};
	struct pq s = pq_begin(c, PG_READ_EVENTS);
	pq_text(&s, q->call_id);
	pq_int(&s, q->after_seq);
	pq_int(&s, q->limit + 1);
	int err = pg_ask_page(&s, &page);
	q->events = page.items;
	q->n_events = page.n;
	q->has_more = page.has_more;
	if (err < 0) {
		stored_events_free(q->events, q->n_events);
		q->events = NULL;
		q->n_events = 0;
	}
	return err;
}

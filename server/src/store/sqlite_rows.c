/* Rows become calls, participants, legs and events again. */
#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

void *sqlite_grow(void *items, size_t n, size_t *cap, size_t size)
{
	size_t before = *cap;
	char *grown = mem_grow(items, n, cap, size, 4);
	if (grown)
		memset(grown + before * size, 0, (*cap - before) * size);
	return grown;
}

int sqlite_take_page(struct sq *s, struct sq_page *page)
{
	size_t cap = 0;
	while (sq_row(s)) {
		if (page->n == (size_t)page->limit) {
			page->has_more = true;
			break;
		}
		char *grown = sqlite_grow(page->items, page->n, &cap, page->size);
		if (!grown) {
			s->err = ERR_NO_MEMORY;
			break;
		}
		page->items = grown;
		page->row(s, grown + page->n++ * page->size);
	}
	return sq_end(s);
}

struct call *sqlite_row_call(struct sq *q)
{
	struct call *call = call_new(0);
	if (!call) {
		q->err = ERR_NO_MEMORY;
		return NULL;
	}
	sq_get_text(q, call->id, sizeof call->id);
	call->seq = sq_get_int(q);
	sq_get_text(q, call->channel_id, sizeof call->channel_id);
	call->type = (enum call_type)sq_get_int(q);
	call->mode = (enum call_mode)sq_get_int(q);
	call->status = (enum call_status)sq_get_int(q);
	call->topology = (enum topology)sq_get_int(q);
	sq_get_text(q, call->started_by, sizeof call->started_by);
	call->started_at = sq_get_int(q);
	call->ring_expires_at = sq_get_int(q);
	call->answered_at = sq_get_int(q);
	call->ended_at = sq_get_int(q);
	call->end_reason = (enum end_reason)sq_get_int(q);
	sq_get_text(q, call->ended_by, sizeof call->ended_by);
	call->last_seen_at = sq_get_int(q);
	call->body_hash = (uint64_t)sq_get_int(q);
	call->record_policy = (enum record_policy)sq_get_int(q);
	call->record_state = (enum record_state)sq_get_int(q);
	sq_get_text(q, call->recorder_id, sizeof call->recorder_id);
	sq_get_text(q, call->recorder_leg, sizeof call->recorder_leg);
	call->record_at = sq_get_int(q);
	call->metadata = sq_get_dup(q);
	if (q->err == 0)
		return call;
	call_free(call);
	return NULL;
}

static void row_participant(struct sq *q, struct participant *p)
{
	sq_get_text(q, p->user.id, sizeof p->user.id);
	sq_get_text(q, p->user.name, sizeof p->user.name);
	sq_get_text(q, p->user.avatar_url, sizeof p->user.avatar_url);
	p->state = (enum participant_state)sq_get_int(q);
	p->role = (enum participant_role)sq_get_int(q);
	p->invited_at = sq_get_int(q);
	p->ring_expires_at = sq_get_int(q);
	p->joined_at = sq_get_int(q);
	p->left_at = sq_get_int(q);
	p->talk_ms = sq_get_int(q);
	p->talk_since = sq_get_int(q);
	p->is_muted = sq_get_int(q);
	p->is_video_enabled = sq_get_int(q);
	p->is_screen_sharing = sq_get_int(q);
	p->quality = (enum quality)sq_get_int(q);
	p->agreed = sq_get_int(q);
	p->relayed_bytes = sq_get_int(q);
}

int sqlite_fill_participants(struct sq_conn *c, struct call *call)
{
	size_t cap = 0;
	struct sq q = sq_begin(c, SQ_READ_PARTICIPANTS);
	sq_text(&q, call->id);
	while (sq_row(&q)) {
		void *grown = sqlite_grow(call->participants, call->n_participants, &cap, sizeof *call->participants);
		if (!grown) {
			q.err = ERR_NO_MEMORY;
			break;
		}
		call->participants = grown;
		row_participant(&q, &call->participants[call->n_participants++]);
	}
	return sq_end(&q);
}

/* A leg whose user is not in the call cannot be: rows are written together. */
static void row_leg(struct sq *q, const struct call *call, struct leg *leg)
{
	char user_id[MODEL_USER_ID_SIZE];
	sq_get_text(q, leg->id, sizeof leg->id);
	sq_get_text(q, user_id, sizeof user_id);
	sq_get_text(q, leg->session_id, sizeof leg->session_id);
	leg->state = (enum leg_state)sq_get_int(q);
	leg->joined_at = sq_get_int(q);
	leg->media_seen = sq_get_int(q);
	const struct participant *p = call_participant(call, str_of(user_id));
	if (p)
		leg->participant = (size_t)(p - call->participants);
	else
		q->err = ERR_STORE;
}

static int fill_legs(struct sq_conn *c, struct call *call)
{
	size_t cap = 0;
	struct sq q = sq_begin(c, SQ_READ_LEGS);
	sq_text(&q, call->id);
	while (sq_row(&q)) {
		void *grown = sqlite_grow(call->legs, call->n_legs, &cap, sizeof *call->legs);
		if (!grown) {
			q.err = ERR_NO_MEMORY;
			break;
		}
		call->legs = grown;
		row_leg(&q, call, &call->legs[call->n_legs++]);
	}
	return sq_end(&q);
}

int sqlite_read_call(struct sq_conn *c, struct store_read_call *q)
{
	q->call = NULL;
	struct sq s = sq_begin(c, SQ_READ_CALL);
	sq_text(&s, q->id);
	struct call *call = sq_row(&s) ? sqlite_row_call(&s) : NULL;
	int err = sq_end(&s);
	if (err == 0 && call)
		err = sqlite_fill_participants(c, call);
	if (err == 0 && call)
		err = fill_legs(c, call);
	if (err < 0) {
		call_free(call);
		return err;
	}
	q->call = call;
	return 0;
}

void sqlite_row_event(struct sq *q, struct stored_event *stored)
{
	struct call_event *e = &stored->event;
	e->seq = sq_get_int(q);
	e->at = sq_get_int(q);
	sq_get_text(q, stored->type, sizeof stored->type);
	e->audience = (enum audience)sq_get_int(q);
	sq_get_text(q, e->user_id, sizeof e->user_id);
	sq_get_text(q, e->leg_id, sizeof e->leg_id);
	sq_get_text(q, e->except_session, sizeof e->except_session);
	sq_get_text(q, e->actor_id, sizeof e->actor_id);
	e->is_webhook = sq_get_int(q);
	e->payload = sq_get_dup(q);
}

static void row_event(struct sq *q, void *item)
{
	sqlite_row_event(q, item);
}

int sqlite_read_events(struct sq_conn *c, struct store_read_events *q)
{
	struct sq_page page = {.limit = q->limit, .size = sizeof *q->events, .row = row_event};
	struct sq s = sq_begin(c, SQ_READ_EVENTS);
	sq_text(&s, q->call_id);
	sq_int(&s, q->after_seq);
	sq_int(&s, q->limit + 1);
	int err = sqlite_take_page(&s, &page);
	q->events = page.items;
	q->n_events = page.n;
	q->has_more = page.has_more;
	if (err < 0) {
		stored_events_free(q->events, q->n_events);
		q->events = NULL;
		q->n_events = 0;
	}
	for (size_t i = 0; i < q->n_events; i++)
		q->events[i].event.type = q->events[i].type;
	return err;
}

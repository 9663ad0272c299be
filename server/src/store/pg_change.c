/* A change set becomes statements: first the command's name, then people, then the call itself, in one order for all
 * transactions, so that two of them never wait for each other. */
#include <stdlib.h>

#include "base/err.h"
#include "store/pg.h"

static void put_recording_state(struct pq *q, const struct call *call)
{
	pq_int(q, call->record_policy);
	pq_int(q, call->record_state);
	pq_text(q, call->recorder_id);
	pq_text(q, call->recorder_leg);
	pq_int(q, call->record_at);
}

/* The reference's duration: there once the call is over. */
static void put_duration(struct pq *q, const struct call *call)
{
	if (call->ended_at)
		pq_int(q, call_duration_s(call, call->ended_at));
	else
		pq_text(q, NULL);
}

static int send_insert_call(struct pg_conn *c, struct pg_turn *t, const struct change_set *cs)
{
	const struct call *call = cs->call;
	char pair[MODEL_PAIR_SIZE];
	call_pair(call, pair);
	struct pq q = pq_begin(c, PG_INSERT_CALL);
	pq_text(&q, call->id);
	pq_int(&q, call->seq);
	pq_text(&q, call->channel_id);
	pq_int(&q, call->type);
	pq_int(&q, call->mode);
	pq_int(&q, call->status);
	pq_int(&q, call->topology);
	pq_text(&q, call->started_by);
	pq_int(&q, call->started_at);
	pq_int(&q, call->ring_expires_at);
	pq_int(&q, call->answered_at);
	pq_int(&q, call->ended_at);
	pq_int(&q, call->end_reason);
	pq_text(&q, call->ended_by);
	pq_int(&q, call->last_seen_at);
	pq_int(&q, (int64_t)call->body_hash);
	pq_text(&q, pair[0] ? pair : NULL);
	put_recording_state(&q, call);
	pq_text(&q, call->metadata ? call->metadata : "{}");
	pq_text(&q, call_type_word(call->type));
	pq_text(&q, call_status_word(call->status));
	put_duration(&q, call);
	return pg_turn_send(t, &q);
}

static int send_update_call(struct pg_conn *c, struct pg_turn *t, const struct change_set *cs)
{
	const struct call *call = cs->call;
	struct pq q = pq_begin(c, PG_UPDATE_CALL);
	pq_int(&q, call->seq);
	pq_int(&q, call->status);
	pq_int(&q, call->topology);
	pq_int(&q, call->ring_expires_at);
	pq_int(&q, call->answered_at);
	pq_int(&q, call->ended_at);
	pq_int(&q, call->end_reason);
	pq_text(&q, call->ended_by);
	put_recording_state(&q, call);
	pq_int(&q, call->last_seen_at);
	pq_text(&q, call->id);
	pq_int(&q, cs->expected_seq);
	pq_text(&q, call_status_word(call->status));
	put_duration(&q, call);
	return pg_turn_send(t, &q);
}

static int send_participant(struct pg_conn *c, struct pg_turn *t, const struct call *call, size_t i)
{
	const struct participant *p = &call->participants[i];
	struct pq q = pq_begin(c, PG_PUT_PARTICIPANT);
	pq_text(&q, call->id);
	pq_text(&q, p->user.id);
	pq_int(&q, (int64_t)i);
	pq_int(&q, p->state == PART_RECONNECTING ? PART_JOINED : p->state);
	pq_int(&q, p->role);
	pq_int(&q, participant_outcome(call, p));
	pq_int(&q, call->started_at);
	pq_int(&q, call->type);
	pq_int(&q, p->invited_at);
	pq_int(&q, p->ring_expires_at);
	pq_int(&q, p->joined_at);
	pq_int(&q, p->left_at);
	pq_int(&q, p->talk_ms);
	pq_int(&q, p->talk_since);
	pq_int(&q, p->is_muted);
	pq_int(&q, p->is_video_enabled);
	pq_int(&q, p->is_screen_sharing);
	pq_int(&q, p->quality);
	pq_int(&q, p->agreed);
	pq_text(&q, quality_word(p->quality));
	return pg_turn_send(t, &q);
}

static int send_user(struct pg_conn *c, struct pg_turn *t, const struct user *u, int64_t at)
{
	struct pq q = pq_begin(c, PG_FILL_USER);
	pq_text(&q, u->id);
	pq_text(&q, u->name);
	pq_text(&q, u->avatar_url);
	pq_int(&q, at);
	return pg_turn_send(t, &q);
}

/* All of a new call, those that changed, and all once more when it is over. */
static bool is_due(const struct change_set *cs, size_t i)
{
	return cs->expected_seq == 0 || !call_is_live(cs->call) || cs->call->participants[i].changed;
}

static int by_id(const void *a, const void *b)
{
	const struct user *const *left = a, *const *right = b;
	return strcmp((*left)->id, (*right)->id);
}

/* In the order of their ids, whoever sends them. */
static int send_users(struct pg_conn *c, struct pg_turn *t, const struct change_set *cs)
{
	const struct user *users[MODEL_PARTICIPANTS_MAX];
	size_t n = 0;
	for (size_t i = 0; i < cs->call->n_participants && n < MODEL_PARTICIPANTS_MAX; i++)
		if (is_due(cs, i))
			users[n++] = &cs->call->participants[i].user;
	qsort(users, n, sizeof users[0], by_id);
	int err = 0;
	for (size_t i = 0; i < n && err == 0; i++)
		err = send_user(c, t, users[i], cs->at);
	return err;
}

static int send_channel(struct pg_conn *c, struct pg_turn *t, const struct change_set *cs)
{
	struct pq q = pq_begin(c, PG_SEE_CHANNEL);
	pq_text(&q, cs->call->channel_id);
	pq_int(&q, cs->at);
	return pg_turn_send(t, &q);
}

static int send_leg(struct pg_conn *c, struct pg_turn *t, const struct change_set *cs, const struct leg *leg)
{
	struct pq q = pq_begin(c, PG_PUT_LEG);
	pq_text(&q, leg->id);
	pq_text(&q, cs->call->id);
	pq_text(&q, cs->call->participants[leg->participant].user.id);
	pq_text(&q, leg->session_id);
	pq_int(&q, leg->state == LEG_RECONNECTING ? LEG_JOINED : leg->state);
	pq_int(&q, leg->joined_at);
	pq_int(&q, leg->state == LEG_GONE ? cs->at : 0);
	pq_int(&q, leg->media_seen);
	return pg_turn_send(t, &q);
}

static int send_event(struct pg_conn *c, struct pg_turn *t, const struct call_event *e, int64_t id)
{
	struct pq q = pq_begin(c, PG_INSERT_EVENT);
	pq_text(&q, CONTAINER_OF(t->job, struct change_set, job)->call->id);
	pq_int(&q, e->seq);
	pq_int(&q, e->at);
	pq_text(&q, e->type);
	pq_int(&q, e->audience);
	pq_text(&q, e->user_id);
	pq_text(&q, e->leg_id);
	pq_text(&q, e->except_session);
	pq_text(&q, e->actor_id);
	pq_int(&q, e->is_webhook);
	pq_text(&q, e->payload ? e->payload : "{}");
	pq_int(&q, id);
	return pg_turn_send(t, &q);
}

static int send_call(struct backend *b, struct pg_conn *c, struct pg_turn *t, const struct change_set *cs)
{
	const struct call *call = cs->call;
	int err = b->names.is_hosts ? 0 : send_users(c, t, cs);
	if (err == 0 && !cs->expected_seq && !b->names.is_hosts)
		err = send_channel(c, t, cs);
	if (err == 0)
		err = cs->expected_seq ? send_update_call(c, t, cs) : send_insert_call(c, t, cs);
	for (size_t i = 0; i < call->n_participants && err == 0; i++)
		if (is_due(cs, i))
			err = send_participant(c, t, call, i);
	for (size_t i = 0; i < call->n_legs && err == 0; i++)
		if (call->legs[i].changed || cs->expected_seq == 0)
			err = send_leg(c, t, cs, &call->legs[i]);
	return err;
}

static int send_tombstone(struct pg_conn *c, struct pg_turn *t, const struct store_tombstone *stone)
{
	struct pq q = pq_begin(c, PG_PUT_TOMBSTONE);
	pq_text(&q, stone->user_id);
	pq_text(&q, stone->call_id);
	pq_int(&q, stone->expires_at);
	return pg_turn_send(t, &q);
}

static int send_reply(struct pg_conn *c, struct pg_turn *t, const struct store_reply *r, int64_t at)
{
	struct pq old = pq_begin(c, PG_FORGET_REPLY);
	pq_text(&old, r->user_id);
	pq_text(&old, r->key);
	pq_int(&old, at);
	int err = pg_turn_send(t, &old);
	if (err < 0)
		return err;
	struct pq q = pq_begin(c, PG_INSERT_REPLY);
	pq_text(&q, r->user_id);
	pq_text(&q, r->key);
	pq_int(&q, (int64_t)r->request_hash);
	pq_int(&q, r->status);
	pq_text(&q, r->body ? r->body : "");
	pq_int(&q, r->expires_at);
	return pg_turn_send(t, &q);
}

int pg_send_change(struct backend *b, struct pg_conn *c, struct pg_turn *t)
{
	struct change_set *cs = CONTAINER_OF(t->job, struct change_set, job);
	cs->rival_id[0] = '\0';
	struct pq command = pq_begin(c, PG_INSERT_COMMAND);
	pq_text(&command, cs->command_id);
	pq_text(&command, cs->owner);
	int err = pg_turn_send(t, &command);
	if (err == 0 && cs->call)
		err = send_call(b, c, t, cs);
	int64_t id = atomic_fetch_add(&b->next_event, (int64_t)cs->n_events);
	for (size_t i = 0; i < cs->n_events && err == 0; i++)
		err = send_event(c, t, &cs->events[i], id + (int64_t)i);
	if (err == 0 && cs->recording)
		err = pg_send_recording(c, t, cs->recording);
	if (err == 0 && cs->tombstone.user_id[0])
		err = send_tombstone(c, t, &cs->tombstone);
	if (err == 0 && cs->reply.user_id[0])
		err = send_reply(c, t, &cs->reply, cs->at);
	return err;
}

static int send_media(struct pg_conn *c, struct pg_turn *t, const char *call_id, const struct store_media *m)
{
	struct pq q = pq_begin(c, PG_TOUCH_MEDIA);
	pq_int(&q, m->is_muted);
	pq_int(&q, m->is_video_enabled);
	pq_int(&q, m->is_screen_sharing);
	pq_int(&q, m->quality);
	pq_text(&q, call_id);
	pq_text(&q, m->user_id);
	pq_text(&q, quality_word(m->quality));
	return pg_turn_send(t, &q);
}

int pg_send_touch(struct pg_conn *c, struct pg_turn *t)
{
	const struct store_touch *touch = CONTAINER_OF(t->job, struct store_touch, job);
	int err = 0;
	if (touch->last_seen_at) {
		struct pq q = pq_begin(c, PG_TOUCH_CALL);
		pq_int(&q, touch->last_seen_at);
		pq_text(&q, touch->call_id);
		err = pg_turn_send(t, &q);
	}
	for (size_t i = 0; i < touch->n_media && err == 0; i++)
		err = send_media(c, t, touch->call_id, &touch->media[i]);
	if (err < 0 || !touch->relayed_user[0])
		return err;
	struct pq q = pq_begin(c, PG_ADD_RELAYED);
	pq_int(&q, touch->relayed_bytes);
	pq_text(&q, touch->call_id);
	pq_text(&q, touch->relayed_user);
	return pg_turn_send(t, &q);
}

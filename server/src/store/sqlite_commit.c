/* A change set becomes rows: first the command's name and the call itself, which are what can refuse it. */
#include "base/err.h"
#include "store/sqlite.h"

static void put_recording_state(struct sq *q, const struct call *call)
{
	sq_int(q, call->record_policy);
	sq_int(q, call->record_state);
	sq_text(q, call->recorder_id);
	sq_text(q, call->recorder_leg);
	sq_int(q, call->record_at);
}

static int insert_call(struct sq_conn *c, const struct call *call, const char *pair)
{
	struct sq q = sq_begin(c, SQ_INSERT_CALL);
	sq_text(&q, call->id);
	sq_int(&q, call->seq);
	sq_text(&q, call->channel_id);
	sq_int(&q, call->type);
	sq_int(&q, call->mode);
	sq_int(&q, call->status);
	sq_int(&q, call->topology);
	sq_text(&q, call->started_by);
	sq_int(&q, call->started_at);
	sq_int(&q, call->ring_expires_at);
	sq_int(&q, call->answered_at);
	sq_int(&q, call->ended_at);
	sq_int(&q, call->end_reason);
	sq_text(&q, call->ended_by);
	sq_int(&q, call->last_seen_at);
	sq_int(&q, (int64_t)call->body_hash);
	sq_text(&q, pair[0] ? pair : NULL);
	put_recording_state(&q, call);
	sq_text(&q, call->metadata ? call->metadata : "{}");
	return sq_run(&q);
}

static int update_call(struct sq_conn *c, const struct call *call, int64_t expected_seq)
{
	struct sq q = sq_begin(c, SQ_UPDATE_CALL);
	sq_int(&q, call->seq);
	sq_int(&q, call->status);
	sq_int(&q, call->topology);
	sq_int(&q, call->ring_expires_at);
	sq_int(&q, call->answered_at);
	sq_int(&q, call->ended_at);
	sq_int(&q, call->end_reason);
	sq_text(&q, call->ended_by);
	put_recording_state(&q, call);
	sq_int(&q, call->last_seen_at);
	sq_text(&q, call->id);
	sq_int(&q, expected_seq);
	int err = sq_run(&q);
	return err == 0 && sq_changes(c) == 0 ? ERR_CONFLICT : err;
}

/* Which live call refused the insert, if one did. */
static void find_rival(struct sq_conn *c, const struct call *call, const char *pair, char out[ID_UUID_SIZE])
{
	struct sq q = sq_begin(c, call->mode == CALL_GROUP ? SQ_LIVE_GROUP : SQ_LIVE_DIRECT);
	sq_text(&q, call->mode == CALL_GROUP ? call->channel_id : pair);
	if (sq_row(&q))
		sq_get_text(&q, out, ID_UUID_SIZE);
	sq_end(&q);
	if (strcmp(out, call->id) == 0)
		out[0] = '\0';
}

static int write_call(struct sq_conn *c, struct change_set *cs)
{
	if (cs->expected_seq)
		return update_call(c, cs->call, cs->expected_seq);
	char pair[MODEL_PAIR_SIZE];
	call_pair(cs->call, pair);
	int err = insert_call(c, cs->call, pair);
	if (err == ERR_CONFLICT && call_is_live(cs->call))
		find_rival(c, cs->call, pair, cs->rival_id);
	return err;
}

static int write_command(struct sq_conn *c, const struct change_set *cs)
{
	struct sq q = sq_begin(c, SQ_INSERT_COMMAND);
	sq_text(&q, cs->command_id);
	sq_text(&q, cs->owner);
	int err = sq_run(&q);
	return err == ERR_CONFLICT ? ERR_EXISTS : err;
}

static int fill_user(struct sq_conn *c, const struct user *u, int64_t at)
{
	struct sq q = sq_begin(c, SQ_FILL_USER);
	sq_text(&q, u->id);
	sq_text(&q, u->name);
	sq_text(&q, u->avatar_url);
	sq_int(&q, at);
	return sq_run(&q);
}

static int write_participant(struct sq_conn *c, const struct call *call, size_t i)
{
	const struct participant *p = &call->participants[i];
	struct sq q = sq_begin(c, SQ_PUT_PARTICIPANT);
	sq_text(&q, call->id);
	sq_text(&q, p->user.id);
	sq_int(&q, (int64_t)i);
	sq_int(&q, p->state == PART_RECONNECTING ? PART_JOINED : p->state);
	sq_int(&q, p->role);
	sq_int(&q, participant_outcome(call, p));
	sq_int(&q, call->started_at);
	sq_int(&q, call->type);
	sq_int(&q, p->invited_at);
	sq_int(&q, p->ring_expires_at);
	sq_int(&q, p->joined_at);
	sq_int(&q, p->left_at);
	sq_int(&q, p->talk_ms);
	sq_int(&q, p->talk_since);
	sq_int(&q, p->is_muted);
	sq_int(&q, p->is_video_enabled);
	sq_int(&q, p->is_screen_sharing);
	sq_int(&q, p->quality);
	sq_int(&q, p->agreed);
	return sq_run(&q);
}

/* All of a new call, those that changed, and all once more when it is over. */
static int write_participants(struct sq_conn *c, const struct change_set *cs)
{
	const struct call *call = cs->call;
	bool all = cs->expected_seq == 0 || !call_is_live(call);
	int err = 0;
	for (size_t i = 0; i < call->n_participants && err == 0; i++) {
		if (!all && !call->participants[i].changed)
			continue;
		err = fill_user(c, &call->participants[i].user, cs->at);
		if (err == 0)
			err = write_participant(c, call, i);
	}
	return err;
}

static int write_leg(struct sq_conn *c, const struct change_set *cs, const struct leg *leg)
{
	struct sq q = sq_begin(c, SQ_PUT_LEG);
	sq_text(&q, leg->id);
	sq_text(&q, cs->call->id);
	sq_text(&q, cs->call->participants[leg->participant].user.id);
	sq_text(&q, leg->session_id);
	sq_int(&q, leg->state == LEG_RECONNECTING ? LEG_JOINED : leg->state);
	sq_int(&q, leg->joined_at);
	sq_int(&q, leg->state == LEG_GONE ? cs->at : 0);
	sq_int(&q, leg->media_seen);
	return sq_run(&q);
}

static int write_legs(struct sq_conn *c, const struct change_set *cs)
{
	int err = 0;
	for (size_t i = 0; i < cs->call->n_legs && err == 0; i++)
		if (cs->call->legs[i].changed || cs->expected_seq == 0)
			err = write_leg(c, cs, &cs->call->legs[i]);
	return err;
}

static int write_event(struct sq_conn *c, const struct call *call, const struct call_event *e)
{
	struct sq q = sq_begin(c, SQ_INSERT_EVENT);
	sq_text(&q, call->id);
	sq_int(&q, e->seq);
	sq_int(&q, e->at);
	sq_text(&q, e->type);
	sq_int(&q, e->audience);
	sq_text(&q, e->user_id);
	sq_text(&q, e->leg_id);
	sq_text(&q, e->except_session);
	sq_text(&q, e->actor_id);
	sq_int(&q, e->is_webhook);
	sq_text(&q, e->payload ? e->payload : "{}");
	return sq_run(&q);
}

static int write_tombstone(struct sq_conn *c, const struct store_tombstone *t)
{
	struct sq q = sq_begin(c, SQ_PUT_TOMBSTONE);
	sq_text(&q, t->user_id);
	sq_text(&q, t->call_id);
	sq_int(&q, t->expires_at);
	return sq_run(&q);
}

static int write_reply(struct sq_conn *c, const struct store_reply *r, int64_t at)
{
	struct sq old = sq_begin(c, SQ_FORGET_REPLY);
	sq_text(&old, r->user_id);
	sq_text(&old, r->key);
	sq_int(&old, at);
	int err = sq_run(&old);
	if (err < 0)
		return err;
	struct sq q = sq_begin(c, SQ_INSERT_REPLY);
	sq_text(&q, r->user_id);
	sq_text(&q, r->key);
	sq_int(&q, (int64_t)r->request_hash);
	sq_int(&q, r->status);
	sq_text(&q, r->body ? r->body : "");
	sq_int(&q, r->expires_at);
	return sq_run(&q);
}

int sqlite_apply(struct sq_conn *c, struct change_set *cs)
{
	cs->rival_id[0] = '\0';
	int err = write_command(c, cs);
	if (err == 0 && cs->call)
		err = write_call(c, cs);
	if (err == 0 && cs->call)
		err = write_participants(c, cs);
	if (err == 0 && cs->call)
		err = write_legs(c, cs);
	for (size_t i = 0; i < cs->n_events && err == 0; i++)
		err = write_event(c, cs->call, &cs->events[i]);
	if (err == 0 && cs->recording)
		err = sqlite_write_recording(c, cs->recording);
	if (err == 0 && cs->tombstone.user_id[0])
		err = write_tombstone(c, &cs->tombstone);
	if (err == 0 && cs->reply.user_id[0])
		err = write_reply(c, &cs->reply, cs->at);
	return err;
}

static int touch_media(struct sq_conn *c, const char *call_id, const struct store_media *m)
{
	struct sq q = sq_begin(c, SQ_TOUCH_MEDIA);
	sq_int(&q, m->is_muted);
	sq_int(&q, m->is_video_enabled);
	sq_int(&q, m->is_screen_sharing);
	sq_int(&q, m->quality);
	sq_text(&q, call_id);
	sq_text(&q, m->user_id);
	return sq_run(&q);
}

static int add_relayed(struct sq_conn *c, const struct store_touch *t)
{
	struct sq q = sq_begin(c, SQ_ADD_RELAYED);
	sq_int(&q, t->relayed_bytes);
	sq_text(&q, t->call_id);
	sq_text(&q, t->relayed_user);
	return sq_run(&q);
}

int sqlite_touch(struct sq_conn *c, const struct store_touch *t)
{
	int err = 0;
	if (t->last_seen_at) {
		struct sq q = sq_begin(c, SQ_TOUCH_CALL);
		sq_int(&q, t->last_seen_at);
		sq_text(&q, t->call_id);
		err = sq_run(&q);
	}
	for (size_t i = 0; i < t->n_media && err == 0; i++)
		err = touch_media(c, t->call_id, &t->media[i]);
	return err == 0 && t->relayed_user[0] ? add_relayed(c, t) : err;
}

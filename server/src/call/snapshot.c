/* Looking at live calls: what a session is told when it comes (back), and where an offer goes. */
#include "call/service.h"

#include "base/err.h"
#include "base/mem.h"

int calls_route(const struct calls *c, struct str session_id, struct str to_leg, struct call_route *out)
{
	struct place *first = registry_of_session(&c->registry, session_id);
	struct leg_place *to = registry_leg(&c->registry, to_leg);
	if (!first)
		return ERR_NOT_IN_CALL;
	if (!to)
		return ERR_LEG_NOT_FOUND;
	const struct live_call *live = to->by_session.live;
	const struct leg *target = &live->call->legs[to->by_session.index];
	for (struct place *p = first; p; p = place_next(first, p)) {
		if (p->live != live)
			continue;
		const struct leg *own = &live->call->legs[p->index];
		if (own == target || !target->session_id[0])
			return ERR_LEG_NOT_FOUND;
		*out = (struct call_route){
			live->id, own->id, live->call->participants[own->participant].user.id, target->session_id};
		return 0;
	}
	return ERR_LEG_NOT_FOUND; /* of another call: outsiders learn nothing */
}

const struct call *calls_live_get(const struct calls *c, struct str call_id)
{
	const struct live_call *live = registry_by_id(&c->registry, call_id);
	return live ? live->call : NULL;
}

const struct call *calls_channel_active(const struct calls *c, struct str channel_id, struct str user_id)
{
	char owner[STORE_OWNER_SIZE];
	owner_of_channel(channel_id, owner);
	const struct live_call *live = registry_by_owner(&c->registry, str_of(owner));
	if (live)
		return live->call;
	struct place *first = registry_of_user(&c->registry, user_id);
	for (struct place *p = first; p; p = place_next(first, p))
		if (str_eq_z(channel_id, p->live->call->channel_id))
			return p->live->call;
	return NULL;
}

static int64_t since_when(const struct place *p)
{
	const struct call *call = p->live->call;
	const struct participant *me = &call->participants[p->index];
	return participant_is_in(me) ? INT64_MAX / 2 + me->joined_at : call->started_at;
}

const struct call *calls_of_media(const struct calls *c, struct str user_id)
{
	struct place *first = registry_of_user(&c->registry, user_id), *best = first;
	for (struct place *p = first; p; p = place_next(first, p))
		if (since_when(p) > since_when(best))
			best = p;
	return best ? best->live->call : NULL;
}

size_t calls_n_live(const struct calls *c)
{
	return c->registry.n;
}

/* --- for operators --- */

void calls_stats(const struct calls *c, struct calls_stats *out)
{
	*out = c->counted;
	out->n_samples = c->recorder.n_samples;
	LIST_EACH((struct list *)&c->registry.beats, item)
	{
		const struct call *call = CONTAINER_OF(item, struct live_call, beat)->call;
		out->by_status[call->status == CALL_ACTIVE]++;
		for (size_t i = 0; call->status == CALL_ACTIVE && i < call->n_participants; i++) {
			bool in = participant_is_in(&call->participants[i]);
			out->joined += in;
			out->levels[call->participants[i].quality] += in;
		}
	}
}

void calls_write_live(const struct calls *c, size_t max, struct json_writer *w)
{
	int64_t now = service_now(c);
	size_t n = 0;
	jw_array(w);
	LIST_EACH((struct list *)&c->registry.beats, item)
	{
		if (n++ < max)
			call_write_json(w, CONTAINER_OF(item, struct live_call, beat)->call, now);
	}
	jw_end_array(w);
}

/* --- the flight recorder --- */

int calls_record(struct calls *c, const struct call_record *what, call_reply_cb cb, void *arg)
{
	struct call_record known = *what;
	const struct live_call *live = registry_by_id(&c->registry, what->call_id);
	if (live) {
		const struct call *call = live->call;
		const struct leg *leg = call_leg_of_session(call, what->actor.session_id);
		for (size_t i = 0; !leg && !what->actor.session_id.len && i < call->n_legs; i++)
			if (str_eq_z(what->leg_id, call->legs[i].id))
				leg = &call->legs[i];
		if (!leg || !str_eq_z(what->actor.user_id, call->participants[leg->participant].user.id))
			return ERR_NOT_IN_CALL;
		known.leg_id = str_of(leg->id);
		known.is_over = false;
	} else if (!what->is_over) {
		return ERR_NOT_IN_CALL;
	}
	return recorder_take(&c->recorder, &known, service_now(c), cb, arg);
}

/* --- sync --- */

static void write_synced(const struct calls *c, const struct place *p, struct str session_id, struct json_writer *w)
{
	const struct call *call = p->live->call;
	const struct participant *me = &call->participants[p->index];
	const struct leg *self = call_leg_of_session(call, session_id);
	int64_t now = service_now(c);
	jw_object(w);
	call_write_members(w, call, now);
	if (participant_is_rung(me))
		jw_kint(w, "msLeft", me->ring_expires_at > now ? me->ring_expires_at - now : 0);
	if (self) {
		jw_key(w, "self");
		call_write_self(w, call, self);
	}
	jw_end_object(w);
}

void calls_sync(const struct calls *c, struct str user_id, struct str session_id, struct json_writer *w)
{
	struct place *first = registry_of_user(&c->registry, user_id);
	jw_array(w);
	for (struct place *p = first; p; p = place_next(first, p))
		write_synced(c, p, session_id, w);
	jw_end_array(w);
}

/* --- resync: what a session has not heard --- */

struct resync {
	union {
		struct store_job job;
		struct store_read_call call_q;
		struct store_read_events events_q;
	};
	struct calls *calls;
	struct call *call; /* owned: as the store has it */
	char user_id[MODEL_USER_ID_SIZE];
	char session_id[MODEL_SESSION_ID_SIZE];
	char call_id[ID_UUID_SIZE];
	int64_t after_seq;
	void (*done)(void *arg, int err);
	void *arg;
};

static void resync_end(struct resync *r, int err)
{
	r->done(r->arg, err);
	call_free(r->call);
	mem_free(r);
}

static bool concerns(const struct resync *r, const struct call_event *e)
{
	const struct participant *me = call_participant(r->call, str_of(r->user_id));
	if (e->except_session[0] && strcmp(e->except_session, r->session_id) == 0)
		return false;
	if (e->audience == TO_LEGS)
		return call_leg_of_session(r->call, str_of(r->session_id)) != NULL;
	if (e->audience == TO_LEG)
		return strcmp(e->type, "call.moved") == 0 &&
		       call_leg_of_session(r->call, str_of(r->session_id)) == NULL;
	return e->audience == TO_CHANNEL || call_event_is_for(r->call, e, me);
}

static void deliver_again(const struct resync *r, const struct call_event *e)
{
	const struct call_announcer *out = &r->calls->announcer;
	const char *session = r->session_id;
	const struct call_announcement a = {.event = e->type,
		.call_id = r->call_id,
		.seq = e->seq,
		.audience = TO_LEG,
		.sessions = &session,
		.n_sessions = 1,
		.except_session = "",
		.payload = str_of(e->payload),
		.is_repeated = true};
	out->deliver(out->arg, &a);
}

static void resync_events(struct resync *r);

static void on_events(struct store_job *job, int err)
{
	struct resync *r = job->arg;
	struct store_read_events q = r->events_q;
	int64_t known_seq = service_known_seq(r->calls, str_of(r->call_id));
	size_t i = 0;
	for (; !err && i < q.n_events && q.events[i].event.seq <= known_seq; i++) {
		if (concerns(r, &q.events[i].event))
			deliver_again(r, &q.events[i].event);
		r->after_seq = q.events[i].event.seq;
	}
	bool more = !err && q.has_more && q.n_events && i == q.n_events;
	stored_events_free(q.events, q.n_events);
	if (more)
		resync_events(r);
	else
		resync_end(r, err);
}

static void resync_events(struct resync *r)
{
	r->events_q = (struct store_read_events){
		.job = {.done = on_events, .arg = r}, .after_seq = r->after_seq, .limit = STORE_EVENTS_MAX};
	memcpy(r->events_q.call_id, r->call_id, sizeof r->call_id);
	store_read_events(r->calls->store, &r->events_q);
}

static void on_resync_call(struct store_job *job, int err)
{
	struct resync *r = job->arg;
	r->call = err < 0 ? NULL : r->call_q.call;
	if (!err && (!r->call || !call_participant(r->call, str_of(r->user_id))))
		err = ERR_CALL_NOT_FOUND;
	if (err < 0)
		resync_end(r, err);
	else
		resync_events(r);
}

void calls_resync(struct calls *c, const struct call_resync *what)
{
	struct resync *r = mem_new(sizeof *r);
	if (!r) {
		what->done(what->arg, ERR_NO_MEMORY);
		return;
	}
	r->calls = c;
	r->done = what->done;
	r->arg = what->arg;
	r->after_seq = what->after_seq;
	if (str_copy(r->user_id, sizeof r->user_id, what->user_id) < 0 ||
		str_copy(r->session_id, sizeof r->session_id, what->session_id) < 0 ||
		str_copy(r->call_id, sizeof r->call_id, what->call_id) < 0) {
		resync_end(r, ERR_CALL_NOT_FOUND);
		return;
	}
	r->call_q = (struct store_read_call){.job = {.done = on_resync_call, .arg = r}};
	memcpy(r->call_q.id, r->call_id, sizeof r->call_id);
	store_read_call(c->store, &r->call_q);
}

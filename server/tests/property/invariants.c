/* The sentences, one function each. */
#include "invariants.h"

#include "base/mem.h"

void watch_init(struct watch *w)
{
	*w = (struct watch){0};
}

void watch_fini(struct watch *w)
{
	call_free(w->rows);
	w->rows = NULL;
}

void watch_copy(struct watch *to, const struct watch *from)
{
	*to = *from;
	to->rows = from->rows ? call_copy(from->rows) : NULL;
}

static struct watched_user *user_of(struct watch *w, const char *id)
{
	for (size_t i = 0; i < w->n_users; i++)
		if (strcmp(w->users[i].id, id) == 0)
			return &w->users[i];
	if (w->n_users == WATCH_USERS || strlen(id) >= WATCH_ID_SIZE)
		return NULL;
	struct watched_user *u = &w->users[w->n_users++];
	*u = (struct watched_user){0};
	memcpy(u->id, id, strlen(id) + 1);
	return u;
}

static bool is_last_word(const char *type)
{
	return strcmp(type, "call.ended") == 0 || strcmp(type, "call.cancelled") == 0 ||
	       strcmp(type, "call.missed") == 0;
}

/* --- numbers --- */

static const char *check_seq(const struct call *before, const struct call_decision *d)
{
	int64_t seq = before ? before->seq : 0;
	for (size_t i = 0; i < d->n_events; i++) {
		const struct call_event *e = &d->events[i];
		if (!e->payload)
			return "every event says something";
		if (i < d->n_numbered ? e->seq != ++seq : e->seq != 0)
			return "seq rises by one";
	}
	if (d->next && d->next->seq != seq)
		return "the call's seq is that of its newest event";
	if ((d->change == CHANGE_ROWS) != (d->n_numbered > 0))
		return "rows change with a numbered event and never without";
	return NULL;
}

static const char *check_change(const struct call *before, const struct call_decision *d)
{
	if ((d->change != CHANGE_NONE) != (d->next != NULL))
		return "a change has a state to swap in";
	if ((d->err || d->change == CHANGE_NONE) && d->n_events)
		return "nothing is told when nothing has happened";
	if (d->err && d->change != CHANGE_NONE)
		return "a refusal changes nothing";
	bool adds = d->n_events == 1 && strcmp(d->events[0].type, "recording.ready") == 0;
	if (before && !call_is_live(before) && d->change != CHANGE_NONE && !adds)
		return "terminal never changes";
	return NULL;
}

/* --- states --- */

static const char *check_participant(const struct call *c, const struct participant *p)
{
	size_t n_legs = 0;
	for (size_t i = 0; i < c->n_legs; i++)
		n_legs += c->legs[i].state != LEG_GONE && &c->participants[c->legs[i].participant] == p;
	bool in = participant_is_in(p);
	if ((p->state == PART_MISSED || p->state == PART_DECLINED || p->state == PART_CANCELLED) && p->joined_at)
		return "nobody both joined and missed, declined or was cancelled";
	if (in && !p->joined_at)
		return "whoever is in has a time of joining";
	if (!in && n_legs)
		return "no device without its user in the call";
	if (in && c->status == CALL_ACTIVE && !n_legs)
		return "nobody is in an active call without a device, claimed or to be claimed";
	if (c->mode == CALL_DIRECT && n_legs > 1)
		return "one device a side in a direct call: exactly one winner";
	if (!call_is_live(c) && (in || participant_is_rung(p)))
		return "nobody is in a call that is over, and no ring outlives it";
	if (p->left_at && p->joined_at && p->left_at < p->joined_at)
		return "nobody leaves before joining";
	return NULL;
}

static const char *check_status(const struct call *c, const struct watch *w)
{
	bool answered = c->status == CALL_ACTIVE || c->status == CALL_ENDED;
	if (answered != (c->answered_at != 0))
		return "answered calls, and only they, have a time of the answer";
	if (w->n_accepted != (answered ? 1 : 0))
		return "exactly one answer makes a call active";
	if (call_is_live(c) != (c->ended_at == 0) || call_is_live(c) != (c->end_reason == END_NONE))
		return "a call that is over has a time and a reason, a live one none";
	if (c->ended_at && (c->ended_at < c->started_at || c->ended_at < c->answered_at))
		return "no call ends before it began";
	return NULL;
}

static const char *check_recording(const struct call *c)
{
	bool leg = !c->recorder_leg[0];
	for (size_t i = 0; i < c->n_legs; i++)
		leg |= c->legs[i].state != LEG_GONE && strcmp(c->legs[i].id, c->recorder_leg) == 0;
	if (c->record_state == NOT_RECORDED)
		return c->recorder_id[0] || c->recorder_leg[0] || c->record_at ? "who records nothing is nobody" : NULL;
	if (!call_is_live(c) || c->record_policy == RECORD_OFF)
		return "only calls that live and may be recorded are";
	if (!leg)
		return "a recording ends with its device";
	for (size_t i = 0; i < c->n_participants && c->record_policy == RECORD_CONSENT; i++)
		if (c->record_state == RECORDED && participant_is_in(&c->participants[i]) && !c->participants[i].agreed)
			return "nobody is recorded who has not agreed";
	return NULL;
}

static const char *check_ends(const struct call *c, int64_t now, const struct call_limits *limits)
{
	int64_t at = call_next_deadline(c, limits);
	size_t n_in = 0;
	if (!call_is_live(c))
		return at ? "a call that is over has no deadlines" : NULL;
	for (size_t i = 0; i < c->n_participants; i++) {
		const struct participant *p = &c->participants[i];
		n_in += participant_is_in(p);
		if (participant_is_rung(p) && p->ring_expires_at > now + limits->ring_max_ms)
			return "every ring ends";
	}
	if (c->status == CALL_RINGING && (!at || at > now + limits->ring_max_ms + limits->ring_grace_ms))
		return "every ringing call ends";
	if (n_in == 0 || (c->status == CALL_ACTIVE && c->mode == CALL_DIRECT && n_in != 2))
		return "an active call has people in it: two if it is direct";
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct leg *l = &c->legs[i];
		if ((l->state == LEG_UNCLAIMED || l->state == LEG_RECONNECTING) && !l->deadline_at)
			return "every device that is awaited has a deadline";
	}
	return NULL;
}

static const char *check_state(
	const struct call *c, const struct watch *w, int64_t now, const struct call_limits *limits)
{
	const char *broken = check_status(c, w);
	for (size_t i = 0; !broken && i < c->n_participants; i++)
		broken = check_participant(c, &c->participants[i]);
	if (!broken)
		broken = check_recording(c);
	return broken ? broken : check_ends(c, now, limits);
}

/* --- time talked, measured from outside --- */

static const char *check_talk(struct watch *w, const struct call *c, int64_t now)
{
	for (size_t i = 0; i < c->n_participants; i++) {
		const struct participant *p = &c->participants[i];
		struct watched_user *u = user_of(w, p->user.id);
		bool talking = c->status == CALL_ACTIVE && participant_is_in(p);
		int64_t until = c->ended_at ? c->ended_at : now;
		if (!u)
			return "the watch is large enough";
		if (talking && !u->talking_since)
			u->talking_since = now;
		if (!talking && u->talking_since) {
			u->talk_ms += until > u->talking_since ? until - u->talking_since : 0;
			u->talking_since = 0;
		}
		if (p->talk_ms != u->talk_ms)
			return "talk time is the time in the active call";
		if (c->ended_at && p->talk_ms > c->ended_at - c->answered_at)
			return "nobody talks longer than the call lasted";
		if (c->status == CALL_ENDED && c->mode == CALL_DIRECT && p->talk_ms != c->ended_at - c->answered_at)
			return "duration equals talk time";
	}
	return NULL;
}

/* --- last words --- */

static const char *check_last_words(struct watch *w, const struct call_decision *d)
{
	const struct call *c = d->next;
	for (size_t i = 0; i < c->n_participants; i++) {
		const struct participant *p = &c->participants[i];
		struct watched_user *u = user_of(w, p->user.id);
		int n_ended = 0;
		bool knocked = p->state == PART_BUSY && p->changed;
		if (call_is_live(c) && (participant_is_in(p) || participant_is_rung(p) || knocked))
			u->n_last_words = 0;
		for (size_t k = 0; k < d->n_numbered; k++) {
			if (!is_last_word(d->events[k].type) || !call_event_is_for(c, &d->events[k], p))
				continue;
			u->n_last_words++;
			n_ended += strcmp(d->events[k].type, "call.ended") == 0;
		}
		if (call_is_live(c))
			continue;
		if (p->joined_at ? n_ended != 1 : u->n_last_words != 1)
			return "everyone hears exactly one last word of a call";
	}
	return NULL;
}

/* --- rows --- */

static bool same_person(const struct participant *a, const struct participant *b)
{
	enum participant_state sa = a->state == PART_RECONNECTING ? PART_JOINED : a->state;
	enum participant_state sb = b->state == PART_RECONNECTING ? PART_JOINED : b->state;
	return sa == sb && a->role == b->role && a->joined_at == b->joined_at && a->left_at == b->left_at &&
	       a->ring_expires_at == b->ring_expires_at && a->talk_ms == b->talk_ms && a->talk_since == b->talk_since &&
	       a->agreed == b->agreed && strcmp(a->user.id, b->user.id) == 0;
}

static bool same_leg(const struct leg *a, const struct leg *b)
{
	bool ua = a->state == LEG_UNCLAIMED, ub = b->state == LEG_UNCLAIMED;
	return ua == ub && a->participant == b->participant && strcmp(a->session_id, b->session_id) == 0;
}

static const char *rebuild_people(struct call *rows, const struct call *next)
{
	for (size_t i = 0; i < next->n_participants; i++) {
		const struct participant *p = &next->participants[i];
		if (i >= rows->n_participants && !p->changed)
			return "a new participant is written";
		if (i >= rows->n_participants) {
			rows->participants = mem_resize(rows->participants, (i + 1) * sizeof *p);
			rows->n_participants = i + 1;
		}
		if (p->changed)
			rows->participants[i] = *p;
		if (!same_person(&rows->participants[i], p))
			return "participants' rows equal the state";
	}
	return NULL;
}

static const char *rebuild_legs(struct call *rows, const struct call *next)
{
	for (size_t i = 0; i < next->n_legs; i++) {
		const struct leg *l = &next->legs[i];
		struct leg *row = call_leg(rows, l->id);
		if (!row && !l->changed)
			return "a new device is written";
		if (!row) {
			rows->legs = mem_resize(rows->legs, (rows->n_legs + 1) * sizeof *l);
			row = &rows->legs[rows->n_legs++];
		}
		if (l->changed)
			*row = *l;
		if (!same_leg(row, l) || (l->state == LEG_GONE) != (row->state == LEG_GONE))
			return "devices' rows equal the state";
	}
	call_settle(rows);
	size_t n = 0;
	for (size_t i = 0; i < next->n_legs; i++)
		n += next->legs[i].state != LEG_GONE;
	return n == rows->n_legs ? NULL : "no device's row outlives it";
}

static const char *check_rows(struct watch *w, const struct call *next)
{
	if (!w->rows && !(w->rows = call_new(0)))
		return "there is memory";
	const char *broken = rebuild_people(w->rows, next);
	return broken ? broken : rebuild_legs(w->rows, next);
}

const char *watch_step(struct watch *w, const struct call *before, const struct call_decision *d, int64_t now,
	const struct call_limits *limits)
{
	const char *broken = check_change(before, d);
	if (!broken)
		broken = check_seq(before, d);
	if (broken || !d->next)
		return broken;
	for (size_t i = 0; i < d->n_numbered; i++)
		w->n_accepted += strcmp(d->events[i].type, "call.accepted") == 0;
	broken = check_state(d->next, w, now, limits);
	if (!broken)
		broken = check_talk(w, d->next, now);
	if (!broken && (!before || call_is_live(before)))
		broken = check_last_words(w, d);
	return broken ? broken : check_rows(w, d->next);
}

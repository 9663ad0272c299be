/* The moves of participants, devices and whole calls, which every handler is made of. */
#include "call/change.h"

#include "base/err.h"
#include "base/mem.h"

bool participant_is_in(const struct participant *p)
{
	return p->state == PART_JOINED || p->state == PART_RECONNECTING;
}

/* Invited counts: no device of theirs has spoken up yet, but their time runs. Someone invited with ring:false has none.
 */
bool participant_is_rung(const struct participant *p)
{
	return (p->state == PART_RINGING || p->state == PART_INVITED) && p->ring_expires_at;
}

struct leg *call_leg_of_session(const struct call *c, struct str session_id)
{
	for (size_t i = 0; session_id.len && i < c->n_legs; i++)
		if (c->legs[i].state != LEG_GONE && str_eq_z(session_id, c->legs[i].session_id))
			return &c->legs[i];
	return NULL;
}

struct leg *call_leg(const struct call *c, const char *leg_id)
{
	for (size_t i = 0; i < c->n_legs; i++)
		if (strcmp(c->legs[i].id, leg_id) == 0)
			return &c->legs[i];
	return NULL;
}

void call_settle(struct call *c)
{
	size_t kept = 0;
	for (size_t i = 0; i < c->n_legs; i++) {
		if (c->legs[i].state == LEG_GONE)
			continue;
		c->legs[kept] = c->legs[i];
		c->legs[kept++].changed = false;
	}
	c->n_legs = kept;
	for (size_t i = 0; i < c->n_participants; i++)
		c->participants[i].changed = false;
}

size_t change_n_in(const struct call *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_participants; i++)
		n += participant_is_in(&c->participants[i]);
	return n;
}

size_t change_n_rung(const struct call *c)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_participants; i++)
		n += participant_is_rung(&c->participants[i]);
	return n;
}

size_t change_n_legs(const struct call *c, const struct participant *p)
{
	size_t n = 0;
	for (size_t i = 0; i < c->n_legs; i++)
		n += c->legs[i].state != LEG_GONE && (!p || c->legs[i].participant == change_index(c, p));
	return n;
}

bool change_was_rung(const struct call *c)
{
	for (size_t i = 0; i < c->n_participants; i++)
		if (c->participants[i].ring_expires_at)
			return true;
	return false;
}

size_t change_index(const struct call *c, const struct participant *p)
{
	return (size_t)(p - c->participants);
}

struct participant *change_add_person(struct change *ch, const struct user *user, enum participant_role role)
{
	struct call *c = ch->next;
	size_t me = ch->me ? change_index(c, ch->me) : 0;
	if (c->n_participants >= MODEL_PARTICIPANTS_MAX) {
		ch->err = ERR_CALL_FULL;
		return NULL;
	}
	struct participant *grown = mem_resize(c->participants, (c->n_participants + 1) * sizeof *grown);
	if (!grown) {
		ch->err = ERR_NO_MEMORY;
		return NULL;
	}
	c->participants = grown;
	if (ch->me)
		ch->me = &grown[me];
	struct participant *p = &grown[c->n_participants++];
	*p = (struct participant){.user = *user, .role = role, .state = PART_INVITED, .invited_at = ch->now};
	p->is_video_enabled = c->type == CALL_VIDEO;
	p->changed = true;
	return p;
}

struct leg *change_add_leg(struct change *ch, struct participant *p, struct str session_id)
{
	struct call *c = ch->next;
	struct leg *grown = mem_resize(c->legs, (c->n_legs + 1) * sizeof *grown);
	if (!grown) {
		ch->err = ERR_NO_MEMORY;
		return NULL;
	}
	c->legs = grown;
	struct leg *leg = &grown[c->n_legs++];
	*leg = (struct leg){.participant = change_index(c, p), .joined_at = ch->now, .changed = true};
	memcpy(leg->id, ch->facts->leg_ids[ch->n_leg_ids++], ID_UUID_SIZE);
	if (str_copy(leg->session_id, sizeof leg->session_id, session_id) < 0)
		ch->err = ERR_BAD_REQUEST;
	leg->state = session_id.len ? LEG_JOINED : LEG_UNCLAIMED;
	if (!session_id.len)
		leg->deadline_at = ch->now + ch->facts->limits->unclaimed_ms;
	return leg;
}

void change_drop_leg(struct leg *leg)
{
	leg->state = LEG_GONE;
	leg->deadline_at = 0;
	leg->changed = true;
}

void change_drop_legs(struct change *ch, struct participant *p)
{
	struct call *c = ch->next;
	for (size_t i = 0; i < c->n_legs; i++)
		if (c->legs[i].state != LEG_GONE && (!p || c->legs[i].participant == change_index(c, p)))
			change_drop_leg(&c->legs[i]);
}

void change_enter(struct change *ch, struct participant *p)
{
	p->state = PART_JOINED;
	if (!p->joined_at)
		p->joined_at = ch->now;
	p->left_at = 0;
	p->talk_since = ch->next->status == CALL_ACTIVE ? ch->now : 0;
	p->changed = true;
}

static void exit_at(struct participant *p, enum participant_state state, int64_t at)
{
	if (p->talk_since && at > p->talk_since)
		p->talk_ms += at - p->talk_since;
	p->talk_since = 0;
	p->left_at = at;
	p->state = state;
	p->changed = true;
}

void change_exit(struct change *ch, struct participant *p, enum participant_state state)
{
	change_drop_legs(ch, p);
	exit_at(p, state, ch->now);
}

void change_ring(struct change *ch, struct participant *p, const struct call_person *who, int64_t ring_expires_at)
{
	p->state = who->is_busy ? PART_BUSY : who->has_session ? PART_RINGING : PART_INVITED;
	p->ring_expires_at = who->is_busy ? 0 : ring_expires_at;
	p->invited_at = ch->now;
	p->device_acked = false;
	p->changed = true;
	ch->out->rings = true;
}

void change_unring(struct participant *p, enum participant_state state)
{
	p->state = p->joined_at ? PART_LEFT : state;
	p->changed = true;
}

void change_refresh(struct change *ch, struct participant *p)
{
	const struct call *c = ch->next;
	bool lost = false;
	for (size_t i = 0; i < c->n_legs; i++) {
		if (c->legs[i].participant != change_index(c, p))
			continue;
		if (c->legs[i].state == LEG_JOINED) {
			p->state = PART_JOINED;
			return;
		}
		lost |= c->legs[i].state == LEG_RECONNECTING;
	}
	if (lost)
		p->state = PART_RECONNECTING;
}

/* The caller has been in the call all the time, but may have no device in it: it gets one to be claimed. */
static void await_caller(struct change *ch, bool was_lost)
{
	struct call *c = ch->next;
	struct participant *caller = call_participant(c, str_of(c->started_by));
	if (!caller || !participant_is_in(caller) || change_n_legs(c, caller))
		return;
	change_add_leg(ch, caller, STR(""));
	if (was_lost)
		caller->state = PART_RECONNECTING;
}

void change_activate(struct change *ch)
{
	struct call *c = ch->next;
	bool caller_was_lost = c->caller_lost_at != 0;
	c->status = CALL_ACTIVE;
	c->answered_at = ch->now;
	c->caller_lost_at = 0;
	c->unreachable_at = 0;
	if (c->mode == CALL_DIRECT)
		c->connect_by = ch->now + ch->facts->limits->connect_ms;
	await_caller(ch, caller_was_lost);
	for (size_t i = 0; i < c->n_participants; i++) {
		if (!participant_is_in(&c->participants[i]))
			continue;
		c->participants[i].talk_since = ch->now;
		c->participants[i].changed = true;
	}
}

/* Whether rings that end with the call were called off, or came to nothing by themselves. */
static bool is_called_off(enum end_reason reason, enum call_status status)
{
	return status == CALL_MISSED &&
	       (reason == END_CANCELLED || reason == END_CALLER_LOST || reason == END_BY_API || reason == END_BY_HOST);
}

/* All whom the ring reached without success hear of it in one event; one each when some have heard already. */
static void tell_rung(struct change *ch, bool *now_ended, enum end_reason reason, bool called_off)
{
	const char *type = called_off ? "call.cancelled" : "call.missed";
	const struct call *c = ch->next;
	size_t n = 0, n_same = 0;
	for (size_t i = 0; i < c->n_participants; i++) {
		const struct participant *p = &c->participants[i];
		n += now_ended[i];
		n_same += p->state == PART_MISSED || p->state == PART_CANCELLED || p->state == PART_BUSY;
	}
	if (n && n == n_same) {
		tell_not_answered(ch, type, NULL, reason);
		return;
	}
	for (size_t i = 0; i < c->n_participants; i++)
		if (now_ended[i])
			tell_not_answered(ch, type, &c->participants[i], reason);
}

static void finish(struct change *ch, enum call_status status, enum end_reason reason, int64_t at)
{
	struct call *c = ch->next;
	bool called_off = is_called_off(reason, status);
	bool rung[MODEL_PARTICIPANTS_MAX] = {false};
	change_drop_legs(ch, NULL);
	for (size_t i = 0; i < c->n_participants; i++) {
		struct participant *p = &c->participants[i];
		if (participant_is_in(p)) {
			exit_at(p, PART_LEFT, at);
		} else if (participant_is_rung(p)) {
			change_unring(p, called_off ? PART_CANCELLED : PART_MISSED);
			rung[i] = p->state != PART_LEFT;
		} else if (p->state == PART_BUSY) {
			change_unring(p, PART_BUSY);
			rung[i] = p->state != PART_LEFT;
		}
	}
	c->status = status;
	c->end_reason = reason;
	c->ended_at = at;
	c->caller_lost_at = c->connect_by = c->alone_by = c->unreachable_at = c->restarted_at = 0;
	tell_rung(ch, rung, reason, called_off);
	tell_ended(ch);
}

void change_finish(struct change *ch, enum call_status status, enum end_reason reason, struct str by)
{
	if (str_copy(ch->next->ended_by, sizeof ch->next->ended_by, by) < 0)
		ch->err = ERR_BAD_REQUEST;
	finish(ch, status, reason, ch->now);
}

void change_finish_at(struct change *ch, enum call_status status, enum end_reason reason, int64_t at)
{
	finish(ch, status, reason, at);
}

void change_settle_ring(struct change *ch)
{
	struct call *c = ch->next;
	bool missed = false, declined = false;
	if (c->status != CALL_RINGING)
		return;
	for (size_t i = 0; i < c->n_participants; i++) {
		const struct participant *p = &c->participants[i];
		if (p->state == PART_INVITED || p->state == PART_RINGING)
			return;
		missed |= p->state == PART_MISSED;
		declined |= p->state == PART_DECLINED;
	}
	if (missed)
		change_finish(ch, CALL_MISSED, END_NO_ANSWER, STR(""));
	else if (declined)
		change_finish(ch, CALL_DECLINED, END_DECLINED, ch->cmd->actor.user_id);
	else
		change_finish(ch, CALL_MISSED, END_BUSY, STR(""));
}

void change_settle_alone(struct change *ch)
{
	struct call *c = ch->next;
	int64_t alone_ms = ch->facts->limits->alone_ms;
	bool alone = c->status == CALL_ACTIVE && c->mode == CALL_GROUP && alone_ms && change_n_in(c) == 1 &&
		     !change_n_rung(c);
	if (!alone)
		c->alone_by = 0;
	else if (!c->alone_by)
		c->alone_by = ch->now + alone_ms;
}

void change_settle_leave(struct change *ch, bool lost)
{
	struct call *c = ch->next;
	size_t in = change_n_in(c);
	if (c->status != CALL_ACTIVE)
		return;
	if (c->mode == CALL_DIRECT && in < 2)
		change_finish(ch, CALL_ENDED, lost ? END_CONNECTION_LOST : END_HANGUP,
			lost ? STR("") : ch->cmd->actor.user_id);
	else if (in == 0)
		change_finish(ch, CALL_ENDED, END_HANGUP, lost ? STR("") : ch->cmd->actor.user_id);
	else
		change_settle_alone(ch);
}

/* Going: leave, decline, cancel and end (races 3, 4, 5, 9). Leaving is one wish with four names, as the moment wants
 * it. */
#include "call/change.h"

#include "base/err.h"

static bool is_starter(const struct change *ch)
{
	return ch->me && str_eq_z(ch->cmd->actor.user_id, ch->next->started_by);
}

static int decline(struct change *ch)
{
	change_unring(ch->me, PART_DECLINED);
	tell_declined(ch);
	tell_elsewhere(ch, "call.declined-elsewhere");
	change_settle_ring(ch);
	change_settle_alone(ch);
	return 0;
}

/* Drops one device, or (null) all of the actor's; the user leaves with the last. */
static int go(struct change *ch, struct leg *own)
{
	struct call *c = ch->next;
	struct participant *me = ch->me;
	for (size_t i = 0; i < c->n_legs; i++) {
		struct leg *leg = &c->legs[i];
		if (leg->state == LEG_GONE || leg->participant != change_index(c, me) || (own && own != leg))
			continue;
		bool claimed = leg->state != LEG_UNCLAIMED;
		change_drop_leg(leg);
		tell_leg_left(ch, leg, claimed, "left");
	}
	if (change_n_legs(c, me) == 0) {
		change_exit(ch, me, PART_LEFT);
		change_settle_leave(ch, false);
	} else {
		change_refresh(ch, me);
	}
	return 0;
}

static bool has_claimed(const struct change *ch)
{
	for (size_t i = 0; i < ch->next->n_legs; i++) {
		const struct leg *leg = &ch->next->legs[i];
		if (leg->participant == change_index(ch->next, ch->me) && leg->state != LEG_GONE &&
			leg->state != LEG_UNCLAIMED)
			return true;
	}
	return false;
}

/* A session hangs up its own device. One that has none here must not hang up for the device that answered. */
static int leave_active(struct change *ch, struct str session_id)
{
	struct leg *own = call_leg_of_session(ch->next, session_id);
	if (!own && session_id.len && has_claimed(ch))
		return 0;
	return go(ch, own);
}

static int leave(struct change *ch, struct str session_id)
{
	struct call *c = ch->next;
	struct participant *me = ch->me;
	c->restarted_at = 0;
	if (participant_is_rung(me) || me->state == PART_BUSY)
		return decline(ch);
	if (!participant_is_in(me))
		return 0;
	if (c->status == CALL_ACTIVE)
		return leave_active(ch, session_id);
	change_finish(ch, CALL_MISSED, END_CANCELLED, ch->cmd->actor.user_id);
	return 0;
}

int decide_leave(struct change *ch)
{
	return leave(ch, ch->cmd->actor.session_id);
}

int decide_decline(struct change *ch)
{
	const struct participant *me = ch->me;
	switch (me->state) {
	case PART_INVITED:
	case PART_RINGING:
	case PART_BUSY: return decline(ch);
	case PART_JOINED:
	case PART_RECONNECTING:
	case PART_LEFT: return me->role == ROLE_CALLER ? ERR_FORBIDDEN : ERR_ANSWERED_ELSEWHERE;
	default: return 0;
	}
}

bool change_may_end(const struct change *ch)
{
	const struct call_actor *actor = &ch->cmd->actor;
	if (actor->is_server || is_starter(ch))
		return true;
	if (ch->cmd->verb == CMD_CANCEL)
		return false;
	return ch->next->mode == CALL_DIRECT ? ch->me != NULL : actor->is_moderator;
}

int decide_end(struct change *ch)
{
	const struct call_actor *actor = &ch->cmd->actor;
	bool ringing = ch->next->status == CALL_RINGING;
	if (!change_may_end(ch))
		return ERR_FORBIDDEN;
	if (!actor->is_server && ch->next->mode == CALL_DIRECT)
		return leave(ch, STR(""));
	enum end_reason reason = actor->is_server ? END_BY_API : END_BY_HOST;
	if (ringing && !actor->is_server && is_starter(ch))
		reason = END_CANCELLED;
	change_finish(ch, ringing ? CALL_MISSED : CALL_ENDED, reason, actor->user_id);
	return 0;
}

/* Too late, since somebody has answered: then it means leaving. */
int decide_cancel(struct change *ch)
{
	if (!change_may_end(ch))
		return ERR_FORBIDDEN;
	if (ch->cmd->actor.is_server)
		return decide_end(ch);
	return leave(ch, STR(""));
}

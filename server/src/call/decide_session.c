/* What becomes of a call when sockets come and go (races 1, 8, 14). A lost socket is nothing that is written down: its
 * device is reconnecting in memory, and only leaving counts. */
#include "call/change.h"

#include "base/err.h"

static bool is_ringing_caller(const struct change *ch)
{
	return ch->next->status == CALL_RINGING && ch->me->role == ROLE_CALLER;
}

/* The caller is lost only after having been there: somebody who calls over REST alone rings out in peace. */
static void lose_caller(struct change *ch)
{
	struct call *c = ch->next;
	if (!is_ringing_caller(ch) || ch->facts->actor_has_session || !c->caller_had_session || c->caller_lost_at)
		return;
	c->caller_lost_at = ch->now + ch->facts->limits->caller_grace_ms;
	ch->out->change = CHANGE_MEMORY;
}

static void find_caller(struct change *ch)
{
	struct call *c = ch->next;
	if (!is_ringing_caller(ch) || (c->caller_had_session && !c->caller_lost_at))
		return;
	c->caller_had_session = true;
	c->caller_lost_at = 0;
	ch->out->change = CHANGE_MEMORY;
}

void change_resume_leg(struct change *ch, struct leg *leg)
{
	leg->state = LEG_JOINED;
	leg->deadline_at = 0;
	ch->next->restarted_at = 0;
	ch->out->change = CHANGE_MEMORY;
	change_refresh(ch, &ch->next->participants[leg->participant]);
	tell_leg_passing(ch, "participant.resumed", leg);
}

int decide_session_opened(struct change *ch)
{
	if (ch->me)
		find_caller(ch);
	return 0;
}

int decide_session_resumed(struct change *ch)
{
	struct leg *leg = call_leg_of_session(ch->next, ch->cmd->actor.session_id);
	if (!ch->me)
		return 0;
	find_caller(ch);
	if (leg && leg->state == LEG_RECONNECTING)
		change_resume_leg(ch, leg);
	return 0;
}

int decide_session_lost(struct change *ch)
{
	struct leg *leg = call_leg_of_session(ch->next, ch->cmd->actor.session_id);
	if (!ch->me)
		return 0;
	lose_caller(ch);
	if (leg && leg->state == LEG_JOINED) {
		leg->state = LEG_RECONNECTING;
		leg->deadline_at = ch->now + ch->facts->limits->resume_ms;
		change_refresh(ch, ch->me);
		tell_leg_passing(ch, "participant.reconnecting", leg);
		ch->out->change = CHANGE_MEMORY;
	}
	return 0;
}

/* Closed for good. If its socket was lost before, the window is over: a lost connection, not a hang-up. */
int decide_session_gone(struct change *ch)
{
	struct leg *leg = call_leg_of_session(ch->next, ch->cmd->actor.session_id);
	if (!ch->me)
		return 0;
	lose_caller(ch);
	if (!leg)
		return 0;
	bool lost = leg->state == LEG_RECONNECTING;
	ch->next->restarted_at = 0;
	change_drop_leg(leg);
	tell_leg_left(ch, leg, true, lost ? "lost" : "left");
	if (ch->next->status == CALL_RINGING || change_n_legs(ch->next, ch->me)) {
		change_refresh(ch, ch->me);
		return 0;
	}
	change_exit(ch, ch->me, PART_LEFT);
	change_settle_leave(ch, lost);
	return 0;
}

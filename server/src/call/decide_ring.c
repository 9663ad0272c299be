/* Ringing: people are rung (again) in a group call, and a device says that it rings (race 11). */
#include "call/change.h"

#include "base/err.h"

static int refuse(struct change *ch, const char *field, int err)
{
	ch->out->field = field;
	return err;
}

/* Named people are rung whatever they answered before; without names, those who have not declined. */
static bool is_wanted(const struct change *ch, const struct participant *p, const struct call_person *who)
{
	bool named = ch->cmd->ring.n_users != 0;
	if (!p)
		return named;
	if (participant_is_in(p) || participant_is_rung(p))
		return false;
	return named || (p->state != PART_DECLINED && who->is_member);
}

static int ring_one(struct change *ch, const struct call_person *who, int64_t ring_expires_at)
{
	struct participant *p = call_participant(ch->next, str_of(who->user.id));
	if (!is_wanted(ch, p, who))
		return 0;
	if (!who->is_member)
		return refuse(ch, "participants", ERR_NOT_A_MEMBER);
	if (!p && ch->next->n_participants >= ch->facts->limits->max_participants)
		return refuse(ch, "participants", ERR_TOO_MANY_PARTICIPANTS);
	if (!p && !(p = change_add_person(ch, &who->user, ROLE_CALLEE)))
		return ch->err;
	change_ring(ch, p, who, ring_expires_at);
	tell_incoming(ch, p, ring_expires_at, who->is_busy);
	return 0;
}

static int check(struct change *ch)
{
	const struct call_limits *limits = ch->facts->limits;
	int64_t ring_ms = ch->cmd->ring.ring_ms;
	if (!ch->cmd->actor.is_server && !(ch->me && participant_is_in(ch->me)))
		return ERR_NOT_IN_CALL;
	if (ch->next->mode == CALL_DIRECT)
		return ERR_FORBIDDEN;
	if (ring_ms && (ring_ms < limits->ring_min_ms || ring_ms > limits->ring_max_ms))
		return refuse(ch, "ringTimeout", ERR_BAD_FIELD);
	return 0;
}

int decide_ring(struct change *ch)
{
	struct call *c = ch->next;
	const struct call_limits *limits = ch->facts->limits;
	int64_t expires = ch->now + (ch->cmd->ring.ring_ms ? ch->cmd->ring.ring_ms : limits->ring_ms);
	int err = check(ch);
	for (size_t i = 0; !err && i < ch->facts->n_people; i++)
		err = ring_one(ch, &ch->facts->people[i], expires);
	if (err < 0 || !ch->out->rings)
		return err;
	if (expires > c->ring_expires_at)
		c->ring_expires_at = expires;
	if (change_n_rung(c))
		c->unreachable_at = ch->now + limits->unreachable_ms;
	change_settle_alone(ch);
	return 0;
}

/* The first device that rings is told to the caller; the others are only answered. A device that rings on after the
 * matter was settled elsewhere hears so. */
int decide_ack(struct change *ch)
{
	struct participant *me = ch->me;
	if (me->role == ROLE_CALLER)
		return 0;
	if (participant_is_in(me))
		return ERR_ANSWERED_ELSEWHERE;
	if (me->state == PART_DECLINED)
		return ERR_DECLINED_ELSEWHERE;
	if (!participant_is_rung(me) || me->device_acked)
		return 0;
	me->device_acked = true;
	me->state = PART_RINGING;
	me->changed = true;
	tell_about(ch, "call.ringing", me, call_participant(ch->next, str_of(ch->next->started_by)));
	return 0;
}

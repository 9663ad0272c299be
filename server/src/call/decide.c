/* Where every command is decided: who may ask what, and which handler answers.
 *
 *                 accept            last one leaves, one of two leaves,
 *   (create) --> RINGING ---------> ACTIVE ----------------------------> ENDED
 *                  |  |               lost, alone, too long, ended
 *                  |  '--> DECLINED   (every callee terminal, some declined, none missed)
 *                  '-----> MISSED     (cancelled, caller lost, no answer, all busy)
 *
 *   a participant:
 *                .--> RINGING/INVITED --> JOINED <--> RECONNECTING
 *   (rung) ------|          |               |              |
 *                '--> BUSY  |               '--> LEFT <----'
 *                           '--> DECLINED, MISSED, CANCELLED     (from all of the last row and LEFT: rung again, or
 *                                                                 joined late, as long as a group call is active)
 *
 *   a device (leg):  UNCLAIMED --> JOINED <--> RECONNECTING,  each --> GONE
 */
#include "call/decide.h"

#include "base/err.h"
#include "base/mem.h"
#include "call/change.h"

/* What a verb needs before its handler is asked. */
enum need {
	NEED_NOTHING,	  /* the server itself, or rights that the handler looks at */
	NEED_PARTICIPANT, /* a row in the call */
	NEED_SIGHT,	  /* a row, or membership of a group call's channel */
};

/* The table of moves. `ended` is what a call that is over answers: 0 means that the wish is fulfilled already. */
static const struct move {
	decide_fn live;
	enum need need;
	int ended;
} moves[CMD_COUNT] = {
	[CMD_JOIN] = {decide_join, NEED_SIGHT, ERR_CALL_ENDED},
	[CMD_LEAVE] = {decide_leave, NEED_PARTICIPANT, 0},
	[CMD_DECLINE] = {decide_decline, NEED_PARTICIPANT, ERR_CALL_ENDED},
	[CMD_CANCEL] = {decide_cancel, NEED_SIGHT, 0},
	[CMD_END] = {decide_end, NEED_SIGHT, 0},
	[CMD_RING] = {decide_ring, NEED_SIGHT, ERR_CALL_ENDED},
	[CMD_ACK] = {decide_ack, NEED_PARTICIPANT, ERR_CALL_ENDED},
	[CMD_MEDIA] = {decide_media, NEED_PARTICIPANT, ERR_CALL_ENDED},
	[CMD_CONNECTION] = {decide_connection, NEED_PARTICIPANT, ERR_CALL_ENDED},
	[CMD_RECORDING] = {decide_recording, NEED_SIGHT, ERR_CALL_ENDED},
	[CMD_RECORDED] = {decide_recorded, NEED_NOTHING, 0},
	[CMD_DEADLINE] = {decide_deadline, NEED_NOTHING, 0},
	[CMD_SESSION_OPENED] = {decide_session_opened, NEED_NOTHING, 0},
	[CMD_SESSION_LOST] = {decide_session_lost, NEED_NOTHING, 0},
	[CMD_SESSION_RESUMED] = {decide_session_resumed, NEED_NOTHING, 0},
	[CMD_SESSION_GONE] = {decide_session_gone, NEED_NOTHING, 0},
	[CMD_RESTART] = {decide_restart, NEED_NOTHING, 0},
};

static bool may_see(const struct change *ch)
{
	return ch->me || ch->cmd->actor.is_server || (ch->next->mode == CALL_GROUP && ch->facts->actor_is_member);
}

/* Outsiders learn nothing, not even that there is a call; a cancel of theirs is one of an unknown id. */
static int check_rights(const struct change *ch)
{
	enum need need = moves[ch->cmd->verb].need;
	if (need == NEED_NOTHING)
		return 0;
	if (!may_see(ch))
		return ERR_CALL_NOT_FOUND;
	if (need == NEED_PARTICIPANT && !ch->me)
		return ERR_NOT_IN_CALL;
	return 0;
}

/* Race 5 and 6: a late answer hears why it is too late; a repeated decline is as good as the first. */
static int decide_over(const struct change *ch)
{
	bool declined = ch->me && ch->me->state == PART_DECLINED;
	enum call_verb verb = ch->cmd->verb;
	if (verb == CMD_JOIN && declined)
		return ERR_DECLINED_ELSEWHERE;
	if (verb == CMD_DECLINE && declined)
		return 0;
	if ((verb == CMD_END || verb == CMD_CANCEL) && !change_may_end(ch))
		return ERR_FORBIDDEN;
	return moves[verb].ended;
}

static int run(const struct call *current, struct change *ch)
{
	const struct call_command *cmd = ch->cmd;
	ch->next = call_copy(current);
	if (!ch->next)
		return ERR_NO_MEMORY;
	if (cmd->actor.user_id.len)
		ch->me = call_participant(ch->next, cmd->actor.user_id);
	int err = check_rights(ch);
	if (err < 0)
		return err;
	bool lives = call_is_live(current) || cmd->verb == CMD_RECORDED;
	return lives ? moves[cmd->verb].live(ch) : decide_over(ch);
}

static void drop_events(struct call_decision *d)
{
	for (size_t i = 0; i < d->n_events; i++)
		call_event_fini(&d->events[i]);
	d->n_events = d->n_numbered = 0;
}

/* A refusal leaves nothing behind; what nobody wrote or moved is not kept either. */
static void conclude(struct change *ch, int64_t seq_before)
{
	struct call_decision *d = ch->out;
	if (ch->err)
		d->err = ch->err;
	if (!d->err && ch->next && ch->next->seq != seq_before) {
		d->change = CHANGE_ROWS;
		if (!ch->next->restarted_at && call_is_live(ch->next))
			ch->next->last_seen_at = ch->now; /* a sign of life that costs no writing of its own */
	}
	if (d->err) {
		drop_events(d);
		d->change = CHANGE_NONE;
		d->self_leg[0] = 0;
		d->rings = d->merged = d->existing = false;
	} else if (d->change != CHANGE_NONE) {
		d->next = ch->next;
		ch->next = NULL;
	}
	call_free(ch->next);
}

void call_decide(const struct call *current, const struct call_facts *facts, const struct call_command *cmd,
	int64_t now, struct call_decision *out)
{
	struct change ch = {.facts = facts, .cmd = cmd, .now = now, .out = out};
	int64_t seq_before = current ? current->seq : 0;
	*out = (struct call_decision){.status = 200};
	if (cmd->verb == CMD_CREATE)
		out->err = decide_create(current, &ch);
	else
		out->err = current ? run(current, &ch) : ERR_CALL_NOT_FOUND;
	if (!out->err)
		recording_follow(&ch, seq_before);
	if (out->err == ERR_CALL_NOT_FOUND && cmd->verb == CMD_CANCEL && !cmd->actor.is_server) {
		out->err = 0;
		out->tombstone = true;
	}
	conclude(&ch, seq_before);
}

void call_decision_fini(struct call_decision *d)
{
	drop_events(d);
	mem_free(d->events);
	call_free(d->next);
	*d = (struct call_decision){0};
}

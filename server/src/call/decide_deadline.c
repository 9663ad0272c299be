/* Time passes: whatever is due is done in one command; and what a restart makes of the deadlines (race 10). */
#include "call/change.h"

#include "base/err.h"

static bool is_due(int64_t at, int64_t now)
{
	return at && at <= now;
}

static int64_t ring_deadline(const struct participant *p, const struct call_limits *limits)
{
	return participant_is_rung(p) ? p->ring_expires_at + limits->ring_grace_ms : 0;
}

/* With ring:false nobody's own time runs: the call waits for its starter as long as it would have rung. */
static int64_t call_ring_deadline(const struct call *c, const struct call_limits *limits)
{
	return c->status == CALL_RINGING ? c->ring_expires_at + limits->ring_grace_ms : 0;
}

static int64_t last_moment(const struct call *c, const struct call_limits *limits)
{
	return c->status == CALL_ACTIVE && limits->max_duration_ms ? c->answered_at + limits->max_duration_ms : 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

int64_t call_next_deadline(const struct call *c, const struct call_limits *limits)
{
	if (!call_is_live(c))
		return 0;
	int64_t at = earlier(call_ring_deadline(c, limits), last_moment(c, limits));
	at = earlier(at, earlier(c->caller_lost_at, c->connect_by));
	at = earlier(at, earlier(c->alone_by, c->unreachable_at));
	for (size_t i = 0; i < c->n_participants; i++)
		at = earlier(at, ring_deadline(&c->participants[i], limits));
	for (size_t i = 0; i < c->n_legs; i++)
		if (c->legs[i].state != LEG_GONE)
			at = earlier(at, c->legs[i].deadline_at);
	return at;
}

/* Rings that end by themselves while others go on. */
static void miss_some(struct change *ch)
{
	struct call *c = ch->next;
	bool any = false;
	for (size_t i = 0; i < c->n_participants; i++) {
		struct participant *p = &c->participants[i];
		if (!is_due(ring_deadline(p, ch->facts->limits), ch->now))
			continue;
		change_unring(p, PART_MISSED);
		tell_not_answered(ch, "call.missed", p, END_NO_ANSWER);
		any = true;
	}
	if (!any)
		return;
	change_settle_ring(ch);
	change_settle_alone(ch);
}

/* For information only: no device of theirs has spoken up. */
static void tell_unreachable(struct change *ch)
{
	struct call *c = ch->next;
	const struct participant *caller = call_participant(c, str_of(c->started_by));
	c->unreachable_at = 0;
	ch->out->change = CHANGE_MEMORY;
	for (size_t i = 0; i < c->n_participants; i++)
		if (participant_is_rung(&c->participants[i]) && !c->participants[i].device_acked)
			tell_about(ch, "call.unreachable", &c->participants[i], caller);
}

/* Whether a side of a direct call never had a device in it. */
static bool someone_never_came(const struct call *c)
{
	for (size_t i = 0; i < c->n_legs; i++)
		if (c->legs[i].state == LEG_UNCLAIMED)
			return true;
	return false;
}

static bool nobody_came_back(const struct change *ch)
{
	const struct call *c = ch->next;
	if (!c->restarted_at)
		return false;
	for (size_t i = 0; i < c->n_legs; i++)
		if (!is_due(c->legs[i].deadline_at, ch->now))
			return false;
	return true;
}

/* Devices whose time to come (back) is over, and then the users who have none left. */
static void drop_due_legs(struct change *ch)
{
	struct call *c = ch->next;
	bool any = false;
	for (size_t i = 0; i < c->n_legs; i++) {
		struct leg *leg = &c->legs[i];
		if (leg->state == LEG_GONE || !is_due(leg->deadline_at, ch->now))
			continue;
		bool claimed = leg->state != LEG_UNCLAIMED;
		change_drop_leg(leg);
		tell_leg_left(ch, leg, claimed, "lost");
		any = true;
	}
	for (size_t i = 0; any && i < c->n_participants; i++) {
		struct participant *p = &c->participants[i];
		if (!participant_is_in(p))
			continue;
		if (c->status == CALL_ACTIVE && change_n_legs(c, p) == 0)
			change_exit(ch, p, PART_LEFT);
		else
			change_refresh(ch, p);
	}
	if (any)
		change_settle_leave(ch, true);
}

static void pass_ringing(struct change *ch)
{
	struct call *c = ch->next;
	if (is_due(c->caller_lost_at, ch->now))
		change_finish(ch, CALL_MISSED, END_CALLER_LOST, STR(""));
	else if (is_due(call_ring_deadline(c, ch->facts->limits), ch->now))
		change_finish(ch, CALL_MISSED, END_NO_ANSWER, STR(""));
}

static void pass_active(struct change *ch)
{
	struct call *c = ch->next;
	bool unclaimed = false;
	for (size_t i = 0; i < c->n_legs; i++)
		unclaimed |= c->legs[i].state == LEG_UNCLAIMED && is_due(c->legs[i].deadline_at, ch->now);
	if (nobody_came_back(ch))
		change_finish_at(ch, CALL_ENDED, END_SERVER_RESTART, c->restarted_at);
	else if (is_due(last_moment(c, ch->facts->limits), ch->now))
		change_finish(ch, CALL_ENDED, END_MAX_DURATION, STR(""));
	else if (c->mode == CALL_DIRECT && (unclaimed || (is_due(c->connect_by, ch->now) && someone_never_came(c))))
		change_finish(ch, CALL_ENDED, END_CONNECT_FAILED, STR(""));
	else if (is_due(c->alone_by, ch->now))
		change_finish(ch, CALL_ENDED, END_ALONE, STR(""));
}

int decide_deadline(struct change *ch)
{
	struct call *c = ch->next;
	if (c->status == CALL_RINGING)
		pass_ringing(ch);
	else
		pass_active(ch);
	if (!call_is_live(c))
		return 0;
	if (is_due(c->connect_by, ch->now)) {
		c->connect_by = 0;
		ch->out->change = CHANGE_MEMORY;
	}
	drop_due_legs(ch);
	if (call_is_live(c))
		miss_some(ch);
	if (call_is_live(c) && is_due(c->unreachable_at, ch->now))
		tell_unreachable(ch);
	return 0;
}

/* A row that says joined without any device: nothing could ever bring it to an end. */
static void drop_ghosts(struct change *ch)
{
	struct call *c = ch->next;
	bool any = false;
	for (size_t i = 0; i < c->n_participants; i++) {
		struct participant *p = &c->participants[i];
		if (!participant_is_in(p) || change_n_legs(c, p))
			continue;
		change_exit(ch, p, PART_LEFT);
		tell_gone(ch, p);
		any = true;
	}
	if (any)
		change_settle_leave(ch, true);
}

static void restart_active(struct change *ch)
{
	struct call *c = ch->next;
	c->restarted_at = c->last_seen_at > c->answered_at ? c->last_seen_at : c->answered_at;
	if (c->restarted_at > ch->now)
		c->restarted_at = ch->now;
	if (!change_n_legs(c, NULL)) {
		change_finish_at(ch, CALL_ENDED, END_SERVER_RESTART, c->restarted_at);
		return;
	}
	drop_ghosts(ch);
	if (call_is_live(c))
		change_settle_alone(ch);
}

int decide_restart(struct change *ch)
{
	struct call *c = ch->next;
	int64_t deadline = call_ring_deadline(c, ch->facts->limits);
	ch->out->change = CHANGE_MEMORY;
	for (size_t i = 0; i < c->n_legs; i++) {
		struct leg *leg = &c->legs[i];
		if (leg->state == LEG_JOINED)
			leg->state = LEG_RECONNECTING;
		leg->deadline_at = ch->now + ch->facts->limits->resume_ms;
		leg->media_seen |= leg->state != LEG_UNCLAIMED;
	}
	for (size_t i = 0; i < c->n_participants; i++)
		if (participant_is_in(&c->participants[i]))
			change_refresh(ch, &c->participants[i]);
	if (c->status == CALL_ACTIVE)
		restart_active(ch);
	else if (is_due(deadline, ch->now))
		change_finish_at(ch, CALL_MISSED, END_NO_ANSWER, deadline);
	return 0;
}

/* A user comes in: the first answer, a late join, the device that claims a REST join, a second device, a takeover
 * (races 2, 3, 6, 8, 11, 13). */
#include "call/change.h"

#include "base/err.h"

static struct leg *leg_in_state(const struct call *c, const struct participant *p, enum leg_state state)
{
	for (size_t i = 0; i < c->n_legs; i++)
		if (c->legs[i].participant == change_index(c, p) && c->legs[i].state == state)
			return &c->legs[i];
	return NULL;
}

static void reply_self(struct change *ch, const struct leg *leg)
{
	if (leg)
		memcpy(ch->out->self_leg, leg->id, sizeof leg->id);
}

/* How the device comes in is how its user is shown. */
static void take_media(struct change *ch)
{
	const struct call_media *m = &ch->cmd->join.media;
	if (ch->cmd->verb != CMD_JOIN)
		return;
	if (m->set & MEDIA_MUTED)
		ch->me->is_muted = m->is_muted;
	if (m->set & MEDIA_VIDEO)
		ch->me->is_video_enabled = m->is_video_enabled;
	if (m->set & MEDIA_SCREEN)
		ch->me->is_screen_sharing = m->is_screen_sharing;
	if (m->set)
		ch->me->changed = true;
}

/* What the token says of a user is newer than what was known when they were invited. */
static void learn(struct change *ch)
{
	const struct call_actor *actor = &ch->cmd->actor;
	struct user *user = &ch->me->user;
	if (actor->name.len && actor->name.len < sizeof user->name)
		str_copy(user->name, sizeof user->name, actor->name);
	if (actor->avatar_url.len && actor->avatar_url.len < sizeof user->avatar_url)
		str_copy(user->avatar_url, sizeof user->avatar_url, actor->avatar_url);
}

static void greet(struct change *ch, const struct leg *leg)
{
	tell_joined(ch, leg);
	recording_follow(ch, 0); /* before the roster, which says so too */
	if (leg->state != LEG_UNCLAIMED)
		tell_roster(ch, leg);
}

/* The first answer makes the call active; with ring:false the starter's own coming does. */
static void answer(struct change *ch, const char *leg_id)
{
	change_activate(ch);
	tell_accepted(ch, call_leg(ch->next, leg_id));
	tell_active(ch);
}

static int come_in(struct change *ch, struct str session_id)
{
	struct call *c = ch->next;
	bool was_rung = participant_is_rung(ch->me) || ch->me->state == PART_BUSY;
	char leg_id[ID_UUID_SIZE];
	if (change_n_legs(c, NULL) >= ch->facts->limits->max_legs)
		return ERR_CALL_FULL;
	change_enter(ch, ch->me);
	learn(ch);
	take_media(ch);
	struct leg *leg = change_add_leg(ch, ch->me, session_id);
	if (!leg)
		return ch->err;
	memcpy(leg_id, leg->id, sizeof leg_id);
	if (c->status == CALL_RINGING)
		answer(ch, leg_id);
	if (was_rung)
		tell_elsewhere(ch, "call.answered-elsewhere");
	greet(ch, call_leg(c, leg_id)); /* answering may have moved the legs */
	reply_self(ch, call_leg(c, leg_id));
	change_settle_alone(ch);
	return 0;
}

static int claim(struct change *ch, struct leg *leg, struct str session_id)
{
	if (str_copy(leg->session_id, sizeof leg->session_id, session_id) < 0)
		return ERR_BAD_REQUEST;
	leg->state = LEG_JOINED;
	leg->deadline_at = 0;
	leg->joined_at = ch->now;
	leg->changed = true;
	take_media(ch);
	change_refresh(ch, ch->me);
	greet(ch, leg);
	reply_self(ch, leg);
	return 0;
}

/* One more device of somebody who is in. A starter who comes to a call that rings nobody brings it to life. */
static int add_device(struct change *ch, struct str session_id)
{
	struct call *c = ch->next;
	bool starts = c->status == CALL_RINGING && ch->me->role == ROLE_CALLER && !change_was_rung(c);
	char leg_id[ID_UUID_SIZE];
	if (!session_id.len && !starts)
		return 0;
	if (change_n_legs(c, NULL) >= ch->facts->limits->max_legs)
		return ERR_CALL_FULL;
	struct leg *leg = change_add_leg(ch, ch->me, session_id);
	if (!leg)
		return ch->err;
	memcpy(leg_id, leg->id, sizeof leg_id);
	take_media(ch);
	if (starts)
		answer(ch, leg_id);
	change_refresh(ch, ch->me);
	greet(ch, call_leg(c, leg_id));
	reply_self(ch, call_leg(c, leg_id));
	change_settle_alone(ch);
	return 0;
}

/* Direct calls: one device a side. A lost one gives way, a living one only when it is told to. */
static int take_over(struct change *ch, struct leg *old, struct str session_id)
{
	bool media_seen = old->media_seen;
	change_drop_leg(old);
	tell_moved(ch, old);
	tell_leg_left(ch, old, true, "moved");
	int err = add_device(ch, session_id);
	if (err < 0)
		return err;
	ch->next->legs[ch->next->n_legs - 1].media_seen = media_seen;
	return 0;
}

static int second_device(struct change *ch, struct str session_id)
{
	struct leg *old = leg_in_state(ch->next, ch->me, LEG_RECONNECTING);
	if (ch->next->mode == CALL_GROUP)
		return add_device(ch, session_id);
	if (!old && ch->cmd->join.takeover)
		old = leg_in_state(ch->next, ch->me, LEG_JOINED);
	if (old)
		return take_over(ch, old, session_id);
	return ch->me->role == ROLE_CALLER ? ERR_ALREADY_JOINED : ERR_ANSWERED_ELSEWHERE;
}

static int come_again(struct change *ch, struct str session_id)
{
	struct call *c = ch->next;
	struct leg *own = call_leg_of_session(c, session_id);
	struct leg *unclaimed = leg_in_state(c, ch->me, LEG_UNCLAIMED);
	if (own) {
		reply_self(ch, own);
		if (own->state == LEG_RECONNECTING)
			change_resume_leg(ch, own);
		return 0;
	}
	if (unclaimed) {
		reply_self(ch, unclaimed);
		return session_id.len ? claim(ch, unclaimed, session_id) : 0;
	}
	if (change_n_legs(c, ch->me) == 0)
		return add_device(ch, session_id);
	if (session_id.len)
		return second_device(ch, session_id);
	return c->mode == CALL_DIRECT && ch->me->role != ROLE_CALLER ? ERR_ANSWERED_ELSEWHERE : 0;
}

/* A member of the channel who was not invited. */
static int admit(struct change *ch)
{
	const struct call_actor *actor = &ch->cmd->actor;
	struct user user = {0};
	if (!actor->user_id.len || !ch->facts->actor_is_member)
		return ERR_FORBIDDEN;
	if (str_copy(user.id, sizeof user.id, actor->user_id) < 0 ||
		str_copy(user.name, sizeof user.name, actor->name) < 0 ||
		str_copy(user.avatar_url, sizeof user.avatar_url, actor->avatar_url) < 0)
		return ERR_BAD_REQUEST;
	ch->me = change_add_person(ch, &user, ROLE_MEMBER);
	return ch->me ? 0 : ch->err;
}

int decide_join(struct change *ch)
{
	struct str session_id = ch->cmd->actor.session_id;
	int64_t grace = ch->facts->limits->ring_grace_ms;
	ch->next->restarted_at = 0;
	if (ch->me && participant_is_in(ch->me))
		return come_again(ch, session_id);
	/* A decline stands for as long as it would have rung; in a group call one may change one's mind after that. */
	if (ch->me && ch->me->state == PART_DECLINED && ch->now < ch->me->ring_expires_at + grace)
		return ERR_DECLINED_ELSEWHERE;
	if (!ch->me) {
		int err = admit(ch);
		if (err < 0)
			return err;
	}
	return come_in(ch, session_id);
}

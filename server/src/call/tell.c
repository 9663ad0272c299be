/* What each event says: the payloads of protocol/README.md, beside callId, seq and ts. */
#include "call/change.h"
#include "call/view.h"

static struct str or_null(const char *z)
{
	return *z ? str_of(z) : str_n(NULL, 0);
}

static void put_user_ids(struct change *ch)
{
	jw_key(&ch->json, "participants");
	jw_array(&ch->json);
	for (size_t i = 0; i < ch->next->n_participants; i++)
		jw_str(&ch->json, str_of(ch->next->participants[i].user.id));
	jw_end_array(&ch->json);
}

static void put_kind(struct change *ch)
{
	jw_kz(&ch->json, "channelId", ch->next->channel_id);
	jw_kz(&ch->json, "callType", call_type_word(ch->next->type));
	jw_kz(&ch->json, "mode", call_mode_word(ch->next->mode));
}

static void put_metadata(struct change *ch)
{
	jw_kraw(&ch->json, "metadata", ch->next->metadata ? str_of(ch->next->metadata) : STR("{}"));
}

void tell_started(struct change *ch)
{
	struct call_event *e = event_begin(ch, "call.started", TO_NOBODY);
	e->is_webhook = true;
	put_kind(ch);
	jw_kz(&ch->json, "startedBy", ch->next->started_by);
	put_user_ids(ch);
	put_metadata(ch);
	event_end(ch);
}

void tell_incoming(struct change *ch, const struct participant *to, int64_t ring_expires_at, bool waiting)
{
	const struct call *c = ch->next;
	const struct participant *caller = call_participant(c, str_of(c->started_by));
	struct call_event *e = event_begin(ch, "call.incoming", to ? TO_USER : TO_CALLEES);
	e->is_webhook = true;
	if (to)
		event_to_user(e, to);
	put_kind(ch);
	jw_kz(&ch->json, "initiator", c->started_by);
	jw_kstr(&ch->json, "initiatorName", caller ? or_null(caller->user.name) : str_n(NULL, 0));
	jw_kstr(&ch->json, "initiatorAvatarUrl", caller ? or_null(caller->user.avatar_url) : str_n(NULL, 0));
	jw_ktime(&ch->json, "ringExpiresAt", ring_expires_at);
	jw_kint(&ch->json, "msLeft", ring_expires_at - ch->now);
	put_user_ids(ch);
	put_metadata(ch);
	if (waiting)
		jw_kbool(&ch->json, "waiting", true);
	event_end(ch);
}

/* Of one person, to another or to a whole audience. */
void tell_about(struct change *ch, const char *type, const struct participant *about, const struct participant *to)
{
	struct call_event *e = event_begin(ch, type, TO_USER);
	event_to_user(e, to);
	jw_kz(&ch->json, "userId", about->user.id);
	event_end(ch);
}

void tell_elsewhere(struct change *ch, const char *type)
{
	struct call_event *e = event_begin(ch, type, TO_USER);
	event_to_user(e, ch->me);
	event_except(e, ch->cmd->actor.session_id);
	jw_kz(&ch->json, "userId", ch->me->user.id);
	event_end(ch);
}

void tell_declined(struct change *ch)
{
	struct call_event *e = event_begin(ch, "call.declined", TO_PARTICIPANTS);
	e->is_webhook = true;
	jw_kz(&ch->json, "userId", ch->me->user.id);
	jw_kstr(&ch->json, "name", or_null(ch->me->user.name));
	event_end(ch);
}

void tell_accepted(struct change *ch, const struct leg *leg)
{
	const struct participant *p = &ch->next->participants[leg->participant];
	struct call_event *e = event_begin(ch, "call.accepted", TO_PARTICIPANTS);
	e->is_webhook = true;
	jw_kz(&ch->json, "userId", p->user.id);
	jw_kstr(&ch->json, "name", or_null(p->user.name));
	jw_ktime(&ch->json, "answeredAt", ch->next->answered_at);
	jw_kz(&ch->json, "socketId", leg->id);
	event_end(ch);
}

void tell_active(struct change *ch)
{
	if (ch->next->mode != CALL_GROUP)
		return;
	event_begin(ch, "call.active", TO_CHANNEL);
	jw_kz(&ch->json, "channelId", ch->next->channel_id);
	jw_kz(&ch->json, "callType", call_type_word(ch->next->type));
	jw_kz(&ch->json, "startedBy", ch->next->started_by);
	put_user_ids(ch);
	event_end(ch);
}

/* A device that came in. One without a socket yet is only noted: nobody could offer to it. */
void tell_joined(struct change *ch, const struct leg *leg)
{
	const struct participant *p = &ch->next->participants[leg->participant];
	bool claimed = leg->state != LEG_UNCLAIMED;
	struct call_event *e =
		event_begin(ch, claimed ? "participant.joined" : "participant.admitted", claimed ? TO_LEGS : TO_NOBODY);
	e->is_webhook = claimed;
	event_except(e, str_of(leg->session_id));
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", p->user.id);
	jw_kstr(&ch->json, "name", or_null(p->user.name));
	jw_kbool(&ch->json, "isMuted", p->is_muted);
	jw_kbool(&ch->json, "isVideoEnabled", p->is_video_enabled);
	jw_kbool(&ch->json, "isScreenSharing", p->is_screen_sharing);
	event_end(ch);
}

void tell_roster(struct change *ch, const struct leg *leg)
{
	struct call_event *e = event_begin_passing(ch, "call.participants", TO_LEG);
	event_to_leg(e, leg);
	jw_key(&ch->json, "self");
	call_write_self(&ch->json, ch->next, leg);
	jw_key(&ch->json, "participants");
	call_write_legs(&ch->json, ch->next, leg);
	jw_key(&ch->json, "recording");
	call_write_recording(&ch->json, ch->next);
	jw_key(&ch->json, "roster");
	call_write_roster(&ch->json, ch->next, ch->now);
	event_end(ch);
}

void tell_leg_left(struct change *ch, const struct leg *leg, bool was_claimed, const char *reason)
{
	struct call_event *e = event_begin(ch, "participant.left", was_claimed ? TO_LEGS : TO_NOBODY);
	e->is_webhook = was_claimed;
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", ch->next->participants[leg->participant].user.id);
	jw_kz(&ch->json, "reason", reason);
	event_end(ch);
}

/* A user of whom no device is known. */
void tell_gone(struct change *ch, const struct participant *p)
{
	event_begin(ch, "participant.left", TO_NOBODY);
	jw_kz(&ch->json, "userId", p->user.id);
	jw_kz(&ch->json, "reason", "lost");
	event_end(ch);
}

void tell_moved(struct change *ch, const struct leg *leg)
{
	struct call_event *e = event_begin(ch, "call.moved", TO_LEG);
	event_to_leg(e, leg);
	jw_kz(&ch->json, "socketId", leg->id);
	event_end(ch);
}

void tell_leg_passing(struct change *ch, const char *type, const struct leg *leg)
{
	struct call_event *e = event_begin_passing(ch, type, TO_LEGS);
	event_to_leg(e, leg);
	event_except(e, str_of(leg->session_id));
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", ch->next->participants[leg->participant].user.id);
	event_end(ch);
}

void tell_not_answered(struct change *ch, const char *type, const struct participant *to, enum end_reason reason)
{
	struct call_event *e = event_begin(ch, type, to ? TO_USER : TO_CALLEES);
	e->is_webhook = true;
	if (to)
		event_to_user(e, to);
	jw_kz(&ch->json, "reason", end_reason_word(reason));
	if (strcmp(type, "call.cancelled") == 0)
		jw_kstr(&ch->json, "userId", or_null(ch->next->ended_by));
	event_end(ch);
}

void tell_ended(struct change *ch)
{
	const struct call *c = ch->next;
	struct call_event *e = event_begin(ch, "call.ended", TO_PARTICIPANTS);
	e->is_webhook = true;
	jw_kz(&ch->json, "status", call_status_word(c->status));
	jw_kz(&ch->json, "reason", end_reason_word(c->end_reason));
	jw_kstr(&ch->json, "endedBy", or_null(c->ended_by));
	jw_kint(&ch->json, "duration", call_duration_s(c, ch->now));
	jw_ktime(&ch->json, "answeredAt", c->answered_at);
	jw_ktime(&ch->json, "endedAt", c->ended_at);
	event_end(ch);
}

/* What a device in the call says of itself: mute, camera, screen, quality, whether its media flows. */
#include "call/change.h"

#include "base/err.h"

#define DEGRADED_EVERY_MS 60000

static void tell_flag(struct change *ch, const struct leg *leg, const char *type, const char *key, bool value)
{
	struct call_event *e = event_begin_passing(ch, type, TO_LEGS);
	event_to_leg(e, leg);
	event_except(e, str_of(leg->session_id));
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", ch->me->user.id);
	jw_kbool(&ch->json, key, value);
	event_end(ch);
	ch->out->change = CHANGE_MEDIA;
}

static void tell_quality(struct change *ch, const struct leg *leg)
{
	struct call_event *e = event_begin_passing(ch, "participant.quality", TO_LEGS);
	event_to_leg(e, leg);
	event_except(e, str_of(leg->session_id));
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", ch->me->user.id);
	jw_kz(&ch->json, "connectionQuality", quality_word(ch->me->quality));
	event_end(ch);
	ch->out->change = CHANGE_MEDIA;
}

/* Told to the host's backend, and kept in the story of the call; not at each step of a connection that wavers. */
static void tell_degraded(struct change *ch, const struct leg *leg)
{
	struct participant *me = ch->me;
	if (ch->next->status != CALL_ACTIVE || me->quality == QUALITY_POOR ||
		(me->degraded_at && ch->now - me->degraded_at < DEGRADED_EVERY_MS))
		return;
	me->degraded_at = ch->now;
	struct call_event *e = event_begin(ch, "quality.degraded", TO_NOBODY);
	e->is_webhook = true;
	jw_kz(&ch->json, "socketId", leg->id);
	jw_kz(&ch->json, "userId", me->user.id);
	jw_kz(&ch->json, "connectionQuality", quality_word(QUALITY_POOR));
	jw_kz(&ch->json, "before", quality_word(me->quality));
	event_end(ch);
}

int decide_media(struct change *ch)
{
	const struct call_media *m = &ch->cmd->media;
	struct participant *me = ch->me;
	const struct leg *leg = call_leg_of_session(ch->next, ch->cmd->actor.session_id);
	if (!leg)
		return ERR_NOT_IN_CALL;
	if ((m->set & MEDIA_QUALITY) && m->quality == QUALITY_POOR)
		tell_degraded(ch, leg); /* numbered events come before those that pass */
	if ((m->set & MEDIA_MUTED) && me->is_muted != m->is_muted) {
		me->is_muted = m->is_muted;
		tell_flag(ch, leg, "participant.muted", "isMuted", m->is_muted);
	}
	if ((m->set & MEDIA_VIDEO) && me->is_video_enabled != m->is_video_enabled) {
		me->is_video_enabled = m->is_video_enabled;
		tell_flag(ch, leg, "participant.video-toggled", "isVideoEnabled", m->is_video_enabled);
	}
	if ((m->set & MEDIA_SCREEN) && me->is_screen_sharing != m->is_screen_sharing) {
		me->is_screen_sharing = m->is_screen_sharing;
		tell_flag(ch, leg, "participant.screen-toggled", "isScreenSharing", m->is_screen_sharing);
	}
	if ((m->set & MEDIA_QUALITY) && me->quality != m->quality) {
		me->quality = m->quality;
		tell_quality(ch, leg);
	}
	return 0;
}

/* Race 14. A connection that worked once and fails later is the clients' to restart. In a group call one failed
 * connection of many ends nothing. */
int decide_connection(struct change *ch)
{
	struct call *c = ch->next;
	struct leg *leg = call_leg_of_session(c, ch->cmd->actor.session_id);
	if (!leg)
		return ERR_NOT_IN_CALL;
	if (ch->cmd->connection == CONNECTION_CONNECTED) {
		if (!leg->media_seen)
			ch->out->change = CHANGE_MEMORY;
		leg->media_seen = true;
	} else if (!leg->media_seen && c->mode == CALL_DIRECT && c->status == CALL_ACTIVE) {
		change_finish(ch, CALL_ENDED, END_CONNECT_FAILED, ch->cmd->actor.user_id);
	}
	return 0;
}

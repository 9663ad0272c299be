/* How a call is shown: the objects Call, Participant, LegInfo and Self of protocol/README.md. */
#include "call/view.h"

static struct str or_null(const char *z)
{
	return *z ? str_of(z) : str_n(NULL, 0);
}

static int64_t talk_seconds(const struct participant *p, int64_t now)
{
	int64_t running = p->talk_since && now > p->talk_since ? now - p->talk_since : 0;
	return (p->talk_ms + running) / 1000;
}

static void write_participant(struct json_writer *w, const struct participant *p, int64_t now)
{
	jw_object(w);
	jw_kz(w, "userId", p->user.id);
	jw_kstr(w, "name", or_null(p->user.name));
	jw_kstr(w, "avatarUrl", or_null(p->user.avatar_url));
	jw_kz(w, "role", role_word(p->role));
	jw_kz(w, "state", participant_state_word(p->state));
	jw_ktime(w, "joinedAt", p->joined_at);
	jw_ktime(w, "leftAt", p->left_at);
	jw_kint(w, "talkSeconds", talk_seconds(p, now));
	jw_kint(w, "relayedBytes", p->relayed_bytes);
	jw_kbool(w, "isMuted", p->is_muted);
	jw_kbool(w, "isVideoEnabled", p->is_video_enabled);
	jw_kbool(w, "isScreenSharing", p->is_screen_sharing);
	jw_kbool(w, "recordingConsent", p->agreed);
	jw_kstr(w, "connectionQuality", p->quality == QUALITY_NONE ? str_n(NULL, 0) : str_of(quality_word(p->quality)));
	jw_end_object(w);
}

void call_write_roster(struct json_writer *w, const struct call *call, int64_t now)
{
	jw_array(w);
	for (size_t i = 0; i < call->n_participants; i++)
		write_participant(w, &call->participants[i], now);
	jw_end_array(w);
}

static void write_times(struct json_writer *w, const struct call *call, int64_t now)
{
	jw_kz(w, "startedBy", call->started_by);
	jw_ktime(w, "startedAt", call->started_at);
	jw_ktime(w, "ringExpiresAt", call->ring_expires_at);
	jw_ktime(w, "answeredAt", call->answered_at);
	jw_ktime(w, "endedAt", call->ended_at);
	jw_kint(w, "duration", call_duration_s(call, now));
	jw_kstr(w, "endReason",
		call->end_reason == END_NONE ? str_n(NULL, 0) : str_of(end_reason_word(call->end_reason)));
	jw_kstr(w, "endedBy", or_null(call->ended_by));
}

void call_write_recording(struct json_writer *w, const struct call *call)
{
	jw_object(w);
	jw_kz(w, "state", record_state_word(call->record_state));
	jw_kz(w, "policy", record_policy_word(call->record_policy));
	jw_kstr(w, "userId", or_null(call->recorder_id));
	jw_kstr(w, "socketId", or_null(call->recorder_leg));
	jw_ktime(w, "since", call->record_at);
	jw_end_object(w);
}

void call_write_members(struct json_writer *w, const struct call *call, int64_t now)
{
	jw_kz(w, "id", call->id);
	jw_kz(w, "channelId", call->channel_id);
	jw_kz(w, "callType", call_type_word(call->type));
	jw_kz(w, "mode", call_mode_word(call->mode));
	jw_kz(w, "status", call_status_word(call->status));
	write_times(w, call, now);
	jw_kz(w, "topology", topology_word(call->topology));
	jw_kraw(w, "metadata", call->metadata ? str_of(call->metadata) : STR("{}"));
	jw_kint(w, "seq", call->seq);
	jw_ktime(w, "lastSeenAt", call->last_seen_at);
	jw_key(w, "recording");
	call_write_recording(w, call);
	jw_key(w, "participants");
	call_write_roster(w, call, now);
}

void call_write_json(struct json_writer *w, const struct call *call, int64_t now)
{
	jw_object(w);
	call_write_members(w, call, now);
	jw_end_object(w);
}

void call_write_self(struct json_writer *w, const struct call *call, const struct leg *self)
{
	jw_object(w);
	jw_kz(w, "socketId", self->id);
	jw_kz(w, "callId", call->id);
	jw_kz(w, "userId", call->participants[self->participant].user.id);
	jw_kz(w, "sessionId", self->session_id);
	jw_end_object(w);
}

static void write_leg(struct json_writer *w, const struct participant *p, const struct leg *leg)
{
	jw_object(w);
	jw_kz(w, "socketId", leg->id);
	jw_kz(w, "userId", p->user.id);
	jw_kstr(w, "name", or_null(p->user.name));
	jw_kbool(w, "isMuted", p->is_muted);
	jw_kbool(w, "isVideoEnabled", p->is_video_enabled);
	jw_kbool(w, "isScreenSharing", p->is_screen_sharing);
	jw_ktime(w, "joinedAt", leg->joined_at);
	jw_end_object(w);
}

void call_write_legs(struct json_writer *w, const struct call *call, const struct leg *except)
{
	jw_array(w);
	for (size_t i = 0; i < call->n_legs; i++) {
		const struct leg *leg = &call->legs[i];
		if (leg != except && (leg->state == LEG_JOINED || leg->state == LEG_RECONNECTING))
			write_leg(w, &call->participants[leg->participant], leg);
	}
	jw_end_array(w);
}

bool call_may_see(const struct call *call, struct str user_id, bool is_member)
{
	return call_participant(call, user_id) || (call->mode == CALL_GROUP && is_member);
}

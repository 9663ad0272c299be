/* Being recorded: who may begin and end it, who must have agreed, and that everyone in the call knows.
 *
 *                    policy "consent", somebody in the call has not agreed
 *   NOT_RECORDED --start--> RECORD_ASKED <-----------------------------> RECORDED
 *        ^  '--start, nobody to ask---------------------------------------^ |  |
 *        '--stop, a refusal (policy "consent"), its device gone, the call over--'
 */
#include "call/change.h"

#include "base/err.h"
#include "store/recording.h"

static void tell(struct change *ch, const char *state, const char *user_id, const char *leg_id)
{
	struct call_event *e = event_begin(ch, "call.recording", TO_LEGS);
	e->is_webhook = false;
	if (leg_id[0])
		jw_kz(&ch->json, "socketId", leg_id);
	else
		jw_knull(&ch->json, "socketId");
	if (user_id[0])
		jw_kz(&ch->json, "userId", user_id);
	else
		jw_knull(&ch->json, "userId");
	jw_kz(&ch->json, "state", state);
	jw_kz(&ch->json, "policy", record_policy_word(ch->next->record_policy));
	event_end(ch);
}

static void tell_state(struct change *ch, const char *state)
{
	tell(ch, state, ch->next->recorder_id, ch->next->recorder_leg);
}

static bool all_agreed(const struct call *c)
{
	for (size_t i = 0; i < c->n_participants; i++)
		if (participant_is_in(&c->participants[i]) && !c->participants[i].agreed)
			return false;
	return true;
}

static void enter(struct change *ch, enum record_state state)
{
	ch->next->record_state = state;
	ch->next->record_at = ch->now;
	tell_state(ch, record_state_word(state));
}

static void enter_as_agreed(struct change *ch)
{
	bool asks = ch->next->record_policy == RECORD_CONSENT && !all_agreed(ch->next);
	enter(ch, asks ? RECORD_ASKED : RECORDED);
}

static void clear(struct call *c)
{
	c->record_state = NOT_RECORDED;
	c->record_at = 0;
	c->recorder_id[0] = 0;
	c->recorder_leg[0] = 0;
}

static void forget_consents(struct call *c)
{
	for (size_t i = 0; i < c->n_participants; i++) {
		c->participants[i].changed |= c->participants[i].agreed;
		c->participants[i].agreed = false;
	}
}

static void agree(struct participant *p)
{
	p->agreed = true;
	p->changed = true;
}

static bool is_recorder(const struct change *ch)
{
	return str_eq_z(ch->cmd->actor.user_id, ch->next->recorder_id);
}

static int start(struct change *ch)
{
	struct call *c = ch->next;
	const struct call_actor *actor = &ch->cmd->actor;
	const struct leg *leg = actor->session_id.len ? call_leg_of_session(c, actor->session_id) : NULL;
	if (c->status != CALL_ACTIVE || (!actor->is_server && (!ch->me || !participant_is_in(ch->me))) ||
		(actor->session_id.len && !leg))
		return ERR_NOT_IN_CALL;
	if (c->record_policy == RECORD_OFF)
		return ERR_RECORDING_OFF;
	if (!actor->may_record)
		return ERR_FORBIDDEN;
	if (c->record_state != NOT_RECORDED)
		return is_recorder(ch) ? 0 : ERR_ALREADY_RECORDED;
	forget_consents(c);
	if (ch->me)
		agree(ch->me);
	if (str_copy(c->recorder_id, sizeof c->recorder_id, actor->user_id) < 0)
		return ERR_BAD_REQUEST;
	if (leg)
		memcpy(c->recorder_leg, leg->id, sizeof c->recorder_leg);
	enter_as_agreed(ch);
	return 0;
}

static int stop(struct change *ch)
{
	struct call *c = ch->next;
	const struct call_actor *actor = &ch->cmd->actor;
	if (!ch->me && !actor->is_server)
		return ERR_NOT_IN_CALL;
	if (c->record_state == NOT_RECORDED)
		return 0;
	if (!is_recorder(ch) && !actor->is_server && !actor->is_moderator)
		return ERR_FORBIDDEN;
	tell(ch, "stopped", ch->me ? ch->me->user.id : "", c->recorder_leg);
	clear(c);
	return 0;
}

static const char *own_leg(const struct change *ch)
{
	const struct leg *leg = call_leg_of_session(ch->next, ch->cmd->actor.session_id);
	return leg ? leg->id : "";
}

static int consent(struct change *ch)
{
	struct call *c = ch->next;
	if (!ch->me || !participant_is_in(ch->me))
		return ERR_NOT_IN_CALL;
	if (c->record_state == NOT_RECORDED)
		return ERR_NOT_RECORDED;
	if (ch->me->agreed)
		return 0;
	agree(ch->me);
	tell(ch, "consented", ch->me->user.id, own_leg(ch));
	if (c->record_state == RECORD_ASKED && all_agreed(c))
		enter(ch, RECORDED);
	return 0;
}

/* Only where everybody must agree does a refusal end it; elsewhere it can be said aloud, or one can leave. */
static int refuse(struct change *ch)
{
	struct call *c = ch->next;
	if (!ch->me || !participant_is_in(ch->me))
		return ERR_NOT_IN_CALL;
	if (c->record_state == NOT_RECORDED)
		return 0;
	if (c->record_policy != RECORD_CONSENT)
		return ERR_FORBIDDEN;
	tell(ch, "refused", ch->me->user.id, own_leg(ch));
	clear(c);
	return 0;
}

int decide_recording(struct change *ch)
{
	switch (ch->cmd->recording) {
	case RECORDING_START: return start(ch);
	case RECORDING_STOP: return stop(ch);
	case RECORDING_CONSENT: return consent(ch);
	case RECORDING_REFUSE: return refuse(ch);
	}
	return ERR_BAD_REQUEST;
}

/* Whoever records is still there, with the device that does. */
static bool recorder_is_in(const struct call *c)
{
	const struct participant *p = c->recorder_id[0] ? call_participant(c, str_of(c->recorder_id)) : NULL;
	const struct leg *leg = c->recorder_leg[0] ? call_leg(c, c->recorder_leg) : NULL;
	if (c->recorder_leg[0] && (!leg || leg->state == LEG_GONE))
		return false;
	return !p || participant_is_in(p);
}

void recording_follow(struct change *ch, int64_t seq_before)
{
	struct call *c = ch->next;
	if (!c || c->record_state == NOT_RECORDED || c->seq == seq_before)
		return;
	if (!call_is_live(c)) {
		clear(c);
	} else if (ch->out->n_events != ch->out->n_numbered) {
		return; /* nobody came or went */
	} else if (!recorder_is_in(c)) {
		tell_state(ch, "stopped");
		clear(c);
	} else if (c->record_policy == RECORD_CONSENT && (c->record_state == RECORDED) != all_agreed(c)) {
		enter_as_agreed(ch);
	}
}

/* Also of a call that is over: recordings take their time. */
int decide_recorded(struct change *ch)
{
	const struct recording *r = ch->cmd->recorded;
	struct call_event *e = event_begin(ch, "recording.ready", TO_PARTICIPANTS);
	e->is_webhook = true;
	jw_kz(&ch->json, "recordingId", r->id);
	jw_kstr(&ch->json, "userId", r->user_id[0] ? str_of(r->user_id) : str_n(NULL, 0));
	jw_kz(&ch->json, "recordingUrl", r->url);
	jw_kz(&ch->json, "mediaType", r->media_type);
	jw_kint(&ch->json, "fileSize", r->file_size);
	jw_kint(&ch->json, "durationMs", r->duration_ms);
	jw_kbool(&ch->json, "isCut", r->is_cut);
	event_end(ch);
	return 0;
}

/* How an event comes into being: its number, its audience, and the payload that is open while its teller writes. */
#include "call/change.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>

#define PAYLOAD_MAX (256 * 1024)

static struct call_event *event_new(struct change *ch)
{
	struct call_decision *d = ch->out;
	struct call_event *grown = mem_grow(d->events, d->n_events, &d->cap_events, sizeof *grown, 4);
	if (!grown) {
		ch->err = ERR_NO_MEMORY;
		return &ch->nowhere;
	}
	d->events = grown;
	return &d->events[d->n_events++];
}

static struct call_event *begin(struct change *ch, const char *type, enum audience audience, int64_t seq)
{
	struct call_event *e = event_new(ch);
	*e = (struct call_event){.seq = seq, .at = ch->now, .type = type, .audience = audience};
	if (str_copy(e->actor_id, sizeof e->actor_id, ch->cmd->actor.user_id) < 0)
		ch->err = ERR_BAD_REQUEST;
	buf_init(&ch->payload, PAYLOAD_MAX);
	ch->json = json_writer(&ch->payload);
	jw_object(&ch->json);
	jw_kz(&ch->json, "callId", ch->next->id);
	if (seq)
		jw_kint(&ch->json, "seq", seq);
	jw_ktime(&ch->json, "ts", ch->now);
	return e;
}

struct call_event *event_begin(struct change *ch, const char *type, enum audience audience)
{
	assert(ch->err || ch->out->n_events == ch->out->n_numbered);
	ch->out->n_numbered++;
	return begin(ch, type, audience, ++ch->next->seq);
}

struct call_event *event_begin_passing(struct change *ch, const char *type, enum audience audience)
{
	return begin(ch, type, audience, 0);
}

void event_end(struct change *ch)
{
	size_t len;
	jw_end_object(&ch->json);
	char *payload = buf_take(&ch->payload, &len);
	if (!payload)
		ch->err = ERR_NO_MEMORY;
	if (!ch->err)
		ch->out->events[ch->out->n_events - 1].payload = payload;
	else
		mem_free(payload);
	buf_fini(&ch->payload);
}

void event_to_user(struct call_event *e, const struct participant *p)
{
	memcpy(e->user_id, p->user.id, sizeof e->user_id);
}

void event_to_leg(struct call_event *e, const struct leg *l)
{
	memcpy(e->leg_id, l->id, sizeof e->leg_id);
}

void event_except(struct call_event *e, struct str session_id)
{
	if (session_id.len < sizeof e->except_session)
		str_copy(e->except_session, sizeof e->except_session, session_id);
}

/* How an event is shown to the host's backend. */
#include "call/hook.h"

#include <stdio.h>
#include <string.h>

void hook_id(const struct outbox_event *e, char out[HOOK_ID_SIZE])
{
	snprintf(out, HOOK_ID_SIZE, "%s-%lld", e->call_id, (long long)e->stored.event.seq);
}

const char *hook_type(const struct outbox_event *e)
{
	const char *type = e->stored.event.type;
	return strcmp(type, "call.accepted") == 0 ? "call.answered" : type;
}

void hook_write_members(struct json_writer *w, const struct outbox_event *e)
{
	const struct call_event *event = &e->stored.event;
	char id[HOOK_ID_SIZE];
	hook_id(e, id);
	jw_kz(w, "id", id);
	jw_kz(w, "type", hook_type(e));
	jw_kz(w, "callId", e->call_id);
	jw_kint(w, "seq", event->seq);
	jw_ktime(w, "ts", event->at);
	jw_kstr(w, "actorId", event->actor_id[0] ? str_of(event->actor_id) : str_n(NULL, 0));
	jw_kstr(w, "userId", event->audience == TO_USER ? str_of(event->user_id) : str_n(NULL, 0));
	jw_kraw(w, "data", event->payload && event->payload[0] ? str_of(event->payload) : STR("{}"));
}

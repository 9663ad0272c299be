/* hook: an event as the host's backend is told of it, by webhooks and by GET /api/events alike. */
#ifndef BELLWIRE_CALL_HOOK_H
#define BELLWIRE_CALL_HOOK_H

#include "base/json.h"
#include "store/outbox.h"

#define HOOK_ID_SIZE (ID_UUID_SIZE + 20)

/* The event's name for ever, the same in every delivery of it: "CALL-SEQ". */
void hook_id(const struct outbox_event *e, char out[HOOK_ID_SIZE]);

/* The name by which hosts know it: "call.answered" for call.accepted, else the event's own. */
const char *hook_type(const struct outbox_event *e);

/* The members of the object HostEvent of protocol/openapi.yaml, without the braces. */
void hook_write_members(struct json_writer *w, const struct outbox_event *e);

#endif

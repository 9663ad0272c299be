/* view: how a call is shown to those who may see it: the objects of protocol/README.md. */
#ifndef BELLWIRE_CALL_VIEW_H
#define BELLWIRE_CALL_VIEW_H

#include "base/json.h"
#include "store/model.h"

/* Participants always; of a group call also the members of its channel, which the asker has looked up. */
bool call_may_see(const struct call *call, struct str user_id, bool is_member);

/* The call object of REST and acks. */
void call_write_json(struct json_writer *w, const struct call *call, int64_t now);

/* The same without the braces, for objects that say more (HistoryCall, sync). */
void call_write_members(struct json_writer *w, const struct call *call, int64_t now);

/* Self, LegInfo[] (devices with a session, but `except`; null = all) and Participant[] of protocol/README.md. */
void call_write_self(struct json_writer *w, const struct call *call, const struct leg *self);
void call_write_legs(struct json_writer *w, const struct call *call, const struct leg *except);
void call_write_roster(struct json_writer *w, const struct call *call, int64_t now);

/* The object RecordingState: whether it is recorded, by whom, by which policy. */
void call_write_recording(struct json_writer *w, const struct call *call);

#endif

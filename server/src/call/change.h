/* change: the words that the decide_*.c files are written in. Inside this module only.
 *
 * A change is one decision being made: a private copy of the call that the handlers move, and the events that tell of
 * it. Without memory it goes on harmlessly and is thrown away at the end (`err` sticks).
 */
#ifndef BELLWIRE_CALL_CHANGE_H
#define BELLWIRE_CALL_CHANGE_H

#include "base/json.h"
#include "call/decide.h"

struct change {
	const struct call_facts *facts;
	const struct call_command *cmd;
	int64_t now;
	struct call *next;	/* owned until it is handed to the decision */
	struct participant *me; /* the actor's row in next; null. Adding participants moves it: see change_add_person */
	struct call_decision *out;
	size_t n_leg_ids;   /* of facts->leg_ids, used up */
	struct buf payload; /* of the event that is being written */
	struct json_writer json;
	struct call_event nowhere; /* what is written without memory */
	int err;
};

/* One handler per verb. They answer 0 or a refusal; after a refusal whatever they did is thrown away. */
typedef int (*decide_fn)(struct change *ch);
int decide_join(struct change *ch);
int decide_leave(struct change *ch);
int decide_decline(struct change *ch);
int decide_cancel(struct change *ch);
int decide_end(struct change *ch);
int decide_ring(struct change *ch);
int decide_ack(struct change *ch);
int decide_media(struct change *ch);
int decide_connection(struct change *ch);
int decide_recording(struct change *ch);
int decide_recorded(struct change *ch);
int decide_deadline(struct change *ch);
int decide_restart(struct change *ch);
int decide_session_opened(struct change *ch);
int decide_session_lost(struct change *ch);
int decide_session_resumed(struct change *ch);
int decide_session_gone(struct change *ch);

/* After any other change that is numbered: a recording ends with its device, and waits for who has not agreed. */
void recording_follow(struct change *ch, int64_t seq_before);

/* The one that starts from no call, or from its rival. */
int decide_create(const struct call *rival, struct change *ch);

/* Whether the actor may end (or, for CMD_CANCEL, call off) this call. */
bool change_may_end(const struct change *ch);

/* --- telling (event.c) --- */

/* Opens an event; write its own members to ch->json, then event_end. event_begin numbers it; event_begin_passing is for
 * what is outside seq. callId, seq and ts are there already. */
struct call_event *event_begin(struct change *ch, const char *type, enum audience audience);
struct call_event *event_begin_passing(struct change *ch, const char *type, enum audience audience);
void event_end(struct change *ch);

/* Modifiers between begin and end. */
void event_to_user(struct call_event *e, const struct participant *p);
void event_to_leg(struct call_event *e, const struct leg *l);
void event_except(struct call_event *e, struct str session_id);

/* --- what is said (tell.c) --- */

void tell_started(struct change *ch);
/* To one, or (null) to all callees. */
void tell_incoming(struct change *ch, const struct participant *to, int64_t ring_expires_at, bool waiting);
void tell_about(struct change *ch, const char *type, const struct participant *about, const struct participant *to);
void tell_elsewhere(struct change *ch, const char *type); /* the actor's other sessions */
void tell_declined(struct change *ch);			  /* by the actor */
void tell_accepted(struct change *ch, const struct leg *leg);
void tell_active(struct change *ch); /* group calls only */
void tell_joined(struct change *ch, const struct leg *leg);
void tell_roster(struct change *ch, const struct leg *leg);
void tell_leg_left(struct change *ch, const struct leg *leg, bool was_claimed, const char *reason);
void tell_gone(struct change *ch, const struct participant *p);
void tell_moved(struct change *ch, const struct leg *leg);
void tell_leg_passing(struct change *ch, const char *type, const struct leg *leg);
void tell_not_answered(struct change *ch, const char *type, const struct participant *to, enum end_reason reason);
void tell_ended(struct change *ch);

/* --- moving (change.c) --- */

size_t change_n_in(const struct call *c);
size_t change_n_rung(const struct call *c);
size_t change_n_legs(const struct call *c, const struct participant *p); /* p null: of all */
bool change_was_rung(const struct call *c);				 /* false: made with ring:false */
size_t change_index(const struct call *c, const struct participant *p);

/* A new row; null without memory, or ERR_CALL_FULL when the call has as many as it may have (ch->err says which). */
struct participant *change_add_person(struct change *ch, const struct user *user, enum participant_role role);

/* A new device of p, unclaimed when session_id is empty. Null: ch->err. */
struct leg *change_add_leg(struct change *ch, struct participant *p, struct str session_id);
void change_drop_leg(struct leg *leg);
void change_drop_legs(struct change *ch, struct participant *p);

/* p comes in, goes out, or is rung. */
void change_enter(struct change *ch, struct participant *p);
void change_exit(struct change *ch, struct participant *p, enum participant_state state);
void change_ring(struct change *ch, struct participant *p, const struct call_person *who, int64_t ring_expires_at);
/* A ring that comes to nothing: to `state`, or to left when p had been in the call before. */
void change_unring(struct participant *p, enum participant_state state);
void change_resume_leg(struct change *ch, struct leg *leg);
/* joined or reconnecting, as its devices are. */
void change_refresh(struct change *ch, struct participant *p);

/* The call as a whole. */
void change_activate(struct change *ch);
void change_finish(struct change *ch, enum call_status status, enum end_reason reason, struct str by);
void change_finish_at(struct change *ch, enum call_status status, enum end_reason reason, int64_t at);

/* What follows when somebody is no longer rung, or no longer in: the call may be over, the deadline of being alone
 * starts or stops. `lost`: by a lost connection. */
void change_settle_ring(struct change *ch);
void change_settle_leave(struct change *ch, bool lost);
void change_settle_alone(struct change *ch);

#endif

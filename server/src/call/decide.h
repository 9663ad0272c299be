/* decide: what a command makes of a call. A pure function: no clock, no socket, no database, no randomness.
 *
 * Whatever it must know of the world comes in as facts; what is to be written and said comes out as a decision. So each
 * race of docs/guide/calls.md is a test of three lines, and millions of random steps cost seconds.
 */
#ifndef BELLWIRE_CALL_DECIDE_H
#define BELLWIRE_CALL_DECIDE_H

#include "call/command.h"
#include "call/limits.h"

/* Someone whom a command names, as others know them. */
struct call_person {
	struct user user;
	bool is_member;	  /* of the call's channel */
	bool is_busy;	  /* in another live call */
	bool has_session; /* some socket of theirs is connected */
};

/* What other owners know. All borrowed. */
struct call_facts {
	const struct call_limits *limits;
	bool actor_is_member;
	bool actor_is_busy;	 /* in a live call other than this one */
	bool actor_has_session;	 /* a socket of the actor's is connected (after the command's own change) */
	bool caller_has_session; /* … of the call's starter */

	/* CREATE and RING: the others that are meant, each once, without the actor. */
	const struct call_person *people;
	size_t n_people;

	/* CREATE */
	const struct call *by_id; /* the call that has the chosen id already; null */
	const struct call
		*rival;	    /* the live call of this pair or channel; null. Deciding on it makes it the current one. */
	bool has_tombstone; /* the actor has cancelled this id */
	uint64_t body_hash; /* of what the call is created with */

	/* Fresh names: a call's, and as many legs' as one decision may need. */
	char call_id[ID_UUID_SIZE];
	char leg_ids[2][ID_UUID_SIZE];
};

enum call_change {
	CHANGE_NONE,
	CHANGE_MEMORY, /* only what lives in memory: swap `next` in */
	CHANGE_MEDIA,  /* so, and the participant's media state is due to be written some time */
	CHANGE_ROWS,   /* rows and numbered events: commit, then swap */
};

struct call_decision {
	int err;	   /* 0 or the refusal */
	const char *field; /* which member of the request is wrong; null */
	int status;	   /* 200, 201 */
	bool existing;
	bool merged;
	bool tombstone; /* keep that the actor has cancelled this id */
	bool rings;	/* participants marked `changed` in `next` are rung now: subject to the ringing limits */
	enum call_change change;
	struct call *next; /* owned; null with CHANGE_NONE. Legs that go are LEG_GONE in it: call_settle drops them */

	/* What is said, in order: first the numbered ones, which are stored, then what is outside the numbering. */
	struct call_event *events; /* owned */
	size_t n_numbered;
	size_t n_events;
	size_t cap_events;

	char self_leg[ID_UUID_SIZE]; /* "" = the asker has no device in the call */
};

/* current: the call as committed, null when there is none (CREATE: the rival, if any). Fills *out, which is freed with
 * call_decision_fini whatever happened. Without memory: out->err is ERR_NO_MEMORY and nothing changes. */
void call_decide(const struct call *current, const struct call_facts *facts, const struct call_command *cmd,
	int64_t now, struct call_decision *out);
void call_decision_fini(struct call_decision *d);

/* After the commit: legs that are gone are dropped, the marks of change cleared. */
void call_settle(struct call *c);

/* When CMD_DEADLINE is due next; 0 = never. */
int64_t call_next_deadline(const struct call *c, const struct call_limits *limits);

/* Whether the user has one of these in hand: a ring that lasts, or a place in the call. */
bool participant_is_in(const struct participant *p);
bool participant_is_rung(const struct participant *p);

/* The device of a session in this call; null. */
struct leg *call_leg_of_session(const struct call *c, struct str session_id);
struct leg *call_leg(const struct call *c, const char *leg_id);

/* Whether an event is for this participant's sessions, by the state that the call has after it. Not for TO_LEGS, TO_LEG
 * (which are about devices) and TO_CHANNEL. */
bool call_event_is_for(const struct call *c, const struct call_event *e, const struct participant *p);

/* Direct or group: as asked for, else by the number of others. */
enum call_mode call_mode_of(const struct call_create *create, size_t n_others);

/* A hash of the request that stays the same over restarts and across nodes: participants in any order. */
uint64_t call_body_hash(const struct call_create *create, struct str actor_id);

#endif

/* call: the rules of calling, and the one way along which every call changes.
 *
 * A command (command.h) goes to the queue of its owner, is decided by a pure function, committed to the store in one
 * transaction, and only then answered and announced. REST and sockets are equal users of calls_submit; neither knows
 * the other. Everything here runs on the loop's thread.
 */
#ifndef BELLWIRE_CALL_CALL_H
#define BELLWIRE_CALL_CALL_H

#include "base/histogram.h"
#include "base/json.h"
#include "call/announcer.h"
#include "call/command.h"
#include "call/limits.h"
#include "call/view.h"
#include "loop/loop.h"
#include "store/model.h"

struct calls;
struct store;

struct calls_config {
	struct loop *loop; /* borrowed, as the rest */
	struct store *store;
	struct call_limits limits; /* call_limits_init, then what the options say */
	struct call_announcer announcer;
	int64_t (*now)(void *arg); /* wall time; null: clock_wall_ms. For tests. */
	void *now_arg;
};

/* Null without memory. The announcer may be set later, before the first command, since signal is made after calls. */
struct calls *calls_new(const struct calls_config *config);
void calls_set_announcer(struct calls *c, const struct call_announcer *announcer);

/* Takes the live calls up from the store: ringing ones go on with the time that they have left, in active ones every
 * leg is reconnecting. Call it once, before the first command. ERR_STORE, ERR_NO_MEMORY. */
int calls_start(struct calls *c);

/* From now on no new calls (ERR_DRAINING); everything else goes on. cb is called once nothing is in flight and every
 * lastSeenAt is written; at once when that is so already. */
void calls_drain(struct calls *c, void (*cb)(void *arg), void *arg);

/* When draining takes too long: nothing is tried again and `cb` is not called any more. What the database has not
 * answered is as the next start finds it. */
void calls_give_up(struct calls *c);

/* After the store has been stopped: nothing may call back any more. Waiting commands are answered ERR_DRAINING. */
void calls_free(struct calls *c);

/* Asks. cb is called exactly once, after the commit if there is one, and possibly before calls_submit returns. cmd is
 * copied. cb may be null. */
void calls_submit(struct calls *c, const struct call_command *cmd, call_reply_cb cb, void *arg);

/* What becomes of sessions: a new one; its socket lost (the resume window runs); back in the window with the same
 * session id; closed for good by the client or after the window (its legs leave at once). */
void calls_session_opened(struct calls *c, struct str user_id, struct str session_id);
void calls_session_lost(struct calls *c, struct str user_id, struct str session_id);
void calls_session_resumed(struct calls *c, struct str user_id, struct str session_id);
void calls_session_gone(struct calls *c, struct str user_id, struct str session_id);

/* For offers, answers and candidates: who sends, and where to. No allocation, no search. */
struct call_route {
	const char *call_id;
	const char *from_leg; /* what the receiver sees as `from` */
	const char *from_user;
	const char *to_session; /* whose socket may be lost at the moment */
};

/* ERR_NOT_IN_CALL: the session has no leg in any call, or none in the call of to_leg. ERR_LEG_NOT_FOUND: there is no
 * such leg (also one without a device, and one's own). The route is valid until the loop's next turn. */
int calls_route(const struct calls *c, struct str session_id, struct str to_leg, struct call_route *out);

/* A live call by id; null when there is none (it may still be in the store). Who may see it is call_may_see. */
const struct call *calls_live_get(const struct calls *c, struct str call_id);

/* The live call that a user finds in a channel: its group call, else the direct call that this user is in. Null: none.
 */
const struct call *calls_channel_active(const struct calls *c, struct str channel_id, struct str user_id);

/* The live call that a user's media belongs to: the one joined last, else the newest of those that ring. Null: none. */
const struct call *calls_of_media(const struct calls *c, struct str user_id);

/* A relay moved this much for a participant of a call, which may be over by now: goes into its record. */
void calls_add_relayed(struct calls *c, struct str call_id, struct str user_id, uint64_t bytes);

/* Ringing and active calls, for metrics and the refusing of new ones. */
size_t calls_n_live(const struct calls *c);

/* An array of the user's live calls, as `sync` carries them: the call object with msLeft while it rings for this user,
 * and self for the legs of this session. */
void calls_sync(const struct calls *c, struct str user_id, struct str session_id, struct json_writer *w);

/* What a device measured and tells of itself (protocol/README.md, call.quality), for the flight recorder. */
struct call_record {
	struct call_actor actor;
	struct str call_id;
	struct str leg_id;   /* REST: the device; a socket's own leg is known by its session */
	const json_t *peers; /* arrays, borrowed; null: none */
	const json_t *events;
	bool is_over; /* the call has ended: only a device that has sent before is heard */
};

/* 0: cb is called exactly once, when it is on the disk. Else cb is not called: ERR_NOT_IN_CALL, ERR_BAD_FIELD,
 * ERR_PAYLOAD_TOO_LARGE, ERR_RATE_LIMITED, ERR_OVERLOADED, ERR_NO_MEMORY. cb may be null. */
int calls_record(struct calls *c, const struct call_record *what, call_reply_cb cb, void *arg);

/* Samples taken since the start, and how many people in live calls have which level (an enum quality), for metrics. */
struct calls_stats {
	uint64_t n_samples;
	uint64_t n_started;
	uint64_t n_answered;
	uint64_t by_reason[END_REASON_COUNT]; /* calls that have ended, since the start of this program */
	struct histogram answer;	      /* from the ringing's start to the answer */
	struct histogram duration;	      /* from the answer to the end */
	struct histogram commit;	      /* how long changes waited for the disk */
	size_t by_status[2];		      /* ringing, active */
	size_t levels[QUALITY_COUNT];
	size_t joined; /* people in active calls */
};
void calls_stats(const struct calls *c, struct calls_stats *out);

/* Live calls as an array of call objects, oldest signs of life first, at most max. */
void calls_write_live(const struct calls *c, size_t max, struct json_writer *w);

/* What a session has not heard of a call since after_seq. */
struct call_resync {
	struct str user_id;
	struct str session_id;
	struct str call_id;
	int64_t after_seq;
	void (*done)(void *arg, int err); /* 0, ERR_CALL_NOT_FOUND, ERR_STORE, ERR_NO_MEMORY */
	void *arg;
};

/* Delivers it as announcements to this session alone (audience TO_LEG), oldest first, then calls done. */
void calls_resync(struct calls *c, const struct call_resync *what);

#endif

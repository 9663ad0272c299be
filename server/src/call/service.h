/* service: the parts of calls_* that its files share. Inside this module only.
 *
 *   submit --> queue of the id, for calls that are not live
 *          --> queue of the owner --> facts --> decide --> commit --> swap, answer, announce
 *                                       ^---- conflict ------'
 */
#ifndef BELLWIRE_CALL_SERVICE_H
#define BELLWIRE_CALL_SERVICE_H

#include "call/call.h"
#include "call/decide.h"
#include "call/policy.h"
#include "call/recorder.h"
#include "call/registry.h"
#include "call/task.h"

struct calls {
	struct loop *loop; /* borrowed, as the store */
	struct store *store;
	struct call_limits limits;
	struct call_announcer announcer;
	int64_t (*now)(void *arg);
	void *now_arg;
	int64_t clock_offset; /* wall minus monotonic time, as we believe it */
	int64_t decided_at;   /* time of the newest decision */
	struct registry registry;
	struct policy policy;
	struct recorder recorder;
	struct calls_stats counted; /* what rises; the rest of it is asked for */
	struct map queues;
	struct list tasks; /* all of them, wherever they wait */
	struct timer tick;
	size_t n_tasks;
	size_t n_touches; /* writings of lastSeenAt in flight */
	bool is_draining;
	bool is_over; /* nothing is tried again */
	void (*drained)(void *arg);
	void *drained_arg;
};

/* --- route.c --- */
void task_route(struct task *t); /* finds the queue that a command belongs to */
void owner_of_call(const struct call *c, char out[STORE_OWNER_SIZE]);
void owner_of_pair(struct str a, struct str b, char out[STORE_OWNER_SIZE]);
void owner_of_channel(struct str channel, char out[STORE_OWNER_SIZE]);
/* The newest event of a call that is known to be written: the store may hold more, which is announced once its commit
 * is known. */
int64_t service_known_seq(const struct calls *c, struct str call_id);

/* --- facts.c --- */
void task_gather_create(struct task *t); /* who is meant: decides the owner */
void task_gather(struct task *t);	 /* first in the owner's queue: what the decision must know */

/* --- commit.c --- */
void task_decide(struct task *t);

/* --- retry.c --- */
struct live_call *task_live(const struct task *t); /* the one that the command is about; null */
void task_fail(struct task *t, int err);	   /* refuses; what the server itself wants is tried again later */
void task_reload(struct task *t);		   /* after a conflict: load and decide again, three times at most */
/* Takes up a live call from the store that this registry does not know. */
int service_adopt(struct calls *c, struct call *call);

/* --- announce.c --- */
void task_announce(struct task *t, const struct call *c);

/* --- time.c --- */
int64_t service_now(const struct calls *c);
int64_t service_decision_time(struct calls *c); /* now, and never before another decision */
void service_arm(struct calls *c, struct live_call *live, int64_t at_least_ms);
int service_start_tick(struct calls *c);
void service_check_drained(struct calls *c);

/* --- session.c --- */
void service_submit_for(struct calls *c, enum call_verb verb, struct str call_id, struct str user, struct str session);
/* What happened to sessions while a change was being committed. */
void service_recheck(struct calls *c, const char *call_id, const struct call_command *cmd);

#endif

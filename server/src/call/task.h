/* task: a command on its way, and the queues that it waits in. Inside this module only. */
#ifndef BELLWIRE_CALL_TASK_H
#define BELLWIRE_CALL_TASK_H

#include "call/call.h"
#include "call/decide.h"
#include "call/registry.h"

/* Commands of one owner, one after another. */
struct queue {
	struct map_node node;
	struct list waiting; /* slots; the first one runs */
	size_t n;
	bool is_pumping;
	char key[STORE_OWNER_SIZE];
};

/* A task's place in a queue. */
struct slot {
	struct list link;
	struct queue *queue; /* borrowed; null: in none */
	struct task *task;
	void (*run)(struct task *t); /* when it is first */
	bool started;
};

/* A command on its way. */
struct task {
	struct list link; /* in calls->tasks */
	struct calls *calls;
	struct call_command cmd; /* its texts point into `text` */
	char *text;		 /* owned */
	struct str *users;	 /* owned: participants of CREATE and RING */
	call_reply_cb cb;
	void *arg;

	struct slot by_id;
	struct slot by_owner;
	char owner[STORE_OWNER_SIZE];
	int tries;
	bool in_flight; /* the store or a timer will call back */
	struct timer retry;
	struct timer patience; /* until whoever asked is told that the database does not answer */
	bool is_told;	       /* they were: nothing is begun any more for them */
	bool is_sent;	       /* the change set was handed to the store at least once */

	/* Facts, and what they point at. */
	unsigned asked; /* enum asked: questions that have been answered */
	struct call_facts facts;
	struct call_person *people; /* owned */
	struct person *members;	    /* owned: all members of the channel, for TO_CHANNEL */
	size_t n_members;
	struct call *found; /* owned: what the store had under the id */
	char rival_id[ID_UUID_SIZE];
	uint64_t request_hash;

	/* Questions to the store, one at a time. */
	char (*user_ids)[MODEL_USER_ID_SIZE]; /* owned */
	union {
		struct store_job job;
		struct store_read_people people_q;
		struct store_read_call call_q;
		struct store_read_reply reply_q;
		struct store_read_tombstone tombstone_q;
		struct store_find_command command_q;
	};

	/* The decision and its way into the store. */
	int64_t now;
	int64_t committed_at; /* monotonic: when the change set was handed over */
	struct call_decision decision;
	struct change_set set;
	struct call *settled; /* owned: what the registry will hold */
	struct places places;
	struct live_call *fresh; /* owned until it is in the registry: of a call that is new */
};

struct task *task_new(struct calls *c, const struct call_command *cmd); /* null without memory */
void task_free(struct task *t);
void task_reset(struct task *t); /* forgets what it was told and has decided, to begin again */
bool task_is_internal(const struct task *t);

/* Who is answered, and how; when the database keeps them waiting, by ERR_STORE before the command is done with. */
void task_expect(struct task *t, call_reply_cb cb, void *arg);

/* Answers, lets go of the queues, frees the task. */
void task_refuse(struct task *t, int err);
void task_finish(struct task *t, const struct call_reply *reply);

/* Waits for its turn in the queue of that name; `run` is called when it is first, possibly at once. ERR_OVERLOADED,
 * ERR_NO_MEMORY. */
int queue_enter(struct calls *c, struct slot *slot, const char *key, void (*run)(struct task *t));
void queue_leave(struct calls *c, struct slot *slot);
const struct task *queue_first(const struct calls *c, const char *key); /* null: nobody is in it */

#endif

/* backend: what a database must be able to do to stand behind store.h.
 *
 * store.c owns the threads and the waiting jobs and knows no SQL; a backend carries out one job after another and knows
 * no threads. Each job's result goes to job->err.
 */
#ifndef BELLWIRE_STORE_BACKEND_H
#define BELLWIRE_STORE_BACKEND_H

#include "store/store.h"

/* A job's kind says which struct of store.h it is the first part of. */
/* Two enums, so that a backend that forgets one of its kinds is told so by the compiler (-Wswitch; no default there).
 *
 * In the order of each owner, by the owner's writing lane: */
enum write_kind {
	JOB_COMMIT,
	JOB_FIND_COMMAND,
	JOB_TOUCH,
	JOB_PUT_CHANNEL,
	JOB_DELETE_CHANNEL,
	JOB_PUT_USER,
	JOB_DELETE_USER,
	JOB_PUT_FLIGHT,
	JOB_DELETE_RECORDING,
	JOB_PUT_DELIVERY
};

/* By any reading thread. */
enum read_kind {
	JOB_READ_CALL = JOB_PUT_DELIVERY + 1,
	JOB_READ_EVENTS,
	JOB_READ_HISTORY,
	JOB_READ_REPLY,
	JOB_READ_TOMBSTONE,
	JOB_READ_PEOPLE,
	JOB_READ_CHANNEL,
	JOB_READ_USER,
	JOB_READ_FLIGHT,
	JOB_READ_OVERVIEW,
	JOB_READ_RECORDING,
	JOB_LIST_RECORDINGS,
	JOB_READ_OUTBOX,
	JOB_READ_DELIVERY,
	JOB_LIST_FAILURES,
	JOB_BACKUP
};
#define JOB_IS_WRITE(kind) ((kind) < JOB_READ_CALL)

struct backend;
struct backend_reader;

struct backend_ops {
	int batch_max; /* jobs in one batch: bounds how long the first of them waits for the last */

	/* As store_open; place is the URL without its scheme, or for PostgreSQL the whole of it. */
	int (*open)(const struct store_config *config, struct str place, struct backend **out, struct buf *why);
	void (*close)(struct backend *b);

	/* Before the threads run. */
	int (*load_live)(struct backend *b, int (*cb)(void *arg, struct call *call), void *arg);

	/* Writing lanes, each with a thread; one owner's jobs always take the same one. */
	unsigned (*n_lanes)(const struct backend *b);

	/* A lane's thread alone: carries out a batch (a list of job links) in its order, so that no job is hurt by
	 * another that fails. */
	void (*write)(struct backend *b, unsigned lane, struct list *batch);

	/* A lane's thread, when nothing waits or enough time has gone by: forgets what has expired, looks after the
	 * connection. In how many milliseconds it wants to be called again. */
	int64_t (*rest)(struct backend *b, unsigned lane, int64_t now);

	/* Each reading thread has a reader of its own. */
	int (*reader_open)(struct backend *b, struct backend_reader **out);
	void (*reader_close)(struct backend_reader *r);
	void (*read)(struct backend_reader *r, struct store_job *job);

	/* Any thread. */
	void (*inject)(struct backend *b, enum store_fault fault, unsigned nth);
	int (*health)(struct backend *b);
};

/* What has an order among its like: the owner of a call, a channel, a user; "" for the rest. */
const char *job_owner(const struct store_job *job);

/* The place after which a page of this history begins. */
struct history_cursor history_first_place(const struct store_read_history *q);

extern const struct backend_ops sqlite_ops;
extern const struct backend_ops pg_ops;

#endif

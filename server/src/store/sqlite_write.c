/* The writing side: all that waits in one transaction, and faults for tests.
 *
 * Nearly always every job of a batch succeeds, so a batch is first carried out as it is. When one is refused it is
 * rolled back and carried out again with a savepoint around each job: what is refused then leaves no trace, and the
 * others are written. Savepoints cost a copy of every page that each job touches; this way only conflicts pay for them.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "store/outbox.h"
#include "store/recording.h"
#include "store/sqlite.h"

#define EXIT_IO 74			  /* EX_IOERR */
#define COMMANDS_KEPT_MS (7LL * 86400000) /* longer than anybody asks for the outcome of a command */

int sqlite_outside(int err)
{
	return err == ERR_IO || err == ERR_CONFIG ? ERR_STORE : err;
}

/* --- faults --- */

void sqlite_inject(struct backend *b, enum store_fault fault, unsigned nth)
{
	fault_plan_set(&b->faults, fault, nth);
}

/* Counts the batch's change sets towards the fault that waits, if one does. */
static void choose_faulty(struct backend *b, struct list *batch)
{
	b->faulty = NULL;
	b->faulty_how = STORE_FAULT_NONE;
	LIST_EACH(batch, l)
	{
		struct store_job *job = CONTAINER_OF(l, struct store_job, link);
		enum store_fault fault = fault_plan_take(&b->faults, job);
		if (fault != STORE_FAULT_NONE) {
			b->faulty = job;
			b->faulty_how = fault;
		}
	}
}

void sqlite_fatal(struct backend *b, sqlite3 *db)
{
	const char *reason = sqlite3_errmsg(db);
	if (b->on_fatal)
		b->on_fatal(reason);
	log_error("the disk failed; ending, since nobody can say what was written", LOG_S("error", reason),
		LOG_S("database", b->path));
	_exit(EXIT_IO);
}

/* As long as the transaction is neither committed nor rolled back for certain. */
static void fatal(struct backend *b)
{
	sqlite_fatal(b, b->writer.db);
}

/* --- one job --- */

static int find_command(struct sq_conn *c, struct store_find_command *q)
{
	struct sq s = sq_begin(c, SQ_FIND_COMMAND);
	sq_text(&s, q->command_id);
	q->found = sq_row(&s);
	return sq_end(&s);
}

static int carry_out(struct sq_conn *c, struct store_job *job)
{
	switch ((enum write_kind)job->kind) {
	case JOB_COMMIT: return sqlite_apply(c, CONTAINER_OF(job, struct change_set, job));
	case JOB_FIND_COMMAND: return find_command(c, CONTAINER_OF(job, struct store_find_command, job));
	case JOB_TOUCH: return sqlite_touch(c, CONTAINER_OF(job, struct store_touch, job));
	case JOB_PUT_CHANNEL: return sqlite_put_channel(c, CONTAINER_OF(job, struct store_put_channel, job));
	case JOB_DELETE_CHANNEL: return sqlite_delete_channel(c, CONTAINER_OF(job, struct store_delete_channel, job));
	case JOB_PUT_USER: return sqlite_put_user(c, CONTAINER_OF(job, struct store_put_user, job));
	case JOB_DELETE_USER: return sqlite_delete_user(c, CONTAINER_OF(job, struct store_delete_user, job));
	case JOB_DELETE_RECORDING:
		return sqlite_delete_recording(c, CONTAINER_OF(job, struct store_delete_recording, job));
	case JOB_PUT_FLIGHT: return sqlite_put_flight(c, CONTAINER_OF(job, struct store_put_flight, job));
	case JOB_PUT_DELIVERY: return sqlite_put_delivery(c, CONTAINER_OF(job, struct store_put_delivery, job));
	}
	return ERR_INTERNAL;
}

static int run(struct sq_conn *c, enum sq_text which)
{
	struct sq q = sq_begin(c, which);
	return sq_run(&q);
}

/* Carries a job out so that either all of it or nothing is in the transaction. */
static int save_and_carry_out(struct sq_conn *c, struct store_job *job)
{
	int err = run(c, SQ_SAVE);
	if (err < 0)
		return err;
	err = carry_out(c, job);
	if (sqlite3_get_autocommit(c->db))
		return err; /* SQLite gave the whole transaction up */
	int end = err < 0 ? run(c, SQ_UNDO) : 0;
	if (end == 0)
		end = run(c, SQ_KEEP);
	return err < 0 ? err : end;
}

/* --- one batch --- */

/* Definitely nothing was written, whatever each job was about to be told. */
static void fail_batch(struct backend *b, struct list *batch, int err)
{
	if (!sqlite3_get_autocommit(b->writer.db) && run(&b->writer, SQ_ROLLBACK) < 0)
		fatal(b);
	LIST_EACH(batch, l)
	{
		struct store_job *job = CONTAINER_OF(l, struct store_job, link);
		job->err = sqlite_outside(err);
	}
	atomic_store(&b->health, ERR_STORE);
}

static void commit_batch(struct backend *b, struct list *batch)
{
	fault_die_if(b->faulty_how, STORE_FAULT_DIE_BEFORE);
	int err = run(&b->writer, SQ_COMMIT);
	if (err == ERR_IO)
		fatal(b);
	if (err < 0) {
		fail_batch(b, batch, err);
		return;
	}
	fault_die_if(b->faulty_how, STORE_FAULT_DIE_AFTER);
	if (b->faulty && b->faulty_how == STORE_FAULT_UNKNOWN_WRITTEN && b->faulty->err == 0)
		b->faulty->err = ERR_UNKNOWN;
	atomic_store_explicit(&b->health, 0, memory_order_relaxed);
}

/* Whether every job succeeded, or was given a fault. */
static bool carry_out_all(struct backend *b, struct list *batch)
{
	LIST_EACH(batch, l)
	{
		struct store_job *job = CONTAINER_OF(l, struct store_job, link);
		job->err = b->faulty == job ? fault_instead(b->faulty_how) : 0;
		if (job->err < 0)
			continue;
		job->err = carry_out(&b->writer, job);
		if (job->err < 0)
			return false;
	}
	return true;
}

/* The same, each job on its own. False when SQLite gave the transaction up. */
static bool save_and_carry_out_all(struct backend *b, struct list *batch)
{
	LIST_EACH(batch, l)
	{
		struct store_job *job = CONTAINER_OF(l, struct store_job, link);
		job->err = b->faulty == job ? fault_instead(b->faulty_how) : 0;
		if (job->err == 0)
			job->err = sqlite_outside(save_and_carry_out(&b->writer, job));
		if (sqlite3_get_autocommit(b->writer.db))
			return false;
	}
	return true;
}

/* Rolls back and begins again. */
static int begin_again(struct backend *b)
{
	if (!sqlite3_get_autocommit(b->writer.db) && run(&b->writer, SQ_ROLLBACK) < 0)
		fatal(b);
	return run(&b->writer, SQ_BEGIN_WRITE);
}

void sqlite_write(struct backend *b, unsigned lane, struct list *batch)
{
	(void)lane; /* there is one */
	choose_faulty(b, batch);
	int err = run(&b->writer, SQ_BEGIN_WRITE);
	if (err == 0 && !carry_out_all(b, batch)) {
		err = begin_again(b);
		if (err == 0 && !save_and_carry_out_all(b, batch))
			err = ERR_STORE;
	}
	if (err < 0)
		fail_batch(b, batch, err);
	else
		commit_batch(b, batch);
}

/* --- forgetting --- */

static int tidy_until(struct sq_conn *c, enum sq_text which, int64_t now)
{
	struct sq q = sq_begin(c, which);
	sq_int(&q, now);
	int err = sq_run(&q);
	return err < 0 ? err : sq_changes(c);
}

static int tidy_commands(struct sq_conn *c, int64_t now)
{
	char oldest[ID_UUID_SIZE]; /* the least id of that millisecond, but for its random rest */
	id_uuid7(now - COMMANDS_KEPT_MS, oldest);
	struct sq q = sq_begin(c, SQ_TIDY_COMMANDS);
	sq_str(&q, str_n(oldest, 13));
	int err = sq_run(&q);
	return err < 0 ? err : sq_changes(c);
}

int64_t sqlite_rest(struct backend *b, unsigned lane, int64_t now)
{
	(void)lane;
	int n_tombstones = tidy_until(&b->writer, SQ_TIDY_TOMBSTONES, now);
	int n_replies = tidy_until(&b->writer, SQ_TIDY_REPLIES, now);
	int n_commands = tidy_commands(&b->writer, now);
	int more_flights = b->flight_keep_ms ? sqlite_tidy_flight(&b->writer, now - b->flight_keep_ms) : 0;
	bool more = more_flights == 1 || n_tombstones >= 500 || n_replies >= 500 || n_commands >= 500;
	return more ? 0 : b->tidy_every_ms;
}

/* The reading side: readers with connections of their own, each question answered from one snapshot. */
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/outbox.h"
#include "store/recording.h"
#include "store/sqlite.h"
#include "store/transfer.h"

int sqlite_reader_open(struct backend *b, struct backend_reader **out)
{
	struct backend_reader *r = mem_new(sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	int err = sq_open(&r->conn, b->path, SQLITE_OPEN_READWRITE);
	if (err == 0)
		err = sq_exec(&r->conn, "PRAGMA query_only = on; PRAGMA cache_size = -2000");
	if (err < 0) {
		sqlite_reader_close(r);
		return sqlite_outside(err);
	}
	r->path = b->path;
	*out = r;
	return 0;
}

void sqlite_reader_close(struct backend_reader *r)
{
	sq_close(&r->conn);
	mem_free(r);
}

/* --- answers kept --- */

static int read_reply(struct sq_conn *c, struct store_read_reply *q)
{
	q->body = NULL;
	struct sq s = sq_begin(c, SQ_READ_REPLY);
	sq_text(&s, q->user_id);
	sq_text(&s, q->key);
	q->found = sq_row(&s);
	if (q->found) {
		q->request_hash = (uint64_t)sq_get_int(&s);
		q->status = (int)sq_get_int(&s);
		q->body = sq_get_dup(&s);
	}
	return sq_end(&s);
}

static int read_tombstone(struct sq_conn *c, struct store_read_tombstone *q)
{
	struct sq s = sq_begin(c, SQ_READ_TOMBSTONE);
	sq_text(&s, q->user_id);
	sq_text(&s, q->call_id);
	sq_int(&s, q->now);
	q->found = sq_row(&s);
	return sq_end(&s);
}

/* --- a running database copied --- */

/* All pages from one snapshot; commits go on meanwhile. */
static int copy_database(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");
	if (!copy)
		return ERR_STORE;
	int rc = sqlite3_backup_step(copy, -1);
	sqlite3_backup_finish(copy);
	return rc == SQLITE_DONE ? 0 : sq_error(rc) < 0 ? sq_error(rc) : ERR_STORE;
}

int sqlite_backup(struct backend_reader *r, const struct store_backup *q)
{
	if (access(q->path, F_OK) == 0)
		return ERR_EXISTS;
	struct sq_conn to;
	int err = sq_open(&to, q->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (err < 0)
		return err;
	err = copy_database(r->conn.db, to.db);
	sq_close(&to);
	if (err < 0)
		unlink(q->path);
	return err;
}

int store_copy_file(const char *path, const char *to, struct buf *why)
{
	struct backend_reader r = {0};
	struct store_backup q = {.path = to};
	int err = access(path, R_OK) == 0 ? sq_open(&r.conn, path, SQLITE_OPEN_READWRITE) : ERR_CONFIG;
	if (err < 0) {
		buf_printf(why, "there is no database %s", path);
		return err;
	}
	err = sqlite_backup(&r, &q);
	sq_close(&r.conn);
	if (err == ERR_EXISTS)
		buf_printf(why, "%s is there already; a backup never overwrites", to);
	else if (err < 0)
		buf_printf(why, "cannot copy %s to %s: %s", path, to, err_text(err));
	return err;
}

/* --- any question --- */

static int answer(struct sq_conn *c, struct store_job *job)
{
	switch ((enum read_kind)job->kind) {
	case JOB_READ_CALL: return sqlite_read_call(c, CONTAINER_OF(job, struct store_read_call, job));
	case JOB_READ_EVENTS: return sqlite_read_events(c, CONTAINER_OF(job, struct store_read_events, job));
	case JOB_READ_HISTORY: return sqlite_read_history(c, CONTAINER_OF(job, struct store_read_history, job));
	case JOB_READ_REPLY: return read_reply(c, CONTAINER_OF(job, struct store_read_reply, job));
	case JOB_READ_TOMBSTONE: return read_tombstone(c, CONTAINER_OF(job, struct store_read_tombstone, job));
	case JOB_READ_PEOPLE: return sqlite_read_people(c, CONTAINER_OF(job, struct store_read_people, job));
	case JOB_READ_CHANNEL: return sqlite_read_channel(c, CONTAINER_OF(job, struct store_read_channel, job));
	case JOB_READ_USER: return sqlite_read_user(c, CONTAINER_OF(job, struct store_read_user, job));
	case JOB_READ_RECORDING: return sqlite_read_recording(c, CONTAINER_OF(job, struct store_read_recording, job));
	case JOB_LIST_RECORDINGS:
		return sqlite_list_recordings(c, CONTAINER_OF(job, struct store_list_recordings, job));
	case JOB_READ_FLIGHT: return sqlite_read_flight(c, CONTAINER_OF(job, struct store_read_flight, job));
	case JOB_READ_OVERVIEW: return sqlite_read_overview(c, CONTAINER_OF(job, struct store_read_overview, job));
	case JOB_READ_OUTBOX: return sqlite_read_outbox(c, CONTAINER_OF(job, struct store_read_outbox, job));
	case JOB_READ_DELIVERY: return sqlite_read_delivery(c, CONTAINER_OF(job, struct store_read_delivery, job));
	case JOB_LIST_FAILURES: return sqlite_list_failures(c, CONTAINER_OF(job, struct store_list_failures, job));
	case JOB_BACKUP: break; /* has a transaction of its own: sqlite_read */
	}
	return ERR_INTERNAL;
}

static int run(struct sq_conn *c, enum sq_text which)
{
	struct sq q = sq_begin(c, which);
	return sq_run(&q);
}

void sqlite_read(struct backend_reader *r, struct store_job *job)
{
	if (job->kind == JOB_BACKUP) {
		job->err = sqlite_outside(sqlite_backup(r, CONTAINER_OF(job, struct store_backup, job)));
		return;
	}
	int err = run(&r->conn, SQ_BEGIN_READ);
	if (err == 0)
		err = answer(&r->conn, job);
	if (!sqlite3_get_autocommit(r->conn.db))
		run(&r->conn, SQ_COMMIT);
	job->err = sqlite_outside(err);
}

/* --- at start --- */

static int load_one(struct sq_conn *c, struct sq *ids, int (*cb)(void *arg, struct call *call), void *arg)
{
	struct store_read_call q = {0};
	sq_get_text(ids, q.id, sizeof q.id);
	int err = ids->err < 0 ? ids->err : sqlite_read_call(c, &q);
	if (err == 0 && q.call)
		err = cb(arg, q.call);
	return err;
}

int sqlite_load_live(struct backend *b, int (*cb)(void *arg, struct call *call), void *arg)
{
	struct backend_reader *r = NULL;
	int err = sqlite_reader_open(b, &r);
	if (err < 0)
		return err;
	struct sq ids = sq_begin(&r->conn, SQ_LIVE_CALLS);
	while (err == 0 && sq_row(&ids))
		err = load_one(&r->conn, &ids, cb, arg);
	int end = sq_end(&ids);
	sqlite_reader_close(r);
	return sqlite_outside(err < 0 ? err : end);
}

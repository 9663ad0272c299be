/* sqlite: what the files of the SQLite backend share. */
#ifndef BELLWIRE_STORE_SQLITE_H
#define BELLWIRE_STORE_SQLITE_H

#include "store/backend.h"
#include "store/fault.h"
#include "store/flight.h"
#include "store/sqlite_conn.h"

/* The thread that moves pages from the log to the database file, so that no commit waits for it. */
struct checkpointer {
	struct sq_conn conn;
	uv_thread_t thread;
	uv_mutex_t lock;
	uv_cond_t wake;
	int asked_at; /* the writing thread's: length of the log when it last asked */
	bool due;
	bool stopping;
	bool running;
};

int checkpointer_start(struct checkpointer *c, const char *path);
void checkpointer_stop(struct checkpointer *c); /* {0} is allowed */

/* By the writing thread, after each commit: how long the log is. Wakes the checkpointer when it is worth it. */
void checkpointer_note(struct checkpointer *c, int wal_pages);

struct backend {
	char *path;  /* owned */
	int lock_fd; /* held for as long as the database is open; -1 else */
	struct sq_conn writer;
	struct checkpointer checkpointer;
	void (*on_fatal)(const char *reason);
	atomic_int health;
	int64_t flight_keep_ms;
	int64_t tidy_every_ms;

	/* faults for tests */
	struct fault_plan faults;
	struct store_job *faulty; /* borrowed: the one in the batch at work, or null */
	enum store_fault faulty_how;
};

/* What the disk holds is not known any more, and asking it again could be answered from a cache that was never written:
 * only a new start, which reads the log anew, can tell. Says why (the last error of db) and ends the process. */
void sqlite_fatal(struct backend *b, sqlite3 *db);

struct backend_reader {
	struct sq_conn conn;
	const char *path; /* borrowed from the backend */
};

/* One numbered file of server/sql/sqlite, in their order (generated when building). */
struct sqlite_migration {
	const char *name;
	const char *sql;
};
extern const struct sqlite_migration sqlite_migrations[];
extern const size_t sqlite_n_migrations;

/* "bell": marks a database file as ours (PRAGMA application_id). */
#define SQLITE_APPLICATION_ID 0x62656c6c

/* Brings the tables up to date, as store_open tells. */
int sqlite_migrate(struct sq_conn *c, const char *path, struct buf *why);

void sqlite_write(struct backend *b, unsigned lane, struct list *batch);
int64_t sqlite_rest(struct backend *b, unsigned lane, int64_t now);
void sqlite_inject(struct backend *b, enum store_fault fault, unsigned nth);

/* Inside the transaction of a batch. */
int sqlite_apply(struct sq_conn *c, struct change_set *cs);
int sqlite_touch(struct sq_conn *c, const struct store_touch *t);
int sqlite_put_channel(struct sq_conn *c, struct store_put_channel *q);
int sqlite_delete_channel(struct sq_conn *c, struct store_delete_channel *q);
int sqlite_put_user(struct sq_conn *c, struct store_put_user *q);
int sqlite_delete_user(struct sq_conn *c, struct store_delete_user *q);
int sqlite_put_flight(struct sq_conn *c, const struct store_put_flight *q);

/* Forgets flights begun before that time, a part at a time: 1 when there may be more, else 0 or an error. */
int sqlite_tidy_flight(struct sq_conn *c, int64_t before);

struct recording;
struct store_delete_recording;
struct store_list_recordings;
struct store_read_recording;
int sqlite_write_recording(struct sq_conn *c, const struct recording *r);
int sqlite_delete_recording(struct sq_conn *c, struct store_delete_recording *q);
int sqlite_read_recording(struct sq_conn *c, struct store_read_recording *q);
int sqlite_list_recordings(struct sq_conn *c, struct store_list_recordings *q);

struct store_list_failures;
struct store_put_delivery;
struct store_read_delivery;
struct store_read_outbox;
int sqlite_read_outbox(struct sq_conn *c, struct store_read_outbox *q);
int sqlite_read_delivery(struct sq_conn *c, struct store_read_delivery *q);
int sqlite_put_delivery(struct sq_conn *c, const struct store_put_delivery *q);
int sqlite_list_failures(struct sq_conn *c, struct store_list_failures *q);

int sqlite_load_live(struct backend *b, int (*cb)(void *arg, struct call *call), void *arg);
int sqlite_reader_open(struct backend *b, struct backend_reader **out);
void sqlite_reader_close(struct backend_reader *r);
void sqlite_read(struct backend_reader *r, struct store_job *job);

/* Inside a reading transaction. */
int sqlite_read_call(struct sq_conn *c, struct store_read_call *q);
int sqlite_read_events(struct sq_conn *c, struct store_read_events *q);
int sqlite_read_history(struct sq_conn *c, struct store_read_history *q);
int sqlite_read_people(struct sq_conn *c, struct store_read_people *q);
int sqlite_read_channel(struct sq_conn *c, struct store_read_channel *q);
int sqlite_read_user(struct sq_conn *c, struct store_read_user *q);
int sqlite_read_flight(struct sq_conn *c, struct store_read_flight *q);
int sqlite_read_overview(struct sq_conn *c, struct store_read_overview *q);
int sqlite_backup(struct backend_reader *r, const struct store_backup *q);

/* A call from the columns of the row at hand, then its participants. Null with q->err set. */
struct call *sqlite_row_call(struct sq *q);
void sqlite_row_event(struct sq *q, struct stored_event *stored);
int sqlite_fill_participants(struct sq_conn *c, struct call *call);

/* Room for one more item: items, grown to twice *cap when n has reached it. Null without memory (items is as it was).
 * What is added is zeroed. */
void *sqlite_grow(void *items, size_t n, size_t *cap, size_t size);

/* At most `limit` items, each filled by `row` (it was zeroed before). The question asks for one row more: whether that
 * came is has_more. */
struct sq_page {
	int limit;
	size_t size; /* of an item */
	void (*row)(struct sq *q, void *item);
	void *items; /* out, the caller's, also after an error; null when n is 0 */
	size_t n;
	bool has_more;
};

/* Takes the rows of s, and ends it. */
int sqlite_take_page(struct sq *s, struct sq_page *page);

/* What the store tells of an error here. */
int sqlite_outside(int err);

#endif

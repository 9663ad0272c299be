/* pg: what the files of the PostgreSQL backend share.
 *
 * Each writing lane has a connection of its own; an owner's change sets always take the same lane, so that they come in
 * their order. A lane fills its connection's pipeline with one transaction per job and waits once for all of them. */
#ifndef BELLWIRE_STORE_PG_H
#define BELLWIRE_STORE_PG_H

#include "store/backend.h"
#include "store/fault.h"
#include "store/flight.h"
#include "store/outbox.h"
#include "store/pg_conn.h"
#include "store/recording.h"

#define PG_LANES_MAX 16
#define PG_STATEMENTS_MAX 4000 /* in one transaction: more than the largest call changes at once */
#define PG_WINDOW 32	       /* transactions in a pipeline at once */
#define PG_ANSWER_MS 1200      /* how long the server may take for what was sent */
#define PG_STALE_MS 700	       /* a job that waited longer is refused unsent: its asker must be told in time */
#define PG_READ_MS 1600	       /* from the asking to the answer of a read */
#define PG_CONNECTIONS 8       /* when nobody says how many */

/* --- pg_link.c: a connection that comes back --- */

/* A session of the server; a broken connection may leave one behind that still works on what it was sent. */
struct pg_session {
	char pid[16]; /* "" = none */
	char start[48];
};

struct pg_link {
	struct pg_conn conn;
	int64_t retry_at; /* monotonic: no attempt to connect before */
	int64_t backoff_ms;
	struct pg_session session; /* the one that is, or was last */
	bool is_fenced;		   /* a session of ours that was left behind has to be gone before the next one works */
	_Atomic int64_t floor;	   /* no event that it may yet commit has a lesser id */
	const int64_t *epoch;	   /* borrowed: the backend's */
	bool holds_lock;	   /* carries the lock that keeps a second process away */
};

/* Connected, and nothing left over from before, or an error at once (or by conn.deadline): ERR_STORE, or ERR_VERSION
 * when another process holds the database. */
int pg_link_ready(struct pg_link *l);

/* The same for one that was connected elsewhere: learns whose session it is. */
int pg_link_adopt(struct pg_link *l);

/* --- pg_url.c --- */

/* Makes libpq's connection string of a URL and of the password ("" = what the URL or the environment says). Both
 * results are the caller's. ERR_CONFIG with one line in *why. */
int pg_url_parse(struct str url, const char *password, char **out, char **where, struct buf *why);

/* --- the backend --- */

struct pg_turn;

struct backend {
	struct pg_names names;
	char *url;   /* owned: of libpq, with the password in it */
	char *where; /* owned: host and database, for people */
	struct pg_link lanes[PG_LANES_MAX];
	struct pg_turn *turns[PG_LANES_MAX]; /* owned: PG_WINDOW of each lane */
	unsigned n_lanes;
	int64_t epoch;
	_Atomic int64_t next_event; /* the id of the next event that is sent */
	int64_t tidy_at;
	int64_t tidy_every_ms;
	int64_t flight_keep_ms;
	void (*on_fatal)(const char *reason);
	atomic_int health;
	struct fault_plan faults;
};

struct backend_reader {
	struct pg_link link;
	struct backend *backend; /* borrowed */
};

/* All events with a lesser id are committed, or will never be. */
int64_t pg_horizon(struct backend *b);

/* Another process has this database: nothing may be written any more. Ends this one. */
void pg_fatal(struct backend *b, const char *reason);

/* One numbered file of server/sql/postgres, in their order (generated when building). */
struct pg_migration {
	const char *name;
	const char *sql;
};
extern const struct pg_migration pg_migrations[];
extern const size_t pg_n_migrations;

/* Brings the tables up to date, alone with the database: the caller holds its lock. */
int pg_migrate(struct pg_conn *c, bool people_are_hosts, struct buf *why);

/* Whether the tables in public that are there already are the reference's (ERR_CONFIG says where they are not). */
int pg_check_shape(struct pg_conn *c, struct buf *why);

/* Where people are read; members_view null or "": in tables of ours. */
int pg_names_find(struct pg_conn *c, const char *members_view, struct pg_names *out, struct buf *why);

/* --- writing: pg_write.c, pg_change.c, pg_people.c --- */

/* What one job has sent and what came of it. */
struct pg_turn {
	struct store_job *job;
	enum store_fault fault;
	uint8_t sent[PG_STATEMENTS_MAX]; /* enum pg_text */
	size_t n_sent;
	struct pg_blocks *blocks; /* owned: a flight's newest blocks; else null */
	int err;
	enum pg_text failed; /* the statement that said so */
};

/* Puts a statement into the pipeline and notes it. */
int pg_turn_send(struct pg_turn *t, struct pq *q);

void pg_write(struct backend *b, unsigned lane, struct list *batch);
int64_t pg_rest(struct backend *b, unsigned lane, int64_t now);
int pg_send_job(struct backend *b, struct pg_conn *c, struct pg_turn *t);
int pg_send_change(struct backend *b, struct pg_conn *c, struct pg_turn *t);
int pg_send_touch(struct pg_conn *c, struct pg_turn *t);
int pg_send_people(struct backend *b, struct pg_conn *c, struct pg_turn *t);

int pg_send_delivery(struct pg_conn *c, struct pg_turn *t);
int pg_send_recording(struct pg_conn *c, struct pg_turn *t, const struct recording *r);

/* The flight recorder: what it must know before it can be sent is asked first, so such a job goes alone. */
int pg_send_flight(struct pg_conn *c, struct pg_turn *t);
int pg_ask_flight(struct pg_conn *c, struct pg_turn *t);

/* Forgets flights of before; true when there may be more. */
bool pg_tidy_flight(struct pg_conn *c, int64_t before);

/* What a result says for the job: rows of a statement that asked. */
void pg_take_result(struct pg_turn *t, enum pg_text which, const PGresult *res);

/* --- reading: pg_read.c, pg_rows.c, pg_history.c, pg_people_read.c --- */
int pg_load_live(struct backend *b, int (*cb)(void *arg, struct call *call), void *arg);
int pg_reader_open(struct backend *b, struct backend_reader **out);
void pg_reader_close(struct backend_reader *r);
void pg_read(struct backend_reader *r, struct store_job *job);

/* Sends q and a sync, and returns its rows (PQclear). */
int pg_ask(struct pq *q, PGresult **out);

/* At most `limit` items, each filled by `row` (it was zeroed before). The question asks for one row more: whether that
 * came is has_more. */
struct pg_page {
	int limit;
	size_t size; /* of an item */
	void (*row)(struct pg_rows *r, void *item);
	void *items; /* out, the caller's, also after an error; null when n is 0 */
	size_t n;
	bool has_more;
};

/* Asks q and takes its rows. */
int pg_ask_page(struct pq *q, struct pg_page *page);

/* Each inside a snapshot that the caller has begun or that one statement is. */
int pg_read_call(struct pg_conn *c, struct store_read_call *q);
int pg_read_events(struct pg_conn *c, struct store_read_events *q);
int pg_read_history(struct pg_conn *c, struct store_read_history *q);
int pg_read_people(struct pg_conn *c, struct store_read_people *q);
int pg_read_channel(struct pg_conn *c, struct store_read_channel *q);
int pg_read_user(struct pg_conn *c, struct store_read_user *q);

int pg_read_recording(struct pg_conn *c, struct store_read_recording *q);
int pg_list_recordings(struct pg_conn *c, struct store_list_recordings *q);
int pg_read_outbox(struct backend_reader *r, struct store_read_outbox *q);
int pg_read_delivery(struct backend_reader *r, struct store_read_delivery *q);
int pg_list_failures(struct pg_conn *c, struct store_list_failures *q);
int pg_read_flight(struct pg_conn *c, struct store_read_flight *q);
int pg_read_overview(struct pg_conn *c, struct store_read_overview *q);

struct call *pg_row_call(struct pg_rows *r);
void pg_row_event(struct pg_rows *r, struct stored_event *stored);
void pg_row_participant(struct pg_rows *r, struct participant *p);

#endif

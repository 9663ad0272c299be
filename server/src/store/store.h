/* store: keeps calls, people and what happened, and gives them back.
 *
 * The rest of the program sees this header alone; whether SQLite or PostgreSQL stands behind it is chosen by the URL at
 * store_open. Nothing here decides anything about calls: a change set says what to write, the store writes all of it or
 * nothing.
 *
 * Every operation is a struct of the caller's with a `struct store_job` as its first part: fill in the question and
 * job.done, hand it over, leave it alone until done was called on the loop's thread. Each job that is handed over is
 * done exactly once, also while the store closes. Writes of one owner (or one channel, one user) are carried out in the
 * order in which they were handed over; a read begun after a commit was done sees that commit.
 *
 * Errors that any job may end with: ERR_STORE (the database refuses; nothing was written), ERR_NO_MEMORY,
 * ERR_OVERLOADED (too many wait; nothing was written). Where people are the host's (members_view), writing them ends
 * with ERR_HOSTS_OWN. Other writes than change sets may be repeated: on PostgreSQL they end with ERR_STORE, too, when a
 * connection broke and nobody knows.
 */
#ifndef BELLWIRE_STORE_STORE_H
#define BELLWIRE_STORE_STORE_H

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"
#include "store/model.h"

#define STORE_OWNER_SIZE 288	    /* "channel:ID" or "pair:ID ID" (base/id sizes and a little), with its NUL */
#define STORE_KEY_SIZE 129	    /* an Idempotency-Key with its NUL */
#define STORE_HISTORY_MAX 100	    /* calls in one page */
#define STORE_ANY (-1)		    /* no filter */
#define STORE_EVENTS_MAX 501	    /* events in one page */
#define STORE_BODY_MAX (256 * 1024) /* bytes of a stored reply */
#define STORE_WAITING_MAX 8192	    /* jobs of one kind (writes, reads) that may wait */

struct recording;
struct store;

struct store_config {
	/* "sqlite:PATH" or a bare path of the database file, whose folder must exist; or postgres://… (libpq's URLs) */
	const char *url;
	struct loop *loop;  /* borrowed: where done callbacks run */
	unsigned n_readers; /* reading threads; 0 means 2, and for PostgreSQL half of n_connections */
	/* Of PostgreSQL alone. */
	unsigned n_connections;	  /* in its pool; 0 means 8 */
	const char *password;	  /* goes before the URL's; null or "" = what the URL or the environment says */
	const char *members_view; /* the host keeps people: its view of (channel_id, user_id), only read as its users
				     and channels are; null or "" = they are kept here */
	int64_t flight_keep_ms;	  /* how long the flight recorder (store/flight.h) remembers; 0 = for ever */
	int64_t tidy_every_ms;	  /* for tests; 0 means a minute */
	/* Called on a thread of the store when a commit, or moving commits from the log into the file, hit an I/O
	 * error, so that nobody can say any more what is on the disk. Must not return. Null: one line in the log and
	 * exit status 74 (EX_IOERR). */
	void (*on_fatal)(const char *reason);
};

/* Opens the database, bringing its tables up to date. Blocks (it is done once, before the loop runs). On failure *why
 * holds one line for people and the error is ERR_VERSION (made by a newer bellwire, left untouched), ERR_CONFLICT
 * (another process uses it), ERR_CONFIG (bad URL, folder, file or rights), ERR_STORE or ERR_NO_MEMORY. */
int store_open(const struct store_config *config, struct store **out, struct buf *why);

/* Takes no more jobs, does all that were handed over, then frees the store and calls closed(arg) on the loop. */
void store_close(struct store *s, void (*closed)(void *arg), void *arg);

/* --- jobs --- */

struct store_job;
typedef void (*store_done_cb)(struct store_job *job, int err);

struct store_job {
	store_done_cb done; /* the caller's; must be set */
	void *arg;	    /* the caller's */

	/* the store's */
	struct list link;
	int kind;
	int err;
	int64_t since; /* monotonic: when it was handed over */
};

/* --- commits --- */

/* A cancel for a call that is not known yet: until it expires this user's create of that id is refused. */
struct store_tombstone {
	char user_id[MODEL_USER_ID_SIZE]; /* "" = no tombstone in this change set */
	char call_id[ID_UUID_SIZE];
	int64_t expires_at;
};

/* The answer to a request that carried an Idempotency-Key, so that its repetition gets the same. */
struct store_reply {
	char user_id[MODEL_USER_ID_SIZE]; /* "" = no reply in this change set */
	char key[STORE_KEY_SIZE];
	uint64_t request_hash;
	int status;	    /* of HTTP */
	char *body;	    /* owned; null = "" */
	int64_t expires_at; /* forgotten some time after */
};

/* What one command changes: all of it is written in one transaction, or nothing. */
struct change_set {
	struct store_job job;

	char command_id[ID_UUID_SIZE]; /* a UUIDv7, unique for ever; the name to ask for after ERR_UNKNOWN */
	char owner[STORE_OWNER_SIZE];  /* whose queue decided it; its change sets come one at a time */
	int64_t at;		       /* the decision's `now` */

	/* The state after, or null when only a tombstone or reply is kept. Its own row is always written; of
	 * participants and legs those marked `changed` (all of them on an insert, all participants when the call is
	 * over, since their outcome may hang on how it ended). LEG_GONE closes a leg's row. The users of written
	 * participants come into being; a name or avatar that is not "" replaces what was known. */
	struct call *call;    /* owned */
	int64_t expected_seq; /* seq in the database before; 0 = the call is new */

	struct call_event *events; /* owned, and what they own; numbered expected_seq + 1, + 2, … call->seq */
	size_t n_events;

	struct recording *recording; /* owned: one that has become complete; null = none. Its id may not be there yet */

	struct store_tombstone tombstone;
	struct store_reply reply;

	/* Out, with ERR_CONFLICT: the id of the live call that stands in the way (one live group call per channel, one
	 * live direct call per pair of users); "" when it is something else. */
	char rival_id[ID_UUID_SIZE];
};

/* done(err):
 *   0             it is on the disk and will be found after any crash
 *   ERR_CONFLICT  the call is not at expected_seq (any more), its id or the reply's key is taken, or rival_id lives:
 *                 load and decide again
 *   ERR_EXISTS    this command_id was committed before
 *   ERR_UNKNOWN   nobody knows: store_find_command answers once the database can be reached
 *   the general ones: definitely not written. */
void store_commit(struct store *s, struct change_set *cs);

/* Frees what the change set owns. A part that the caller took out must have been set to null. */
void change_set_fini(struct change_set *cs);

/* Whether a command was committed: answered after every write of its owner handed over before. */
struct store_find_command {
	struct store_job job;
	char command_id[ID_UUID_SIZE];
	char owner[STORE_OWNER_SIZE];
	bool found; /* out */
};
void store_find_command(struct store *s, struct store_find_command *q);

/* --- what changes without a seq: devices' state, signs of life --- */

struct store_media {
	char user_id[MODEL_USER_ID_SIZE];
	bool is_muted;
	bool is_video_enabled;
	bool is_screen_sharing;
	enum quality quality;
};

/* Writes last_seen_at, these participants' media state, and what was relayed; nothing happens for a call or user that
 * is not there. */
struct store_touch {
	struct store_job job;
	char owner[STORE_OWNER_SIZE]; /* of the call, as in its change sets */
	char call_id[ID_UUID_SIZE];
	int64_t last_seen_at;		 /* 0 = leave it */
	const struct store_media *media; /* borrowed until done */
	size_t n_media;
	char relayed_user[MODEL_USER_ID_SIZE]; /* "" = nobody */
	int64_t relayed_bytes;		       /* added to that participant's; the call may be over */
};
void store_touch(struct store *s, struct store_touch *t);

/* --- calls --- */

/* Every ringing or active call with its participants and open legs, before the loop runs. cb takes ownership; an error
 * from it (or of ours) ends the walk and is returned. Times of a leg or call that live in memory alone are 0. */
int store_load_live(struct store *s, int (*cb)(void *arg, struct call *call), void *arg);

struct store_read_call {
	struct store_job job;
	char id[ID_UUID_SIZE];
	struct call *call; /* out, the caller's: with participants and open legs; null when there is none */
};
void store_read_call(struct store *s, struct store_read_call *q);

/* An event as it was committed. */
struct stored_event {
	struct call_event event; /* event.type points to the type below */
	char type[48];
};

/* Events of one call with seq > after_seq, oldest first. */
struct store_read_events {
	struct store_job job;
	char call_id[ID_UUID_SIZE];
	int64_t after_seq;
	int limit; /* 1…STORE_EVENTS_MAX */

	struct stored_event *events; /* out, the caller's: stored_events_free */
	size_t n_events;
	bool has_more;
};
void store_read_events(struct store *s, struct store_read_events *q);
void stored_events_free(struct stored_event *events, size_t n);

/* A place in a history: right after (older than) this call. started_at 0 = from the newest on. */
struct history_cursor {
	int64_t started_at;
	char call_id[ID_UUID_SIZE];
};

/* Calls, newest first by (started_at, id), each with all its participants, without legs. */
struct store_read_history {
	struct store_job job;
	/* Of one channel, as far as the viewer may know: group calls, and the direct calls that viewer was in.
	 * "" = the viewer's own, in all channels. */
	char channel_id[MODEL_CHANNEL_ID_SIZE];
	/* "" = the host's backend, which sees everything (in one channel, or everywhere); it has no outcome or
	 * direction to filter by. */
	char viewer_id[MODEL_USER_ID_SIZE];
	struct history_cursor after;
	int limit;     /* 1…STORE_HISTORY_MAX */
	int call_type; /* an enum call_type; STORE_ANY = all, as below */
	int status;    /* an enum call_status */
	int outcome;   /* an enum outcome: the viewer's */
	int direction; /* an enum direction: the viewer's */
	int64_t since; /* started_at >= since; 0 = no bound */
	int64_t until; /* started_at < until; 0 = no bound */

	struct call **calls; /* out, the caller's: history_free */
	size_t n_calls;
	bool has_more;
};
void store_read_history(struct store *s, struct store_read_history *q);
void history_free(struct call **calls, size_t n);

/* --- answers kept for repetitions --- */

struct store_read_reply {
	struct store_job job;
	char user_id[MODEL_USER_ID_SIZE];
	char key[STORE_KEY_SIZE];

	bool found; /* out; body is the caller's (mem_free) and never null when found */
	uint64_t request_hash;
	int status;
	char *body;
};
void store_read_reply(struct store *s, struct store_read_reply *q);

struct store_read_tombstone {
	struct store_job job;
	char user_id[MODEL_USER_ID_SIZE];
	char call_id[ID_UUID_SIZE];
	int64_t now;
	bool found; /* out: and not expired at `now` */
};
void store_read_tombstone(struct store *s, struct store_read_tombstone *q);

/* --- people and channels --- */

struct person {
	struct user user; /* name and avatar "" when the user is not known yet */
	bool is_member;
};

/* Who these users are to a channel; or, with no users named, all its members by id. */
struct store_read_people {
	struct store_job job;
	char channel_id[MODEL_CHANNEL_ID_SIZE];
	const char (*user_ids)[MODEL_USER_ID_SIZE]; /* borrowed until done */
	size_t n_user_ids;

	bool channel_found;    /* out; without it nobody is a member */
	struct person *people; /* out, the caller's (mem_free): in the order asked for */
	size_t n_people;
};
void store_read_people(struct store *s, struct store_read_people *q);

struct channel {
	char id[MODEL_CHANNEL_ID_SIZE];
	char name[MODEL_CHANNEL_NAME_SIZE];
	int64_t created_at;
	int64_t updated_at;
};

/* Makes the channel, or replaces its name and all its members. Unknown members come into being as users. */
struct store_put_channel {
	struct store_job job;
	char id[MODEL_CHANNEL_ID_SIZE];
	char name[MODEL_CHANNEL_NAME_SIZE];
	const char (*members)[MODEL_USER_ID_SIZE]; /* borrowed until done; doubles are harmless */
	size_t n_members;			   /* ≤ MODEL_MEMBERS_MAX */
	int64_t at;
	bool created; /* out */
};
void store_put_channel(struct store *s, struct store_put_channel *q);

/* A channel with all its members (by id). */
struct store_read_channel {
	struct store_job job;
	char id[MODEL_CHANNEL_ID_SIZE];
	bool found; /* out */
	struct channel channel;
	struct user *members; /* the caller's (mem_free) */
	size_t n_members;
};
void store_read_channel(struct store *s, struct store_read_channel *q);

/* Removes a channel and its memberships. Its past calls stay in the histories of those who were in them. */
struct store_delete_channel {
	struct store_job job;
	char id[MODEL_CHANNEL_ID_SIZE];
	bool found; /* out */
};
void store_delete_channel(struct store *s, struct store_delete_channel *q);

/* Makes a user or replaces name and avatar ("" clears them). With `only_fill`, as for a user seen in a token, "" leaves
 * what is known. */
struct store_put_user {
	struct store_job job;
	struct user user;
	bool only_fill;
	int64_t at;
	bool created; /* out */
};
void store_put_user(struct store *s, struct store_put_user *q);

struct store_read_user {
	struct store_job job;
	char id[MODEL_USER_ID_SIZE];
	bool found; /* out */
	struct user user;
};
void store_read_user(struct store *s, struct store_read_user *q);

/* Removes name, avatar and memberships. In past calls the bare id remains. */
struct store_delete_user {
	struct store_job job;
	char id[MODEL_USER_ID_SIZE];
	bool found; /* out */
};
void store_delete_user(struct store *s, struct store_delete_user *q);

/* --- operations --- */

/* Whether commits get through: ERR_STORE when the last one did not. Costs nothing; for /readyz. */
int store_health(const struct store *s);

/* Jobs that wait for a thread, for metrics. */
void store_waiting(struct store *s, size_t *out_writes, size_t *out_reads);

/* Copies the running database to a new file at `path`. SQLite alone: PostgreSQL has pg_dump (ERR_NOT_IMPLEMENTED). */
struct store_backup {
	struct store_job job;
	const char *path; /* borrowed until done; must not exist */
};
void store_backup(struct store *s, struct store_backup *b);

/* For tests: what happens to the n-th change set from now (1 = the next one). */
enum store_fault {
	STORE_FAULT_NONE,
	STORE_FAULT_FAIL,	       /* ERR_STORE, nothing written */
	STORE_FAULT_UNKNOWN_WRITTEN,   /* written, but ERR_UNKNOWN is said */
	STORE_FAULT_UNKNOWN_UNWRITTEN, /* not written, and ERR_UNKNOWN is said */
	STORE_FAULT_CONFLICT,	       /* ERR_CONFLICT, nothing written */
	STORE_FAULT_DIE_BEFORE,	       /* the process ends at once, as by kill -9, before COMMIT */
	STORE_FAULT_DIE_AFTER	       /* … after COMMIT, before anybody hears of it */
};
void store_inject(struct store *s, enum store_fault fault, unsigned nth);

#endif

/* fixture: a store of its own, jobs that are waited for, and calls to put in.
 *
 * With BELLWIRE_TEST_POSTGRES=postgres://…/postgres in the environment the store is a new database of that server, else
 * a file in a folder of its own. */
#ifndef BELLWIRE_TESTS_STORE_FIXTURE_H
#define BELLWIRE_TESTS_STORE_FIXTURE_H

#include "store/store.h"

struct fixture {
	struct loop loop;
	struct store *store;
	char folder[64];
	char path[256];	   /* of the database, or its URL */
	char database[48]; /* its name in PostgreSQL */
	bool is_pg;
};

/* A new folder and an open store in it. */
void fixture_open(struct fixture *f);

/* Closes the store, keeps the folder; then fixture_reopen. */
void fixture_close(struct fixture *f);
void fixture_reopen(struct fixture *f);

/* Closes (if open) and removes the folder. */
void fixture_fini(struct fixture *f);

/* Runs the loop until the job that was handed over with wait_done is done; its result. */
void wait_done(struct store_job *job, int err);
int wait_job(struct fixture *f, struct store_job *job);

#define DO(f, verb, q) ((q)->job.done = wait_done, verb((f)->store, q), wait_job((f), &(q)->job))

/* A change set that creates a ringing call: users[0] calls the others. Its strings are short literals. */
struct change_set *create_set(const char *call_id, const char *channel, enum call_mode mode, const char *const *users,
	size_t n_users, int64_t at);

/* A change set that follows from a call as it stands (copied), with one event; seq one higher. */
struct change_set *next_set(const struct call *call, const char *event, int64_t at);

/* Commits, waits and frees. */
int commit(struct fixture *f, struct change_set *cs);

struct call *read_call(struct fixture *f, const char *id);

/* "018f0000-0000-7000-8000-" and n in twelve digits. */
void format_id(char out[ID_UUID_SIZE], uint64_t n);

/* One number out of the database, by a connection of the test's own. */
int64_t ask(const char *path, const char *sql);
void check_integrity(const char *path);

#endif

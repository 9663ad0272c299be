/* The store's writing thread beside bare SQLite: the same rows, in the same batches, with the same promises. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store_bench.h"

#define BATCH 64
#define N_BATCHES 600
#define N_SETS (BATCH * N_BATCHES)

static struct change_set *sets[N_SETS];
static size_t n_waiting;

static void make_sets(void)
{
	for (size_t i = 0; i < N_SETS; i++)
		sets[i] = bench_create(i, 1700000000000 + (int64_t)i / 10);
}

static void discard_sets(void)
{
	for (size_t i = 0; i < N_SETS; i++)
		bench_discard(sets[i]);
}

/* --- the store --- */

static void on_done(struct store_job *job, int err)
{
	if (err < 0)
		exit(1);
	if (--n_waiting == 0)
		loop_stop(job->arg);
}

static double through_store(const char *folder)
{
	struct bench b;
	bench_open(&b, folder, "writer.db");
	double cpu = bench_other_threads_cpu();
	for (size_t i = 0; i < N_SETS;) {
		for (n_waiting = 0; n_waiting < BATCH; n_waiting++, i++) {
			sets[i]->job.done = on_done;
			sets[i]->job.arg = &b.loop;
			store_commit(b.store, sets[i]);
		}
		loop_run(&b.loop);
	}
	cpu = bench_other_threads_cpu() - cpu;
	bench_close(&b);
	return cpu;
}

/* --- bare SQLite --- */

struct bare {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *command, *call, *user, *participant, *event;
};

static void check(struct bare *bare, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "bare SQLite: %s\n", sqlite3_errmsg(bare->db));
	exit(1);
}

static sqlite3_stmt *prepare(struct bare *bare, const char *sql)
{
	sqlite3_stmt *stmt;
	check(bare, sqlite3_prepare_v3(bare->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
	return stmt;
}

static void step(struct bare *bare, sqlite3_stmt *stmt)
{
	check(bare, sqlite3_step(stmt));
	sqlite3_reset(stmt);
}

static void text(sqlite3_stmt *stmt, int at, const char *z)
{
	sqlite3_bind_text(stmt, at, z, -1, SQLITE_STATIC);
}

static void numbers(sqlite3_stmt *stmt, int from, int to, int64_t n)
{
	for (int i = from; i <= to; i++)
		sqlite3_bind_int64(stmt, i, n);
}

static void open_bare(struct bare *bare, const char *path)
{
	check(bare, sqlite3_open_v2(path, &bare->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	check(bare, sqlite3_exec(bare->db,
			    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000", NULL,
			    NULL, NULL));
	bare->begin = prepare(bare, "BEGIN IMMEDIATE");
	bare->commit = prepare(bare, "COMMIT");
	bare->command = prepare(bare, "INSERT INTO commands VALUES (?, ?)");
	bare->call = prepare(bare, "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bare->user = prepare(bare, "INSERT OR IGNORE INTO users VALUES (?, ?, ?, ?)");
	bare->participant = prepare(
		bare, "INSERT INTO call_participants VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bare->event = prepare(bare, "INSERT INTO call_events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
}

static void close_bare(struct bare *bare)
{
	sqlite3_stmt *all[] = {
		bare->begin, bare->commit, bare->command, bare->call, bare->user, bare->participant, bare->event};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		sqlite3_finalize(all[i]);
	sqlite3_close(bare->db);
}

static void write_call(struct bare *bare, const struct call *c)
{
	char pair[2 * MODEL_USER_ID_SIZE];
	snprintf(pair, sizeof pair, "%s\n%s", c->participants[0].user.id, c->participants[1].user.id);
	numbers(bare->call, 2, 16, 0);
	text(bare->call, 1, c->id);
	sqlite3_bind_int64(bare->call, 2, c->seq);
	text(bare->call, 3, c->channel_id);
	text(bare->call, 8, c->started_by);
	numbers(bare->call, 9, 10, c->started_at);
	text(bare->call, 14, "");
	sqlite3_bind_int64(bare->call, 15, c->started_at);
	text(bare->call, 17, pair);
	text(bare->call, 18, "{}");
	step(bare, bare->call);
}

static void write_participant(struct bare *bare, const struct call *c, const struct participant *p)
{
	text(bare->user, 1, p->user.id);
	text(bare->user, 2, p->user.name);
	text(bare->user, 3, p->user.avatar_url);
	sqlite3_bind_int64(bare->user, 4, c->started_at);
	step(bare, bare->user);
	numbers(bare->participant, 3, 18, 0);
	text(bare->participant, 1, c->id);
	text(bare->participant, 2, p->user.id);
	sqlite3_bind_int64(bare->participant, 7, c->started_at);
	sqlite3_bind_int64(bare->participant, 9, p->invited_at);
	step(bare, bare->participant);
}

static void write_event(struct bare *bare, const struct call *c, const struct call_event *e)
{
	text(bare->event, 1, c->id);
	sqlite3_bind_int64(bare->event, 2, e->seq);
	sqlite3_bind_int64(bare->event, 3, e->at);
	text(bare->event, 4, e->type);
	sqlite3_bind_int64(bare->event, 5, e->audience);
	text(bare->event, 6, "");
	text(bare->event, 7, "");
	text(bare->event, 8, "");
	text(bare->event, 9, e->actor_id);
	sqlite3_bind_int64(bare->event, 10, 0);
	text(bare->event, 11, e->payload);
	step(bare, bare->event);
}

static void write_set(struct bare *bare, const struct change_set *cs)
{
	text(bare->command, 1, cs->command_id);
	text(bare->command, 2, cs->owner);
	step(bare, bare->command);
	write_call(bare, cs->call);
	for (size_t i = 0; i < cs->call->n_participants; i++)
		write_participant(bare, cs->call, &cs->call->participants[i]);
	for (size_t i = 0; i < cs->n_events; i++)
		write_event(bare, cs->call, &cs->events[i]);
}

static void write_all(void *arg)
{
	struct bare *bare = arg;
	for (size_t i = 0; i < N_SETS;) {
		step(bare, bare->begin);
		for (size_t n = 0; n < BATCH; n++)
			write_set(bare, sets[i++]);
		step(bare, bare->commit);
	}
}

/* On a thread of its own, as the store's. The tables are the store's, too. */
static double through_bare(const char *folder)
{
	struct bench b;
	struct bare bare = {0};
	uv_thread_t thread;
	bench_open(&b, folder, "writer.db");
	open_bare(&bare, b.path);
	double cpu = bench_other_threads_cpu();
	uv_thread_create(&thread, write_all, &bare);
	uv_thread_join(&thread);
	cpu = bench_other_threads_cpu() - cpu;
	close_bare(&bare);
	bench_close(&b);
	return cpu;
}

void bench_writer(const char *folder)
{
	double store[5], bare[5], ratio[5];
	make_sets();
	for (int i = 0; i < 5; i++) { /* in turns, so that both meet the same machine */
		store[i] = through_store(folder);
		bare[i] = through_bare(folder);
		ratio[i] = store[i] / bare[i];
	}
	discard_sets();
	bench_say("store: writer's CPU per creation", bench_percentile(store, 5, 0.5) / N_SETS * 1e6, "us", "");
	bench_say("store: bare SQLite's CPU per creation", bench_percentile(bare, 5, 0.5) / N_SETS * 1e6, "us", "");
	bench_say("store: writer against bare SQLite", bench_percentile(ratio, 5, 0.5), "x", "<= 1.25");
}

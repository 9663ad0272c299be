/* A page of 50 out of a million calls: the first and the thousandth, of one channel and of one user. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store_bench.h"

#define N_CALLS 1000000
#define N_READS 1000
#define PAGE 50
#define FIRST_MS 1700000000000 /* one call a second from here on */

/* Every call in one channel and by one user, with one of a thousand others. */
static void fill(const char *path)
{
	static const char sql[] =
		"BEGIN;"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
		" INSERT INTO calls SELECT format('018f0000-0000-7000-8000-%012d', i), 3, 'general', i % 2, 0, 2, 0, "
		"'ann',"
		" 1700000000000 + i * 1000, 0, 1700000000500 + i * 1000, 1700000009000 + i * 1000, 1, 'ann', 0, 0,"
		" format('ann%cuser-%d', 10, i % 1000), '{}' FROM n;"
		"INSERT INTO call_participants SELECT id, 'ann', 0, 4, 0, 1, started_at, call_type, started_at, 0,"
		" started_at, ended_at, 8500, 0, 0, 1, 0, 1 FROM calls;"
		"INSERT INTO call_participants SELECT id, substr(pair, 5), 1, 4, 1, 1, started_at, call_type, "
		"started_at, 0,"
		" started_at, ended_at, 8500, 0, 0, 1, 0, 1 FROM calls;"
		"INSERT OR IGNORE INTO users SELECT user_id, 'Some Name', '', 0 FROM call_participants LIMIT 4000;"
		"COMMIT; PRAGMA wal_checkpoint(TRUNCATE)";
	sqlite3 *db;
	char *error = NULL;
	if (sqlite3_open(path, &db) || sqlite3_exec(db, sql, NULL, NULL, &error)) {
		fprintf(stderr, "filling: %s\n", error ? error : "?");
		exit(1);
	}
	sqlite3_close(db);
}

static void on_done(struct store_job *job, int err)
{
	if (err < 0)
		exit(1);
	loop_stop(job->arg);
}

/* The milliseconds of one page; `newer` calls stand before it. */
static double read_page(struct bench *b, struct store_read_history *q, int64_t newer)
{
	q->limit = PAGE;
	q->call_type = q->status = q->outcome = q->direction = STORE_ANY;
	q->after = (struct history_cursor){0};
	if (newer)
		q->after.started_at = FIRST_MS + (N_CALLS - newer + 1) * 1000;
	q->job = (struct store_job){.done = on_done, .arg = &b->loop};
	double begin = bench_now();
	store_read_history(b->store, q);
	loop_run(&b->loop);
	double took = (bench_now() - begin) * 1000;
	if (q->n_calls != PAGE || q->calls[0]->started_at != FIRST_MS + (N_CALLS - newer) * 1000) {
		fprintf(stderr, "the wrong page\n");
		exit(1);
	}
	history_free(q->calls, q->n_calls);
	return took;
}

static void measure(struct bench *b, struct store_read_history *q, const char *whose)
{
	static double first[N_READS], late[N_READS];
	char name[80];
	for (int i = 0; i < N_READS; i++) {
		first[i] = read_page(b, q, 0);
		late[i] = read_page(b, q, 999 * PAGE + i * 7);
	}
	snprintf(name, sizeof name, "store: first page of %s history, p99", whose);
	bench_say(name, bench_percentile(first, N_READS, 0.99), "ms", "< 5");
	snprintf(name, sizeof name, "store: 1000th page of %s history, p99", whose);
	bench_say(name, bench_percentile(late, N_READS, 0.99), "ms", "< 5");
}

void bench_history(const char *folder)
{
	struct bench b;
	bench_open(&b, folder, "history.db");
	fill(b.path);
	struct store_read_history channel = {.channel_id = "general", .viewer_id = "ann"};
	struct store_read_history user = {.viewer_id = "ann"};
	measure(&b, &channel, "a channel's");
	measure(&b, &user, "a user's");
	bench_close(&b);
}

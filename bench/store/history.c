/* A page of 50 out of a million calls: the first and the thousandth, of one channel and of one user. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "store_bench.h"

#define N_READS 1000
#define PAGE 50

static int64_t n_calls(void)
{
	const char *asked = getenv("BENCH_HISTORY");
	return asked ? atoll(asked) : 1000000;
}

static void must(sqlite3 *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE)
		return;
	fprintf(stderr, "filling: %s\n", sqlite3_errmsg(db));
	exit(1);
}

/* Every call in one channel and by one user, with one of a thousand others. Columns that are not named have defaults.
 */
static const char make_calls[] =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)"
	" INSERT INTO calls (id, seq, channel_id, call_type, mode, status, topology, started_by, started_at,"
	" ring_expires_at, answered_at, ended_at, end_reason, ended_by, last_seen_at, body_hash, pair, metadata)"
	" SELECT format('018f0000-0000-7000-8000-%012d', i), 3, 'general', i % 2, 0, 2, 0, 'ann', ?2 + i * 1000, 0,"
	" ?2 + 500 + i * 1000, ?2 + 9000 + i * 1000, 1, 'ann', 0, 0, format('ann%cuser-%d', 10, i % 1000), '{}' FROM n";
#define PEOPLE                                                                                                         \
	"INSERT INTO call_participants (call_id, user_id, position, state, role, outcome, started_at, call_type,"      \
	" invited_at, ring_expires_at, joined_at, left_at, talk_ms, talk_since, is_muted, is_video_enabled,"           \
	" is_screen_sharing, quality)"
static const char make_rest[] = PEOPLE
	" SELECT id, 'ann', 0, 4, 0, 1, started_at, call_type, started_at, 0, started_at, ended_at, 8500, 0, 0, 1,"
	" 0, 1 FROM calls;" PEOPLE
	" SELECT id, substr(pair, 5), 1, 4, 1, 1, started_at, call_type, started_at, 0, started_at, ended_at,"
	" 8500, 0, 0, 1, 0, 1 FROM calls;"
	"INSERT INTO users SELECT DISTINCT user_id, 'Some Name', '', 0 FROM call_participants;"
	"INSERT INTO channels VALUES ('general', 'General', 1, 1);"
	"COMMIT; PRAGMA wal_checkpoint(TRUNCATE)";

static void fill(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *calls;
	must(NULL, sqlite3_open(path, &db));
	must(db, sqlite3_exec(db, "PRAGMA synchronous = OFF; BEGIN", NULL, NULL, NULL));
	must(db, sqlite3_prepare_v2(db, make_calls, -1, &calls, NULL));
	sqlite3_bind_int64(calls, 1, n_calls());
	sqlite3_bind_int64(calls, 2, BENCH_FIRST_MS);
	must(db, sqlite3_step(calls));
	sqlite3_finalize(calls);
	must(db, sqlite3_exec(db, make_rest, NULL, NULL, NULL));
	sqlite3_close(db);
}

void bench_fill(const char *folder)
{
	struct bench b;
	bench_open(&b, folder, "history.db");
	bench_shut(&b); /* it has made the tables */
	fill(b.path);
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
		q->after.started_at = BENCH_FIRST_MS + (n_calls() - newer + 1) * 1000;
	q->job = (struct store_job){.done = on_done, .arg = &b->loop};
	double begin = bench_now();
	store_read_history(b->store, q);
	loop_run(&b->loop);
	double took = (bench_now() - begin) * 1000;
	if (q->n_calls != PAGE || q->calls[0]->started_at != BENCH_FIRST_MS + (n_calls() - newer) * 1000) {
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

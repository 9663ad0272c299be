/* A connection that comes back by itself, with back-off, and lets no session of ours that was left behind work on. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "store/pg.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define FENCE_POLL_MS 20

static int later(struct pg_link *l)
{
	uint16_t random;
	id_random(&random, sizeof random);
	l->backoff_ms = l->backoff_ms ? l->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (l->backoff_ms > BACKOFF_MAX_MS)
		l->backoff_ms = BACKOFF_MAX_MS;
	l->retry_at = clock_mono_ms() + l->backoff_ms / 2 + random % (l->backoff_ms / 2 + 1);
	return ERR_STORE;
}

#define NO_ROW (-2)

/* One small number that a statement of the lane's own affairs answers; NO_ROW when there is none. */
static int ask_number(struct pq *q, int64_t *out)
{
	PGresult *res = NULL;
	int err = pg_ask(q, &res);
	if (err == 0) {
		struct pg_rows rows = pg_rows_of(res);
		*out = pg_row(&rows) ? pg_get_int(&rows) : NO_ROW;
	}
	PQclear(res);
	return err;
}

/* The session before may hold work that it has not begun: until it is gone nobody can say what is written. */
static int fence(struct pg_link *l)
{
	for (;;) {
		struct pq q = pq_begin(&l->conn, PG_FENCE);
		pq_text(&q, l->session.pid);
		pq_text(&q, l->session.start);
		int64_t is_there = 0;
		int err = ask_number(&q, &is_there);
		if (err < 0)
			return ERR_STORE;
		if (is_there == NO_ROW)
			return 0;
		if (clock_mono_ms() + FENCE_POLL_MS >= l->conn.deadline)
			return ERR_STORE;
		usleep(FENCE_POLL_MS * 1000);
	}
}

int pg_link_adopt(struct pg_link *l)
{
	struct pq q = pq_begin(&l->conn, PG_WHO_AM_I);
	PGresult *res = NULL;
	int err = pg_ask(&q, &res);
	if (err == 0) {
		struct pg_rows rows = pg_rows_of(res);
		l->session = (struct pg_session){0};
		if (pg_row(&rows)) {
			pg_get_text(&rows, l->session.pid, sizeof l->session.pid);
			pg_get_text(&rows, l->session.start, sizeof l->session.start);
		}
		err = rows.err;
	}
	PQclear(res);
	return err < 0 ? ERR_STORE : 0;
}

/* Whoever else holds it has taken this database over once the epoch is no longer ours; until then it may be a session
 * of ours that the server has yet to miss. */
static int hold_lock(struct pg_link *l)
{
	struct pq q = pq_begin(&l->conn, PG_HOLD);
	int64_t answer = 0;
	pq_int(&q, *l->epoch);
	int err = ask_number(&q, &answer);
	if (err < 0)
		return ERR_STORE;
	return answer == 1 ? 0 : answer == 0 ? later(l) : ERR_VERSION;
}

static int connect_again(struct pg_link *l)
{
	if (clock_mono_ms() < l->retry_at)
		return ERR_STORE;
	if (pg_open(&l->conn) < 0) {
		log_warn("postgresql cannot be reached", LOG_S("error", l->conn.why));
		return later(l);
	}
	l->is_fenced = l->session.pid[0] != '\0';
	return 0;
}

int pg_link_ready(struct pg_link *l)
{
	bool is_new = !l->conn.pg;
	int err = is_new ? connect_again(l) : 0;
	if (err == 0 && l->is_fenced) {
		err = fence(l);
		is_new = true;
	}
	if (err < 0)
		return err;
	if (!is_new)
		return 0;
	l->is_fenced = false;
	err = pg_link_adopt(l); /* first of all, so that it can be told when it is left behind in its turn */
	if (err == 0 && l->holds_lock)
		err = hold_lock(l);
	if (err == 0)
		l->backoff_ms = l->retry_at = 0;
	else if (l->conn.pg) /* begin anew: this one has not left anything behind */
		pg_close(&l->conn);
	return err;
}

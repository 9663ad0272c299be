/* The writing side: a lane's jobs go out as one pipeline, each a transaction of its own.
 *
 *   BEGIN, enter, rows…, COMMIT, sync | BEGIN, … sync | …   ->   one wait for all their results
 *
 * A job that is refused leaves the connection in its failed transaction, in which those sent after it come to nothing:
 * after a ROLLBACK they are sent again. Refusals are rare; waiting for each COMMIT would cost a round trip for all.
 * What a connection that broke had not answered is neither written nor not: change sets end with ERR_UNKNOWN, and the
 * lane does nothing more before the session that was left behind is gone (pg_link.c).
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "store/pg.h"

#define EXIT_TAKEN_OVER 74		  /* as for a failed disk: what is written is no longer ours to say */
#define COMMANDS_KEPT_MS (7LL * 86400000) /* longer than anybody asks for the outcome of a command */
#define REST_MS 1000			  /* between two looks at an idle connection */
#define TRIES 4				  /* of a job whom a deadlock chose, or that came after one that was refused */

void pg_fatal(struct backend *b, const char *reason)
{
	if (b->on_fatal)
		b->on_fatal(reason);
	log_error("ending: this database is no longer ours", LOG_S("reason", reason), LOG_S("database", b->where));
	_exit(EXIT_TAKEN_OVER);
}

/* --- a window --- */

struct window {
	struct backend *b;
	struct pg_link *link;
	struct pg_turn *turns;
	size_t n;
};

int pg_turn_send(struct pg_turn *t, struct pq *q)
{
	if (t->n_sent >= PG_STATEMENTS_MAX - (q->which == PG_ROLLBACK ? 0 : 1)) /* room for the end */
		return ERR_TOO_LARGE;
	_Static_assert(PG_COUNT <= UINT8_MAX, "a statement's number fits");
	int err = pq_send(q);
	if (err == 0)
		t->sent[t->n_sent++] = (uint8_t)q->which;
	return err;
}

static int send_plain(struct pg_conn *c, struct pg_turn *t, enum pg_text which)
{
	struct pq q = pq_begin(c, which);
	return pg_turn_send(t, &q);
}

static int send_turn(struct window *w, struct pg_turn *t)
{
	struct pg_conn *c = &w->link->conn;
	t->n_sent = 0;
	t->err = 0;
	int err = send_plain(c, t, PG_BEGIN);
	struct pq enter = pq_begin(c, PG_ENTER);
	pq_text(&enter, job_owner(t->job));
	pq_int(&enter, w->b->epoch);
	if (err == 0)
		err = pg_turn_send(t, &enter);
	if (err == 0)
		err = pg_send_job(w->b, c, t);
	if (err == ERR_CLOSED)
		return err;
	t->err = err; /* what cannot be sent whole is sent to its end, and undone */
	fault_die_if(t->fault, STORE_FAULT_DIE_BEFORE);
	err = send_plain(c, t, t->err < 0 ? PG_ROLLBACK : PG_COMMIT);
	return err < 0 ? err : pg_sync(c);
}

/* COMMIT in a transaction that has failed is answered, too: by "ROLLBACK". */
static bool is_committed(const PGresult *res)
{
	return strcmp(PQcmdStatus((PGresult *)(uintptr_t)res), "COMMIT") == 0;
}

static int take_turn(struct pg_conn *c, struct pg_turn *t)
{
	for (size_t i = 0; i <= t->n_sent; i++) { /* and the sync */
		PGresult *res = NULL;
		int err = pg_result(c, &res);
		if (err == ERR_CLOSED)
			return err;
		if (err < 0 && t->err == 0) {
			t->err = err;
			t->failed = (enum pg_text)t->sent[i];
		} else if (res && t->sent[i] == PG_COMMIT && !is_committed(res) && t->err == 0) {
			t->err = ERR_STORE;
		} else if (res && t->err == 0) {
			pg_take_result(t, (enum pg_text)t->sent[i], res);
		}
		PQclear(res);
	}
	return 0;
}

/* Nobody answers any more: whether they are written is not known. */
static void abandon(struct window *w, size_t from)
{
	for (size_t i = from; i < w->n; i++)
		w->turns[i].err = w->turns[i].job->kind == JOB_COMMIT ? ERR_UNKNOWN : ERR_STORE;
}

static bool run_window(struct window *w)
{
	struct pg_conn *c = &w->link->conn;
	c->deadline = clock_mono_ms() + PG_ANSWER_MS;
	atomic_store(&w->link->floor, atomic_load(&w->b->next_event)); /* before anything is numbered */
	size_t i = 0;
	int err = 0;
	if (w->n == 1 && w->turns[0].job->kind == JOB_PUT_FLIGHT)
		err = pg_ask_flight(c, &w->turns[0]);
	for (; i < w->n && err == 0; i++)
		err = send_turn(w, &w->turns[i]);
	for (i = 0; i < w->n && err == 0; i++)
		err = take_turn(c, &w->turns[i]);
	if (err == 0) {
		atomic_store(&w->link->floor, INT64_MAX);
		return true;
	}
	abandon(w, i ? i - 1 : 0);
	return false;
}

/* --- after a window --- */

static int ask_rival(struct pg_conn *c, const struct call *call, char out[ID_UUID_SIZE])
{
	char pair[MODEL_PAIR_SIZE];
	call_pair(call, pair);
	struct pq q = pq_begin(c, call->mode == CALL_GROUP ? PG_LIVE_GROUP : PG_LIVE_DIRECT);
	pq_text(&q, call->mode == CALL_GROUP ? call->channel_id : pair);
	PGresult *res = NULL;
	int err = pg_ask(&q, &res);
	if (err == 0) {
		struct pg_rows rows = pg_rows_of(res);
		if (pg_row(&rows))
			pg_get_text(&rows, out, ID_UUID_SIZE);
	}
	PQclear(res);
	return err;
}

/* Which live call refused the insert, if one did. */
static void find_rival(struct pg_conn *c, struct change_set *cs)
{
	if (!cs->call || cs->expected_seq || !call_is_live(cs->call))
		return;
	if (ask_rival(c, cs->call, cs->rival_id) < 0 || strcmp(cs->rival_id, cs->call->id) == 0)
		cs->rival_id[0] = '\0';
}

static void settle_change(struct window *w, struct pg_turn *t)
{
	if (t->err == ERR_CONFLICT && t->failed == PG_INSERT_COMMAND)
		t->err = ERR_EXISTS;
	else if (t->err == ERR_CONFLICT)
		find_rival(&w->link->conn, CONTAINER_OF(t->job, struct change_set, job));
	if (t->err < 0)
		return;
	fault_die_if(t->fault, STORE_FAULT_DIE_AFTER);
	if (t->fault == STORE_FAULT_UNKNOWN_WRITTEN)
		t->err = ERR_UNKNOWN;
}

static int roll_back(struct pg_conn *c)
{
	PGresult *res = NULL;
	if (!c->pg || PQtransactionStatus(c->pg) == PQTRANS_IDLE)
		return 0;
	struct pq q = pq_begin(c, PG_ROLLBACK);
	int err = pg_ask(&q, &res);
	PQclear(res);
	return err;
}

/* Says what has come of each, and moves those that are to be sent again to the front; returns their number. */
static size_t settle(struct window *w)
{
	size_t n_again = 0;
	roll_back(&w->link->conn);
	for (size_t i = 0; i < w->n; i++) {
		struct pg_turn *t = &w->turns[i];
		if (t->err == ERR_VERSION)
			pg_fatal(w->b, "another bellwire has taken it over");
		if (t->err == ERR_AGAIN) {
			w->turns[n_again].job = t->job;
			w->turns[n_again++].fault = t->fault;
			continue;
		}
		if (t->job->kind == JOB_COMMIT)
			settle_change(w, t);
		t->job->err = t->err;
		if (t->err == 0)
			atomic_store_explicit(&w->b->health, 0, memory_order_relaxed);
	}
	return n_again;
}

static void refuse(struct window *w, int err)
{
	for (size_t i = 0; i < w->n; i++)
		w->turns[i].job->err = err;
	atomic_store(&w->b->health, ERR_STORE);
}

/* --- a batch --- */

/* Whether the job is to be sent; else it gets its answer here. */
static bool admit(struct window *w, struct store_job *job, enum store_fault *fault)
{
	*fault = fault_plan_take(&w->b->faults, job);
	job->err = fault_instead(*fault);
	if (job->err == 0 && clock_mono_ms() - job->since > PG_STALE_MS)
		job->err = ERR_STORE;
	return job->err == 0;
}

/* The next jobs become turns: as many as a window takes, a flight alone. Returns where to go on. */
static struct list *fill(struct window *w, struct list *batch, struct list *from)
{
	for (w->n = 0; from != batch && w->n < PG_WINDOW; from = from->next) {
		struct store_job *job = CONTAINER_OF(from, struct store_job, link);
		bool is_flight = job->kind == JOB_PUT_FLIGHT;
		if (is_flight && w->n > 0)
			break;
		struct pg_turn *t = &w->turns[w->n];
		if (!admit(w, job, &t->fault))
			continue;
		t->job = job;
		w->n++;
		if (is_flight)
			return from->next;
	}
	return from;
}

static int ready(struct window *w)
{
	w->link->conn.deadline = clock_mono_ms() + PG_ANSWER_MS;
	int err = pg_link_ready(w->link);
	if (err == ERR_VERSION)
		pg_fatal(w->b, "another bellwire has taken it over");
	if (err == 0) /* what was under way when a connection broke is settled, now that its session is gone */
		atomic_store(&w->link->floor, INT64_MAX);
	return err;
}

static void carry_out(struct window *w)
{
	int64_t began = clock_mono_ms();
	for (int tries = 0; w->n > 0; tries++) {
		bool is_late = clock_mono_ms() - began > PG_ANSWER_MS;
		int err = ready(w);
		if (err < 0 || is_late || tries > TRIES * PG_WINDOW) {
			refuse(w, err < 0 ? err : ERR_STORE);
			return;
		}
		if (!run_window(w))
			atomic_store(&w->b->health, ERR_STORE);
		w->n = settle(w);
	}
}

void pg_write(struct backend *b, unsigned lane, struct list *batch)
{
	struct window w = {.b = b, .link = &b->lanes[lane], .turns = b->turns[lane]};
	for (struct list *at = batch->next; at != batch;) {
		at = fill(&w, batch, at);
		carry_out(&w);
	}
}

/* --- while nobody asks --- */

static int tidy_until(struct pg_conn *c, enum pg_text which, int64_t now)
{
	char oldest[ID_UUID_SIZE]; /* the least id of that millisecond, but for its random rest */
	struct pq q = pq_begin(c, which);
	PGresult *res = NULL;
	id_uuid7(now - COMMANDS_KEPT_MS, oldest);
	oldest[13] = '\0';
	if (which == PG_TIDY_COMMANDS)
		pq_text(&q, oldest);
	else
		pq_int(&q, now);
	int err = pg_ask(&q, &res);
	int n = err < 0 ? 0 : pg_touched(res);
	PQclear(res);
	return n;
}

/* Forgets what has expired. True when there may be more. */
static bool tidy(const struct backend *b, struct pg_conn *c, int64_t now)
{
	static const enum pg_text which[] = {PG_TIDY_TOMBSTONES, PG_TIDY_REPLIES, PG_TIDY_COMMANDS};
	bool more = b->flight_keep_ms && pg_tidy_flight(c, now - b->flight_keep_ms);
	for (size_t i = 0; i < sizeof which / sizeof which[0]; i++)
		more |= tidy_until(c, which[i], now) >= 500;
	return more;
}

/* A connection that broke unnoticed is opened again before somebody needs it; the first lane says how we are. */
int64_t pg_rest(struct backend *b, unsigned lane, int64_t now)
{
	struct window w = {.b = b, .link = &b->lanes[lane]};
	struct pg_conn *c = &w.link->conn;
	if (c->pg && !PQconsumeInput(c->pg))
		pg_close(c);
	int err = ready(&w);
	if (lane > 0)
		return REST_MS;
	PGresult *res = NULL;
	struct pq ping = pq_begin(c, PG_WHO_AM_I);
	if (err == 0)
		err = pg_ask(&ping, &res);
	PQclear(res);
	atomic_store(&b->health, err < 0 ? ERR_STORE : 0);
	if (err == 0 && clock_mono_ms() >= b->tidy_at)
		b->tidy_at = tidy(b, c, now) ? 0 : clock_mono_ms() + b->tidy_every_ms;
	return b->tidy_at ? REST_MS : 0;
}

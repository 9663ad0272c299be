/* One PostgreSQL connection: opened within a time, statements prepared once, pipelines filled and drained. */
#include "store/pg_conn.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* The server gives up before we do, so that its answer is known. Everything is named with its schema. A backend whose
 * client is gone stops working; COMMIT waits for the disk whatever the server's default is. */
#define SETTINGS                                                                                                       \
	"SET statement_timeout = 900; SET lock_timeout = 700; SET idle_in_transaction_session_timeout = 5000;"         \
	"SET synchronous_commit = on; SET default_transaction_isolation = 'read committed'; SET timezone = 'UTC';"     \
	"SET client_min_messages = error; SET search_path = pg_catalog; SET client_connection_check_interval = 1000;"  \
	"SET standard_conforming_strings = on; SET extra_float_digits = 1; SET jit = off"

static const struct {
	const char *name;
	const char *text;
	bool is_ours;
} texts[PG_COUNT] = {
#define SQL(name, text) {#name, text, false},
#define SQL_OURS(name, text) {#name, text, true},
#include "store/pg.def"
#undef SQL
#undef SQL_OURS
};

void pg_names_fini(struct pg_names *n)
{
	mem_free(n->users);
	mem_free(n->channels);
	mem_free(n->members);
	*n = (struct pg_names){0};
}

/* --- errors --- */

/* The first line of what libpq says; it never tells a password. */
static void keep_why(struct pg_conn *c, const char *message)
{
	size_t len = strcspn(message, "\n");
	static const char *const prefixes[] = {"ERROR:  ", "FATAL:  "};
	for (size_t i = 0; i < 2; i++) {
		if (strncmp(message, prefixes[i], 8) == 0) {
			message += 8;
			len -= 8;
		}
	}
	snprintf(c->why, sizeof c->why, "%.*s", (int)len, len ? message : "the connection broke");
}

static int lost(struct pg_conn *c, const char *why)
{
	keep_why(c, why ? why : PQerrorMessage(c->pg));
	c->state[0] = '\0';
	log_warn("postgresql connection lost", LOG_S("error", c->why));
	pg_close(c);
	return ERR_CLOSED;
}

static bool is_state(const struct pg_conn *c, const char *state)
{
	return strncmp(c->state, state, strlen(state)) == 0;
}

/* SQLSTATEs: PostgreSQL 15, appendix A. */
static int refused(struct pg_conn *c, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (!state || (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)))
		return lost(c, PQresultErrorMessage(res));
	snprintf(c->state, sizeof c->state, "%s", state);
	keep_why(c, PQresultErrorMessage(res));
	if (is_state(c, "23") || is_state(c, "BWSEQ")) /* integrity constraint violation */
		return ERR_CONFLICT;
	if (is_state(c, "25P02") || is_state(c, "40P01") || is_state(c, "40001")) /* undone before, or a deadlock */
		return ERR_AGAIN;
	if (is_state(c, "BWOUT"))
		return ERR_VERSION;
	log_warn("postgresql", LOG_S("error", c->why), LOG_S("state", c->state));
	return ERR_STORE;
}

/* --- waiting --- */

/* Until the socket may be read or (also) written; ERR_CLOSED when the deadline has passed. */
static int wait_socket(struct pg_conn *c, short events)
{
	for (;;) {
		int64_t left = c->deadline - clock_mono_ms();
		if (left <= 0)
			return lost(c, "no answer in time");
		struct pollfd fd = {.fd = PQsocket(c->pg), .events = events};
		int n = poll(&fd, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return lost(c, strerror(errno));
	}
}

/* One step on a busy connection: writes what waits to be written, reads what has come. */
static int pump(struct pg_conn *c)
{
	int unsent = PQflush(c->pg);
	if (unsent < 0)
		return lost(c, NULL);
	int err = wait_socket(c, unsent ? POLLIN | POLLOUT : POLLIN);
	if (err == 0 && !PQconsumeInput(c->pg))
		return lost(c, NULL);
	return err;
}

static int get_result(struct pg_conn *c, PGresult **out)
{
	while (PQisBusy(c->pg)) {
		int err = pump(c);
		if (err < 0)
			return err;
	}
	*out = PQgetResult(c->pg);
	return 0;
}

/* --- open, close --- */

static int connect_by(struct pg_conn *c)
{
	c->pg = PQconnectStart(c->url);
	if (!c->pg)
		return ERR_NO_MEMORY;
	PostgresPollingStatusType next = PGRES_POLLING_WRITING;
	while (PQstatus(c->pg) != CONNECTION_BAD && next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
		int err = wait_socket(c, next == PGRES_POLLING_READING ? POLLIN : POLLOUT);
		if (err < 0)
			return err;
		next = PQconnectPoll(c->pg);
	}
	if (next == PGRES_POLLING_OK && PQsetnonblocking(c->pg, 1) == 0)
		return 0;
	keep_why(c, PQerrorMessage(c->pg));
	return ERR_STORE;
}

/* A statement's text with the words in braces replaced. */
static void put_text(struct buf *out, const char *text, const struct pg_names *n)
{
	for (const char *open; (open = strchr(text, '{')); text = strchr(open, '}') + 1) {
		buf_put(out, str_n(text, (size_t)(open - text)));
		const char *word = open[1] == 'u' ? n->users : open[1] == 'c' ? n->channels : n->members;
		buf_put(out, str_of(word));
	}
	buf_put(out, str_of(text));
	buf_put_c(out, '\0');
}

#define NAME_SIZE 32

/* "find_command": what a look into pg_prepared_statements shows. */
static void statement_name(enum pg_text which, char out[NAME_SIZE])
{
	const char *name = texts[which].name;
	size_t i = 0;
	for (; name[i] && i < NAME_SIZE - 1; i++)
		out[i] = (char)tolower((unsigned char)name[i]);
	out[i] = '\0';
}

static int send_prepare(struct pg_conn *c, enum pg_text which)
{
	struct buf sql;
	char name[NAME_SIZE];
	buf_init(&sql, 16384);
	put_text(&sql, texts[which].text, c->names);
	statement_name(which, name);
	int err = buf_ok(&sql) && PQsendPrepare(c->pg, name, sql.ptr, 0, NULL) ? 0 : ERR_NO_MEMORY;
	buf_fini(&sql);
	return err;
}

static bool is_prepared(const struct pg_conn *c, int which)
{
	return !(texts[which].is_ours && c->names->is_hosts);
}

int pg_prepare(struct pg_conn *c, const struct pg_names *names)
{
	c->names = names;
	int err = PQenterPipelineMode(c->pg) ? 0 : ERR_STORE;
	for (int i = 0; i < PG_COUNT && err == 0; i++)
		if (is_prepared(c, i))
			err = send_prepare(c, (enum pg_text)i);
	if (err == 0)
		err = pg_sync(c);
	for (int i = 0; i < PG_COUNT && err == 0; i++) {
		PGresult *res = NULL;
		if (is_prepared(c, i))
			err = pg_result(c, &res);
		PQclear(res);
	}
	PGresult *end = NULL;
	return err < 0 ? err : pg_result(c, &end);
}

int pg_open(struct pg_conn *c)
{
	c->why[0] = '\0';
	int err = connect_by(c);
	if (err == 0)
		err = pg_script(c, SETTINGS);
	if (err == 0 && c->names)
		err = pg_prepare(c, c->names);
	if (err == 0)
		return 0;
	pg_close(c);
	return err == ERR_NO_MEMORY ? err : ERR_STORE;
}

void pg_close(struct pg_conn *c)
{
	PQfinish(c->pg);
	c->pg = NULL;
}

/* --- outside pipelines --- */

static int finish_run(struct pg_conn *c, PGresult **out)
{
	int err = 0;
	for (;;) {
		PGresult *res = NULL;
		int got = get_result(c, &res);
		if (got < 0)
			return got;
		if (!res)
			return err;
		ExecStatusType status = PQresultStatus(res);
		if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && err == 0)
			err = refused(c, res);
		if (out && !*out && err == 0)
			*out = res;
		else
			PQclear(res);
	}
}

int pg_run(struct pg_conn *c, const char *sql, PGresult **out)
{
	if (out)
		*out = NULL;
	if (!c->pg || !PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0))
		return c->pg ? lost(c, NULL) : ERR_CLOSED;
	int err = finish_run(c, out);
	if (err < 0 && out) {
		PQclear(*out);
		*out = NULL;
	}
	return err;
}

int pg_script(struct pg_conn *c, const char *sql)
{
	if (!c->pg || !PQsendQuery(c->pg, sql))
		return c->pg ? lost(c, NULL) : ERR_CLOSED;
	return finish_run(c, NULL);
}

/* --- pipelines --- */

struct pq pq_begin(struct pg_conn *c, enum pg_text which)
{
	struct pq q;
	q.conn = c;
	q.which = which;
	q.n = 0;
	return q;
}

void pq_int(struct pq *q, int64_t n)
{
	snprintf(q->numbers[q->n], sizeof q->numbers[0], "%lld", (long long)n);
	q->values[q->n] = q->numbers[q->n];
	q->n++;
}

void pq_text(struct pq *q, const char *z)
{
	q->values[q->n++] = z;
}

int pq_send(struct pq *q)
{
	struct pg_conn *c = q->conn;
	char name[NAME_SIZE];
	if (!c->pg)
		return ERR_CLOSED;
	statement_name(q->which, name);
	if (PQsendQueryPrepared(c->pg, name, q->n, q->values, NULL, NULL, 0))
		return 0;
	return lost(c, NULL);
}

int pg_sync(struct pg_conn *c)
{
	if (!c->pg)
		return ERR_CLOSED;
	return PQpipelineSync(c->pg) ? 0 : lost(c, NULL);
}

/* In a pipeline each statement's result is followed by a null; a sync's is not. */
static int end_of_statement(struct pg_conn *c)
{
	PGresult *none = NULL;
	int err = get_result(c, &none);
	PQclear(none);
	return err;
}

int pg_result(struct pg_conn *c, PGresult **out)
{
	*out = NULL;
	PGresult *res = NULL;
	int err = c->pg ? get_result(c, &res) : ERR_CLOSED;
	if (err < 0)
		return err;
	if (!res)
		return lost(c, NULL);
	ExecStatusType status = PQresultStatus(res);
	if (status == PGRES_PIPELINE_SYNC) {
		PQclear(res);
		return 0;
	}
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		err = status == PGRES_PIPELINE_ABORTED ? ERR_AGAIN : refused(c, res);
		PQclear(res);
		res = NULL;
	}
	int end = c->pg ? end_of_statement(c) : ERR_CLOSED;
	if (end < 0) {
		PQclear(res);
		return end;
	}
	*out = res;
	return err;
}

/* --- rows --- */

struct pg_rows pg_rows_of(PGresult *res)
{
	return (struct pg_rows){.res = res, .row = -1};
}

bool pg_row(struct pg_rows *r)
{
	r->column = 0;
	return r->err == 0 && ++r->row < PQntuples(r->res);
}

int64_t pg_get_int(struct pg_rows *r)
{
	return strtoll(PQgetvalue(r->res, r->row, r->column++), NULL, 10);
}

static struct str column_text(struct pg_rows *r)
{
	int at = r->column++;
	return str_n(PQgetvalue(r->res, r->row, at), (size_t)PQgetlength(r->res, r->row, at));
}

void pg_get_text(struct pg_rows *r, char *out, size_t size)
{
	if (str_copy(out, size, column_text(r)) < 0)
		r->err = ERR_STORE; /* written by somebody else: we keep what fits */
}

char *pg_get_dup(struct pg_rows *r)
{
	char *copy = mem_dup(column_text(r));
	if (!copy)
		r->err = ERR_NO_MEMORY;
	return copy;
}

int pg_touched(const PGresult *res)
{
	return (int)strtol(PQcmdTuples((PGresult *)(uintptr_t)res), NULL, 10);
}

void pg_array(struct buf *out, const char *text, size_t stride, size_t n)
{
	buf_put_c(out, '{');
	for (size_t i = 0; i < n; i++, text += stride) {
		buf_put(out, i ? STR(",\"") : STR("\""));
		for (const char *at = text; *at; at++) {
			if (*at == '"' || *at == '\\')
				buf_put_c(out, '\\');
			buf_put_c(out, *at);
		}
		buf_put_c(out, '"');
	}
	buf_put(out, str_n("}", 2)); /* its NUL with it */
}

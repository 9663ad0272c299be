/* `bellwire migrate`: every row of an SQLite file into PostgreSQL, step by step, and then both sides compared.
 *
 * Each step is one transaction: rows, and how many of the table are done with which checksum (bellwire.import). What
 * was done before is read over again without being sent, and must have the same checksum: the file is still the one
 * that it was. The checksum is the sum of the hashes of rows as COPY writes them, so it does not hang on their order.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"
#include "store/sqlite_conn.h"
#include "store/transfer.h"

#define STEP_ROWS 20000
#define LINE_MAX_BYTES (4 * STORE_BODY_MAX + 65536)
#define WAIT_MS 600000 /* a step on a slow disk */

static const struct import_table {
	const char *name;
	bool is_people;	     /* not copied where people are the host's */
	const char *read;    /* in SQLite */
	const char *columns; /* of the table there, or of `step` */
	const char *read_back;
	const char *spread; /* from `step` to where its rows belong; "" = straight into bellwire.name */
} tables[] = {
#define TABLE(...) {__VA_ARGS__},
#include "store/pg_import.def"
#undef TABLE
};
#define N_TABLES (sizeof tables / sizeof tables[0])

struct import {
	const struct transfer_config *config;
	struct transfer_result *result;
	struct sq_conn from;
	struct pg_conn to;
	struct buf line; /* the row at hand */
	struct buf *why;
};

struct progress {
	int64_t rows;
	uint64_t sum;
};

/* --- rows as text --- */

/* FNV-1a, 64 bits */
static uint64_t hash(struct str line)
{
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < line.len; i++)
		h = (h ^ (unsigned char)line.ptr[i]) * 1099511628211u;
	return h;
}

/* The escapes that COPY writes itself (PostgreSQL 15, COPY, "Text Format"). */
static void put_text(struct buf *out, struct str text)
{
	static const char plain[] = "\b\f\n\r\t\v\\", escaped[] = "bfnrtv\\";
	for (size_t i = 0; i < text.len; i++) {
		const char *at = memchr(plain, text.ptr[i], sizeof plain - 1);
		if (at)
			buf_put_c(out, '\\');
		buf_put_c(out, at ? escaped[at - plain] : text.ptr[i]);
	}
}

static void put_blob(struct buf *out, const unsigned char *bytes, size_t n)
{
	buf_put(out, STR("\\\\x"));
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%02x", bytes[i]);
}

static void put_value(struct buf *out, sqlite3_stmt *stmt, int column)
{
	size_t n = (size_t)sqlite3_column_bytes(stmt, column);
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL: buf_put(out, STR("\\N")); return;
	case SQLITE_BLOB: put_blob(out, sqlite3_column_blob(stmt, column), n); return;
	default: put_text(out, str_n((const char *)sqlite3_column_text(stmt, column), n)); return;
	}
}

/* The row at hand as a line of COPY; counted and summed. */
static int take_row(struct import *im, sqlite3_stmt *stmt, struct progress *p)
{
	buf_clear(&im->line);
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		if (i)
			buf_put_c(&im->line, '\t');
		put_value(&im->line, stmt, i);
	}
	buf_put_c(&im->line, '\n');
	p->rows++;
	p->sum += hash(buf_str(&im->line));
	return im->line.err;
}

/* --- a step --- */

static int run_format(struct import *im, const char *format, const char *a, const char *b)
{
	struct buf sql;
	buf_init(&sql, 65536);
	buf_printf(&sql, format, a, b);
	buf_put_c(&sql, '\0');
	int err = sql.err < 0 ? sql.err : pg_script(&im->to, sql.ptr);
	buf_fini(&sql);
	return err;
}

/* COPY blocks when the server is slower than we are: nothing else is to be done here. */
static int begin_copy(struct import *im, const struct import_table *t)
{
	struct buf sql;
	buf_init(&sql, 4096);
	if (t->spread[0])
		buf_printf(&sql, "COPY pg_temp.step FROM STDIN");
	else
		buf_printf(&sql, "COPY bellwire.%s (%s) FROM STDIN", t->name, t->columns);
	buf_put_c(&sql, '\0');
	PQsetnonblocking(im->to.pg, 0);
	PGresult *res = PQexec(im->to.pg, sql.ptr);
	int err = PQresultStatus(res) == PGRES_COPY_IN ? 0 : ERR_STORE;
	PQclear(res);
	buf_fini(&sql);
	return err;
}

static int end_copy(struct import *im)
{
	int err = PQputCopyEnd(im->to.pg, NULL) == 1 ? 0 : ERR_STORE;
	PGresult *res;
	while ((res = PQgetResult(im->to.pg))) {
		if (PQresultStatus(res) != PGRES_COMMAND_OK)
			err = ERR_STORE;
		PQclear(res);
	}
	if (err < 0)
		snprintf(im->to.why, sizeof im->to.why, "%.180s", PQerrorMessage(im->to.pg));
	PQsetnonblocking(im->to.pg, 1);
	return err;
}

/* What calls refer to and nobody knows any more (they were deleted) comes into being as gone. */
static const char missing_people[] =
	"WITH made AS (INSERT INTO public.users (id) SELECT DISTINCT q.id FROM (%s) q WHERE NOT EXISTS"
	" (SELECT 1 FROM public.users u WHERE u.id = q.id) RETURNING id)"
	" INSERT INTO bellwire.gone_users SELECT id FROM made%s";
static const char missing_channels[] =
	"WITH made AS (INSERT INTO public.channels (id) SELECT DISTINCT channel_id FROM step WHERE NOT EXISTS"
	" (SELECT 1 FROM public.channels c WHERE c.id = channel_id) RETURNING id)"
	" INSERT INTO bellwire.gone_channels SELECT id FROM made%s%s";

static int make_missing(struct import *im, const struct import_table *t)
{
	bool is_hosts = im->config->members_view && im->config->members_view[0];
	int err = 0;
	if (is_hosts || t->is_people)
		return 0;
	if (strcmp(t->name, "calls") == 0) {
		err = run_format(im, missing_channels, "", "");
		return err < 0 ? err : run_format(im, missing_people, "SELECT started_by AS id FROM step", "");
	}
	return strcmp(t->name, "call_participants") == 0
		       ? run_format(im, missing_people, "SELECT user_id AS id FROM step", "")
		       : 0;
}

static int keep_progress(struct import *im, const struct import_table *t, const struct progress *p)
{
	char sql[300];
	snprintf(sql, sizeof sql,
		"INSERT INTO bellwire.import VALUES ('%s', %" PRId64 ", '%" PRIu64 "')"
		" ON CONFLICT (name) DO UPDATE SET rows = excluded.rows, sum = excluded.sum; COMMIT",
		t->name, p->rows, p->sum);
	return pg_script(&im->to, sql);
}

/* Sends up to STEP_ROWS; *more: there are others. */
static int copy_rows(
	struct import *im, const struct import_table *t, sqlite3_stmt *stmt, struct progress *p, bool *more)
{
	int rc = SQLITE_ROW, err = begin_copy(im, t);
	if (err < 0)
		return err;
	for (int n = 0; n < STEP_ROWS && err == 0; n++) {
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_ROW)
			break;
		err = take_row(im, stmt, p);
		if (err == 0 && PQputCopyData(im->to.pg, im->line.ptr, (int)im->line.len) != 1)
			err = ERR_STORE;
		im->result->copied++;
	}
	*more = rc == SQLITE_ROW;
	int end = end_copy(im);
	return rc != SQLITE_ROW && rc != SQLITE_DONE ? ERR_STORE : err < 0 ? err : end;
}

static int copy_step(
	struct import *im, const struct import_table *t, sqlite3_stmt *stmt, struct progress *p, bool *more)
{
	im->to.deadline = clock_mono_ms() + WAIT_MS;
	int err = pg_script(&im->to, "BEGIN");
	if (err == 0 && t->spread[0])
		err = run_format(im, "CREATE TEMP TABLE step (%s) ON COMMIT DROP%s", t->columns, "");
	if (err == 0)
		err = copy_rows(im, t, stmt, p, more);
	if (err == 0 && t->spread[0])
		err = pg_script(&im->to, "SET LOCAL search_path = pg_temp, pg_catalog");
	if (err == 0 && t->spread[0])
		err = make_missing(im, t);
	if (err == 0 && t->spread[0])
		err = pg_script(&im->to, t->spread);
	return err < 0 ? err : keep_progress(im, t, p);
}

/* --- a table --- */

static int find_progress(struct import *im, const struct import_table *t, struct progress *out)
{
	char sql[120];
	PGresult *res = NULL;
	snprintf(sql, sizeof sql, "SELECT rows, sum FROM bellwire.import WHERE name = '%s'", t->name);
	int err = pg_run(&im->to, sql, &res);
	*out = (struct progress){0};
	if (err == 0 && PQntuples(res)) {
		out->rows = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
		out->sum = strtoull(PQgetvalue(res, 0, 1), NULL, 10);
	}
	PQclear(res);
	return err;
}

/* Reads over what was copied before. */
static int skip(struct import *im, sqlite3_stmt *stmt, const struct progress *before, struct progress *p)
{
	int err = 0;
	while (p->rows < before->rows && err == 0 && sqlite3_step(stmt) == SQLITE_ROW)
		err = take_row(im, stmt, p);
	if (err == 0 && (p->rows != before->rows || p->sum != before->sum)) {
		buf_printf(
			im->why, "the file is not the one that was copied before; begin again with an empty database");
		err = ERR_CONFIG;
	}
	return err;
}

static int count_rows(struct import *im, const struct import_table *t, int64_t *out)
{
	char sql[100];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", t->name);
	return sq_number(&im->from, sql, out);
}

static void tell(struct import *im, const struct import_table *t, int64_t done, int64_t total)
{
	if (im->config->progress)
		im->config->progress(im->config->arg, t->name, done, total);
}

static int copy_table(struct import *im, const struct import_table *t, struct progress *p)
{
	struct progress before;
	sqlite3_stmt *stmt = NULL;
	int64_t total = 0;
	bool more = true;
	int err = find_progress(im, t, &before);
	if (err == 0)
		err = count_rows(im, t, &total);
	if (err == 0 && sqlite3_prepare_v2(im->from.db, t->read, -1, &stmt, NULL) != SQLITE_OK)
		err = ERR_STORE;
	tell(im, t, 0, total);
	if (err == 0)
		err = skip(im, stmt, &before, p);
	while (err == 0 && more) {
		err = copy_step(im, t, stmt, p, &more);
		tell(im, t, p->rows, total);
	}
	sqlite3_finalize(stmt);
	return err;
}

/* --- comparing --- */

static int read_lines(struct import *im, struct progress *p)
{
	char *line = NULL;
	int n;
	while ((n = PQgetCopyData(im->to.pg, &line, 0)) > 0) {
		p->rows++;
		p->sum += hash(str_n(line, (size_t)n));
		PQfreemem(line);
	}
	return n == -1 ? 0 : ERR_STORE;
}

static int compare(struct import *im, const struct import_table *t, const struct progress *want)
{
	struct progress got = {0};
	struct buf sql;
	buf_init(&sql, 8192);
	buf_printf(&sql, "COPY (%s) TO STDOUT", t->read_back);
	buf_put_c(&sql, '\0');
	PQsetnonblocking(im->to.pg, 0);
	PGresult *res = PQexec(im->to.pg, sql.ptr);
	int err = PQresultStatus(res) == PGRES_COPY_OUT ? read_lines(im, &got) : ERR_STORE;
	PQclear(res);
	while ((res = PQgetResult(im->to.pg)))
		PQclear(res);
	PQsetnonblocking(im->to.pg, 1);
	buf_fini(&sql);
	if (err == 0 && (got.rows != want->rows || got.sum != want->sum)) {
		buf_printf(im->why,
			"%s: %" PRId64 " rows with checksum %016" PRIx64 " here, %" PRId64 " with %016" PRIx64 " there",
			t->name, want->rows, want->sum, got.rows, got.sum);
		err = ERR_STORE;
	}
	return err;
}

/* --- all of it --- */

/* Only an empty database, or one in which this was begun before. */
static int prepare_goal(struct import *im)
{
	PGresult *res = NULL;
	int err = pg_run(&im->to,
		"SELECT to_regclass('bellwire.import') IS NULL AND EXISTS (SELECT 1 FROM bellwire.calls)", &res);
	if (err == 0 && PQgetvalue(res, 0, 0)[0] == 't') {
		buf_printf(im->why, "the database there holds calls already; migrate into one of its own");
		err = ERR_CONFIG;
	}
	PQclear(res);
	if (err < 0)
		return err;
	return pg_script(&im->to, "SET statement_timeout = 0; SET lock_timeout = 10000; SET synchronous_commit = on;"
				  "SET idle_in_transaction_session_timeout = 0;"
				  "CREATE TABLE IF NOT EXISTS bellwire.import (name TEXT PRIMARY KEY, rows BIGINT NOT "
				  "NULL, sum TEXT NOT NULL)");
}

static int count_unseen(struct import *im)
{
	PGresult *res = NULL;
	int err = pg_run(
		&im->to, "SELECT (SELECT count(*) FROM bellwire.calls) - (SELECT count(*) FROM public.calls)", &res);
	if (err == 0)
		im->result->unseen = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return err;
}

static int import_all(struct import *im)
{
	bool is_hosts = im->config->members_view && im->config->members_view[0];
	struct progress done[N_TABLES] = {0};
	int err = prepare_goal(im);
	for (size_t i = 0; i < N_TABLES && err == 0; i++)
		if (!(is_hosts && tables[i].is_people))
			err = copy_table(im, &tables[i], &done[i]);
	for (size_t i = 0; i < N_TABLES && err == 0; i++) {
		if (!(is_hosts && tables[i].is_people))
			err = compare(im, &tables[i], &done[i]);
		im->result->rows += done[i].rows;
		im->result->checksum += done[i].sum;
	}
	if (err == 0)
		err = count_unseen(im);
	im->to.deadline = clock_mono_ms() + WAIT_MS;
	return err < 0 ? err : pg_script(&im->to, "DROP TABLE bellwire.import; ANALYZE");
}

/* Both sides are held as a server holds them, so that none serves them meanwhile. */
static int open_both(const struct transfer_config *config, struct backend **from, struct backend **to, struct buf *why)
{
	struct store_config here = {.url = config->from}, there = {.url = config->to, .password = config->password};
	there.members_view = config->members_view;
	int err = sqlite_ops.open(&here, str_of(config->from), from, why);
	return err < 0 ? err : pg_ops.open(&there, str_of(config->to), to, why);
}

int store_transfer(const struct transfer_config *config, struct transfer_result *out, struct buf *why)
{
	struct backend *from = NULL, *to = NULL;
	struct import im = {.config = config, .result = out, .why = why};
	*out = (struct transfer_result){0};
	int err = open_both(config, &from, &to, why);
	if (err == 0)
		err = sq_open(&im.from, config->from, SQLITE_OPEN_READWRITE);
	if (err == 0) {
		im.to.url = to->url;
		im.to.deadline = clock_mono_ms() + WAIT_MS;
		err = pg_open(&im.to);
	}
	buf_init(&im.line, LINE_MAX_BYTES);
	if (err == 0)
		err = import_all(&im);
	if (err < 0 && why->len == 0)
		buf_printf(
			why, "the copy stopped: %s; start it again to go on", im.to.why[0] ? im.to.why : err_text(err));
	buf_fini(&im.line);
	sq_close(&im.from);
	pg_close(&im.to);
	if (from)
		sqlite_ops.close(from);
	if (to)
		pg_ops.close(to);
	return err;
}

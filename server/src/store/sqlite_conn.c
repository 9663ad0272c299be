/* One SQLite connection: statements prepared once, values bound and read in order, failures that stick. */
#include "store/sqlite_conn.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

static const char *const texts[SQ_COUNT] = {
#define SQL(name, text) text,
#include "store/sqlite.def"
#undef SQL
};

int sq_error(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_CONSTRAINT: return ERR_CONFLICT;
	case SQLITE_NOMEM: return ERR_NO_MEMORY;
	case SQLITE_IOERR: return ERR_IO;
	case SQLITE_CANTOPEN:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_READONLY: return ERR_CONFIG;
	default: return ERR_STORE;
	}
}

/* Broken constraints are answers, not troubles; the rest is said once, here. */
static int report(struct sq_conn *c, int rc, const char *sql)
{
	int err = sq_error(rc);
	if (err < 0 && err != ERR_CONFLICT)
		log_warn("sqlite", LOG_S("error", sqlite3_errmsg(c->db)), LOG_I("rc", sqlite3_extended_errcode(c->db)),
			LOG_S("sql", sql));
	return err;
}

int sq_open(struct sq_conn *c, const char *path, int flags)
{
	*c = (struct sq_conn){0};
	int rc = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(c->db, 5000);
	if (rc == SQLITE_OK)
		return 0;
	sq_close(c);
	return sq_error(rc);
}

void sq_close(struct sq_conn *c)
{
	for (int i = 0; i < SQ_COUNT; i++)
		sqlite3_finalize(c->stmts[i]);
	sqlite3_close(c->db);
	*c = (struct sq_conn){0};
}

int sq_exec(struct sq_conn *c, const char *sql)
{
	return report(c, sqlite3_exec(c->db, sql, NULL, NULL, NULL), sql);
}

int sq_number(struct sq_conn *c, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? ERR_STORE : sq_error(rc);
}

struct sq sq_begin(struct sq_conn *c, enum sq_text which)
{
	struct sq q = {.conn = c};
	if (!c->stmts[which]) {
		int rc = sqlite3_prepare_v3(c->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &c->stmts[which], NULL);
		q.err = report(c, rc, texts[which]);
	}
	q.stmt = c->stmts[which];
	return q;
}

static void bound(struct sq *q, int rc)
{
	if (rc != SQLITE_OK)
		q->err = report(q->conn, rc, sqlite3_sql(q->stmt));
}

void sq_int(struct sq *q, int64_t n)
{
	if (q->err == 0)
		bound(q, sqlite3_bind_int64(q->stmt, ++q->param, n));
}

void sq_str(struct sq *q, struct str s)
{
	if (q->err == 0)
		bound(q, sqlite3_bind_text64(q->stmt, ++q->param, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8));
}

void sq_text(struct sq *q, const char *z)
{
	sq_str(q, str_of(z));
}

void sq_blob(struct sq *q, struct str bytes)
{
	if (q->err == 0)
		bound(q, sqlite3_bind_blob64(q->stmt, ++q->param, bytes.ptr, bytes.len, SQLITE_STATIC));
}

bool sq_row(struct sq *q)
{
	if (q->err < 0)
		return false;
	int rc = sqlite3_step(q->stmt);
	q->column = 0;
	if (rc == SQLITE_ROW)
		return true;
	q->err = report(q->conn, rc, sqlite3_sql(q->stmt));
	return false;
}

int64_t sq_get_int(struct sq *q)
{
	return q->err < 0 ? 0 : sqlite3_column_int64(q->stmt, q->column++);
}

/* A text column; null only without memory, which marks q. */
static const char *column_text(struct sq *q, size_t *len)
{
	if (q->err < 0)
		return NULL;
	const char *text = (const char *)sqlite3_column_text(q->stmt, q->column);
	*len = (size_t)sqlite3_column_bytes(q->stmt, q->column++);
	if (!text)
		q->err = ERR_NO_MEMORY;
	return text;
}

void sq_get_text(struct sq *q, char *out, size_t size)
{
	size_t len;
	const char *text = column_text(q, &len);
	out[0] = '\0';
	if (text && str_copy(out, size, str_n(text, len)) < 0)
		q->err = ERR_STORE; /* written by somebody else: we keep what fits */
}

char *sq_get_dup(struct sq *q)
{
	size_t len;
	const char *text = column_text(q, &len);
	char *copy = text ? mem_dup(str_n(text, len)) : NULL;
	if (text && !copy)
		q->err = ERR_NO_MEMORY;
	return copy;
}

struct str sq_get_blob(struct sq *q)
{
	if (q->err < 0)
		return str_n(NULL, 0);
	const char *bytes = sqlite3_column_blob(q->stmt, q->column);
	return str_n(bytes, (size_t)sqlite3_column_bytes(q->stmt, q->column++));
}

int sq_end(struct sq *q)
{
	if (q->stmt)
		sqlite3_reset(q->stmt);
	return q->err;
}

int sq_run(struct sq *q)
{
	sq_row(q);
	return sq_end(q);
}

int sq_changes(struct sq_conn *c)
{
	return sqlite3_changes(c->db);
}

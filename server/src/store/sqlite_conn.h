/* sqlite_conn: one connection to an SQLite file, its prepared statements, and typed steps through them.
 *
 *   struct sq q = sq_begin(c, SQ_FIND_COMMAND);
 *   sq_text(&q, id);
 *   found = sq_row(&q);
 *   err = sq_end(&q);
 *
 * Values are bound and columns read in the order of the statement's text. The first failure sticks: everything after it
 * does nothing, and sq_end tells it.
 */
#ifndef BELLWIRE_STORE_SQLITE_CONN_H
#define BELLWIRE_STORE_SQLITE_CONN_H

#include <sqlite3.h>

#include "base/buf.h"
#include "base/str.h"

enum sq_text {
#define SQL(name, text) SQ_##name,
#include "store/sqlite.def"
#undef SQL
	SQ_COUNT
};

struct sq_conn {
	sqlite3 *db;		       /* owned */
	sqlite3_stmt *stmts[SQ_COUNT]; /* owned; prepared when first used */
};

/* flags: SQLITE_OPEN_*. ERR_CONFIG when the file cannot be opened, ERR_NO_MEMORY. */
int sq_open(struct sq_conn *c, const char *path, int flags);
void sq_close(struct sq_conn *c);

/* Runs SQL without results and without values. */
int sq_exec(struct sq_conn *c, const char *sql);

/* One number that SQL answers ("PRAGMA user_version"). */
int sq_number(struct sq_conn *c, const char *sql, int64_t *out);

/* ERR_CONFLICT for a broken constraint, ERR_NO_MEMORY, ERR_IO when the disk failed, else ERR_STORE. */
int sq_error(int rc);

struct sq {
	struct sq_conn *conn;
	sqlite3_stmt *stmt;
	int param;  /* bound so far */
	int column; /* read so far in this row */
	int err;
};

struct sq sq_begin(struct sq_conn *c, enum sq_text which);

/* Text is not copied: it must live until sq_end or sq_run. */
void sq_int(struct sq *q, int64_t n);
void sq_str(struct sq *q, struct str s);
void sq_text(struct sq *q, const char *z); /* null is bound as NULL */
void sq_blob(struct sq *q, struct str bytes);

/* Whether there is one more row; its columns are then read one after another. */
bool sq_row(struct sq *q);
int64_t sq_get_int(struct sq *q);
void sq_get_text(struct sq *q, char *out, size_t size); /* cut off never: what does not fit is an error */
struct str sq_get_blob(struct sq *q);			/* valid until the next sq_row or sq_end */
char *sq_get_dup(struct sq *q);				/* the caller's (mem_free); null with the error set */

/* Makes the statement ready for its next use. */
int sq_end(struct sq *q);

/* All of it: runs a statement without rows and ends it. */
int sq_run(struct sq *q);

/* Rows that the last INSERT, UPDATE or DELETE touched. */
int sq_changes(struct sq_conn *c);

#endif

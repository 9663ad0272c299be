/* pg_conn: one connection to PostgreSQL in pipeline mode, its prepared statements, and typed values through them.
 *
 *   struct pq q = pq_begin(c, PG_FIND_COMMAND);
 *   pq_text(&q, id);
 *   pq_send(&q);                    as many statements as belong together, then
 *   pg_sync(c);                     one flush, one way there and back
 *   err = pg_result(c, &rows);      one for each statement, in their order, then one for the sync
 *
 * Values are bound and columns read in the order of the statement's text; all travel as text. Nothing here waits longer
 * than c->deadline; a connection on which it passed, or that broke, is closed, and whoever waited gets ERR_CLOSED.
 */
#ifndef BELLWIRE_STORE_PG_CONN_H
#define BELLWIRE_STORE_PG_CONN_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/str.h"

enum pg_text {
#define SQL(name, text) PG_##name,
#define SQL_OURS(name, text) PG_##name,
#include "store/pg.def"
#undef SQL
#undef SQL_OURS
	PG_COUNT
};

/* Where people are read: SQL that stands for the words in braces in pg.def. */
struct pg_names {
	bool is_hosts; /* the host's tables: only read */
	char *users;   /* owned */
	char *channels;
	char *members;
};
void pg_names_fini(struct pg_names *n);

struct pg_conn {
	PGconn *pg;		      /* owned; null while there is none */
	const char *url;	      /* borrowed: a connection string of libpq */
	const struct pg_names *names; /* borrowed; null: nothing is prepared */
	int64_t deadline;	      /* monotonic: when waiting gives up */
	char state[6];		      /* SQLSTATE of the last refused statement; "" when it was not the server's */
	char why[200];		      /* the last error, for people: one line, no secret */
};

/* Connects and, with names, prepares, until the deadline. ERR_STORE with c->why. */
int pg_open(struct pg_conn *c);
/* Prepares what an open connection without names has not: from here on it is in pipeline mode. */
int pg_prepare(struct pg_conn *c, const struct pg_names *names);
void pg_close(struct pg_conn *c); /* {0} is allowed */

/* One statement of its own, outside a pipeline, with its rows to be freed by the caller (PQclear; out may be null). */
int pg_run(struct pg_conn *c, const char *sql, PGresult **out);
/* The same with several statements in one text. */
int pg_script(struct pg_conn *c, const char *sql);

#define PQ_MAX_PARAMS 26

struct pq {
	struct pg_conn *conn;
	enum pg_text which;
	int n;
	const char *values[PQ_MAX_PARAMS];
	char numbers[PQ_MAX_PARAMS][21];
};

/* Texts are not copied: they must live until pq_send. */
struct pq pq_begin(struct pg_conn *c, enum pg_text which);
void pq_int(struct pq *q, int64_t n);
void pq_text(struct pq *q, const char *z); /* null is NULL */

/* Puts the statement into the pipeline. ERR_CLOSED when the connection is gone, ERR_NO_MEMORY. */
int pq_send(struct pq *q);

/* Ends a run of statements: after one that fails the others up to here are skipped. */
int pg_sync(struct pg_conn *c);

/* The next statement's result: 0 with *out to be freed by PQclear (null for a sync), or with *out null
 *   ERR_CONFLICT  a constraint (unique, foreign key) or a compare-and-set refuses
 *   ERR_AGAIN     skipped, or in a transaction that had failed before: nothing was done
 *   ERR_CLOSED    the connection is gone
 *   ERR_VERSION   another process has taken this database over
 *   ERR_STORE     any other refusal of the server */
int pg_result(struct pg_conn *c, PGresult **out);

/* Rows: columns are read one after another; the first failure sticks. */
struct pg_rows {
	PGresult *res; /* borrowed */
	int row;       /* -1 before the first */
	int column;
	int err;
};
struct pg_rows pg_rows_of(PGresult *res);
bool pg_row(struct pg_rows *r);
int64_t pg_get_int(struct pg_rows *r);
void pg_get_text(struct pg_rows *r, char *out, size_t size); /* cut off never: what does not fit is an error */
char *pg_get_dup(struct pg_rows *r);			     /* the caller's (mem_free); null with the error set */

/* Rows that the last INSERT, UPDATE or DELETE touched. */
int pg_touched(const PGresult *res);

/* An array literal ({"a","b"}) of n texts, each at texts + i * stride; with its NUL. */
void pg_array(struct buf *out, const char *texts, size_t stride, size_t n);

#endif

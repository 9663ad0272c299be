/* What the store's tests share. */
#include "fixture.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"

static void open_store(struct fixture *f)
{
	struct store_config config = {.url = f->path, .loop = &f->loop};
	struct buf why;
	buf_init(&why, 1000);
	int err = store_open(&config, &f->store, &why);
	if (err < 0)
		fail_msg("store_open: %s: %.*s", err_name(err), STR_ARG(buf_str(&why)));
	buf_fini(&why);
}

/* --- a database of PostgreSQL for each test --- */

static PGresult *pg_rows(const char *url, const char *sql, PGconn **pg)
{
	*pg = PQconnectdb(url);
	if (PQstatus(*pg) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(*pg));
	PQclear(PQexec(*pg, "SET search_path = bellwire, public"));
	PGresult *res = PQexec(*pg, sql);
	if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(*pg));
	return res;
}

static int64_t pg_ask_number(const char *url, const char *sql)
{
	PGconn *pg;
	PGresult *res = pg_rows(url, sql, &pg);
	int64_t n = PQntuples(res) ? strtoll(PQgetvalue(res, 0, 0), NULL, 10) : 0;
	PQclear(res);
	PQfinish(pg);
	return n;
}

static bool open_pg(struct fixture *f)
{
	static unsigned n;
	char sql[100];
	const char *server = getenv("BELLWIRE_TEST_POSTGRES");
	if (!server)
		return false;
	f->is_pg = true;
	snprintf(f->database, sizeof f->database, "unit_%d_%u", (int)getpid(), ++n);
	snprintf(f->path, sizeof f->path, "%.*s/%s", (int)(strrchr(server, '/') - server), server, f->database);
	snprintf(sql, sizeof sql, "CREATE DATABASE %s", f->database);
	pg_ask_number(server, sql);
	return true;
}

static void drop_pg(struct fixture *f)
{
	char sql[100];
	snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", f->database);
	pg_ask_number(getenv("BELLWIRE_TEST_POSTGRES"), sql);
}

/* --- the store --- */

void fixture_open(struct fixture *f)
{
	*f = (struct fixture){0};
	if (open_pg(f)) {
		assert_int_equal(loop_init(&f->loop), 0);
		open_store(f);
		return;
	}
	strcpy(f->folder, "/tmp/bellwire-store-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/bellwire.db", f->folder);
	assert_int_equal(loop_init(&f->loop), 0);
	open_store(f);
}

void fixture_reopen(struct fixture *f)
{
	open_store(f);
}

static void on_closed(void *arg)
{
	loop_stop(arg);
}

void fixture_close(struct fixture *f)
{
	store_close(f->store, on_closed, &f->loop);
	f->store = NULL;
	loop_run(&f->loop);
}

void fixture_fini(struct fixture *f)
{
	if (f->store)
		fixture_close(f);
	loop_fini(&f->loop);
	if (f->is_pg) {
		drop_pg(f);
		return;
	}
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock", ".copy"};
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[300];
		snprintf(path, sizeof path, "%s%s", f->path, suffixes[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(f->folder), 0);
}

void wait_done(struct store_job *job, int err)
{
	job->err = err;
	loop_stop(job->arg);
}

int wait_job(struct fixture *f, struct store_job *job)
{
	job->arg = &f->loop;
	loop_run(&f->loop);
	return job->err;
}

void format_id(char out[ID_UUID_SIZE], uint64_t n)
{
	snprintf(out, ID_UUID_SIZE, "018f0000-0000-7000-8000-%012" PRIu64, n % 1000000000000u);
}

static void set_event(struct call_event *e, int64_t seq, const char *type, int64_t at)
{
	*e = (struct call_event){.seq = seq, .at = at, .type = type, .audience = TO_PARTICIPANTS};
	e->payload = mem_dup(str_of("{\"some\":\"payload\"}"));
}

static struct change_set *set_new(int64_t at)
{
	struct change_set *cs = mem_new(sizeof *cs);
	id_uuid7(at, cs->command_id);
	cs->at = at;
	cs->events = mem_new(sizeof *cs->events);
	cs->n_events = 1;
	return cs;
}

struct change_set *create_set(const char *call_id, const char *channel, enum call_mode mode, const char *const *users,
	size_t n_users, int64_t at)
{
	struct change_set *cs = set_new(at);
	struct call *c = call_new(n_users);
	strcpy(c->id, call_id);
	strcpy(c->channel_id, channel);
	snprintf(cs->owner, sizeof cs->owner, "channel:%s", channel);
	c->mode = mode;
	c->type = CALL_VIDEO;
	strcpy(c->started_by, users[0]);
	c->started_at = c->last_seen_at = at;
	c->ring_expires_at = at + 60000;
	c->body_hash = UINT64_MAX - 5;
	c->seq = 1;
	for (size_t i = 0; i < n_users; i++) {
		struct participant *p = &c->participants[i];
		strcpy(p->user.id, users[i]);
		p->role = i ? ROLE_CALLEE : ROLE_CALLER;
		p->state = i ? PART_RINGING : PART_JOINED;
		p->invited_at = at;
		p->ring_expires_at = i ? at + 60000 : 0;
		p->joined_at = i ? 0 : at;
	}
	cs->call = c;
	set_event(cs->events, 1, "call.incoming", at);
	return cs;
}

struct change_set *next_set(const struct call *call, const char *event, int64_t at)
{
	struct change_set *cs = set_new(at);
	snprintf(cs->owner, sizeof cs->owner, "channel:%s", call->channel_id);
	cs->call = call_copy(call);
	cs->expected_seq = call->seq;
	cs->call->seq++;
	set_event(cs->events, cs->call->seq, event, at);
	return cs;
}

int commit(struct fixture *f, struct change_set *cs)
{
	int err = DO(f, store_commit, cs);
	change_set_fini(cs);
	mem_free(cs);
	return err;
}

struct call *read_call(struct fixture *f, const char *id)
{
	struct store_read_call q = {0};
	strcpy(q.id, id);
	assert_int_equal(DO(f, store_read_call, &q), 0);
	return q.call;
}

static sqlite3_stmt *prepare(const char *path, const char *sql, sqlite3 **db)
{
	sqlite3_stmt *stmt;
	assert_int_equal(sqlite3_open(path, db), SQLITE_OK);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	assert_int_equal(sqlite3_prepare_v2(*db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	return stmt;
}

int64_t ask(const char *path, const char *sql)
{
	if (strncmp(path, "postgres", 8) == 0)
		return pg_ask_number(path, sql);
	sqlite3 *db;
	sqlite3_stmt *stmt = prepare(path, sql, &db);
	int64_t n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

void check_integrity(const char *path)
{
	if (strncmp(path, "postgres", 8) == 0)
		return;
	sqlite3 *db;
	sqlite3_stmt *stmt = prepare(path, "PRAGMA integrity_check", &db);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

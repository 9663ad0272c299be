/* A PostgreSQL database opened, kept for one process, brought up to date, and closed.
 *
 * The first lane's connection does all of it, since it holds the session lock that keeps a second process away; when it
 * breaks, the lock goes with it, and comes back with it (pg_link.c). Should another process be quicker, the epoch that
 * it raised refuses every transaction of ours. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

#define SERVER_MIN 140000 /* PostgreSQL 14: pg_current_xact_id, client_connection_check_interval */
#define OPEN_MS 10000
#define TIDY_EVERY_MS 60000
#define LOCK_WAIT_MS 3000 /* the sessions of a process that was killed are gone by then */
#define LOCK_POLL_MS 50

static int take_lock(struct pg_conn *c, const char *where, struct buf *why)
{
	for (int64_t until = clock_mono_ms() + LOCK_WAIT_MS;;) {
		PGresult *res = NULL;
		int err = pg_run(c, "SELECT pg_try_advisory_lock(1650814060, 1)", &res);
		bool is_held = err == 0 && PQgetvalue(res, 0, 0)[0] == 't';
		PQclear(res);
		if (err < 0 || is_held)
			return err;
		if (clock_mono_ms() > until)
			break;
		usleep(LOCK_POLL_MS * 1000);
	}
	buf_printf(why,
		"another bellwire is using the database %s; stop it first, or give this one a database of its own",
		where);
	return ERR_CONFLICT;
}

/* From here on no transaction of a process before us can be committed: those under way are waited for. */
static int raise_epoch(struct backend *b, struct pg_conn *c)
{
	PGresult *res = NULL;
	int err = pg_script(c, "BEGIN; SET LOCAL lock_timeout = 5000; SET LOCAL statement_timeout = 6000;"
			       "SELECT pg_advisory_xact_lock(1650814060, 2)");
	if (err == 0)
		err = pg_run(c, "UPDATE bellwire.self SET epoch = epoch + 1 RETURNING epoch", &res);
	if (err == 0)
		b->epoch = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
	PQclear(res);
	return err < 0 ? err : pg_script(c, "COMMIT");
}

static int number_events(struct backend *b, struct pg_conn *c)
{
	PGresult *res = NULL;
	int err = pg_run(c,
		"SELECT 1 + greatest((SELECT max(id) FROM bellwire.call_events),"
		" (SELECT max(after_id) FROM bellwire.outbox_delivery), 0)",
		&res);
	if (err == 0)
		atomic_store(&b->next_event, strtoll(PQgetvalue(res, 0, 0), NULL, 10));
	PQclear(res);
	return err;
}

static int check_server(struct pg_conn *c, struct buf *why)
{
	if (PQserverVersion(c->pg) >= SERVER_MIN)
		return 0;
	buf_printf(why, "PostgreSQL %d is too old; 14 or newer is needed", PQserverVersion(c->pg) / 10000);
	return ERR_CONFIG;
}

static int open_steps(struct backend *b, const struct store_config *config, struct buf *why)
{
	struct pg_link *first = &b->lanes[0];
	struct pg_conn *c = &first->conn;
	bool is_hosts = config->members_view && config->members_view[0];
	c->deadline = clock_mono_ms() + OPEN_MS;
	int err = pg_open(c);
	if (err == 0)
		err = check_server(c, why);
	if (err == 0)
		err = take_lock(c, b->where, why);
	if (err == 0)
		err = pg_names_find(c, config->members_view, &b->names, why);
	if (err == 0)
		err = pg_migrate(c, is_hosts, why);
	if (err == 0)
		err = raise_epoch(b, c);
	if (err == 0)
		err = number_events(b, c);
	c->deadline = clock_mono_ms() + OPEN_MS;
	if (err == 0)
		err = pg_prepare(c, &b->names);
	if (err == 0)
		err = pg_link_adopt(first);
	if (err < 0 && why->len == 0)
		buf_printf(why, "cannot use PostgreSQL at %s: %s", b->where, c->why);
	if (err == ERR_CLOSED || (err == ERR_CONFLICT && first->conn.state[0]))
		return ERR_STORE;
	return err;
}

/* Nobody should wait for a connection who comes first; one that cannot be had now is opened later. */
static void open_lanes(struct backend *b)
{
	int err = 0;
	for (unsigned i = 1; i < b->n_lanes && err == 0; i++) {
		b->lanes[i].conn.deadline = clock_mono_ms() + OPEN_MS;
		err = pg_link_ready(&b->lanes[i]);
	}
}

static void pg_backend_close(struct backend *b)
{
	for (unsigned i = 0; i < PG_LANES_MAX; i++) {
		pg_close(&b->lanes[i].conn);
		mem_free(b->turns[i]);
	}
	pg_names_fini(&b->names);
	if (b->url)
		explicit_bzero(b->url, strlen(b->url));
	mem_free(b->url);
	mem_free(b->where);
	mem_free(b);
}

static int init_lanes(struct backend *b, unsigned n_connections)
{
	unsigned n = n_connections ? n_connections : PG_CONNECTIONS;
	b->n_lanes = n / 2 < 1 ? 1 : n / 2 > PG_LANES_MAX ? PG_LANES_MAX : n / 2;
	for (unsigned i = 0; i < b->n_lanes; i++) {
		b->lanes[i].conn.url = b->url;
		b->lanes[i].conn.names = i ? &b->names : NULL; /* not known yet when the first one is opened */
		b->lanes[i].holds_lock = i == 0;
		b->lanes[i].epoch = &b->epoch;
		atomic_store(&b->lanes[i].floor, INT64_MAX);
		b->turns[i] = mem_new(PG_WINDOW * sizeof *b->turns[i]);
		if (!b->turns[i])
			return ERR_NO_MEMORY;
	}
	return 0;
}

static int pg_backend_open(const struct store_config *config, struct str url, struct backend **out, struct buf *why)
{
	struct backend *b = mem_new(sizeof *b);
	if (!b) {
		buf_printf(why, "no memory to open the database");
		return ERR_NO_MEMORY;
	}
	b->on_fatal = config->on_fatal;
	b->flight_keep_ms = config->flight_keep_ms;
	b->tidy_every_ms = config->tidy_every_ms ? config->tidy_every_ms : TIDY_EVERY_MS;
	int err = pg_url_parse(url, config->password, &b->url, &b->where, why);
	if (err == 0)
		err = init_lanes(b, config->n_connections);
	if (err == 0)
		err = open_steps(b, config, why);
	if (err == 0)
		open_lanes(b);
	if (err == ERR_NO_MEMORY && why->len == 0)
		buf_printf(why, "no memory to open the database");
	if (err < 0) {
		pg_backend_close(b);
		return err;
	}
	*out = b;
	return 0;
}

static unsigned pg_n_lanes(const struct backend *b)
{
	return b->n_lanes;
}

static int pg_health(struct backend *b)
{
	return atomic_load(&b->health);
}

static void pg_inject(struct backend *b, enum store_fault fault, unsigned nth)
{
	fault_plan_set(&b->faults, fault, nth);
}

const struct backend_ops pg_ops = {
	.batch_max = PG_WINDOW,
	.open = pg_backend_open,
	.close = pg_backend_close,
	.n_lanes = pg_n_lanes,
	.load_live = pg_load_live,
	.write = pg_write,
	.rest = pg_rest,
	.reader_open = pg_reader_open,
	.reader_close = pg_reader_close,
	.read = pg_read,
	.inject = pg_inject,
	.health = pg_health,
};

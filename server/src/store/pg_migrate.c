/* Tables brought up to date: the numbered files of server/sql/postgres, each in a transaction that also writes down
 * that it was done. Before that, a look at what the host has made: nothing of another shape is taken for the
 * reference's. */
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "store/pg.h"

/* --- what is there --- */

/* Column by column, what Prisma makes of the reference's schema. */
#define WANTED                                                                                                         \
	"(VALUES ('users', 'id', 'text'), ('channels', 'id', 'text'),"                                                 \
	" ('calls', 'id', 'text'), ('calls', 'channel_id', 'text'), ('calls', 'call_type', 'public.\"CallType\"'),"    \
	" ('calls', 'status', 'public.\"CallStatus\"'), ('calls', 'started_by', 'text'),"                              \
	" ('calls', 'started_at', 'timestamp(3) without time zone'),"                                                  \
	" ('calls', 'ended_at', 'timestamp(3) without time zone'), ('calls', 'duration', 'integer'),"                  \
	" ('calls', 'metadata', 'jsonb'), ('call_participants', 'id', 'text'),"                                        \
	" ('call_participants', 'call_id', 'text'), ('call_participants', 'user_id', 'text'),"                         \
	" ('call_participants', 'joined_at', 'timestamp(3) without time zone'),"                                       \
	" ('call_participants', 'left_at', 'timestamp(3) without time zone'),"                                         \
	" ('call_participants', 'is_muted', 'boolean'), ('call_participants', 'is_video_enabled', 'boolean'),"         \
	" ('call_participants', 'connection_quality', 'public.\"ConnectionQuality\"'),"                                \
	" ('call_recordings', 'id', 'text'), ('call_recordings', 'call_id', 'text'),"                                  \
	" ('call_recordings', 'recording_url', 'text'), ('call_recordings', 'duration', 'integer'),"                   \
	" ('call_recordings', 'file_size', 'bigint'),"                                                                 \
	" ('call_recordings', 'started_at', 'timestamp(3) without time zone'),"                                        \
	" ('call_recordings', 'ended_at', 'timestamp(3) without time zone'),"                                          \
	" ('call_recordings', 'created_at', 'timestamp(3) without time zone')) w(rel, col, type)"

static const char wrong_column[] =
	"SELECT format('public.%s.%s is %s, where the reference''s schema has %s', w.rel, w.col,"
	" coalesce(format_type(a.atttypid, a.atttypmod), 'missing'), w.type) FROM " WANTED
	" LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || w.rel) AND a.attname = w.col"
	" AND NOT a.attisdropped WHERE to_regclass('public.' || w.rel) IS NOT NULL"
	" AND coalesce(format_type(a.atttypid, a.atttypmod), '') <> w.type LIMIT 1";

/* A column that must be filled and that nobody here can fill. */
static const char strange_column[] =
	"SELECT format('public.%s.%s must not be NULL and has no default; bellwire does not know it', t.rel, a.attname)"
	" FROM unnest(ARRAY['calls', 'call_participants', 'call_recordings']) t(rel)"
	" JOIN pg_attribute a ON a.attrelid = to_regclass('public.' || t.rel) AND a.attnum > 0 AND a.attnotnull"
	" AND NOT a.atthasdef AND a.attidentity = '' AND NOT a.attisdropped"
	" WHERE NOT EXISTS (SELECT 1 FROM " WANTED " WHERE w.rel = t.rel AND w.col = a.attname) LIMIT 1";

static int complaint(struct pg_conn *c, const char *sql, struct buf *why)
{
	PGresult *res = NULL;
	int err = pg_run(c, sql, &res);
	if (err == 0 && PQntuples(res) > 0) {
		buf_printf(why, "%s", PQgetvalue(res, 0, 0));
		err = ERR_CONFIG;
	}
	PQclear(res);
	return err;
}

int pg_check_shape(struct pg_conn *c, struct buf *why)
{
	int err = complaint(c, wrong_column, why);
	return err < 0 ? err : complaint(c, strange_column, why);
}

/* --- steps --- */

/* 0 in a database that never was bellwire's; *owns_people: users and channels are of our making, or may be made. */
static int find_version(struct pg_conn *c, int *version, bool *owns_people)
{
	PGresult *res = NULL;
	int err = pg_run(c,
		"SELECT to_regclass('bellwire.self') IS NOT NULL, to_regclass('public.users') IS NULL"
		" AND to_regclass('public.channels') IS NULL",
		&res);
	bool is_ours = err == 0 && PQgetvalue(res, 0, 0)[0] == 't';
	*owns_people = err == 0 && PQgetvalue(res, 0, 1)[0] == 't';
	*version = 0;
	PQclear(res);
	if (!is_ours)
		return err;
	err = pg_run(c, "SELECT schema_version, owns_people FROM bellwire.self", &res);
	if (err == 0) {
		*version = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
		*owns_people = PQgetvalue(res, 0, 1)[0] == 't';
	}
	PQclear(res);
	return err;
}

static int migrate_one(struct pg_conn *c, size_t i)
{
	char mark[120];
	snprintf(mark, sizeof mark, "UPDATE bellwire.self SET schema_version = %zu; COMMIT", i + 1);
	int err = pg_script(c, "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 5000");
	if (err == 0)
		err = pg_script(c, pg_migrations[i].sql);
	if (err == 0)
		err = pg_script(c, mark);
	if (err < 0 && c->pg) {
		char said[sizeof c->why];
		memcpy(said, c->why, sizeof said);
		pg_script(c, "ROLLBACK");
		memcpy(c->why, said, sizeof said);
	}
	return err;
}

static int check_people(bool people_are_hosts, bool owns_people, int version, struct buf *why)
{
	if (!people_are_hosts && !owns_people)
		buf_printf(why, "the tables users and channels are there already and not of bellwire's making: name the"
				" view of who belongs to which channel with --members-view");
	else if (people_are_hosts && owns_people && version == 0)
		buf_printf(why, "--members-view: there are no tables users and channels in this database");
	else
		return 0;
	return ERR_CONFIG;
}

int pg_migrate(struct pg_conn *c, bool people_are_hosts, struct buf *why)
{
	int version = 0;
	bool owns_people = false;
	int err = find_version(c, &version, &owns_people);
	if (err == 0 && version > (int)pg_n_migrations) {
		buf_printf(why,
			"the database was made by a newer bellwire (schema %d, this one knows %zu); use that"
			" version",
			version, pg_n_migrations);
		return ERR_VERSION;
	}
	if (err == 0)
		err = check_people(people_are_hosts, owns_people, version, why);
	if (err == 0)
		err = pg_check_shape(c, why);
	for (size_t i = (size_t)version; i < pg_n_migrations && err == 0; i++) {
		err = migrate_one(c, i);
		if (err < 0)
			buf_printf(why, "the database could not be brought up to date (%s): %s", pg_migrations[i].name,
				c->why);
		else
			log_info("database brought up to date", LOG_S("step", pg_migrations[i].name));
	}
	return err;
}

/* Tables brought up to date: the numbered files of server/sql/sqlite, each in a transaction that also writes down that
 * it was done (PRAGMA user_version). */
#include "base/err.h"
#include "base/log.h"
#include "store/sqlite.h"

static int migrate_one(struct sq_conn *c, size_t i)
{
	char mark[96];
	snprintf(mark, sizeof mark, "PRAGMA user_version = %zu; PRAGMA application_id = %d; COMMIT", i + 1,
		SQLITE_APPLICATION_ID);
	int err = sq_exec(c, "BEGIN IMMEDIATE");
	if (err == 0)
		err = sq_exec(c, sqlite_migrations[i].sql);
	if (err == 0)
		err = sq_exec(c, mark);
	if (err < 0 && !sqlite3_get_autocommit(c->db))
		sq_exec(c, "ROLLBACK");
	return err;
}

int sqlite_migrate(struct sq_conn *c, const char *path, struct buf *why)
{
	int64_t version = 0;
	int err = sq_number(c, "PRAGMA user_version", &version);
	if (err < 0)
		return err;
	for (size_t i = (size_t)version; i < sqlite_n_migrations; i++) {
		err = migrate_one(c, i);
		if (err < 0) {
			buf_printf(why, "%s could not be brought up to date (%s): %s", path, sqlite_migrations[i].name,
				sqlite3_errmsg(c->db));
			return err == ERR_CONFLICT ? ERR_STORE : err;
		}
		log_info("database brought up to date", LOG_S("step", sqlite_migrations[i].name));
	}
	return 0;
}

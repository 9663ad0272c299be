/* An SQLite file opened, brought up to date, kept for one process, and closed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

#define TIDY_EVERY_MS 60000

/* --- one process at a time --- */

/* Beside the database lies PATH.lock, locked by the process that uses it. The kernel drops the lock with the process,
 * however it ends. */
static int take_lock(struct backend *b, struct buf *why)
{
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s.lock", b->path) >= sizeof path) {
		buf_printf(why, "the path of the database is too long");
		return ERR_CONFIG;
	}
	b->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock_fd < 0) {
		buf_printf(why, "cannot write beside the database: %s: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	if (flock(b->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	buf_printf(why, "another bellwire is using %s; stop it first, or give this one a folder of its own", b->path);
	return ERR_CONFLICT;
}

/* Calls are nobody else's business: the file is made for its owner alone, and SQLite makes its side files alike. */
static int touch_file(const char *path, struct buf *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		buf_printf(why, "cannot open %s: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	close(fd);
	return 0;
}

/* A new file is there after a power cut only once its folder was written, too. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path + 1) : 0;
	snprintf(folder, sizeof folder, "%.*s.", n, path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

/* --- the writing connection --- */

static int on_wal_commit(void *arg, sqlite3 *db, const char *name, int n_pages)
{
	(void)db;
	(void)name;
	struct backend *b = arg;
	checkpointer_note(&b->checkpointer, n_pages);
	return SQLITE_OK;
}

/* FULL: a commit has reached the disk when it returns. Checkpoints are the checkpointer's. What a crash left in the log
 * is moved to the file and written anew before anything is built on it. */
static int prepare_writer(struct backend *b, struct buf *why)
{
	int err = sq_exec(&b->writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				      "PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY;"
				      "PRAGMA cache_size = -8000; PRAGMA trusted_schema = off");
	if (err == 0)
		err = sqlite_migrate(&b->writer, b->path, why);
	if (err == 0)
		err = sq_exec(&b->writer, "PRAGMA wal_checkpoint(TRUNCATE)");
	if (err < 0 && why->len == 0)
		buf_printf(why, "cannot use %s: %s", b->path, sqlite3_errmsg(b->writer.db));
	if (err == 0)
		sqlite3_wal_hook(b->writer.db, on_wal_commit, b);
	return err;
}

/* A look that changes nothing: whose file it is, and of which version. */
static int check_version(struct backend *b, struct buf *why)
{
	int64_t version = 0, application = 0, n_tables = 0;
	sqlite3_db_config(b->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	int err = sq_number(&b->writer, "PRAGMA user_version", &version);
	if (err == 0)
		err = sq_number(&b->writer, "PRAGMA application_id", &application);
	if (err == 0)
		err = sq_number(&b->writer, "SELECT count(*) FROM sqlite_schema", &n_tables);
	if (err < 0 || (n_tables > 0 && application != SQLITE_APPLICATION_ID)) {
		buf_printf(why, "%s is not a database of bellwire", b->path);
		return err == ERR_NO_MEMORY ? err : ERR_CONFIG;
	}
	if (version > (int64_t)sqlite_n_migrations) {
		buf_printf(why, "%s was made by a newer bellwire (schema %lld, this one knows %zu); use that version",
			b->path, (long long)version, sqlite_n_migrations);
		return ERR_VERSION;
	}
	sqlite3_db_config(b->writer.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

/* --- open, close --- */

static void sqlite_close(struct backend *b)
{
	checkpointer_stop(&b->checkpointer);
	sq_close(&b->writer);
	if (b->lock_fd >= 0)
		close(b->lock_fd);
	mem_free(b->path);
	mem_free(b);
}

static int open_steps(struct backend *b, struct buf *why)
{
	int err = take_lock(b, why);
	if (err == 0)
		err = touch_file(b->path, why);
	if (err < 0)
		return err;
	err = sq_open(&b->writer, b->path, SQLITE_OPEN_READWRITE);
	if (err < 0) {
		buf_printf(why, "cannot open %s", b->path);
		return err;
	}
	err = check_version(b, why);
	if (err == 0)
		err = prepare_writer(b, why);
	if (err < 0)
		return err;
	sync_folder(b->path);
	err = checkpointer_start(&b->checkpointer, b->path);
	if (err < 0)
		buf_printf(why, "no memory to open the database");
	return err;
}

static int sqlite_backend_open(
	const struct store_config *config, struct str path, struct backend **out, struct buf *why)
{
	struct backend *b = mem_new(sizeof *b);
	if (b) {
		b->lock_fd = -1;
		b->path = mem_dup(path);
	}
	if (!b || !b->path) {
		mem_free(b);
		buf_printf(why, "no memory to open the database");
		return ERR_NO_MEMORY;
	}
	b->on_fatal = config->on_fatal;
	b->flight_keep_ms = config->flight_keep_ms;
	b->tidy_every_ms = config->tidy_every_ms ? config->tidy_every_ms : TIDY_EVERY_MS;
	int err = open_steps(b, why);
	if (err < 0) {
		sqlite_close(b);
		return err == ERR_IO ? ERR_STORE : err;
	}
	*out = b;
	return 0;
}

static int sqlite_health(struct backend *b)
{
	return atomic_load(&b->health);
}

/* SQLite has one writer at a time. */
static unsigned sqlite_n_lanes(const struct backend *b)
{
	(void)b;
	return 1;
}

const struct backend_ops sqlite_ops = {
	.batch_max = 256,
	.open = sqlite_backend_open,
	.close = sqlite_close,
	.n_lanes = sqlite_n_lanes,
	.load_live = sqlite_load_live,
	.write = sqlite_write,
	.rest = sqlite_rest,
	.reader_open = sqlite_reader_open,
	.reader_close = sqlite_reader_close,
	.read = sqlite_read,
	.inject = sqlite_inject,
	.health = sqlite_health,
};

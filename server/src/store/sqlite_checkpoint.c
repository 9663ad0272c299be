/* The checkpointer: moves committed pages from the log into the database file while commits go on. */
#include "base/err.h"
#include "base/log.h"
#include "store/sqlite.h"

#define PAGES_WORTH_IT 2000 /* new ones in the log (8 MB): below that it is just as good a place */

/* A log that never has a quiet moment to start over would grow for ever, and a file that grows is dear to sync: from
 * this length on (32 MB) it is made to start over. Commits wait for the last few pages then. */
#define PAGES_MAX 8192

static void checkpoint(struct checkpointer *c, int mode, int *out_log)
{
	int moved = 0;
	int rc = sqlite3_wal_checkpoint_v2(c->conn.db, NULL, mode, out_log, &moved);
	if (sq_error(rc) == ERR_IO)
		/* A sync that failed once may succeed the next time without having written: the log has to stay. */
		sqlite_fatal(CONTAINER_OF(c, struct backend, checkpointer), c->conn.db);
	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
		log_warn("sqlite checkpoint", LOG_S("error", sqlite3_errmsg(c->conn.db)), LOG_I("rc", rc));
}

static void checkpoint_thread(void *arg)
{
	struct checkpointer *c = arg;
	uv_mutex_lock(&c->lock);
	while (!c->stopping) {
		if (!c->due) {
			uv_cond_wait(&c->wake, &c->lock);
			continue;
		}
		c->due = false;
		uv_mutex_unlock(&c->lock);
		int n_log = 0;
		checkpoint(c, SQLITE_CHECKPOINT_PASSIVE, &n_log);
		if (n_log > PAGES_MAX)
			checkpoint(c, SQLITE_CHECKPOINT_RESTART, &n_log);
		uv_mutex_lock(&c->lock);
	}
	uv_mutex_unlock(&c->lock);
}

int checkpointer_start(struct checkpointer *c, const char *path)
{
	int err = sq_open(&c->conn, path, SQLITE_OPEN_READWRITE);
	if (err < 0)
		return err;
	/* The file is synced by the checkpoint itself; a short patience, since a restart holds writers up. */
	err = sq_exec(&c->conn, "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 100");
	if (err < 0)
		return err;
	if (uv_mutex_init(&c->lock) < 0)
		return ERR_NO_MEMORY;
	if (uv_cond_init(&c->wake) < 0) {
		uv_mutex_destroy(&c->lock);
		return ERR_NO_MEMORY;
	}
	if (uv_thread_create(&c->thread, checkpoint_thread, c) < 0) {
		uv_cond_destroy(&c->wake);
		uv_mutex_destroy(&c->lock);
		return ERR_NO_MEMORY;
	}
	c->running = true;
	return 0;
}

void checkpointer_stop(struct checkpointer *c)
{
	if (c->running) {
		uv_mutex_lock(&c->lock);
		c->stopping = true;
		uv_cond_signal(&c->wake);
		uv_mutex_unlock(&c->lock);
		uv_thread_join(&c->thread);
		uv_cond_destroy(&c->wake);
		uv_mutex_destroy(&c->lock);
		c->running = false;
	}
	sq_close(&c->conn);
}

void checkpointer_note(struct checkpointer *c, int wal_pages)
{
	if (wal_pages < c->asked_at)
		c->asked_at = 0; /* the log has started over */
	if (wal_pages - c->asked_at < PAGES_WORTH_IT)
		return;
	c->asked_at = wal_pages;
	uv_mutex_lock(&c->lock);
	c->due = true;
	uv_cond_signal(&c->wake);
	uv_mutex_unlock(&c->lock);
}

/* A library that tests preload into the real server to make its surroundings worse: a slow or lying disk, a clock that
 * is set while it runs. What happens is told by the environment:
 *
 *   FAULT_SYNC_MS=N          each sync of a file takes N ms longer
 *   FAULT_SYNCHRONOUS=WORD   what SQLite is told instead of FULL; with NORMAL a commit does not wait for the disk
 *   FAULT_CLOCK=FILE         the wall clock is off by the 64-bit number of milliseconds that stands in FILE now
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_fn)(int fd);
typedef int (*clock_fn)(clockid_t id, struct timespec *out);
typedef int (*exec_fn)(sqlite3 *db, const char *sql, int (*cb)(void *, int, char **, char **), void *arg, char **error);

/* The function that would have been called without us. */
static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static void be_slow(void)
{
	const char *ms = getenv("FAULT_SYNC_MS");
	if (ms)
		usleep((useconds_t)(strtoul(ms, NULL, 10) * 1000));
}

int fsync(int fd)
{
	static sync_fn next;
	if (!next)
		next = (sync_fn)real("fsync");
	be_slow();
	return next(fd);
}

int fdatasync(int fd)
{
	static sync_fn next;
	if (!next)
		next = (sync_fn)real("fdatasync");
	be_slow();
	return next(fd);
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*cb)(void *, int, char **, char **), void *arg, char **error)
{
	static const char full[] = "synchronous = FULL";
	static exec_fn next;
	const char *word = getenv("FAULT_SYNCHRONOUS");
	const char *at = sql ? strstr(sql, full) : NULL;
	char text[1024];
	if (!next)
		next = (exec_fn)real("sqlite3_exec");
	if (word && at) {
		snprintf(text, sizeof text, "%.*ssynchronous = %s%s", (int)(at - sql), sql, word, at + strlen(full));
		sql = text;
	}
	return next(db, sql, cb, arg, error);
}

/* Mapped once: whoever writes into the file sets the clock. Null when none was asked for. */
static const volatile int64_t *offset_ms(void)
{
	static const volatile int64_t *offset;
	const char *path = getenv("FAULT_CLOCK");
	if (offset || !path)
		return offset;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		abort();
	close(fd);
	offset = mapped;
	return offset;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	static clock_fn next;
	if (!next)
		next = (clock_fn)real("clock_gettime");
	int rc = next(id, out);
	const volatile int64_t *offset = id == CLOCK_REALTIME ? offset_ms() : NULL;
	if (rc == 0 && offset) {
		int64_t ns = out->tv_nsec + *offset % 1000 * 1000000;
		out->tv_sec += *offset / 1000 + (ns < 0 ? -1 : ns / 1000000000);
		out->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
	}
	return rc;
}

/* A disk that fails: the calls by which SQLite reaches it are replaced here, and do as the test says. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"

static int sync_error;	/* errno of every sync; 0 = they work */
static int write_error; /* of every write of a page */

static int sync_or_fail(const char *name, int fd)
{
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	int (*real)(int);
	*(void **)&real = dlsym(RTLD_NEXT, name);
	return real(fd);
}

int fdatasync(int fd)
{
	return sync_or_fail("fdatasync", fd);
}

int fsync(int fd)
{
	return sync_or_fail("fsync", fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	if (write_error) {
		errno = write_error;
		return -1;
	}
	ssize_t (*real)(int, const void *, size_t, off64_t);
	*(void **)&real = dlsym(RTLD_NEXT, "pwrite64");
	return real(fd, bytes, n, at);
}

static struct fixture f;
static const char *const two[] = {"alice", "bob"};
static char id_a[ID_UUID_SIZE], id_b[ID_UUID_SIZE];

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	format_id(id_a, 1);
	format_id(id_b, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sync_error = write_error = 0;
	fixture_fini(&f);
	return 0;
}

static void expect_call(const char *id, bool there)
{
	struct call *c = read_call(&f, id);
	assert_int_equal(c != NULL, there);
	call_free(c);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "a", CALL_GROUP, two, 2, 1000)), 0);
	log_set_level(LOG_ERROR);
	write_error = ENOSPC;
	assert_int_equal(commit(&f, create_set(id_b, "b", CALL_GROUP, two, 2, 1000)), ERR_STORE);
	assert_int_equal(store_health(f.store), ERR_STORE);
	expect_call(id_a, true); /* what is there can be read */
	expect_call(id_b, false);
	write_error = 0;
	log_set_level(LOG_INFO);
	assert_int_equal(commit(&f, create_set(id_b, "b", CALL_GROUP, two, 2, 1000)), 0);
	assert_int_equal(store_health(f.store), 0);
	expect_call(id_b, true);
	check_integrity(f.path);
}

/* In a child, since the process must end. */
static int die_of(int *which, int error)
{
	pid_t pid = fork();
	if (pid == 0) {
		log_set_level(LOG_ERROR + 1);
		struct fixture mine = f;
		loop_init(&mine.loop);
		fixture_reopen(&mine);
		commit(&mine, create_set(id_a, "a", CALL_GROUP, two, 2, 1000));
		*which = error;
		commit(&mine, create_set(id_b, "b", CALL_GROUP, two, 2, 1000));
		_exit(0); /* whatever it was told, it was told something */
	}
	int status;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_failed_sync_ends_the_process(void **state)
{
	(void)state;
	fixture_close(&f);
	assert_int_equal(die_of(&sync_error, EIO), 74);
	fixture_reopen(&f);
	expect_call(id_a, true);
	check_integrity(f.path);
}

static void a_failed_write_ends_the_process(void **state)
{
	(void)state;
	fixture_close(&f);
	assert_int_equal(die_of(&write_error, EIO), 74);
	fixture_reopen(&f);
	expect_call(id_a, true);
	check_integrity(f.path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_full_disk_refuses_and_recovers),
		CASE(a_failed_sync_ends_the_process),
		CASE(a_failed_write_ends_the_process),
	};
	return cmocka_run_group_tests_name("store disk", tests, NULL, NULL);
}

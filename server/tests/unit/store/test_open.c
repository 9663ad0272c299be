/* Opening: whose file it is, of which version, and that only one process has it. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

static int try_open(const char *url, const char *word)
{
	struct store_config config = {.url = url, .loop = &f.loop};
	struct store *store = NULL;
	struct buf why;
	buf_init(&why, 1000);
	int err = store_open(&config, &store, &why);
	assert_true(err < 0);
	assert_true(why.len > 0);
	assert_null(memchr(why.ptr, '\n', why.len));
	if (!memmem(why.ptr, why.len, word, strlen(word)))
		fail_msg("%.*s", STR_ARG(buf_str(&why)));
	buf_fini(&why);
	return err;
}

static void change_file(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(f.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static uint64_t file_hash(void)
{
	uint64_t h = 1469598103934665603u;
	FILE *file = fopen(f.path, "rb");
	assert_non_null(file);
	for (int c; (c = fgetc(file)) != EOF;)
		h = (h ^ (uint64_t)(unsigned)c) * 1099511628211u;
	fclose(file);
	return h;
}

static void a_newer_database_is_left_untouched(void **state)
{
	(void)state;
	fixture_close(&f);
	change_file("PRAGMA user_version = 999");
	uint64_t before = file_hash();
	assert_int_equal(try_open(f.path, "newer bellwire"), ERR_VERSION);
	assert_true(file_hash() == before);
}

static void a_foreign_file_is_refused(void **state)
{
	(void)state;
	fixture_close(&f);
	change_file("PRAGMA application_id = 7");
	assert_int_equal(try_open(f.path, "not a database of bellwire"), ERR_CONFIG);
	FILE *file = fopen(f.path, "wb");
	for (int i = 0; i < 3000; i++)
		fputs("no database at all\n", file);
	fclose(file);
	uint64_t before = file_hash();
	assert_int_equal(try_open(f.path, "not a database of bellwire"), ERR_CONFIG);
	assert_true(file_hash() == before);
}

static void a_second_opener_is_refused(void **state)
{
	(void)state;
	assert_int_equal(try_open(f.path, "another bellwire is using"), ERR_CONFLICT);
	fixture_close(&f);
	fixture_reopen(&f);
}

static void bad_places_are_named(void **state)
{
	(void)state;
	assert_int_equal(try_open("/nowhere/at/all/x.db", "/nowhere/at/all"), ERR_CONFIG);
	assert_int_equal(try_open("mysql://x", "sqlite:PATH"), ERR_CONFIG);
	assert_int_equal(try_open("", "sqlite:PATH"), ERR_CONFIG);
	assert_int_equal(try_open(f.folder, f.folder), ERR_CONFIG);
	char lock[96];
	snprintf(lock, sizeof lock, "%s.lock", f.folder);
	unlink(lock);
}

static void the_file_is_its_owners_alone(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_url_may_name_its_scheme(void **state)
{
	(void)state;
	fixture_close(&f);
	char url[300];
	snprintf(url, sizeof url, "sqlite:%s", f.path);
	struct store_config config = {.url = url, .loop = &f.loop, .n_readers = 1};
	struct buf why;
	buf_init(&why, 1000);
	assert_int_equal(store_open(&config, &f.store, &why), 0);
	buf_fini(&why);
}

/* The 1st, 2nd, 3rd… allocation of opening fails: an error and a reason each time, and nothing stays locked. */
static void opening_survives_without_memory(void **state)
{
	(void)state;
	fixture_close(&f);
	struct store_config config = {.url = f.path, .loop = &f.loop};
	for (long n = 0; !f.store; n++) {
		struct buf why;
		buf_init(&why, 1000);
		mem_fail_after(n);
		int err = store_open(&config, &f.store, &why);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NO_MEMORY);
		buf_fini(&why);
		assert_true(n < 100);
	}
}

static void backups_are_whole(void **state)
{
	(void)state;
	static const char *const users[] = {"alice", "bob"};
	char id[ID_UUID_SIZE], path[300];
	for (unsigned i = 0; i < 20; i++) {
		char channel[16];
		snprintf(channel, sizeof channel, "c%u", i);
		format_id(id, i);
		assert_int_equal(commit(&f, create_set(id, channel, CALL_GROUP, users, 2, 1000)), 0);
	}
	snprintf(path, sizeof path, "%s.copy", f.path);
	struct store_backup b = {.path = path};
	assert_int_equal(DO(&f, store_backup, &b), 0);
	assert_int_equal(DO(&f, store_backup, &b), ERR_EXISTS);
	check_integrity(path);
	assert_int_equal(ask(path, "SELECT count(*) FROM calls"), 20);
	char side[340];
	snprintf(side, sizeof side, "%s-wal", path);
	unlink(side);
	snprintf(side, sizeof side, "%s-shm", path);
	unlink(side);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_newer_database_is_left_untouched),
		CASE(a_foreign_file_is_refused),
		CASE(a_second_opener_is_refused),
		CASE(bad_places_are_named),
		CASE(the_file_is_its_owners_alone),
		CASE(a_url_may_name_its_scheme),
		CASE(opening_survives_without_memory),
		CASE(backups_are_whole),
	};
	return cmocka_run_group_tests_name("store open", tests, NULL, NULL);
}

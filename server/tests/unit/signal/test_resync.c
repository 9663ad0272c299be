/* What a session has missed: what is let through meanwhile, what is held back and read again, and who has gone. */
#include "base/err.h"
#include "base/mem.h"
#include "fake.h"
#include "signal/session.h"

#define CALL "0197f2a0-0000-7000-8000-000000000001"
#define OTHER "0197f2a0-0000-7000-8000-000000000002"

static struct signal sig;
static struct signal_user *alice;
static struct session session;

static int begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof fake);
	fake.resyncs_wait = true;
	alice = mem_new(sizeof *alice + sizeof "alice");
	assert_non_null(alice);
	memcpy(alice->id, "alice", sizeof "alice");
	session = (struct session){.sig = &sig, .user = alice, .id = "session-of-alice"};
	list_init(&session.resyncs);
	return 0;
}

static int end(void **state)
{
	(void)state;
	mem_free(alice);
	return 0;
}

static bool holds(const char *call_id, int64_t seq, bool is_repeated)
{
	const struct call_announcement a = {.call_id = call_id, .seq = seq, .is_repeated = is_repeated};
	return resync_holds(&session, &a);
}

static void finish(int err)
{
	struct call_resync what = fake.resync_waiting;
	fake.resync_waiting = (struct call_resync){0};
	what.done(what.arg, err);
}

static void only_the_call_that_is_read_is_held(void **state)
{
	(void)state;
	assert_false(holds(CALL, 5, false));
	resync_begin(&session, STR(CALL), 4);
	assert_string_equal(fake.resync, CALL ">4;");
	assert_true(str_eq_z(fake.resync_waiting.user_id, "alice"));
	assert_true(str_eq_z(fake.resync_waiting.session_id, "session-of-alice"));
	assert_false(holds(OTHER, 5, false));
	assert_false(holds(CALL, 0, false)); /* outside the numbering: it is not in the database */
	assert_true(holds(CALL, 7, false));
	finish(0);
	finish(0);
	assert_false(holds(CALL, 8, false));
}

/* What came while it was read is in the database too: it is read from the newest that was sent on. */
static void what_was_held_is_read_again_until_nothing_is_new(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	assert_false(holds(CALL, 5, true));
	assert_true(holds(CALL, 7, false));
	assert_false(holds(CALL, 6, true));
	finish(0);
	assert_string_equal(fake.resync, CALL ">4;" CALL ">6;");
	assert_false(holds(CALL, 7, true));
	assert_true(holds(CALL, 8, false));
	finish(0);
	assert_string_equal(fake.resync, CALL ">4;" CALL ">6;" CALL ">7;");
	assert_false(holds(CALL, 8, true));
	finish(0);
	assert_null(fake.resync_waiting.done);
	assert_true(list_empty(&session.resyncs));
	assert_false(holds(CALL, 9, false));
}

static void nothing_is_sent_twice(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	assert_true(holds(CALL, 4, true));
	assert_true(holds(CALL, 1, true));
	assert_false(holds(CALL, 5, true));
	assert_true(holds(CALL, 5, true));
	finish(0);
	assert_null(fake.resync_waiting.done); /* repeated ones alone are no reason to read again */
	assert_true(list_empty(&session.resyncs));
}

static void an_error_ends_it_and_lets_all_through(void **state)
{
	(void)state;
	const int errs[] = {ERR_CALL_NOT_FOUND, ERR_STORE, ERR_NO_MEMORY};
	for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
		resync_begin(&session, STR(CALL), 4);
		assert_true(holds(CALL, 7, false));
		finish(errs[i]);
		assert_null(fake.resync_waiting.done);
		assert_false(holds(CALL, 8, false));
	}
}

static void two_calls_are_read_each_for_itself(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	struct call_resync first = fake.resync_waiting;
	resync_begin(&session, STR(OTHER), 9);
	assert_true(holds(OTHER, 10, false));
	first.done(first.arg, 0);
	assert_false(holds(CALL, 5, false));
	assert_true(holds(OTHER, 11, false));
	finish(ERR_STORE);
	assert_true(list_empty(&session.resyncs));
}

/* The answer comes after the session has gone: nothing of it is touched. */
static void a_session_may_go_meanwhile(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	assert_true(holds(CALL, 7, false));
	resync_forget(&session);
	memset(&session, 0xA5, sizeof session);
	finish(0);
	assert_null(fake.resync_waiting.done);
}

static void without_memory_or_with_no_id_nothing_begins(void **state)
{
	(void)state;
	mem_fail_after(0);
	resync_begin(&session, STR(CALL), 4);
	mem_fail_after(-1);
	resync_begin(&session, STR(CALL "-and-too-long"), 4);
	assert_true(list_empty(&session.resyncs));
	assert_string_equal(fake.resync, "");
	assert_false(holds(CALL, 5, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_call_that_is_read_is_held, begin, end),
		cmocka_unit_test_setup_teardown(what_was_held_is_read_again_until_nothing_is_new, begin, end),
		cmocka_unit_test_setup_teardown(nothing_is_sent_twice, begin, end),
		cmocka_unit_test_setup_teardown(an_error_ends_it_and_lets_all_through, begin, end),
		cmocka_unit_test_setup_teardown(two_calls_are_read_each_for_itself, begin, end),
		cmocka_unit_test_setup_teardown(a_session_may_go_meanwhile, begin, end),
		cmocka_unit_test_setup_teardown(without_memory_or_with_no_id_nothing_begins, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

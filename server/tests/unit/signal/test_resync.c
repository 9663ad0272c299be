/* What a session has missed: what is let through meanwhile, what is held back and read again, and who has gone. */
#include "base/err.h"
#include "base/mem.h"
#include "fake.h"
#include "signal/session.h"

#define CALL "0197f2a0-0000-7000-8000-000000000001"
#define OTHER "0197f2a0-0000-7000-8000-000000000002"

static struct loop loop;
static struct signal sig;
static struct signal_user *alice;
static struct session session;

static int begin(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof fake);
	fake.resyncs_wait = true;
	assert_int_equal(loop_init(&loop), 0);
	sig = (struct signal){.config.loop = &loop};
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
	loop_fini(&loop);
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

static void a_call_that_is_not_there_ends_it(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	assert_true(holds(CALL, 7, false));
	finish(ERR_CALL_NOT_FOUND);
	assert_null(fake.resync_waiting.done);
	assert_false(holds(CALL, 8, false));
}

static void on_stop(struct timer *t, void *arg)
{
	(void)t;
	loop_stop(arg);
}

static void wait_ms(int64_t ms)
{
	struct timer stop = {0};
	assert_int_equal(timer_start(&loop, &stop, ms, on_stop, &loop), 0);
	loop_run(&loop);
}

/* What was held while the database did not answer comes when it does: a last word would be lost with it. */
static void an_error_is_tried_again_and_nothing_is_lost(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	for (int i = 0; i < 2; i++) {
		assert_true(holds(CALL, 5 + i, false));
		finish(ERR_STORE);
		assert_null(fake.resync_waiting.done);
		assert_true(holds(CALL, 5 + i, false));
		wait_ms(600);
		assert_non_null(fake.resync_waiting.done);
	}
	assert_string_equal(fake.resync, CALL ">4;" CALL ">4;" CALL ">4;");
	assert_false(holds(CALL, 5, true));
	assert_false(holds(CALL, 6, true));
	finish(0);
	assert_false(holds(CALL, 7, false));
	assert_true(list_empty(&session.resyncs));
}

static void a_session_may_go_while_the_database_is_away(void **state)
{
	(void)state;
	resync_begin(&session, STR(CALL), 4);
	finish(ERR_STORE);
	resync_forget(&session);
	wait_ms(600);
	assert_null(fake.resync_waiting.done);
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
	finish(ERR_CALL_NOT_FOUND);
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
		cmocka_unit_test_setup_teardown(a_call_that_is_not_there_ends_it, begin, end),
		cmocka_unit_test_setup_teardown(an_error_is_tried_again_and_nothing_is_lost, begin, end),
		cmocka_unit_test_setup_teardown(a_session_may_go_while_the_database_is_away, begin, end),
		cmocka_unit_test_setup_teardown(two_calls_are_read_each_for_itself, begin, end),
		cmocka_unit_test_setup_teardown(a_session_may_go_meanwhile, begin, end),
		cmocka_unit_test_setup_teardown(without_memory_or_with_no_id_nothing_begins, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

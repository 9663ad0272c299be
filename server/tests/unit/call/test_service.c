/* The one way of a command: queue, facts, decision, commit, announcement; and what is asked twice, or wrongly. */
#include "base/err.h"
#include "stage.h"

static void test_commit_comes_first(void **state)
{
	struct stage s;
	struct answer a;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cmd = stage_create("ann/1", &bob, 1);
	stage_ask(&s, &cmd, &a);
	assert_true(fake_store_step(&s.store)); /* who is who */
	assert_int_equal(s.store.n_commits, 1);
	assert_int_equal(a.n, 0);
	assert_int_equal(s.n_heard, 0);
	assert_int_equal(calls_n_live(s.calls), 0);
	fake_store_run(&s.store);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.status, 201);
	assert_int_equal(stage_heard(&s, "bob", "call.incoming"), 1);
	assert_int_equal(calls_n_live(s.calls), 1);
	stage_fini(&s);
}

static void test_one_change_in_flight(void **state)
{
	struct stage s;
	struct answer one, two;
	(void)state;
	stage_init(&s);
	s.online = "ann/1 bob/1 bob/2";
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct call_command first = stage_command(CMD_JOIN, "bob/1", made.call_id);
	struct call_command second = stage_command(CMD_JOIN, "bob/2", made.call_id);
	stage_ask(&s, &first, &one);
	stage_ask(&s, &second, &two);
	fake_store_step(&s.store);
	assert_int_equal(s.store.n_jobs, 1); /* the second waits for the first one's commit */
	fake_store_run(&s.store);
	assert_int_equal(one.err, 0);
	assert_int_equal(two.err, ERR_ANSWERED_ELSEWHERE);
	assert_int_equal(s.store.max_in_flight, 1);
	stage_fini(&s);
}

static void test_idempotency_key(void **state)
{
	struct stage s;
	struct answer a, b, c;
	struct str bob = STR("bob"), cat = STR("cat");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cmd = stage_create("ann", &bob, 1);
	cmd.create.idempotency_key = STR("k1");
	struct call_command other = stage_create("ann", &cat, 1);
	other.create.idempotency_key = STR("k1");
	stage_ask(&s, &cmd, &a);
	stage_ask(&s, &cmd, &b);
	fake_store_run(&s.store);
	stage_ask(&s, &other, &c);
	fake_store_run(&s.store);
	assert_int_equal(a.status, 201);
	assert_int_equal(b.status, 201);
	assert_int_equal(b.n, 1);
	assert_non_null(strstr(b.stored, a.call_id));
	assert_int_equal(c.err, ERR_ID_TAKEN);
	assert_int_equal(s.store.n_calls, 1);
	stage_fini(&s);
}

static void test_cancel_before_create(void **state)
{
	struct stage s;
	struct answer gone, late, other;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cancel = stage_command(CMD_CANCEL, "ann", STAGE_CHOSEN);
	struct call_command create = stage_create("ann/1", &bob, 1);
	create.create.id = STR(STAGE_CHOSEN);
	stage_ask(&s, &cancel, &gone); /* at the same moment */
	stage_ask(&s, &create, &late);
	fake_store_run(&s.store);
	assert_int_equal(gone.err, 0);
	assert_string_equal(gone.call_id, "");
	assert_int_equal(late.err, ERR_CALL_CANCELLED);
	struct str ann = STR("ann");
	create = stage_create("bob/1", &ann, 1); /* tombstones are per user and id */
	create.create.id = STR(STAGE_CHOSEN);
	stage_ask(&s, &create, &other);
	fake_store_run(&s.store);
	assert_int_equal(other.status, 201);
	stage_fini(&s);
}

/* A tombstone keeps a create that is late away, not a new call for ever. */
static void test_tombstones_fade(void **state)
{
	struct stage s;
	struct answer a;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	assert_int_equal(stage_do(&s, CMD_CANCEL, "ann", STAGE_CHOSEN).err, 0);
	struct call_command create = stage_create("ann/1", &bob, 1);
	create.create.id = STR(STAGE_CHOSEN);
	s.now += 59999;
	stage_ask(&s, &create, &a);
	fake_store_run(&s.store);
	assert_int_equal(a.err, ERR_CALL_CANCELLED);
	assert_int_equal(s.n_heard, 0);
	s.now += 1;
	stage_ask(&s, &create, &a);
	fake_store_run(&s.store);
	assert_int_equal(a.status, 201);
	stage_fini(&s);
}

static void test_create_before_cancel(void **state)
{
	struct stage s;
	struct answer made, gone;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command create = stage_create("ann/1", &bob, 1);
	struct call_command cancel = stage_command(CMD_CANCEL, "ann", STAGE_CHOSEN);
	create.create.id = STR(STAGE_CHOSEN);
	stage_ask(&s, &create, &made);
	stage_ask(&s, &cancel, &gone);
	fake_store_run(&s.store);
	assert_int_equal(made.status, 201);
	assert_int_equal(gone.call_status, CALL_MISSED);
	assert_int_equal(stage_heard(&s, "bob", "call.cancelled"), 1);
	assert_int_equal(s.store.n_tombstones, 0);
	stage_fini(&s);
}

static void test_glare_at_the_same_moment(void **state)
{
	struct stage s;
	struct answer a, b;
	struct str ann = STR("ann"), bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command one = stage_create("ann/1", &bob, 1), two = stage_create("bob/1", &ann, 1);
	stage_ask(&s, &one, &a);
	stage_ask(&s, &two, &b);
	fake_store_run(&s.store);
	assert_int_equal(a.status, 201);
	assert_true(b.merged);
	assert_string_equal(a.call_id, b.call_id);
	assert_int_equal(b.call_status, CALL_ACTIVE);
	assert_int_equal(calls_n_live(s.calls), 1);
	stage_fini(&s);
}

static void test_busy(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer first = stage_call(&s, "ann/1", "bob");
	assert_int_equal(stage_call(&s, "ann/1", "cat").err, ERR_CALLER_BUSY);
	struct answer busy = stage_call(&s, "cat/1", "ann");
	assert_int_equal(busy.status, 201);
	assert_int_equal(busy.call_status, CALL_MISSED);
	assert_int_equal(stage_heard(&s, "cat", "call.busy"), 1);
	assert_int_equal(calls_n_live(s.calls), 1);
	stage_do(&s, CMD_LEAVE, "ann", first.call_id);
	assert_int_equal(stage_call(&s, "cat/1", "ann").call_status, CALL_RINGING);
	stage_fini(&s);
}

static void test_route(void **state)
{
	struct stage s;
	struct call_route route;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct answer ann = stage_do(&s, CMD_JOIN, "ann/1", made.call_id);
	struct answer bob = stage_do(&s, CMD_JOIN, "bob/1", made.call_id);
	assert_int_equal(calls_route(s.calls, STR("ann/1"), str_of(bob.self), &route), 0);
	assert_string_equal(route.from_leg, ann.self);
	assert_string_equal(route.from_user, "ann");
	assert_string_equal(route.to_session, "bob/1");
	assert_int_equal(calls_route(s.calls, STR("ann/1"), str_of(ann.self), &route), ERR_LEG_NOT_FOUND);
	assert_int_equal(calls_route(s.calls, STR("cat/1"), str_of(bob.self), &route), ERR_NOT_IN_CALL);
	assert_int_equal(calls_route(s.calls, STR("ann/1"), STR("room"), &route), ERR_LEG_NOT_FOUND);
	stage_do(&s, CMD_LEAVE, "bob/1", made.call_id);
	assert_int_equal(calls_route(s.calls, STR("ann/1"), str_of(bob.self), &route), ERR_NOT_IN_CALL);
	stage_fini(&s);
}

static void test_rest_join_for_a_device(void **state)
{
	struct stage s;
	struct answer a;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct call_command cmd = stage_command(CMD_JOIN, "bob", made.call_id);
	cmd.join.socket_id = STR("cat/1"); /* somebody else's */
	stage_ask(&s, &cmd, &a);
	assert_int_equal(a.err, ERR_BAD_FIELD);
	assert_string_equal(a.field, "socketId");
	cmd.join.socket_id = STR("bob/1");
	stage_ask(&s, &cmd, &a);
	fake_store_run(&s.store);
	assert_int_equal(a.err, 0);
	assert_true(a.self[0]);
	stage_fini(&s);
}

static void test_ringing_limits(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	s.limits.rate_callee = (struct call_rate){.every_ms = 10000, .burst = 2};
	stage_start(&s);
	for (int i = 0; i < 2; i++)
		stage_do(&s, CMD_CANCEL, "ann", stage_call(&s, "ann/1", "bob").call_id);
	struct answer limited = stage_call(&s, "ann/1", "bob");
	assert_int_equal(limited.err, ERR_RATE_LIMITED);
	assert_in_range(limited.retry_after_ms, 9000, 10000);
	assert_int_equal(s.store.n_calls, 2);
	assert_int_equal(stage_call(&s, "ann/1", "cat").err, 0);
	stage_fini(&s);
}

/* Three buckets; what one of them refuses is taken from none, and ringing again counts as ringing. */
static void test_ringing_limits_of_each(void **state)
{
	const struct call_rate one = {.every_ms = 10000, .burst = 1};
	struct stage s;
	struct answer limited;
	(void)state;
	for (int i = 0; i < 3; i++) {
		stage_init(&s);
		*(struct call_rate *[]){&s.limits.rate_caller, &s.limits.rate_callee, &s.limits.rate_channel}[i] = one;
		stage_start(&s);
		stage_do(&s, CMD_CANCEL, "ann", stage_call(&s, "ann/1", "bob").call_id);
		s.n_heard = 0;
		limited = stage_call(&s, i == 1 ? "cat/1" : "ann/1", i == 0 ? "cat" : "bob");
		assert_int_equal(limited.err, ERR_RATE_LIMITED);
		assert_in_range(limited.retry_after_ms, 9000, 10000);
		assert_int_equal(s.n_heard, 0);
		assert_int_equal(s.store.n_calls, 1);
		int err = stage_call(&s, i == 0 ? "cat/1" : "ann/1", i == 1 ? "cat" : "bob").err;
		assert_int_equal(err, i == 2 ? ERR_RATE_LIMITED : 0); /* the channel is the same for all */
		stage_fini(&s);
	}
}

static void test_ringing_again_is_limited(void **state)
{
	struct stage s;
	struct answer made;
	const struct str others[] = {STR("bob"), STR("cat")};
	(void)state;
	stage_init(&s);
	s.limits.rate_callee = (struct call_rate){.every_ms = 10000, .burst = 1};
	stage_start(&s);
	struct call_command cmd = stage_create("ann/1", others, 2);
	stage_ask(&s, &cmd, &made);
	fake_store_run(&s.store);
	stage_do(&s, CMD_DECLINE, "bob", made.call_id);
	s.n_heard = 0;
	struct answer again;
	cmd = stage_command(CMD_RING, "ann/1", made.call_id);
	cmd.ring.users = others;
	cmd.ring.n_users = 1;
	stage_ask(&s, &cmd, &again);
	fake_store_run(&s.store);
	assert_int_equal(again.err, ERR_RATE_LIMITED);
	assert_true(again.retry_after_ms > 0);
	assert_int_equal(s.n_heard, 0);
	stage_fini(&s);
}

static void test_bad_input(void **state)
{
	static char big[5000];
	const struct str ids[] = {STR("bob"), {"b\0b", 3}, STR("\xff")};
	struct stage s;
	struct answer a;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	for (size_t i = 1; i < 3; i++) {
		struct call_command cmd = stage_create("ann/1", &ids[i], 1);
		stage_ask(&s, &cmd, &a);
		assert_int_equal(a.err, ERR_BAD_FIELD);
		assert_string_equal(a.field, "participants");
	}
	struct call_command cmd = stage_create("ann/1", ids, 1);
	cmd.create.id = STR("42");
	stage_ask(&s, &cmd, &a);
	assert_string_equal(a.field, "id");
	cmd = stage_create("ann/1", ids, 1);
	memset(big, ' ', sizeof big);
	big[0] = '{';
	big[sizeof big - 1] = '}';
	cmd.create.metadata = str_n(big, sizeof big);
	stage_ask(&s, &cmd, &a);
	assert_int_equal(a.err, ERR_PAYLOAD_TOO_LARGE);
	assert_int_equal(stage_call(&s, "ann/1", "ann").err, ERR_SELF_CALL);
	assert_int_equal(stage_call(&s, "ann/1", "eve").err, ERR_NOT_A_MEMBER);
	assert_int_equal(stage_call(&s, "eve/1", "ann").err, ERR_CHANNEL_NOT_FOUND);
	assert_int_equal(stage_do(&s, CMD_JOIN, "ann/1", STAGE_CHOSEN).err, ERR_CALL_NOT_FOUND);
	assert_int_equal(s.store.n_calls, 0);
	stage_fini(&s);
}

/* Two of ten thousand are one too many: nothing is read or written. */
static void test_far_too_many(void **state)
{
	static struct str many[10000];
	struct stage s;
	struct answer a;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	for (size_t i = 0; i < 10000; i++)
		many[i] = STR("bob");
	struct call_command cmd = stage_create("ann/1", many, 10000);
	stage_ask(&s, &cmd, &a);
	assert_int_equal(a.err, ERR_TOO_MANY_PARTICIPANTS);
	assert_int_equal(s.store.n_jobs, 0);
	stage_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_comes_first),
		cmocka_unit_test(test_one_change_in_flight),
		cmocka_unit_test(test_idempotency_key),
		cmocka_unit_test(test_cancel_before_create),
		cmocka_unit_test(test_tombstones_fade),
		cmocka_unit_test(test_create_before_cancel),
		cmocka_unit_test(test_glare_at_the_same_moment),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_rest_join_for_a_device),
		cmocka_unit_test(test_ringing_limits),
		cmocka_unit_test(test_ringing_limits_of_each),
		cmocka_unit_test(test_ringing_again_is_limited),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_far_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

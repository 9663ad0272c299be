/* The races 10 to 15: restarts, groups, devices that join over REST, connections, kinds of calls. */
#include "races.h"

static void test_10_restart_while_ringing(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	s.now += 20000;
	act(&s, CMD_RESTART, "server");
	assert_int_equal(s.call->status, CALL_RINGING);
	pass(&s, 40999);
	assert_int_equal(s.call->status, CALL_RINGING);
	pass(&s, 1);
	ENDS(s, "missed", "no_answer");
	scene_fini(&s);
	start(&s, "ann/1 bob/1");
	s.now += 3600000;
	act(&s, CMD_RESTART, "server");
	ENDS(s, "missed", "no_answer");
	assert_int_equal(s.call->ended_at, SCENE_START + 61000);
	scene_fini(&s);
}

static void test_10_restart_of_an_active_call(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	s.call->last_seen_at = s.now + 15000;
	s.now += 20000;
	act(&s, CMD_RESTART, "server");
	assert_int_equal(state_of(&s, "ann"), PART_RECONNECTING);
	pass(&s, 30000);
	ENDS(s, "ended", "server_restart");
	assert_int_equal(s.call->ended_at, SCENE_START + 15000);
	assert_int_equal(call_duration_s(s.call, s.now), 15);
	scene_fini(&s);
	talk(&s, "ann/1 bob/1");
	act(&s, CMD_RESTART, "server");
	act(&s, CMD_SESSION_RESUMED, "ann/1");
	act(&s, CMD_SESSION_RESUMED, "bob/1");
	pass(&s, 3600000);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	act(&s, CMD_RESTART, "server");
	act(&s, CMD_SESSION_RESUMED, "ann/1");
	pass(&s, 30000);
	ENDS(s, "ended", "connection_lost");
	scene_fini(&s);
}

static void test_11_the_others_ring_on(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat dan");
	pass(&s, 30000);
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(heard(&s, "dan/1", "call.active"), 1);
	assert_int_equal(act(&s, CMD_DECLINE, "dan/1"), 0); /* personal */
	assert_int_equal(s.call->status, CALL_ACTIVE);
	pass(&s, 31000);
	assert_int_equal(state_of(&s, "cat"), PART_MISSED);
	assert_int_equal(heard(&s, "cat/2", "call.missed"), 1);
	assert_int_equal(heard(&s, "dan/1", "call.missed"), 0);
	assert_int_equal(act(&s, CMD_JOIN, "cat/2"), 0); /* late */
	assert_int_equal(state_of(&s, "cat"), PART_JOINED);
	scene_fini(&s);
}

static void test_11_rung_again(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(ring(&s, "dan/1", "cat"), ERR_NOT_IN_CALL);
	act(&s, CMD_DECLINE, "cat/1");
	assert_int_equal(ring(&s, "bob/1", "cat dan"), 0);
	assert_int_equal(heard(&s, "cat/1", "call.incoming"), 1);
	assert_int_equal(heard(&s, "dan/1", "call.incoming"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.incoming"), 0);
	assert_int_equal(act(&s, CMD_JOIN, "cat/1"), 0);
	act(&s, CMD_LEAVE, "cat/1");
	assert_int_equal(ring(&s, "bob", "cat"), 0);
	pass(&s, 61000);
	assert_int_equal(state_of(&s, "cat"), PART_LEFT); /* was there: did not miss the call */
	assert_int_equal(state_of(&s, "dan"), PART_MISSED);
	scene_fini(&s);
}

static void test_11_busy(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s);
	s.busy = "bob";
	assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
	ENDS(s, "missed", "busy");
	assert_int_equal(s.last.status, 201);
	assert_int_equal(heard(&s, "ann/1", "call.busy"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.incoming"), 0);
	assert_int_equal(heard(&s, "bob/1", "call.missed"), 1);
	scene_fini(&s);
	scene_init(&s);
	s.busy = "bob";
	assert_int_equal(make_call(&s, "ann/1", "bob cat"), 0);
	assert_int_equal(s.call->status, CALL_RINGING);
	assert_int_equal(heard(&s, "bob/1", "call.incoming"), 1);
	assert_int_equal(state_of(&s, "bob"), PART_BUSY);
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0); /* waiting: may come all the same */
	scene_fini(&s);
}

static void test_13_rest_join_is_claimed(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	act(&s, CMD_JOIN, "ann/1");
	assert_int_equal(act(&s, CMD_JOIN, "bob"), 0);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(told(&s, "participant.joined"), 0);
	assert_int_equal(act(&s, CMD_JOIN, "bob"), 0); /* again */
	pass(&s, 29000);
	assert_int_equal(act(&s, CMD_JOIN, "bob/2"), 0);
	assert_int_equal(n_legs(&s), 2);
	assert_int_equal(heard(&s, "ann/1", "participant.joined"), 1);
	assert_int_equal(heard(&s, "bob/2", "call.participants"), 1);
	pass(&s, 60000);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

static void test_13_unclaimed_leg_leaves(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	act(&s, CMD_JOIN, "cat");
	pass(&s, 30000);
	assert_int_equal(state_of(&s, "cat"), PART_LEFT);
	scene_fini(&s);
}

static void test_13_the_caller_never_activates(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_JOIN, "ann/1"), 0);
	assert_true(s.last.self_leg[0]);
	assert_int_equal(act(&s, CMD_JOIN, "ann"), 0);
	assert_int_equal(s.call->status, CALL_RINGING);
	scene_fini(&s);
}

static void test_13_takeover(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1 bob/2");
	assert_int_equal(act(&s, CMD_JOIN, "bob/2"), ERR_ANSWERED_ELSEWHERE);
	assert_int_equal(act(&s, CMD_JOIN, "ann/2"), ERR_ALREADY_JOINED);
	assert_int_equal(take_over(&s, "bob/2"), 0);
	assert_int_equal(heard(&s, "bob/1", "call.moved"), 1);
	assert_int_equal(heard(&s, "ann/1", "participant.joined"), 1);
	assert_string_equal(said(&s, "participant.left", "reason"), "moved");
	assert_int_equal(n_legs(&s), 2);
	act(&s, CMD_SESSION_LOST, "bob/2");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0); /* the older one is reconnecting */
	assert_int_equal(n_legs(&s), 2);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

static void test_13_rest_leave_drops_all(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	act(&s, CMD_JOIN, "cat/1");
	act(&s, CMD_JOIN, "cat/2");
	assert_int_equal(act(&s, CMD_LEAVE, "cat"), 0);
	assert_int_equal(state_of(&s, "cat"), PART_LEFT);
	assert_int_equal(n_legs(&s), 2);
	scene_fini(&s);
}

static void test_14_rest_caller_rings_out(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s);
	s.online = "bob/1";
	make_call(&s, "ann", "bob");
	act(&s, CMD_SESSION_GONE, "ann/9");
	pass(&s, 60999);
	assert_int_equal(s.call->status, CALL_RINGING);
	pass(&s, 1);
	ENDS(s, "missed", "no_answer");
	scene_fini(&s);
}

static void test_14_connect_failed(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	act(&s, CMD_JOIN, "bob/1"); /* ann never comes */
	pass(&s, 30000);
	ENDS(s, "ended", "connect_failed");
	scene_fini(&s);
	talk(&s, "ann/1 bob/1");
	pass(&s, 600000); /* silence is no failure */
	assert_int_equal(s.call->status, CALL_ACTIVE);
	s.cmd.connection = CONNECTION_FAILED;
	act(&s, CMD_CONNECTION, "ann/1");
	ENDS(s, "ended", "connect_failed");
	scene_fini(&s);
	talk(&s, "ann/1 bob/1");
	s.cmd.connection = CONNECTION_CONNECTED;
	act(&s, CMD_CONNECTION, "ann/1");
	s.cmd.connection = CONNECTION_FAILED;
	act(&s, CMD_CONNECTION, "ann/1"); /* the clients restart it */
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

static void test_8_one_device_of_several(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 ann/2 bob/1");
	s.online = "ann/2 bob/1";
	act(&s, CMD_SESSION_LOST, "ann/1");
	pass(&s, 61000);
	ENDS(s, "missed", "no_answer");
	scene_fini(&s);
}

static void test_11_alone_only_when_nobody_is_rung(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	act(&s, CMD_LEAVE, "bob/1");
	pass(&s, 61000 + 59999); /* cat rings for a minute, then ann is alone for one */
	assert_int_equal(s.call->status, CALL_ACTIVE);
	pass(&s, 1);
	ENDS(s, "ended", "alone");
	scene_fini(&s);
}

static void test_11_ringing_on_keeps_the_call_ringing(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	pass(&s, 30000);
	assert_int_equal(ring(&s, "ann", "dan"), 0);
	pass(&s, 31000);
	assert_int_equal(state_of(&s, "cat"), PART_MISSED);
	assert_int_equal(s.call->status, CALL_RINGING);
	pass(&s, 30000);
	ENDS(s, "missed", "no_answer");
	assert_int_equal(heard(&s, "dan/1", "call.missed"), 1);
	scene_fini(&s);
}

static void test_11_who_may_be_rung(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	s.strangers = "eve";
	assert_int_equal(ring(&s, "ann", "eve"), ERR_NOT_A_MEMBER);
	assert_string_equal(s.last.field, "participants");
	s.limits.max_participants = 3;
	assert_int_equal(ring(&s, "ann", "dan"), ERR_TOO_MANY_PARTICIPANTS);
	assert_int_equal(ring(&s, "ann", "bob cat"), 0); /* they ring already */
	assert_int_equal(s.last.change, CHANGE_NONE);
	scene_fini(&s);
	start(&s, "ann/1 bob/1");
	assert_int_equal(ring(&s, "ann", "cat"), ERR_FORBIDDEN);
	scene_fini(&s);
}

static void test_a_device_rings(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1"); /* bob has no session: a push wakes him */
	assert_int_equal(state_of(&s, "bob"), PART_INVITED);
	act(&s, CMD_ACK, "bob/1");
	assert_int_equal(state_of(&s, "bob"), PART_RINGING);
	assert_int_equal(heard(&s, "ann/1", "call.ringing"), 1);
	act(&s, CMD_ACK, "bob/2");
	assert_int_equal(told(&s, "call.ringing"), 0); /* the first one was enough */
	s.now += 8000;
	act(&s, CMD_DEADLINE, "server");
	assert_int_equal(told(&s, "call.unreachable"), 0);
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_ACK, "bob/2"), ERR_ANSWERED_ELSEWHERE);
	scene_fini(&s);
}

static void test_15_modes(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s);
	make_call(&s, "ann/1", "bob");
	assert_int_equal(s.call->mode, CALL_DIRECT);
	scene_fini(&s);
	start_group(&s, "bob");
	assert_int_equal(s.call->mode, CALL_GROUP);
	scene_fini(&s);
	scene_init(&s);
	assert_int_equal(make_call(&s, "ann/1", ""), ERR_SELF_CALL);
	s.strangers = "cat";
	assert_int_equal(make_call(&s, "ann/1", "bob cat"), ERR_NOT_A_MEMBER);
	s.strangers = "ann";
	assert_int_equal(make_call(&s, "ann/1", "bob"), ERR_CHANNEL_NOT_FOUND);
	s.strangers = "";
	s.busy = "ann";
	assert_int_equal(make_call(&s, "ann/1", "bob"), ERR_CALLER_BUSY);
	s.busy = "";
	s.cmd.create.ring_ms = 4999;
	assert_int_equal(make_call(&s, "ann/1", "bob"), ERR_BAD_FIELD);
	assert_string_equal(s.last.field, "ringTimeout");
	s.cmd.create.no_ring = true; /* one other, and yet a group: nobody is rung in it */
	assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
	assert_int_equal(s.call->mode, CALL_GROUP);
	scene_fini(&s);
}

static void test_15_without_ringing(void **state)
{
	SCENE(s);
	(void)state;
	s.cmd.create.no_ring = true;
	make_call(&s, "ann/1", "bob cat");
	assert_int_equal(s.call->mode, CALL_GROUP);
	assert_int_equal(told(&s, "call.incoming"), 0);
	assert_int_equal(s.call->status, CALL_RINGING);
	assert_int_equal(act(&s, CMD_JOIN, "ann/1"), 0);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(heard(&s, "bob/1", "call.active"), 1);
	pass(&s, 60000);
	ENDS(s, "ended", "alone");
	assert_int_equal(state_of(&s, "bob"), PART_INVITED); /* was never called: has missed nothing */
	scene_fini(&s);
}

static void test_15_full(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat dan");
	s.limits.max_legs = 2;
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_JOIN, "cat/1"), ERR_CALL_FULL);
	assert_int_equal(state_of(&s, "cat"), PART_RINGING);
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_restart_while_ringing),
		cmocka_unit_test(test_10_restart_of_an_active_call),
		cmocka_unit_test(test_11_the_others_ring_on),
		cmocka_unit_test(test_11_rung_again),
		cmocka_unit_test(test_11_busy),
		cmocka_unit_test(test_13_rest_join_is_claimed),
		cmocka_unit_test(test_13_unclaimed_leg_leaves),
		cmocka_unit_test(test_13_the_caller_never_activates),
		cmocka_unit_test(test_13_takeover),
		cmocka_unit_test(test_13_rest_leave_drops_all),
		cmocka_unit_test(test_14_rest_caller_rings_out),
		cmocka_unit_test(test_14_connect_failed),
		cmocka_unit_test(test_8_one_device_of_several),
		cmocka_unit_test(test_11_alone_only_when_nobody_is_rung),
		cmocka_unit_test(test_11_ringing_on_keeps_the_call_ringing),
		cmocka_unit_test(test_11_who_may_be_rung),
		cmocka_unit_test(test_a_device_rings),
		cmocka_unit_test(test_15_modes),
		cmocka_unit_test(test_15_without_ringing),
		cmocka_unit_test(test_15_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The races 8 to 11: restarts and groups. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_10_restart_while_ringing),
		cmocka_unit_test(test_10_restart_of_an_active_call),
		cmocka_unit_test(test_11_the_others_ring_on),
		cmocka_unit_test(test_11_rung_again),
		cmocka_unit_test(test_11_busy),
		cmocka_unit_test(test_8_one_device_of_several),
		cmocka_unit_test(test_11_alone_only_when_nobody_is_rung),
		cmocka_unit_test(test_11_ringing_on_keeps_the_call_ringing),
		cmocka_unit_test(test_11_who_may_be_rung),
		cmocka_unit_test(test_a_device_rings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The races 12 to 16: who offers, devices that join over REST, connections, kinds of calls, and that nothing but
 * joining answers. */
#include "base/json.h"
#include "races.h"

/* How many devices the last step's newcomer is told to offer to. */
static size_t n_to_offer_to(const struct scene *s)
{
	for (size_t i = 0; i < s->last.n_events; i++) {
		json_t *roster;
		if (strcmp(s->last.events[i].type, "call.participants") != 0)
			continue;
		assert_int_equal(json_read_object(str_of(s->last.events[i].payload), &roster), 0);
		size_t n = json_array_size(json_object_get(roster, "participants"));
		json_decref(roster);
		return n;
	}
	return 0;
}

/* 12: whoever comes gets the others to offer to, and they hear of it without such a list: one offer for each two. */
static void test_12_the_newcomer_offers(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s);
	s.online = "ann/1 bob/1 cat/1 cat/2";
	make_call(&s, "ann/1", "bob cat");
	const char *const comers[] = {"ann/1", "bob/1", "cat/1", "cat/2"};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(act(&s, CMD_JOIN, comers[i]), 0);
		assert_int_equal(told(&s, "call.participants"), 1);
		assert_int_equal(heard(&s, comers[i], "call.participants"), 1);
		assert_int_equal(heard(&s, comers[i], "participant.joined"), 0);
		assert_int_equal(n_to_offer_to(&s), i);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(heard(&s, comers[k], "participant.joined"), 1);
	}
	assert_int_equal(act(&s, CMD_LEAVE, "bob/1"), 0);
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0); /* the newcomer again */
	assert_int_equal(n_to_offer_to(&s), 3);
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

/* 16: nothing but joining answers a call, whatever else a callee's devices do. */
static void test_16_only_joining_answers(void **state)
{
	const enum call_verb others[] = {CMD_ACK, CMD_MEDIA, CMD_CONNECTION, CMD_RECORDING, CMD_SESSION_OPENED,
		CMD_SESSION_LOST, CMD_SESSION_RESUMED, CMD_SESSION_GONE};
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	assert_int_equal(act(&s, CMD_JOIN, "ann/1"), 0);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		s.cmd.connection = CONNECTION_CONNECTED;
		act(&s, others[i], "bob/1");
		assert_int_equal(s.call->status, CALL_RINGING);
		assert_int_equal(s.call->answered_at, 0);
		assert_int_equal(told(&s, "call.accepted") + told(&s, "call.participants"), 0);
		assert_int_equal(n_legs(&s), 1);
	}
	assert_int_equal(act(&s, CMD_JOIN, "bob/2"), 0);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

/* What a device starts with: in an audio call its camera is off for everybody. */
static void test_16_an_audio_call_has_no_camera(void **state)
{
	struct scene s;
	(void)state;
	for (enum call_type type = CALL_AUDIO; type <= CALL_VIDEO; type++) {
		scene_init(&s);
		s.cmd.create.type = type;
		assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
		act(&s, CMD_JOIN, "ann/1");
		act(&s, CMD_JOIN, "bob/1");
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(s.call->participants[i].is_video_enabled, type == CALL_VIDEO);
		scene_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_12_the_newcomer_offers),
		cmocka_unit_test(test_13_rest_join_is_claimed),
		cmocka_unit_test(test_13_unclaimed_leg_leaves),
		cmocka_unit_test(test_13_the_caller_never_activates),
		cmocka_unit_test(test_13_takeover),
		cmocka_unit_test(test_13_rest_leave_drops_all),
		cmocka_unit_test(test_14_rest_caller_rings_out),
		cmocka_unit_test(test_14_connect_failed),
		cmocka_unit_test(test_15_modes),
		cmocka_unit_test(test_15_without_ringing),
		cmocka_unit_test(test_15_full),
		cmocka_unit_test(test_16_only_joining_answers),
		cmocka_unit_test(test_16_an_audio_call_has_no_camera),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

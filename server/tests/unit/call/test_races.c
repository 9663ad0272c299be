/* The races 1 to 9 of docs/guide/calls.md, each decided once: the numbers are those of the design. */
#include "races.h"

/* 1: what is coalesced and what lives in memory leaves seq alone. */
static void test_1_outside_seq(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	int64_t seq = s.call->seq;
	s.cmd.media = (struct call_media){.set = MEDIA_MUTED, .is_muted = true};
	assert_int_equal(act(&s, CMD_MEDIA, "bob/1"), 0);
	assert_int_equal(heard(&s, "ann/1", "participant.muted"), 1);
	assert_int_equal(heard(&s, "bob/1", "participant.muted"), 0);
	assert_int_equal(s.last.change, CHANGE_MEDIA);
	assert_int_equal(act(&s, CMD_SESSION_LOST, "bob/1"), 0);
	assert_int_equal(heard(&s, "ann/1", "participant.reconnecting"), 1);
	assert_int_equal(state_of(&s, "bob"), PART_RECONNECTING);
	assert_int_equal(act(&s, CMD_SESSION_RESUMED, "bob/1"), 0);
	assert_int_equal(heard(&s, "ann/1", "participant.resumed"), 1);
	assert_int_equal(s.last.change, CHANGE_MEMORY);
	assert_int_equal(s.call->seq, seq);
	scene_fini(&s);
}

static void test_1_media_needs_a_device(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1 bob/2");
	s.cmd.media = (struct call_media){.set = MEDIA_MUTED, .is_muted = true};
	assert_int_equal(act(&s, CMD_MEDIA, "bob/2"), ERR_NOT_IN_CALL);
	scene_fini(&s);
}

static void test_2_two_devices_accept(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(heard(&s, "bob/2", "call.answered-elsewhere"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.answered-elsewhere"), 0);
	assert_int_equal(heard(&s, "ann/1", "call.accepted"), 1);
	assert_int_equal(act(&s, CMD_JOIN, "bob/2"), ERR_ANSWERED_ELSEWHERE);
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0); /* the same leg again */
	assert_true(s.last.self_leg[0]);
	assert_int_equal(s.last.change, CHANGE_NONE);
	scene_fini(&s);
}

static void test_3_cancel_then_accept(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_CANCEL, "ann/1"), 0);
	ENDS(s, "missed", "cancelled");
	assert_int_equal(heard(&s, "bob/1", "call.cancelled"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.ended"), 0);
	assert_int_equal(heard(&s, "ann/1", "call.ended"), 1);
	assert_string_equal(said(&s, "call.cancelled", "userId"), "ann");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), ERR_CALL_ENDED);
	scene_fini(&s);
}

static void test_3_accept_then_cancel(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	s.now += 5000;
	assert_int_equal(act(&s, CMD_CANCEL, "ann/1"), 0); /* becomes a leave */
	ENDS(s, "ended", "hangup");
	assert_int_equal(call_duration_s(s.call, s.now), 5);
	assert_int_equal(state_of(&s, "bob"), PART_LEFT);
	scene_fini(&s);
}

static void test_4_end_while_ringing(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_END, "ann"), 0);
	ENDS(s, "missed", "cancelled");
	scene_fini(&s);
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_END, "bob"), 0); /* either side: for a callee it means declining */
	ENDS(s, "declined", "declined");
	scene_fini(&s);
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_END, "server"), 0);
	ENDS(s, "missed", "ended_by_api");
	assert_string_equal(said(&s, "call.cancelled", "reason"), "ended_by_api");
	scene_fini(&s);
}

static void test_4_end_of_a_group(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_END, "bob/1"), ERR_FORBIDDEN);
	assert_int_equal(act(&s, CMD_END, "dan"), ERR_FORBIDDEN);
	assert_int_equal(act(&s, CMD_END, "dan!"), 0);
	ENDS(s, "ended", "ended_by_host");
	assert_string_equal(s.call->ended_by, "dan");
	assert_int_equal(heard(&s, "cat/1", "call.missed"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.ended"), 1);
	assert_int_equal(act(&s, CMD_END, "ann"), 0); /* already so */
	assert_int_equal(act(&s, CMD_END, "bob"), ERR_FORBIDDEN);
	scene_fini(&s);
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_END, "server"), 0);
	ENDS(s, "ended", "ended_by_api");
	scene_fini(&s);
}

static void test_4_leave_is_one_verb(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_LEAVE, "bob/1"), 0);
	ENDS(s, "declined", "declined");
	assert_int_equal(act(&s, CMD_LEAVE, "ann/1"), 0);
	assert_int_equal(s.last.change, CHANGE_NONE);
	scene_fini(&s);
	start(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_LEAVE, "ann/1"), 0);
	ENDS(s, "missed", "cancelled");
	scene_fini(&s);
	talk(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_LEAVE, "bob/1"), 0);
	ENDS(s, "ended", "hangup");
	assert_string_equal(s.call->ended_by, "bob");
	scene_fini(&s);
}

static void test_5_decline_after_accept(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_DECLINE, "bob/2"), ERR_ANSWERED_ELSEWHERE);
	assert_int_equal(act(&s, CMD_LEAVE, "bob/2"), 0); /* the other device goes on talking */
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

static void test_6_accept_after_decline(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	assert_int_equal(act(&s, CMD_DECLINE, "bob/1"), 0);
	ENDS(s, "declined", "declined");
	assert_int_equal(heard(&s, "bob/2", "call.declined-elsewhere"), 1);
	assert_int_equal(heard(&s, "bob/1", "call.declined-elsewhere"), 0);
	assert_int_equal(heard(&s, "ann/1", "call.declined"), 1);
	assert_int_equal(act(&s, CMD_JOIN, "bob/2"), ERR_DECLINED_ELSEWHERE);
	assert_int_equal(act(&s, CMD_DECLINE, "bob/2"), 0); /* as good as the first */
	scene_fini(&s);
}

static void test_6_decline_in_a_group_stands_while_it_rings(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_DECLINE, "cat/1");
	act(&s, CMD_JOIN, "bob/1");
	assert_int_equal(act(&s, CMD_JOIN, "cat/2"), ERR_DECLINED_ELSEWHERE);
	s.now += 61001;
	assert_int_equal(act(&s, CMD_JOIN, "cat/2"), 0);
	scene_fini(&s);
}

static void test_6_tombstone(void **state)
{
	SCENE(s);
	(void)state;
	assert_int_equal(act(&s, CMD_CANCEL, "ann/1"), 0);
	assert_true(s.last.tombstone);
	s.has_tombstone = true;
	s.cmd.create.id = STR("00000000-0000-7000-8000-00000000000a");
	assert_int_equal(make_call(&s, "ann/1", "bob"), ERR_CALL_CANCELLED);
	assert_null(s.call);
	scene_fini(&s);
}

static void test_7_glare(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1 bob/2");
	s.cmd.create.type = CALL_VIDEO;
	assert_int_equal(make_call(&s, "bob/2", "ann"), 0);
	assert_true(s.last.merged);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(s.call->type, CALL_AUDIO); /* the first one's stays */
	assert_string_equal(s.call->started_by, "ann");
	assert_int_equal(heard(&s, "bob/1", "call.answered-elsewhere"), 1);
	scene_fini(&s);
}

static void test_7_existing(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
	assert_true(s.last.existing);
	assert_int_equal(s.last.status, 200);
	assert_int_equal(s.last.change, CHANGE_NONE);
	scene_fini(&s);
	start_group(&s, "bob cat");
	assert_int_equal(make_call(&s, "dan/1", "bob cat"), 0);
	assert_true(s.last.existing);
	assert_null(call_participant(s.call, STR("dan")));
	scene_fini(&s);
}

static void test_7_same_id(void **state)
{
	SCENE(s);
	struct call *made;
	(void)state;
	s.cmd.create.id = STR("00000000-0000-7000-8000-00000000000a");
	assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
	assert_int_equal(s.last.status, 201);
	assert_string_equal(s.call->id, "00000000-0000-7000-8000-00000000000a");
	made = call_copy(s.call);
	s.by_id = made;
	s.cmd.create.id = STR("00000000-0000-7000-8000-00000000000a");
	assert_int_equal(make_call(&s, "ann/1", "bob"), 0);
	assert_true(s.last.existing);
	s.cmd.create.id = STR("00000000-0000-7000-8000-00000000000a");
	s.cmd.create.type = CALL_VIDEO;
	assert_int_equal(make_call(&s, "ann/1", "bob"), ERR_ID_TAKEN);
	s.cmd.create.id = STR("00000000-0000-7000-8000-00000000000a");
	assert_int_equal(make_call(&s, "bob/1", "ann"), ERR_ID_TAKEN);
	call_free(made);
	scene_fini(&s);
}

static void test_8_caller_lost(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	s.online = "bob/1";
	act(&s, CMD_SESSION_LOST, "ann/1");
	pass(&s, 9999);
	assert_int_equal(s.call->status, CALL_RINGING);
	pass(&s, 1);
	ENDS(s, "missed", "caller_lost");
	assert_string_equal(said(&s, "call.cancelled", "reason"), "caller_lost");
	scene_fini(&s);
}

static void test_8_accept_in_the_grace(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	act(&s, CMD_JOIN, "ann/1");
	s.online = "bob/1";
	act(&s, CMD_SESSION_LOST, "ann/1");
	pass(&s, 5000);
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(state_of(&s, "ann"), PART_RECONNECTING);
	pass(&s, 20000);
	assert_int_equal(act(&s, CMD_SESSION_RESUMED, "ann/1"), 0);
	assert_int_equal(state_of(&s, "ann"), PART_JOINED);
	pass(&s, 3600000);
	assert_int_equal(s.call->status, CALL_ACTIVE);
	scene_fini(&s);
}

/* The same without a device in the call: a place is kept for one. */
static void test_8_accept_in_the_grace_without_a_device(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	s.online = "bob/1";
	act(&s, CMD_SESSION_LOST, "ann/1");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(state_of(&s, "ann"), PART_RECONNECTING);
	assert_int_equal(act(&s, CMD_JOIN, "ann/1"), 0);
	assert_int_equal(state_of(&s, "ann"), PART_JOINED);
	scene_fini(&s);
}

static void test_8_caller_comes_back(void **state)
{
	struct scene s;
	(void)state;
	start(&s, "ann/1 bob/1");
	s.online = "bob/1";
	act(&s, CMD_SESSION_LOST, "ann/1");
	s.online = "ann/2 bob/1";
	act(&s, CMD_SESSION_OPENED, "ann/2");
	pass(&s, 61000);
	ENDS(s, "missed", "no_answer");
	scene_fini(&s);
}

static void test_9_last_leave_ends(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "bob/1");
	act(&s, CMD_DECLINE, "cat/1");
	act(&s, CMD_LEAVE, "ann/1");
	assert_int_equal(s.call->status, CALL_ACTIVE);
	assert_int_equal(act(&s, CMD_LEAVE, "bob/1"), 0);
	ENDS(s, "ended", "hangup");
	assert_int_equal(told(&s, "participant.left"), 1);
	assert_int_equal(told(&s, "call.ended"), 1);
	scene_fini(&s);
}

static void test_9_two_tabs_are_two_legs(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	act(&s, CMD_JOIN, "cat/1");
	act(&s, CMD_JOIN, "cat/2");
	assert_int_equal(n_legs(&s), 3);
	act(&s, CMD_LEAVE, "cat/1");
	assert_int_equal(state_of(&s, "cat"), PART_JOINED);
	act(&s, CMD_LEAVE, "cat/2");
	assert_int_equal(state_of(&s, "cat"), PART_LEFT);
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_1_outside_seq),
		cmocka_unit_test(test_1_media_needs_a_device),
		cmocka_unit_test(test_2_two_devices_accept),
		cmocka_unit_test(test_3_cancel_then_accept),
		cmocka_unit_test(test_3_accept_then_cancel),
		cmocka_unit_test(test_4_end_while_ringing),
		cmocka_unit_test(test_4_end_of_a_group),
		cmocka_unit_test(test_4_leave_is_one_verb),
		cmocka_unit_test(test_5_decline_after_accept),
		cmocka_unit_test(test_6_accept_after_decline),
		cmocka_unit_test(test_6_decline_in_a_group_stands_while_it_rings),
		cmocka_unit_test(test_6_tombstone),
		cmocka_unit_test(test_7_glare),
		cmocka_unit_test(test_7_existing),
		cmocka_unit_test(test_7_same_id),
		cmocka_unit_test(test_8_caller_lost),
		cmocka_unit_test(test_8_accept_in_the_grace),
		cmocka_unit_test(test_8_accept_in_the_grace_without_a_device),
		cmocka_unit_test(test_8_caller_comes_back),
		cmocka_unit_test(test_9_last_leave_ends),
		cmocka_unit_test(test_9_two_tabs_are_two_legs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The races of docs/guide/calls.md, each decided once: the numbers are those of the page. */
#include "base/err.h"
#include "scene.h"

#define SCENE(s)                                                                                                       \
	struct scene s;                                                                                                \
	scene_init(&s)

static void start(struct scene *s, const char *online)
{
	scene_init(s);
	s->online = online;
	assert_int_equal(make_call(s, "ann/1", "bob"), 0);
	assert_int_equal(s->call->status, CALL_RINGING);
}

static void talk(struct scene *s, const char *online)
{
	start(s, online);
	assert_int_equal(act(s, CMD_JOIN, "ann/1"), 0);
	assert_int_equal(act(s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(s->call->status, CALL_ACTIVE);
}

static void start_group(struct scene *s, const char *others)
{
	scene_init(s);
	s->online = "ann/1 bob/1 cat/1 cat/2 dan/1";
	s->cmd.create.has_mode = true;
	s->cmd.create.mode = CALL_GROUP;
	assert_int_equal(make_call(s, "ann/1", others), 0);
	assert_int_equal(act(s, CMD_JOIN, "ann/1"), 0);
}

#define ENDS(s, want_status, want_reason)                                                                              \
	do {                                                                                                           \
		assert_string_equal(call_status_word((s).call->status), want_status);                                  \
		assert_string_equal(end_reason_word((s).call->end_reason), want_reason);                               \
	} while (0)

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

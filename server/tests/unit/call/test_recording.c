/* Being recorded: who may begin it, who must have agreed, and when it ends. */
#include "races.h"
#include "store/recording.h"

static int record(struct scene *s, enum call_recording what, const char *who)
{
	s->cmd.recording = what;
	return act(s, CMD_RECORDING, who);
}

static void test_announced(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), 0);
	assert_int_equal(heard(&s, "bob/1", "call.recording"), 1);
	assert_string_equal(said(&s, "call.recording", "state"), "started");
	assert_string_equal(said(&s, "call.recording", "userId"), "ann");
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), 0);
	assert_int_equal(told(&s, "call.recording"), 0);
	assert_int_equal(record(&s, RECORDING_START, "bob/1"), ERR_ALREADY_RECORDED);
	assert_int_equal(record(&s, RECORDING_STOP, "bob/1"), ERR_FORBIDDEN);
	assert_int_equal(record(&s, RECORDING_REFUSE, "bob/1"), ERR_FORBIDDEN);
	assert_int_equal(record(&s, RECORDING_STOP, "ann/1"), 0);
	assert_string_equal(said(&s, "call.recording", "state"), "stopped");
	assert_int_equal(record(&s, RECORDING_STOP, "ann/1"), 0);
	assert_int_equal(told(&s, "call.recording"), 0);
	assert_int_equal(record(&s, RECORDING_CONSENT, "bob/1"), ERR_NOT_RECORDED);
	scene_fini(&s);
}

static void test_off(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	s.call->record_policy = RECORD_OFF;
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), ERR_RECORDING_OFF);
	assert_int_equal(record(&s, RECORDING_START, "server"), ERR_RECORDING_OFF);
	scene_fini(&s);
}

static void test_everybody_must_agree(void **state)
{
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	s.call->record_policy = RECORD_CONSENT;
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), 0);
	assert_string_equal(said(&s, "call.recording", "state"), "requested");
	assert_int_equal(record(&s, RECORDING_CONSENT, "bob"), 0);
	assert_int_equal(told(&s, "call.recording"), 2);
	assert_int_equal(s.call->record_state, RECORDED);
	assert_int_equal(record(&s, RECORDING_REFUSE, "bob/1"), 0);
	assert_string_equal(said(&s, "call.recording", "state"), "refused");
	assert_int_equal(s.call->record_state, NOT_RECORDED);
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), 0);
	assert_int_equal(s.call->record_state, RECORD_ASKED); /* an old consent is none to a new recording */
	scene_fini(&s);
}

static void test_whoever_comes_later_is_asked(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	s.call->record_policy = RECORD_CONSENT;
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(record(&s, RECORDING_START, "ann/1"), 0);
	assert_int_equal(record(&s, RECORDING_CONSENT, "bob/1"), 0);
	assert_int_equal(s.call->record_state, RECORDED);
	assert_int_equal(act(&s, CMD_JOIN, "cat/1"), 0);
	assert_int_equal(s.call->record_state, RECORD_ASKED);
	assert_string_equal(said(&s, "call.recording", "state"), "requested");
	assert_int_equal(act(&s, CMD_LEAVE, "cat/1"), 0);
	assert_int_equal(s.call->record_state, RECORDED);
	assert_string_equal(said(&s, "call.recording", "state"), "started");
	scene_fini(&s);
}

static void test_ends_with_its_device(void **state)
{
	struct scene s;
	(void)state;
	start_group(&s, "bob cat");
	assert_int_equal(act(&s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(act(&s, CMD_JOIN, "cat/1"), 0);
	assert_int_equal(record(&s, RECORDING_START, "bob/1"), 0);
	assert_int_equal(act(&s, CMD_SESSION_LOST, "bob/1"), 0);
	assert_int_equal(s.call->record_state, RECORDED);
	assert_int_equal(act(&s, CMD_SESSION_GONE, "bob/1"), 0);
	assert_int_equal(s.call->record_state, NOT_RECORDED);
	assert_string_equal(said(&s, "call.recording", "state"), "stopped");
	assert_int_equal(record(&s, RECORDING_START, "cat!"), 0);
	assert_int_equal(act(&s, CMD_END, "ann/1"), 0);
	assert_int_equal(s.call->record_state, NOT_RECORDED);
	assert_int_equal(told(&s, "call.recording"), 0);
	scene_fini(&s);
}

static void test_ready_also_when_over(void **state)
{
	const struct recording r = {
		.id = "018f0000-0000-7000-8000-000000000001", .user_id = "ann", .media_type = "video/webm"};
	struct scene s;
	(void)state;
	talk(&s, "ann/1 bob/1");
	assert_int_equal(act(&s, CMD_LEAVE, "bob/1"), 0);
	assert_int_equal(s.call->status, CALL_ENDED);
	int64_t seq = s.call->seq;
	s.cmd.recorded = &r;
	assert_int_equal(act(&s, CMD_RECORDED, "server"), 0);
	assert_int_equal(s.call->seq, seq + 1);
	assert_int_equal(heard(&s, "bob/1", "recording.ready"), 1);
	assert_int_equal(heard(&s, "ann/1", "recording.ready"), 1);
	assert_string_equal(said(&s, "recording.ready", "recordingId"), r.id);
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_everybody_must_agree),
		cmocka_unit_test(test_whoever_comes_later_is_asked),
		cmocka_unit_test(test_ends_with_its_device),
		cmocka_unit_test(test_ready_also_when_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

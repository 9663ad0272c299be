/* What time brings: deadlines, signs of life, lost sessions, restarts, the end of the service, and what is told again.
 */
#include "base/err.h"
#include "base/mem.h"
#include "stage.h"

static void test_session_lost_while_committing(void **state)
{
	struct stage s;
	struct answer a;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cmd = stage_create("ann/1", &bob, 1);
	stage_ask(&s, &cmd, &a);
	fake_store_step(&s.store);
	s.online = "bob/1";
	calls_session_lost(s.calls, STR("ann"), STR("ann/1")); /* in no call yet */
	fake_store_run(&s.store);
	assert_true(calls_live_get(s.calls, str_of(a.call_id))->caller_lost_at != 0);
	stage_fini(&s);
}

static void test_deadlines_run(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	s.now = 0; /* the real clock */
	s.limits.ring_ms = 100;
	s.limits.ring_grace_ms = 20;
	s.limits.unreachable_ms = 30;
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	for (int i = 0; i < 1000 && calls_n_live(s.calls); i++)
		stage_wait(&s, 5);
	assert_int_equal(calls_n_live(s.calls), 0);
	assert_int_equal(stage_heard(&s, "ann", "call.unreachable"), 1);
	assert_int_equal(stage_heard(&s, "bob", "call.missed"), 1);
	assert_int_equal(stage_heard(&s, "ann", "call.ended"), 1);
	assert_int_equal(fake_store_call(&s.store, made.call_id)->status, CALL_MISSED);
	stage_fini(&s);
}

static void test_signs_of_life(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	s.now = 0;
	s.limits.heartbeat_ms = 500;
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	stage_do(&s, CMD_JOIN, "ann/1", made.call_id);
	stage_do(&s, CMD_JOIN, "bob/1", made.call_id);
	int commits = s.store.n_commits;
	struct call_command mute = stage_command(CMD_MEDIA, "bob/1", made.call_id);
	mute.media = (struct call_media){.set = MEDIA_MUTED, .is_muted = true};
	struct answer a;
	stage_ask(&s, &mute, &a);
	assert_int_equal(a.n, 1);
	assert_int_equal(stage_heard(&s, "ann/1", "participant.muted"), 1);
	for (int i = 0; i < 1000 && !s.store.n_touches; i++)
		stage_wait(&s, 5);
	assert_true(s.store.n_touches >= 1);
	assert_int_equal(s.store.n_commits, commits);
	stage_fini(&s);
}

static void test_restart(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	stage_do(&s, CMD_JOIN, "ann/1", made.call_id);
	stage_do(&s, CMD_JOIN, "bob/1", made.call_id);
	struct answer rings = stage_call(&s, "cat/1", "dan");
	stage_stop(&s);
	s.now += 20000;
	stage_start(&s);
	assert_int_equal(calls_n_live(s.calls), 2);
	const struct call *c = calls_live_get(s.calls, str_of(made.call_id));
	assert_int_equal(c->participants[0].state, PART_RECONNECTING);
	calls_session_resumed(s.calls, STR("ann"), STR("ann/1"));
	c = calls_live_get(s.calls, str_of(made.call_id));
	assert_int_equal(c->participants[0].state, PART_JOINED);
	assert_int_equal(stage_do(&s, CMD_JOIN, "dan/1", rings.call_id).err, 0);
	stage_stop(&s);
	s.now += 3600000;
	stage_start(&s);
	assert_int_equal(calls_n_live(s.calls), 2); /* both active: their windows run anew */
	stage_fini(&s);
}

static void test_restart_after_the_deadline(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	int64_t deadline = s.now + 61000;
	stage_stop(&s);
	s.now += 3600000;
	stage_start(&s);
	s.store.fault = STORE_FAULT_FAIL; /* nobody else would try again */
	s.store.n_faults = 1;
	for (int i = 0; i < 1000 && calls_n_live(s.calls); i++)
		stage_wait(&s, 5);
	assert_int_equal(calls_n_live(s.calls), 0);
	assert_int_equal(fake_store_call(&s.store, made.call_id)->ended_at, deadline);
	stage_fini(&s);
}

/* The machine comes up with its clock an hour behind. */
static void test_restart_in_the_past(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	s.now = 0;
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct call *rows = fake_store_call(&s.store, made.call_id);
	int64_t before = rows->last_seen_at += 3600000;
	rows->started_at += 3600000;
	rows->ring_expires_at += 3600000;
	rows->participants[1].ring_expires_at += 3600000;
	stage_stop(&s);
	stage_start(&s);
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, 0);
	int64_t answered = calls_live_get(s.calls, str_of(made.call_id))->answered_at;
	assert_in_range(answered, before, before + 60000);
	stage_fini(&s);
}

static void on_flag(void *arg)
{
	*(int *)arg += 1;
}

static void test_drain(void **state)
{
	struct stage s;
	int drained = 0;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	stage_do(&s, CMD_JOIN, "bob/1", made.call_id);
	struct call_command leave = stage_command(CMD_LEAVE, "bob/1", made.call_id);
	struct answer a;
	stage_ask(&s, &leave, &a);
	calls_drain(s.calls, on_flag, &drained);
	assert_int_equal(drained, 0);
	assert_int_equal(stage_call(&s, "cat/1", "dan").err, ERR_DRAINING);
	fake_store_run(&s.store);
	assert_int_equal(drained, 1);
	stage_fini(&s);
}

/* The database never says whether it has written: the stop does not wait for it for ever. */
static void test_drain_gives_up(void **state)
{
	struct stage s;
	struct answer a;
	int drained = 0;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	s.store.fault = STORE_FAULT_UNKNOWN_WRITTEN;
	s.store.n_faults = 1;
	s.store.is_vague = true;
	struct call_command join = stage_command(CMD_JOIN, "bob/1", made.call_id);
	stage_ask(&s, &join, &a);
	fake_store_run(&s.store);
	calls_drain(s.calls, on_flag, &drained);
	stage_wait(&s, 300);
	assert_int_equal(drained, 0);
	calls_give_up(s.calls);
	s.store.is_vague = false;
	stage_wait(&s, 300);
	assert_int_equal(a.n, 0);
	stage_stop(&s);
	assert_int_equal(a.err, ERR_DRAINING);
	assert_int_equal(drained, 0);
	stage_start(&s);
	assert_int_equal(calls_live_get(s.calls, str_of(made.call_id))->status, CALL_ACTIVE);
	stage_fini(&s);
}

static void test_waiting_commands_are_answered_at_the_end(void **state)
{
	struct stage s;
	struct answer a, b;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cmd = stage_create("ann/1", &bob, 1);
	stage_ask(&s, &cmd, &a);
	stage_ask(&s, &cmd, &b);
	fake_store_step(&s.store);
	stage_stop(&s);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.err, ERR_DRAINING);
	assert_int_equal(b.n, 1);
	stage_fini(&s);
}

static void on_resynced(void *arg, int err)
{
	assert_int_equal(err, 0);
	*(int *)arg += 1;
}

static void test_sync_and_resync(void **state)
{
	struct stage s;
	struct buf out;
	struct json_writer w = json_writer(&out);
	int done = 0;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	buf_init(&out, 65536);
	calls_sync(s.calls, STR("bob"), STR("bob/1"), &w);
	char *text = buf_take(&out, NULL);
	assert_non_null(strstr(text, "\"msLeft\":60000"));
	mem_free(text);
	stage_do(&s, CMD_JOIN, "bob/1", made.call_id);
	s.n_heard = 0;
	const struct call_resync missed = {.user_id = STR("ann"),
		.session_id = STR("ann/1"),
		.call_id = str_of(made.call_id),
		.after_seq = 2,
		.done = on_resynced,
		.arg = &done};
	calls_resync(s.calls, &missed);
	fake_store_run(&s.store);
	assert_int_equal(done, 1);
	assert_int_equal(stage_heard(&s, "ann/1", "call.accepted"), 1);
	assert_int_equal(stage_heard(&s, "ann/1", "call.answered-elsewhere"), 0);
	assert_int_equal(stage_heard(&s, "ann/1", "call.started"), 0);
	stage_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session_lost_while_committing),
		cmocka_unit_test(test_deadlines_run),
		cmocka_unit_test(test_signs_of_life),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_after_the_deadline),
		cmocka_unit_test(test_restart_in_the_past),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_gives_up),
		cmocka_unit_test(test_waiting_commands_are_answered_at_the_end),
		cmocka_unit_test(test_sync_and_resync),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

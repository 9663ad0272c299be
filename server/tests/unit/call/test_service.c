/* The one way of a command: queue, facts, decision, commit, announcement; and what happens when the store fails. */
#include "base/err.h"
#include "base/mem.h"
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

static void test_failed_commit(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	s.store.fault = STORE_FAULT_FAIL;
	s.store.n_faults = 1;
	assert_int_equal(stage_call(&s, "ann/1", "bob").err, ERR_STORE);
	assert_int_equal(s.n_heard, 0);
	assert_int_equal(calls_n_live(s.calls), 0);
	struct answer made = stage_call(&s, "ann/1", "bob");
	assert_int_equal(made.err, 0);
	s.store.n_faults = 1;
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, ERR_STORE);
	assert_int_equal(calls_live_get(s.calls, str_of(made.call_id))->status, CALL_RINGING);
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, 0);
	stage_fini(&s);
}

/* What is done to a call, in order; each step writes. */
static const struct {
	enum call_verb verb;
	const char *who;
} life[] = {
	{CMD_CREATE, "ann/1"},
	{CMD_ACK, "bob/1"},
	{CMD_JOIN, "ann/1"},
	{CMD_RING, "ann/1"},
	{CMD_JOIN, "bob/1"},
	{CMD_JOIN, "cat/1"},
	{CMD_LEAVE, "bob/1"},
	{CMD_DECLINE, "dan"},
	{CMD_END, "ann/1"},
};
#define N_LIFE (sizeof life / sizeof life[0])

static int live_step(struct stage *s, size_t i, char call_id[ID_UUID_SIZE])
{
	const struct str others[] = {STR("bob"), STR("cat"), STR("dan")};
	if (life[i].verb != CMD_CREATE)
		return stage_do(s, life[i].verb, life[i].who, call_id).err;
	struct answer made;
	struct call_command cmd = stage_create(life[i].who, others, 3);
	stage_ask(s, &cmd, &made);
	fake_store_run(&s->store);
	memcpy(call_id, made.call_id, ID_UUID_SIZE);
	return made.err;
}

/* One life in which the nth commit meets a fault; false when it has no nth. What was refused has changed nothing and
 * told nobody, and can be asked again; the end is the same as that of a life without faults. */
static bool live_with(enum store_fault fault, int nth, int *n_heard)
{
	struct stage s;
	char call_id[ID_UUID_SIZE] = "";
	int refused = 0;
	stage_init(&s);
	s.online = "ann/1 bob/1 cat/1";
	s.store.fault = fault;
	s.store.fault_at = nth;
	stage_start(&s);
	for (size_t i = 0; i < N_LIFE; i++) {
		size_t heard = s.n_heard;
		int err = live_step(&s, i, call_id);
		if (err == ERR_STORE) {
			refused++;
			assert_int_equal(s.n_heard, heard);
			err = live_step(&s, i, call_id);
		}
		assert_int_equal(err, 0);
	}
	const struct call *rows = fake_store_call(&s.store, call_id);
	assert_int_equal(rows->status, CALL_ENDED);
	assert_int_equal(calls_n_live(s.calls), 0);
	assert_int_equal(s.store.n_calls, 1);
	assert_int_equal(refused, nth && fault == STORE_FAULT_FAIL && nth <= s.store.n_commits ? 1 : 0);
	*n_heard = (int)s.n_heard;
	bool was_there = nth <= s.store.n_commits;
	stage_fini(&s);
	return was_there;
}

static void test_the_nth_commit_fails(void **state)
{
	const enum store_fault faults[] = {
		STORE_FAULT_FAIL, STORE_FAULT_CONFLICT, STORE_FAULT_UNKNOWN_WRITTEN, STORE_FAULT_UNKNOWN_UNWRITTEN};
	int untroubled;
	(void)state;
	live_with(STORE_FAULT_NONE, 0, &untroubled);
	for (size_t i = 0; i < 4; i++) {
		int nth = 1, heard;
		for (; live_with(faults[i], nth, &heard); nth++)
			assert_int_equal(heard, untroubled);
		assert_true(nth > 7);
	}
}

static void test_unknown_commit(void **state)
{
	const enum store_fault faults[] = {STORE_FAULT_UNKNOWN_WRITTEN, STORE_FAULT_UNKNOWN_UNWRITTEN};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stage s;
		stage_init(&s);
		stage_start(&s);
		s.store.fault = faults[i];
		s.store.n_faults = 1;
		assert_int_equal(stage_call(&s, "ann/1", "bob").err, 0);
		assert_int_equal(s.store.n_calls, 1);
		assert_int_equal(s.store.n_commits, i == 0 ? 1 : 2);
		assert_int_equal(stage_heard(&s, "bob", "call.incoming"), 1);
		stage_fini(&s);
	}
}

static void test_conflicts(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	s.store.fault = STORE_FAULT_CONFLICT;
	s.store.n_faults = 2;
	assert_int_equal(stage_do(&s, CMD_ACK, "bob/1", made.call_id).err, 0);
	s.store.n_commits = 0;
	s.store.n_faults = 100;
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, ERR_OVERLOADED);
	assert_int_equal(s.store.n_commits, 4);
	stage_fini(&s);
}

/* Somebody else has ended the call behind our back. */
static void test_conflict_reloads(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct call *rows = fake_store_call(&s.store, made.call_id);
	rows->status = CALL_MISSED;
	rows->seq += 2;
	rows->ended_at = s.now;
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, ERR_CALL_ENDED);
	assert_int_equal(calls_n_live(s.calls), 0);
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

#define CHOSEN "00000000-0000-7000-8000-00000000000a"

static void test_cancel_before_create(void **state)
{
	struct stage s;
	struct answer gone, late, other;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	struct call_command cancel = stage_command(CMD_CANCEL, "ann", CHOSEN);
	struct call_command create = stage_create("ann/1", &bob, 1);
	create.create.id = STR(CHOSEN);
	stage_ask(&s, &cancel, &gone); /* at the same moment */
	stage_ask(&s, &create, &late);
	fake_store_run(&s.store);
	assert_int_equal(gone.err, 0);
	assert_string_equal(gone.call_id, "");
	assert_int_equal(late.err, ERR_CALL_CANCELLED);
	struct str ann = STR("ann");
	create = stage_create("bob/1", &ann, 1); /* tombstones are per user and id */
	create.create.id = STR(CHOSEN);
	stage_ask(&s, &create, &other);
	fake_store_run(&s.store);
	assert_int_equal(other.status, 201);
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
	struct call_command cancel = stage_command(CMD_CANCEL, "ann", CHOSEN);
	create.create.id = STR(CHOSEN);
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
	assert_int_equal(stage_do(&s, CMD_JOIN, "ann/1", CHOSEN).err, ERR_CALL_NOT_FOUND);
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

/* Each allocation on a command's whole way fails, with all that come after it: whoever asked gets one answer, and it is
 * the truth; afterwards everything works. */
static void ask_with(struct stage *s, const struct call_command *cmd, struct answer *a, long memory)
{
	mem_fail_after(memory);
	stage_ask(s, cmd, a);
	long used = mem_count();
	mem_fail_after(-1);
	s->store.memory_left = used < memory ? memory - used : 0;
	fake_store_run(&s->store);
	s->store.memory_left = -1;
	assert_int_equal(a->n, 1);
	if (a->err)
		assert_int_equal(a->err, ERR_NO_MEMORY);
}

static bool create_with(long memory)
{
	struct stage s;
	struct answer a, again;
	struct str bob = STR("bob");
	stage_init(&s);
	stage_start(&s);
	struct call_command cmd = stage_create("ann/1", &bob, 1);
	cmd.create.id = STR(CHOSEN);
	cmd.create.idempotency_key = STR("k");
	ask_with(&s, &cmd, &a, memory);
	assert_int_equal(s.store.n_calls, a.err ? 0 : 1);
	assert_int_equal(calls_n_live(s.calls), a.err ? 0 : 1);
	stage_ask(&s, &cmd, &again);
	fake_store_run(&s.store);
	assert_int_equal(again.status, 201);
	stage_fini(&s);
	return a.err == 0;
}

static bool join_with(long memory)
{
	struct stage s;
	struct answer a;
	stage_init(&s);
	stage_start(&s);
	struct answer made = stage_call(&s, "ann/1", "bob");
	struct call_command cmd = stage_command(CMD_JOIN, "bob/1", made.call_id);
	ask_with(&s, &cmd, &a, memory);
	enum call_status want = a.err ? CALL_RINGING : CALL_ACTIVE;
	assert_int_equal(calls_live_get(s.calls, str_of(made.call_id))->status, want);
	assert_int_equal(fake_store_call(&s.store, made.call_id)->status, want);
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, 0);
	stage_fini(&s);
	return a.err == 0;
}

static void test_memory(void **state)
{
	bool (*const ways[])(long memory) = {create_with, join_with};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		long n = 0;
		while (!ways[i](n))
			assert_true(++n < 1000);
		assert_true(n > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_comes_first),
		cmocka_unit_test(test_one_change_in_flight),
		cmocka_unit_test(test_failed_commit),
		cmocka_unit_test(test_the_nth_commit_fails),
		cmocka_unit_test(test_unknown_commit),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_conflict_reloads),
		cmocka_unit_test(test_idempotency_key),
		cmocka_unit_test(test_cancel_before_create),
		cmocka_unit_test(test_create_before_cancel),
		cmocka_unit_test(test_glare_at_the_same_moment),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_rest_join_for_a_device),
		cmocka_unit_test(test_ringing_limits),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_restart_after_the_deadline),
		cmocka_unit_test(test_restart_in_the_past),
		cmocka_unit_test(test_session_lost_while_committing),
		cmocka_unit_test(test_deadlines_run),
		cmocka_unit_test(test_signs_of_life),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_waiting_commands_are_answered_at_the_end),
		cmocka_unit_test(test_sync_and_resync),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_far_too_many),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What happens when the store refuses, does not know, or contradicts, and when there is no memory. */
#include "base/err.h"
#include "base/mem.h"
#include "stage.h"

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

static void on_resynced(void *arg, int err)
{
	assert_int_equal(err, 0);
	*(int *)arg += 1;
}

static void come_back(struct stage *s, const char *user, const char *session, const char *call_id)
{
	int done = 0;
	const struct call_resync missed = {.user_id = str_of(user),
		.session_id = str_of(session),
		.call_id = str_of(call_id),
		.done = on_resynced,
		.arg = &done};
	calls_resync(s->calls, &missed);
	fake_store_run(&s->store);
	assert_int_equal(done, 1);
}

/* Rows are there of which nobody knows yet that they are: who comes back meanwhile hears of them when it is known, and
 * once. */
static void test_resync_while_unknown(void **state)
{
	struct stage s;
	struct answer made, joined;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	s.store.fault = STORE_FAULT_UNKNOWN_WRITTEN;
	s.store.is_vague = true;
	s.store.n_faults = 1;
	struct call_command create = stage_create("ann/1", &bob, 1);
	create.create.id = STR(STAGE_CHOSEN);
	stage_ask(&s, &create, &made);
	fake_store_run(&s.store);
	assert_true(s.store.n_events > 0);
	come_back(&s, "bob", "bob/1", STAGE_CHOSEN);
	assert_int_equal(s.n_heard, 0);
	s.store.is_vague = false;
	stage_wait(&s, 400);
	assert_int_equal(made.status, 201);
	assert_int_equal(stage_heard(&s, "bob", "call.incoming"), 1);

	s.store.is_vague = true;
	s.store.n_faults = 1;
	struct call_command join = stage_command(CMD_JOIN, "bob/1", STAGE_CHOSEN);
	stage_ask(&s, &join, &joined);
	fake_store_run(&s.store);
	s.n_heard = 0;
	come_back(&s, "ann", "ann/1", STAGE_CHOSEN);
	assert_int_equal(stage_heard(&s, "ann/1", "call.accepted"), 0);
	s.store.is_vague = false;
	stage_wait(&s, 400);
	assert_int_equal(joined.err, 0);
	assert_int_equal(stage_heard(&s, "ann", "call.accepted"), 1);
	assert_int_equal(stage_heard(&s, "ann/1", "call.accepted"), 0);
	come_back(&s, "ann", "ann/1", STAGE_CHOSEN); /* now it is told again */
	assert_int_equal(stage_heard(&s, "ann/1", "call.accepted"), 1);
	stage_fini(&s);
}

/* Whoever finds a call in the database before its creation is known is to ask again: its queue is still the creation's.
 */
static void test_a_call_that_is_not_known_yet(void **state)
{
	struct stage s;
	struct answer made;
	struct str bob = STR("bob");
	(void)state;
	stage_init(&s);
	stage_start(&s);
	s.store.fault = STORE_FAULT_UNKNOWN_WRITTEN;
	s.store.n_faults = 1;
	s.store.is_vague = true;
	struct call_command create = stage_create("ann/1", &bob, 1);
	stage_ask(&s, &create, &made);
	fake_store_run(&s.store);
	const char *id = s.store.calls[0]->id;
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", id).err, ERR_STORE);
	s.store.is_vague = false;
	stage_wait(&s, 400);
	assert_int_equal(made.status, 201);
	assert_int_equal(stage_heard(&s, "bob", "call.incoming"), 1);
	assert_int_equal(stage_do(&s, CMD_JOIN, "bob/1", made.call_id).err, 0);
	assert_int_equal(calls_live_get(s.calls, str_of(made.call_id))->status, CALL_ACTIVE);
	stage_fini(&s);
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
	cmd.create.id = STR(STAGE_CHOSEN);
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
		cmocka_unit_test(test_failed_commit),
		cmocka_unit_test(test_the_nth_commit_fails),
		cmocka_unit_test(test_unknown_commit),
		cmocka_unit_test(test_resync_while_unknown),
		cmocka_unit_test(test_a_call_that_is_not_known_yet),
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_conflict_reloads),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who hears what, as one table: the page's "server event | to", played and listened to on every kind of device.
 *
 * The actors of each row: ann calls from ann/1 (ann/2 is her other device), bob has bob/1 and bob/2, cat is the third
 * one of a group, dan a member of the channel who was not invited.
 */
#include "base/err.h"
#include "base/mem.h"
#include "scene.h"

#define ONLINE "ann/1 ann/2 bob/1 bob/2 cat/1 dan/1"

static const char *const ears[] = {"ann/1", "ann/2", "bob/1", "bob/2", "cat/1", "dan/1"};
#define N_EARS (sizeof ears / sizeof *ears)

/* What was done before the step that is listened to. */
enum before { NOTHING, RINGS, TALKS, RINGS_GROUP, TALKS_GROUP };

static void play(struct scene *s, enum before before)
{
	bool group = before == RINGS_GROUP || before == TALKS_GROUP;
	scene_init(s);
	s->online = ONLINE;
	if (before == NOTHING)
		return;
	assert_int_equal(make_call(s, "ann/1", group ? "bob cat" : "bob"), 0);
	assert_int_equal(act(s, CMD_JOIN, "ann/1"), 0);
	if (before == TALKS || before == TALKS_GROUP)
		assert_int_equal(act(s, CMD_JOIN, "bob/1"), 0);
}

struct row {
	const char *event;
	enum before before;
	enum call_verb verb;
	const char *who;
	const char *hear; /* a mark per ear: '1' hears it once, '-' does not */
};

/* clang-format off */
static const struct row rows[] = {
	/*                                                                            ann ann bob bob cat dan */
	/* event                     before       verb                 who            /1  /2  /1  /2  /1  /1  */
	{"call.incoming",            NOTHING,     CMD_CREATE,          "ann/1",      "--11--"},
	{"call.ringing",             RINGS,       CMD_ACK,             "bob/2",      "11----"},
	{"call.accepted",            RINGS,       CMD_JOIN,            "bob/1",      "1111--"},
	{"call.answered-elsewhere",  RINGS,       CMD_JOIN,            "bob/1",      "---1--"},
	{"call.answered-elsewhere",  RINGS,       CMD_JOIN,            "bob",        "--11--"},
	{"call.declined",            RINGS,       CMD_DECLINE,         "bob/1",      "1111--"},
	{"call.declined-elsewhere",  RINGS,       CMD_DECLINE,         "bob/1",      "---1--"},
	{"call.ended",               RINGS,       CMD_DECLINE,         "bob/1",      "1111--"},
	{"call.cancelled",           RINGS,       CMD_CANCEL,          "ann/1",      "--11--"},
	{"call.ended",               RINGS,       CMD_CANCEL,          "ann/1",      "11----"},
	{"call.missed",              RINGS,       CMD_DEADLINE,        "server",     "--11--"},
	{"call.ended",               RINGS,       CMD_DEADLINE,        "server",     "11----"},
	{"call.unreachable",         RINGS,       CMD_COUNT,           "server",     "11----"},
	{"call.ended",               TALKS,       CMD_LEAVE,           "bob/1",      "1111--"},
	{"call.moved",               TALKS,       CMD_JOIN,            "bob/2",      "--1---"},
	{"participant.muted",        TALKS,       CMD_MEDIA,           "bob/1",      "1-----"},
	{"participant.reconnecting", TALKS,       CMD_SESSION_LOST,    "bob/1",      "1-----"},
	{"call.recording",           TALKS,       CMD_RECORDING,       "bob/1",      "1-1---"},
	{"call.incoming",            RINGS_GROUP, CMD_RING,            "ann/1",      "-----1"},
	{"call.active",              RINGS_GROUP, CMD_JOIN,            "bob/1",      "111111"},
	{"call.accepted",            RINGS_GROUP, CMD_JOIN,            "bob/1",      "11111-"},
	{"participant.joined",       RINGS_GROUP, CMD_JOIN,            "bob/1",      "1-----"},
	{"call.participants",        RINGS_GROUP, CMD_JOIN,            "bob/1",      "--1---"},
	{"call.declined",            TALKS_GROUP, CMD_DECLINE,         "cat/1",      "11111-"},
	{"participant.joined",       TALKS_GROUP, CMD_JOIN,            "dan/1",      "1-1---"},
	{"participant.left",         TALKS_GROUP, CMD_LEAVE,           "bob/1",      "1-----"},
	{"call.ended",               TALKS_GROUP, CMD_END,             "ann/1",      "1111--"},
	{"call.missed",              TALKS_GROUP, CMD_END,             "ann/1",      "----1-"},
};
/* clang-format on */

static void do_step(struct scene *s, const struct row *row)
{
	if (row->verb == CMD_CREATE) {
		assert_int_equal(make_call(s, row->who, "bob"), 0);
	} else if (row->verb == CMD_RING) {
		assert_int_equal(ring(s, row->who, "dan"), 0);
	} else if (row->verb == CMD_COUNT) { /* the time until nobody has acknowledged */
		s->now += s->limits.unreachable_ms;
		assert_int_equal(act(s, CMD_DEADLINE, row->who), 0);
	} else if (row->verb == CMD_DEADLINE) {
		s->now += s->limits.ring_ms + s->limits.ring_grace_ms;
		assert_int_equal(act(s, CMD_DEADLINE, row->who), 0);
	} else if (strcmp(row->event, "call.moved") == 0) {
		assert_int_equal(take_over(s, row->who), 0);
	} else {
		if (row->verb == CMD_MEDIA)
			s->cmd.media = (struct call_media){.set = MEDIA_MUTED, .is_muted = true};
		assert_int_equal(act(s, row->verb, row->who), 0);
	}
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene s;
		play(&s, rows[i].before);
		do_step(&s, &rows[i]);
		for (size_t k = 0; k < N_EARS; k++)
			if (heard(&s, ears[k], rows[i].event) != (rows[i].hear[k] == '1'))
				fail_msg("%s after %s (row %zu): %s", rows[i].event, rows[i].who, i, ears[k]);
		scene_fini(&s);
	}
}

/* --- rights: every verb of a stranger, a member, someone invited --- */

struct right {
	enum call_verb verb;
	int stranger, member, callee, caller;
};

/* clang-format off */
static const struct right rights[] = {
	/*               stranger            member            callee         caller */
	{CMD_JOIN,       ERR_CALL_NOT_FOUND, 0,                0,             0},
	{CMD_LEAVE,      ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  0,             0},
	{CMD_DECLINE,    ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  0,             ERR_FORBIDDEN},
	{CMD_CANCEL,     0,                  ERR_FORBIDDEN,    ERR_FORBIDDEN, 0},
	{CMD_END,        ERR_CALL_NOT_FOUND, ERR_FORBIDDEN,    ERR_FORBIDDEN, 0},
	{CMD_RING,       ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  ERR_NOT_IN_CALL, 0},
	{CMD_ACK,        ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  0,             0},
	{CMD_MEDIA,      ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  ERR_NOT_IN_CALL, 0},
	{CMD_CONNECTION, ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  ERR_NOT_IN_CALL, 0},
	{CMD_RECORDING,  ERR_CALL_NOT_FOUND, ERR_NOT_IN_CALL,  ERR_NOT_IN_CALL, ERR_NOT_IN_CALL},
};
/* clang-format on */

static int ask_as(enum call_verb verb, const char *who)
{
	struct scene s;
	play(&s, RINGS_GROUP);
	s.strangers = "eve";
	int err = act(&s, verb, who);
	if (err)
		assert_int_equal(s.last.change, CHANGE_NONE);
	scene_fini(&s);
	return err;
}

static void test_rights(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
		assert_int_equal(ask_as(rights[i].verb, "eve/1"), rights[i].stranger);
		assert_int_equal(ask_as(rights[i].verb, "dan/1"), rights[i].member);
		assert_int_equal(ask_as(rights[i].verb, "bob/1"), rights[i].callee);
		assert_int_equal(ask_as(rights[i].verb, "ann/1"), rights[i].caller);
	}
}

/* Of a direct call only its two participants know anything, not even a moderator of the channel. */
static void test_direct_calls_are_private(void **state)
{
	struct scene s;
	(void)state;
	play(&s, RINGS);
	for (int verb = CMD_JOIN; verb <= CMD_RECORDING; verb++)
		if (verb != CMD_CANCEL)
			assert_int_equal(act(&s, (enum call_verb)verb, "dan!"), ERR_CALL_NOT_FOUND);
	assert_int_equal(act(&s, CMD_CANCEL, "dan/1"), 0); /* of an id that dan does not know */
	assert_true(s.last.tombstone);
	assert_int_equal(s.call->status, CALL_RINGING);
	scene_fini(&s);
}

/* --- memory: each allocation of each kind of decision fails once --- */

static int decide_without_memory(struct scene *s, enum call_verb verb, const char *who, long n)
{
	struct call_command cmd = {.verb = verb};
	struct call_facts f = {.limits = &s->limits, .actor_is_member = true, .actor_has_session = true};
	struct call_decision d;
	struct str text = str_of(who);
	cmd.actor.session_id = str_find(text, '/') < text.len ? text : STR("");
	cmd.actor.user_id = str_cut(&text, '/');
	memcpy(f.leg_ids[0], "00000000-0000-7000-9000-0000000000a1", ID_UUID_SIZE);
	memcpy(f.leg_ids[1], "00000000-0000-7000-9000-0000000000a2", ID_UUID_SIZE);
	mem_fail_after(n);
	call_decide(s->call, &f, &cmd, s->now, &d);
	mem_fail_after(-1);
	int err = d.err;
	if (err) {
		assert_int_equal(err, ERR_NO_MEMORY);
		assert_null(d.next);
		assert_int_equal(d.n_events, 0);
	}
	call_decision_fini(&d);
	return err;
}

static void test_memory(void **state)
{
	const struct {
		enum before before;
		enum call_verb verb;
		const char *who;
	} steps[] = {{RINGS, CMD_JOIN, "bob/1"}, {RINGS_GROUP, CMD_JOIN, "bob"}, {RINGS_GROUP, CMD_JOIN, "dan/1"},
		{RINGS, CMD_DECLINE, "bob/1"}, {RINGS, CMD_CANCEL, "ann"}, {TALKS, CMD_LEAVE, "bob/1"},
		{TALKS_GROUP, CMD_END, "ann"}, {TALKS, CMD_SESSION_LOST, "bob/1"}, {TALKS, CMD_RESTART, "ann"}};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct scene s;
		long n = 0;
		play(&s, steps[i].before);
		while (decide_without_memory(&s, steps[i].verb, steps[i].who, n) != 0)
			assert_true(++n < 1000);
		assert_true(n >= 3);
		scene_fini(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_direct_calls_are_private),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

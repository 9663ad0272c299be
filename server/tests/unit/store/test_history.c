/* Histories, against an oracle that knows every call and sorts and filters them the slow way. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"

#define N_CALLS 600
#define N_USERS 6
#define N_CHANNELS 3

static struct fixture f;
static struct call *calls[N_CALLS]; /* the oracle: newest first */

static const char *const names[N_USERS] = {"ann", "ben", "cleo", "dan", "eve", "fay"};

static uint64_t seed = 20261123;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* --- a random past --- */

static void end_participant(struct participant *p, bool answered)
{
	static const enum participant_state ends[] = {PART_LEFT, PART_MISSED, PART_DECLINED, PART_BUSY};
	if (p->role == ROLE_CALLER)
		p->state = PART_LEFT;
	else
		p->state = answered ? ends[below(4)] : ends[1 + below(3)];
	p->changed = below(2); /* all are written at the end in any case */
}

static void end_call(struct call *c)
{
	static const enum end_reason unanswered[] = {
		END_NO_ANSWER, END_CANCELLED, END_DECLINED, END_BUSY, END_CALLER_LOST, END_BY_API, END_SERVER_RESTART};
	bool answered = below(2);
	c->ended_at = c->started_at + 5000;
	if (answered) {
		c->answered_at = c->started_at + 1000;
		c->status = CALL_ENDED;
		c->end_reason = below(5) ? END_HANGUP : END_CONNECT_FAILED;
	} else {
		c->end_reason = unanswered[below(7)];
		c->status = c->end_reason == END_DECLINED ? CALL_DECLINED : CALL_MISSED;
	}
	for (size_t i = 0; i < c->n_participants; i++)
		end_participant(&c->participants[i], answered);
}

static void make_call(unsigned n)
{
	const char *users[N_USERS];
	unsigned first = below(N_USERS);
	bool group = below(2);
	unsigned n_users = group ? 2 + below(N_USERS - 1) : 2;
	for (unsigned i = 0; i < n_users; i++)
		users[i] = names[(first + i) % N_USERS];
	char id[ID_UUID_SIZE], channel[8];
	format_id(id, n * 7919 % 1000003); /* ids do not follow time */
	snprintf(channel, sizeof channel, "ch%u", below(N_CHANNELS));
	/* several calls in one millisecond: the id decides */
	struct change_set *cs =
		create_set(id, channel, group ? CALL_GROUP : CALL_DIRECT, users, n_users, 1000 + below(N_CALLS / 2));
	cs->call->type = below(2) ? CALL_AUDIO : CALL_VIDEO;
	struct call *created = call_copy(cs->call);
	int err = commit(&f, cs);
	assert_int_equal(err, 0);
	cs = next_set(created, "call.ended", 9000);
	end_call(cs->call);
	calls[n] = call_copy(cs->call);
	assert_int_equal(commit(&f, cs), 0);
	call_free(created);
}

static int newest_first(const void *a, const void *b)
{
	const struct call *x = *(struct call *const *)a, *y = *(struct call *const *)b;
	if (x->started_at != y->started_at)
		return x->started_at < y->started_at ? 1 : -1;
	return strcmp(y->id, x->id);
}

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	for (unsigned n = 0; n < N_CALLS; n++)
		make_call(n);
	qsort(calls, N_CALLS, sizeof *calls, newest_first);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned n = 0; n < N_CALLS; n++)
		call_free(calls[n]);
	fixture_fini(&f);
	return 0;
}

/* --- the oracle --- */

/* The table of calls.md, written down a second time and another way round. */
static enum outcome expected_outcome(const struct call *c, const struct participant *p)
{
	if (strcmp(c->started_by, p->user.id) == 0 && c->answered_at == 0) {
		const char *word = end_reason_word(c->end_reason);
		if (strcmp(word, "declined") == 0)
			return OUTCOME_DECLINED;
		if (strcmp(word, "busy") == 0)
			return OUTCOME_BUSY;
		return strcmp(word, "no_answer") == 0 || strcmp(word, "server_restart") == 0 ? OUTCOME_NO_ANSWER
											     : OUTCOME_CANCELLED;
	}
	if (p->state == PART_LEFT)
		return c->end_reason == END_CONNECT_FAILED ? OUTCOME_FAILED : OUTCOME_COMPLETED;
	return p->state == PART_DECLINED ? OUTCOME_DECLINED : OUTCOME_MISSED;
}

static bool matches(const struct store_read_history *q, const struct call *c)
{
	const struct participant *p = call_participant(c, str_of(q->viewer_id));
	if (q->channel_id[0] && strcmp(q->channel_id, c->channel_id) != 0)
		return false;
	if (q->viewer_id[0] && !p && (!q->channel_id[0] || c->mode == CALL_DIRECT))
		return false;
	if ((q->since && c->started_at < q->since) || (q->until && c->started_at >= q->until))
		return false;
	if ((q->call_type != STORE_ANY && q->call_type != (int)c->type) ||
		(q->status != STORE_ANY && q->status != (int)c->status))
		return false;
	if (q->outcome != STORE_ANY && (!p || q->outcome != (int)expected_outcome(c, p)))
		return false;
	return q->direction == STORE_ANY ||
	       (p && (q->direction == DIRECTION_OUTGOING) == (strcmp(c->started_by, q->viewer_id) == 0));
}

static void check_same(const struct call *got, const struct call *want)
{
	assert_string_equal(got->id, want->id);
	assert_int_equal(got->status, want->status);
	assert_int_equal(got->end_reason, want->end_reason);
	assert_int_equal(got->n_participants, want->n_participants);
	for (size_t i = 0; i < got->n_participants; i++) {
		assert_string_equal(got->participants[i].user.id, want->participants[i].user.id);
		assert_int_equal(got->participants[i].state, want->participants[i].state);
		assert_int_equal(participant_outcome(got, &got->participants[i]),
			expected_outcome(want, &want->participants[i]));
	}
}

static unsigned next_match(const struct store_read_history *q, unsigned at)
{
	while (at < N_CALLS && !matches(q, calls[at]))
		at++;
	return at;
}

/* Walks all pages; each call must be the oracle's next. Returns how many there were. */
static unsigned walk(struct store_read_history *q)
{
	unsigned at = next_match(q, 0), n = 0;
	do {
		assert_int_equal(DO(&f, store_read_history, q), 0);
		assert_true(q->n_calls <= (size_t)q->limit);
		for (size_t i = 0; i < q->n_calls; i++, n++) {
			assert_true(at < N_CALLS);
			check_same(q->calls[i], calls[at]);
			at = next_match(q, at + 1);
		}
		assert_int_equal(q->has_more, at < N_CALLS);
		if (q->n_calls) {
			const struct call *last = q->calls[q->n_calls - 1];
			q->after.started_at = last->started_at;
			strcpy(q->after.call_id, last->id);
		}
		history_free(q->calls, q->n_calls);
	} while (q->has_more);
	return n;
}

static struct store_read_history any(void)
{
	return (struct store_read_history){
		.call_type = STORE_ANY, .status = STORE_ANY, .outcome = STORE_ANY, .direction = STORE_ANY, .limit = 50};
}

static int any_or_below(int n)
{
	return below(2) ? STORE_ANY : (int)below((unsigned)n);
}

static void pages_agree_with_the_oracle(void **state)
{
	(void)state;
	unsigned n_found = 0;
	for (int round = 0; round < 300; round++) {
		struct store_read_history q = any();
		q.limit = 1 + (int)below(round % 2 ? 100 : 7);
		q.call_type = any_or_below(CALL_TYPE_COUNT);
		q.status = any_or_below(CALL_STATUS_COUNT);
		q.since = below(2) ? 1000 + below(200) : 0;
		q.until = below(2) ? 1100 + below(200) : 0;
		if (below(3))
			strcpy(q.viewer_id, names[below(N_USERS)]);
		if (below(2))
			snprintf(q.channel_id, sizeof q.channel_id, "ch%u", below(N_CHANNELS));
		if (q.viewer_id[0]) {
			q.outcome = any_or_below(OUTCOME_COUNT);
			q.direction = any_or_below(DIRECTION_COUNT);
		}
		n_found += walk(&q);
	}
	assert_true(n_found > 1000);
}

static void everybody_sees_just_their_own(void **state)
{
	(void)state;
	unsigned n_rows = 0, n_seen = 0;
	for (unsigned n = 0; n < N_CALLS; n++)
		n_rows += (unsigned)calls[n]->n_participants;
	for (unsigned u = 0; u < N_USERS; u++) {
		struct store_read_history q = any();
		strcpy(q.viewer_id, names[u]);
		n_seen += walk(&q);
	}
	assert_int_equal(n_seen, n_rows);
}

/* Somebody who let a group call ring while others answered has missed it, before it is over and after. */
static void missed_though_others_answered(void **state)
{
	(void)state;
	static const char *const users[] = {"gus", "hal", "ida"};
	char id[ID_UUID_SIZE];
	format_id(id, 999999999);
	assert_int_equal(commit(&f, create_set(id, "late", CALL_GROUP, users, 3, 50000)), 0);
	struct call *c = read_call(&f, id);
	struct change_set *cs = next_set(c, "call.missed", 51000);
	cs->call->status = CALL_ACTIVE;
	cs->call->answered_at = 50500;
	cs->call->participants[1].state = PART_JOINED;
	cs->call->participants[2].state = PART_MISSED;
	cs->call->participants[1].changed = cs->call->participants[2].changed = true;
	call_free(c);
	assert_int_equal(commit(&f, cs), 0);

	struct store_read_history q = any();
	strcpy(q.viewer_id, "ida");
	q.outcome = OUTCOME_MISSED;
	assert_int_equal(DO(&f, store_read_history, &q), 0);
	assert_int_equal(q.n_calls, 1);
	assert_string_equal(q.calls[0]->id, id);
	history_free(q.calls, q.n_calls);
	strcpy(q.viewer_id, "hal");
	q.outcome = OUTCOME_ONGOING;
	assert_int_equal(DO(&f, store_read_history, &q), 0);
	assert_int_equal(q.n_calls, 1);
	history_free(q.calls, q.n_calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_agree_with_the_oracle),
		cmocka_unit_test(everybody_sees_just_their_own),
		cmocka_unit_test(missed_though_others_answered),
	};
	return cmocka_run_group_tests_name("store history", tests, setup, teardown);
}

/* Every state that a call of three users with two devices each (one in builds with sanitizers) can come to, by every
 * order of create, accept, decline, cancel, leave, disconnect, resume, timeout and restart. The invariants are asked at
 * each step of each.
 *
 * Time stands still but for the timeout, which jumps to the next deadline: so times relative to now are few, and the
 * states are finite. Two states are the same when everything that a decision can depend on is the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "check.h"
#include "invariants.h"

#define USERS 3
#ifndef DEVICES
#define DEVICES 2
#endif

static const char *const users[USERS] = {"ann", "bob", "cat"};
static const char *const sessions[USERS][2] = {{"ann/1", "ann/2"}, {"bob/1", "bob/2"}, {"cat/1", "cat/2"}};

struct node {
	struct node *next; /* of those that wait to be looked at */
	struct call *call; /* owned */
	struct watch watch;
	int64_t now;
	unsigned connected; /* a bit per device */
};

struct search {
	struct call_limits limits;
	struct node *waiting;
	uint64_t (*seen)[2]; /* open addressing by the state's hash; 0, 0 = free */
	size_t n_seen;
	size_t cap;
	uint64_t n_steps;
	uint64_t n_ends;
	unsigned next_leg;
	size_t n_users; /* who take part: 2 in a direct call */
	enum call_mode mode;
	bool no_ring;
};

/* --- what a state is --- */

struct key {
	unsigned char bytes[512];
	size_t n;
};

static void put(struct key *k, int64_t v)
{
	assert_true(k->n + 4 <= sizeof k->bytes);
	for (int i = 0; i < 4; i++)
		k->bytes[k->n++] = (unsigned char)((uint64_t)v >> (8 * i));
}

/* A time as what is left of it: all of the past is the same. */
static void put_time(struct key *k, int64_t at, int64_t now)
{
	put(k, !at ? -1 : at <= now ? 0 : at - now);
}

static void put_person(struct key *k, const struct participant *p, int64_t now, const struct call_limits *limits)
{
	put(k, p->state);
	put(k, p->joined_at != 0);
	put(k, p->device_acked);
	put_time(k, p->ring_expires_at ? p->ring_expires_at + limits->ring_grace_ms : 0, now);
}

static void put_leg(struct key *k, const struct leg *l, int64_t now)
{
	put(k, l->session_id[0] ? l->session_id[0] * 256 + l->session_id[4] : 0);
	put(k, (int64_t)l->participant);
	put(k, l->state);
	put(k, l->media_seen);
	put_time(k, l->deadline_at, now);
}

/* In a group call the order of the devices means nothing. */
static int by_session(const void *a, const void *b)
{
	const struct leg *const *x = a, *const *y = b;
	int order = strcmp((*x)->session_id, (*y)->session_id);
	return order ? order : (*x)->participant < (*y)->participant ? -1 : (*x)->participant > (*y)->participant;
}

static void put_legs(const struct search *s, const struct node *n, struct key *k)
{
	const struct leg *legs[USERS * (DEVICES + 1)];
	assert_true(n->call->n_legs <= sizeof legs / sizeof *legs);
	for (size_t i = 0; i < n->call->n_legs; i++)
		legs[i] = &n->call->legs[i];
	if (s->mode == CALL_GROUP)
		qsort(legs, n->call->n_legs, sizeof *legs, by_session);
	put(k, (int64_t)n->call->n_legs);
	for (size_t i = 0; i < n->call->n_legs; i++)
		put_leg(k, legs[i], n->now);
}

static void make_key(const struct search *s, const struct node *n, struct key *k)
{
	const struct call *c = n->call;
	k->n = 0;
	put(k, n->connected);
	put(k, c->status);
	put(k, c->end_reason);
	put(k, c->caller_had_session);
	put(k, c->restarted_at != 0);
	put_time(k, c->ring_expires_at, n->now);
	put_time(k, c->caller_lost_at, n->now);
	put_time(k, c->connect_by, n->now);
	put_time(k, c->alone_by, n->now);
	put_time(k, c->unreachable_at, n->now);
	for (size_t i = 0; i < c->n_participants; i++)
		put_person(k, &c->participants[i], n->now, &s->limits);
	put_legs(s, n, k);
}

/* Two keyed hashes of 64 bits: that two of a few million states share both is not to be expected. */
static bool see(struct search *s, const struct node *n)
{
	struct key k;
	make_key(s, n, &k);
	uint64_t a = map_hash(str_n((const char *)k.bytes, k.n)) | 1;
	put(&k, 77);
	uint64_t b = map_hash(str_n((const char *)k.bytes, k.n));
	size_t at = a & (s->cap - 1);
	while (s->seen[at][0]) {
		if (s->seen[at][0] == a && s->seen[at][1] == b)
			return false;
		at = (at + 1) & (s->cap - 1);
	}
	s->seen[at][0] = a;
	s->seen[at][1] = b;
	s->n_seen++;
	assert_true(s->n_seen < s->cap / 2);
	return true;
}

/* --- steps --- */

static bool is_connected(unsigned connected, size_t user, size_t device)
{
	return connected & (1u << (user * DEVICES + device));
}

static void node_free(struct node *n)
{
	call_free(n->call);
	watch_fini(&n->watch);
	mem_free(n);
}

static void fill(struct search *s, struct call_facts *f, unsigned connected, size_t user)
{
	f->limits = &s->limits;
	f->actor_is_member = true;
	f->actor_has_session = user < USERS && (is_connected(connected, user, 0) || is_connected(connected, user, 1));
	snprintf(f->call_id, sizeof f->call_id, "00000000-0000-7000-8000-000000000001");
	for (int i = 0; i < 2; i++)
		snprintf(f->leg_ids[i], sizeof f->leg_ids[i], "00000000-0000-7000-9000-%012u", s->next_leg++);
}

static void check(const char *broken, const struct call_command *cmd)
{
	if (broken)
		fail_msg("%s (verb %d, session %.*s)", broken, (int)cmd->verb, STR_ARG(cmd->actor.session_id));
}

/* What comes of a decision is kept if it is new. */
static void keep(struct search *s, struct node *from, struct node *to, const struct call_command *cmd,
	const struct call_decision *d)
{
	if (from)
		watch_copy(&to->watch, &from->watch);
	check(watch_step(&to->watch, from ? from->call : NULL, d, to->now, &s->limits), cmd);
	to->call = call_copy(d->next ? d->next : from->call);
	call_settle(to->call);
	if (!see(s, to)) {
		node_free(to);
		return;
	}
	to->next = s->waiting;
	s->waiting = to;
}

/* Decides on a state and asks the invariants. */
static void decide(
	struct search *s, struct node *from, const struct call_facts *f, struct call_command *cmd, unsigned connected)
{
	struct call_decision d;
	int64_t now = from ? from->now : 1700000000000;
	if (cmd->verb == CMD_DEADLINE)
		now = call_next_deadline(from->call, &s->limits);
	call_decide(from ? from->call : NULL, f, cmd, now, &d);
	s->n_steps++;
	if (from && d.change == CHANGE_NONE && connected == from->connected && now == from->now) {
		check(watch_step(&from->watch, from->call, &d, now, &s->limits), cmd);
	} else {
		struct node *to = mem_new(sizeof *to);
		assert_non_null(to);
		to->now = now;
		to->connected = connected;
		keep(s, from, to, cmd, &d);
	}
	call_decision_fini(&d);
}

static void ask(struct search *s, struct node *from, enum call_verb verb, size_t user, size_t device)
{
	struct call_facts f = {0};
	struct call_command cmd = {.verb = verb};
	unsigned connected = from->connected, bit = device < DEVICES ? 1u << (user * DEVICES + device) : 0;
	if (verb == CMD_SESSION_LOST)
		connected &= ~bit;
	if (verb == CMD_SESSION_RESUMED)
		connected |= bit;
	if (user < USERS)
		cmd.actor.user_id = str_of(users[user]);
	if (user < USERS && device < DEVICES)
		cmd.actor.session_id = str_of(sessions[user][device]);
	fill(s, &f, connected, user);
	decide(s, from, &f, &cmd, connected);
}

/* The same call is made again, or (direct) the callee calls back. */
static void create(struct search *s, struct node *from, size_t user, unsigned connected)
{
	struct call_facts f = {0};
	struct call_command cmd = {.verb = CMD_CREATE};
	struct call_person people[USERS] = {0};
	cmd.actor.user_id = str_of(users[user]);
	cmd.actor.session_id = str_of(sessions[user][0]);
	cmd.create.channel_id = STR("room");
	cmd.create.has_mode = true;
	cmd.create.mode = s->mode;
	cmd.create.no_ring = s->no_ring;
	for (size_t i = 0; i < s->n_users; i++) {
		if (i == user)
			continue;
		people[f.n_people].is_member = true;
		people[f.n_people].has_session = is_connected(connected, i, 0) || is_connected(connected, i, 1);
		memcpy(people[f.n_people++].user.id, users[i], strlen(users[i]) + 1);
	}
	f.people = people;
	fill(s, &f, connected, user);
	decide(s, from, &f, &cmd, connected);
}

static void restart(struct search *s, struct node *from)
{
	struct node down = *from; /* what a database does not keep is gone */
	down.call = call_copy(from->call);
	down.call->caller_lost_at = down.call->connect_by = down.call->alone_by = 0;
	down.call->unreachable_at = down.call->restarted_at = 0;
	down.call->caller_had_session = false;
	for (size_t i = 0; i < down.call->n_participants; i++)
		down.call->participants[i].device_acked = false;
	down.connected = 0;
	ask(s, &down, CMD_RESTART, USERS, 0);
	call_free(down.call);
}

static void expand_device(struct search *s, struct node *n, size_t user, size_t device)
{
	if (!is_connected(n->connected, user, device)) {
		ask(s, n, CMD_SESSION_RESUMED, user, device);
		return;
	}
	ask(s, n, CMD_SESSION_LOST, user, device);
	ask(s, n, CMD_JOIN, user, device);
	ask(s, n, CMD_LEAVE, user, device);
	ask(s, n, CMD_DECLINE, user, device);
}

static void expand(struct search *s, struct node *n)
{
	for (size_t user = 0; user < s->n_users; user++) {
		for (size_t device = 0; device < DEVICES; device++)
			expand_device(s, n, user, device);
		create(s, n, user, n->connected);
	}
	ask(s, n, CMD_CANCEL, 0, DEVICES);
	ask(s, n, CMD_JOIN, 1, DEVICES); /* over REST */
	if (call_next_deadline(n->call, &s->limits))
		ask(s, n, CMD_DEADLINE, USERS, 0);
	restart(s, n);
}

/* Once over, nothing happens any more; and each state is looked at once. */
static void search(struct search *s)
{
	create(s, NULL, 0, (1u << (s->n_users * DEVICES)) - 1);
	while (s->waiting) {
		struct node *n = s->waiting;
		s->waiting = n->next;
		expand(s, n);
		s->n_ends += !call_is_live(n->call);
		node_free(n);
	}
}

static void run(const char *name, enum call_mode mode, size_t n_users, bool no_ring)
{
	struct search s = {.mode = mode, .n_users = n_users, .no_ring = no_ring, .cap = 1u << 23};
	call_limits_init(&s.limits);
	/* Every length in whole seconds, few of them: they make the states many. */
	int64_t window_ms = mode == CALL_DIRECT ? 2000 : 1000;
	s.limits.ring_ms = s.limits.ring_min_ms = window_ms;
	s.limits.unreachable_ms = 1000;
	s.limits.caller_grace_ms = 1000;
	s.limits.connect_ms = s.limits.unclaimed_ms = s.limits.resume_ms = s.limits.alone_ms = window_ms;
	s.limits.max_duration_ms = 0;
	s.seen = calloc(s.cap, sizeof *s.seen);
	assert_non_null(s.seen);
	search(&s);
	printf("%s: %zu states (%llu of them over), %llu steps\n", name, s.n_seen, (unsigned long long)s.n_ends,
		(unsigned long long)s.n_steps);
	assert_true(s.n_seen > 100 && s.n_ends > 10);
	free(s.seen);
}

static void test_direct(void **state)
{
	(void)state;
	run("direct, two users", CALL_DIRECT, 2, false);
}

static void test_group(void **state)
{
	(void)state;
	run("group, three users", CALL_GROUP, 3, false);
}

static void test_group_without_ringing(void **state)
{
	(void)state;
	run("group without ringing, three users", CALL_GROUP, 3, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_direct), cmocka_unit_test(test_group),
		cmocka_unit_test(test_group_without_ringing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

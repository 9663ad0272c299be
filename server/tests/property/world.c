/* The world's steps. */
#include "world.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

/* xorshift64*: the walk must be the same everywhere. */
static uint64_t draw(struct world *w)
{
	uint64_t x = w->random;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	w->random = x;
	return x * 0x2545f4914f6cdd1du;
}

static size_t pick(struct world *w, size_t n)
{
	return (size_t)((draw(w) >> 33) % n);
}

static bool chance(struct world *w, size_t percent)
{
	return pick(w, 100) < percent;
}

void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){.random = seed * 0x9e3779b97f4a7c15u + 1, .now = 1700000000000};
	call_limits_init(&w->limits);
	w->limits.max_duration_ms = 300000;
	w->limits.max_legs = 6;
	w->limits.record_policy = RECORD_CONSENT;
	w->limits.max_participants = 10;
}

static void forget(struct world *w, size_t i)
{
	call_free(w->live[i].call);
	watch_fini(&w->live[i].watch);
	w->live[i] = w->live[--w->n_live];
}

void world_fini(struct world *w)
{
	while (w->n_live)
		forget(w, 0);
	for (size_t i = 0; i < WORLD_OVER; i++)
		call_free(w->over[i]);
}

/* --- names --- */

struct device {
	size_t user;
	size_t device; /* WORLD_DEVICES: over REST */
	char user_id[8];
	char session_id[12];
};

static struct device device_of(size_t user, size_t device)
{
	struct device d = {.user = user, .device = device};
	snprintf(d.user_id, sizeof d.user_id, "u%02u", (unsigned)(user % 100));
	if (device < WORLD_DEVICES)
		snprintf(
			d.session_id, sizeof d.session_id, "u%02u/%u", (unsigned)(user % 100), (unsigned)(device % 10));
	return d;
}

static size_t user_number(const char *id)
{
	return (size_t)((id[1] - '0') * 10 + id[2] - '0');
}

static bool is_member(size_t user, size_t channel)
{
	return (user * 7 + channel * 3) % 5 < 3;
}

static size_t channel_number(const struct call *c)
{
	return (size_t)(c->channel_id[1] - '0');
}

static bool is_online(const struct world *w, size_t user)
{
	for (size_t i = 0; i < WORLD_DEVICES; i++)
		if (w->sessions[user][i] == SESSION_CONNECTED)
			return true;
	return false;
}

static bool is_busy(const struct world *w, const char *user_id, const struct call *except)
{
	for (size_t i = 0; i < w->n_live; i++) {
		const struct call *c = w->live[i].call;
		const struct participant *p = c == except ? NULL : call_participant(c, str_of(user_id));
		if (p && participant_is_in(p))
			return true;
	}
	return false;
}

/* --- deciding --- */

static void fill_facts(struct world *w, const struct call *c, const struct call_command *cmd, struct call_facts *f)
{
	struct str actor = cmd->actor.user_id;
	f->limits = &w->limits;
	if (actor.len) {
		size_t user = user_number(actor.ptr);
		size_t channel =
			cmd->verb == CMD_CREATE ? (size_t)(cmd->create.channel_id.ptr[1] - '0') : channel_number(c);
		f->actor_is_member = is_member(user, channel);
		f->actor_has_session = is_online(w, user);
		f->actor_is_busy = is_busy(w, actor.ptr, cmd->verb == CMD_CREATE ? NULL : c);
	}
	snprintf(f->call_id, sizeof f->call_id, "00000000-0000-7000-8000-%012llu", (unsigned long long)w->next_id++);
	for (int i = 0; i < 2; i++)
		snprintf(f->leg_ids[i], sizeof f->leg_ids[i], "00000000-0000-7000-9000-%012llu",
			(unsigned long long)w->next_id++);
}

static void tell_broken(struct world *w, const char *sentence, const struct call_command *cmd, const struct call *c)
{
	snprintf(w->broken, sizeof w->broken, "%s (step %llu, verb %d, actor %.*s, session %.*s, call %s %s %s)",
		sentence, (unsigned long long)w->n_steps, (int)cmd->verb, STR_ARG(cmd->actor.user_id),
		STR_ARG(cmd->actor.session_id), c ? c->id : "new", c ? call_mode_word(c->mode) : "",
		c ? call_status_word(c->status) : "");
}

/* The state goes in as the service would swap it. */
static void apply(struct world *w, struct world_call *at, struct call_decision *d)
{
	if (!d->next)
		return;
	call_free(at->call);
	at->call = call_copy(d->next);
	call_settle(at->call);
	if (call_is_live(at->call))
		return;
	w->n_reasons[at->call->end_reason]++;
	w->n_statuses[at->call->status]++;
	call_free(w->over[w->next_over]);
	w->over[w->next_over] = call_copy(at->call);
	w->next_over = (w->next_over + 1) % WORLD_OVER;
	forget(w, (size_t)(at - w->live));
}

static int decide(struct world *w, struct world_call *at, struct call_facts *f, const struct call_command *cmd)
{
	struct call_decision d;
	const struct call *before = at->call;
	call_decide(before, f, cmd, w->now, &d);
	w->n_decisions++;
	w->n_errors += d.err != 0;
	w->n_merged += d.merged;
	const char *sentence = watch_step(&at->watch, before, &d, w->now, &w->limits);
	if (sentence && !w->broken[0])
		tell_broken(w, sentence, cmd, before);
	int err = d.err;
	apply(w, at, &d);
	call_decision_fini(&d);
	return err;
}

static int ask_live(struct world *w, size_t i, const struct call_command *cmd)
{
	struct call_facts f = {0};
	fill_facts(w, w->live[i].call, cmd, &f);
	return decide(w, &w->live[i], &f, cmd);
}

static struct call_command command(enum call_verb verb, const struct device *d)
{
	struct call_command cmd = {.verb = verb};
	if (d) {
		cmd.actor.user_id = str_of(d->user_id);
		cmd.actor.name = str_of(d->user_id);
		cmd.actor.session_id = str_of(d->session_id);
	}
	return cmd;
}

/* --- steps --- */

static bool is_rival(const struct call *c, enum call_mode mode, const struct device *d, const struct call_person *other,
	const char *channel)
{
	if (c->mode != mode)
		return false;
	if (mode == CALL_GROUP)
		return strcmp(c->channel_id, channel) == 0;
	return call_participant(c, str_of(d->user_id)) && call_participant(c, str_of(other->user.id));
}

static size_t draw_people(struct world *w, size_t caller, size_t channel, struct call_person *out)
{
	size_t n = 0, wanted = chance(w, 60) ? 1 : 1 + pick(w, 5);
	for (size_t tries = 0; n < wanted && tries < 40; tries++) {
		size_t user = pick(w, WORLD_USERS);
		bool taken = user == caller || (!is_member(user, channel) && !chance(w, 2));
		struct device d = device_of(user, 0);
		for (size_t i = 0; i < n; i++)
			taken |= strcmp(out[i].user.id, d.user_id) == 0;
		if (taken)
			continue;
		out[n] = (struct call_person){.is_member = is_member(user, channel),
			.is_busy = is_busy(w, d.user_id, NULL),
			.has_session = is_online(w, user)};
		memcpy(out[n++].user.id, d.user_id, sizeof d.user_id);
	}
	return n;
}

/* Glare: the one who is being called calls back at the same moment. */
static void call_back(struct world *w)
{
	size_t i = pick(w, w->n_live);
	const struct call *c = w->live[i].call;
	if (c->mode != CALL_DIRECT)
		return;
	struct device d = device_of(user_number(c->participants[1].user.id), pick(w, WORLD_DEVICES + 1));
	struct call_person other = {.user = c->participants[0].user, .is_member = true};
	struct call_facts f = {.people = &other, .n_people = 1};
	struct call_command cmd = command(CMD_CREATE, &d);
	cmd.create.channel_id = str_of(c->channel_id);
	fill_facts(w, NULL, &cmd, &f);
	decide(w, &w->live[i], &f, &cmd);
}

static void create(struct world *w, const struct device *d)
{
	struct call_person people[8] = {0};
	struct call_facts f = {.people = people};
	struct call_command cmd = command(CMD_CREATE, d);
	char channel[4];
	size_t number = pick(w, WORLD_CHANNELS), at = w->n_live;
	snprintf(channel, sizeof channel, "c%u", (unsigned)(number % 10));
	cmd.create.channel_id = str_of(channel);
	cmd.create.type = chance(w, 50) ? CALL_VIDEO : CALL_AUDIO;
	cmd.create.no_ring = chance(w, 5);
	cmd.create.ring_ms = chance(w, 30) ? (int64_t)pick(w, 200000) : 0;
	f.n_people = draw_people(w, d->user, number, people);
	f.has_tombstone = chance(w, 2);
	fill_facts(w, NULL, &cmd, &f);
	enum call_mode mode = call_mode_of(&cmd.create, f.n_people);
	for (size_t i = 0; f.n_people && i < w->n_live; i++)
		if (is_rival(w->live[i].call, mode, d, &people[0], channel))
			at = i;
	if (at < w->n_live) {
		decide(w, &w->live[at], &f, &cmd);
		return;
	}
	if (w->n_live == WORLD_CALLS)
		return;
	struct world_call *new = &w->live[w->n_live++];
	new->call = NULL;
	watch_init(&new->watch);
	if (decide(w, new, &f, &cmd) < 0)
		forget(w, w->n_live - 1);
	else
		w->n_calls++;
}

static void ring_people(struct world *w, size_t i, const struct device *d)
{
	static const struct str named = {"x", 1};
	struct call_person people[8] = {0};
	struct call_facts f = {.people = people};
	struct call_command cmd = command(CMD_RING, d);
	cmd.ring.users = &named;
	cmd.ring.n_users = chance(w, 80);
	f.n_people = draw_people(w, d->user, channel_number(w->live[i].call), people);
	fill_facts(w, w->live[i].call, &cmd, &f);
	decide(w, &w->live[i], &f, &cmd);
}

/* A session's state is told to all live calls of its user. */
static void tell_sessions(struct world *w, enum call_verb verb, const struct device *d)
{
	struct call_command cmd = command(verb, d);
	for (size_t i = w->n_live; i-- > 0;)
		if (call_participant(w->live[i].call, str_of(d->user_id)))
			ask_live(w, i, &cmd);
}

static void move_session(struct world *w, size_t user, size_t device)
{
	struct device d = device_of(user, device);
	enum world_session *s = &w->sessions[user][device];
	if (*s == SESSION_NONE) {
		*s = SESSION_CONNECTED;
		tell_sessions(w, CMD_SESSION_OPENED, &d);
	} else if (*s == SESSION_LOST) {
		*s = chance(w, 80) ? SESSION_CONNECTED : SESSION_NONE;
		tell_sessions(w, *s == SESSION_NONE ? CMD_SESSION_GONE : CMD_SESSION_RESUMED, &d);
	} else {
		*s = chance(w, 80) ? SESSION_LOST : SESSION_NONE;
		tell_sessions(w, *s == SESSION_NONE ? CMD_SESSION_GONE : CMD_SESSION_LOST, &d);
	}
}

static void pass_time(struct world *w, int64_t ms)
{
	int64_t until = w->now + ms;
	struct call_command cmd = command(CMD_DEADLINE, NULL);
	for (size_t guard = 0; guard < 100000; guard++) {
		int64_t first = 0;
		size_t which = 0;
		for (size_t i = 0; i < w->n_live; i++) {
			int64_t at = call_next_deadline(w->live[i].call, &w->limits);
			if (at && at <= until && (!first || at < first)) {
				first = at;
				which = i;
			}
		}
		if (!first) {
			w->now = until;
			return;
		}
		if (first > w->now)
			w->now = first;
		ask_live(w, which, &cmd);
	}
	if (!w->broken[0])
		snprintf(w->broken, sizeof w->broken, "a deadline that has passed is over");
}

static void restart(struct world *w)
{
	struct call_command cmd = command(CMD_RESTART, NULL);
	w->now += (int64_t)pick(w, 5000);
	for (size_t u = 0; u < WORLD_USERS; u++)
		for (size_t i = 0; i < WORLD_DEVICES; i++)
			if (w->sessions[u][i] == SESSION_CONNECTED)
				w->sessions[u][i] = SESSION_LOST;
	for (size_t i = w->n_live; i-- > 0;) {
		struct call *c = w->live[i].call; /* what a database does not keep */
		c->caller_lost_at = c->connect_by = c->alone_by = c->unreachable_at = c->restarted_at = 0;
		c->caller_had_session = false;
		ask_live(w, i, &cmd);
	}
}

static const enum call_verb verbs[] = {CMD_JOIN, CMD_JOIN, CMD_JOIN, CMD_JOIN, CMD_JOIN, CMD_LEAVE, CMD_DECLINE,
	CMD_CANCEL, CMD_END, CMD_ACK, CMD_MEDIA, CMD_CONNECTION, CMD_RECORDING, CMD_RECORDING};

/* Mostly somebody who is in the call; sometimes anybody. */
static struct device draw_device(struct world *w, const struct call *c)
{
	size_t user = pick(w, WORLD_USERS);
	if (c && c->n_participants && chance(w, 90))
		user = user_number(c->participants[pick(w, c->n_participants)].user.id);
	size_t device = pick(w, WORLD_DEVICES + 1);
	if (device < WORLD_DEVICES && w->sessions[user][device] != SESSION_CONNECTED)
		device = WORLD_DEVICES;
	return device_of(user, device);
}

static void ask_something(struct world *w)
{
	size_t i = pick(w, w->n_live);
	struct device d = draw_device(w, w->live[i].call);
	struct call_command cmd = command(verbs[pick(w, sizeof verbs / sizeof *verbs)], &d);
	cmd.actor.is_moderator = chance(w, 3);
	cmd.actor.may_record = cmd.actor.is_moderator || chance(w, 70);
	if (chance(w, 1))
		cmd.actor = (struct call_actor){.is_server = true, .may_record = true};
	if (cmd.verb == CMD_RECORDING)
		cmd.recording = chance(w, 60) ? RECORDING_CONSENT : (enum call_recording)pick(w, 4);
	if (cmd.verb == CMD_JOIN)
		cmd.join.takeover = chance(w, 10);
	else if (cmd.verb == CMD_MEDIA)
		cmd.media = (struct call_media){(unsigned)pick(w, 16), chance(w, 50), chance(w, 50), chance(w, 50),
			(enum quality)pick(w, QUALITY_COUNT)};
	else if (cmd.verb == CMD_CONNECTION)
		cmd.connection = chance(w, 5) ? CONNECTION_FAILED : CONNECTION_CONNECTED;
	if ((cmd.verb == CMD_END || cmd.verb == CMD_CANCEL) && chance(w, 50))
		return;
	ask_live(w, i, &cmd);
}

/* Calls that are over stay as they are, whatever is asked. */
static void ask_dead(struct world *w)
{
	struct world_call at = {.call = call_copy(w->over[pick(w, WORLD_OVER)])};
	struct device d = draw_device(w, at.call);
	struct call_command cmd = command(verbs[pick(w, sizeof verbs / sizeof *verbs)], &d);
	struct call_facts f = {0};
	fill_facts(w, at.call, &cmd, &f);
	decide(w, &at, &f, &cmd);
	call_free(at.call);
	watch_fini(&at.watch);
}

bool world_step(struct world *w)
{
	size_t what = pick(w, 1000);
	struct device d = draw_device(w, NULL);
	w->n_steps++;
	if (what < 75 || !w->n_live)
		create(w, &d);
	else if (what < 80)
		call_back(w);
	else if (what < 300)
		move_session(w, pick(w, WORLD_USERS), pick(w, WORLD_DEVICES));
	else if (what < 480)
		pass_time(w, (int64_t)pick(w, chance(w, 5) ? 70000 : 3000));
	else if (what < 510)
		ring_people(w, pick(w, w->n_live), &d);
	else if (what < 530 && w->over[WORLD_OVER - 1])
		ask_dead(w);
	else if (what < 531)
		restart(w);
	else
		ask_something(w);
	return !w->broken[0];
}

bool world_end(struct world *w)
{
	for (size_t u = 0; u < WORLD_USERS; u++) {
		for (size_t i = 0; i < WORLD_DEVICES; i++) {
			struct device d = device_of(u, i);
			if (w->sessions[u][i] == SESSION_NONE)
				continue;
			w->sessions[u][i] = SESSION_NONE;
			tell_sessions(w, CMD_SESSION_GONE, &d);
		}
	}
	pass_time(w, w->limits.max_duration_ms + w->limits.ring_max_ms + w->limits.ring_grace_ms);
	if (w->n_live && !w->broken[0])
		snprintf(w->broken, sizeof w->broken, "no call lives for ever (call %s)", w->live[0].call->id);
	return !w->broken[0];
}

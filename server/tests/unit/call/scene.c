/* The stage: facts from a few words, decisions applied as the service would. */
#include "scene.h"

#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

void scene_init(struct scene *s)
{
	*s = (struct scene){.now = SCENE_START, .online = "ann/1 bob/1", .busy = "", .strangers = ""};
	call_limits_init(&s->limits);
	watch_init(&s->watch);
}

void scene_fini(struct scene *s)
{
	call_free(s->call);
	call_free(s->last_next);
	call_decision_fini(&s->last);
	watch_fini(&s->watch);
}

/* --- words --- */

static struct str user_part(struct str who)
{
	struct str user = str_cut(&who, '/');
	return user.len && user.ptr[user.len - 1] == '!' ? str_n(user.ptr, user.len - 1) : user;
}

static bool lists_user(const char *list, struct str user)
{
	struct str rest = str_of(list);
	while (rest.ptr)
		if (str_eq(user_part(str_cut(&rest, ' ')), user))
			return true;
	return false;
}

static void set_actor(struct scene *s, const char *who)
{
	struct str text = str_of(who);
	struct call_actor *a = &s->cmd.actor;
	*a = (struct call_actor){0};
	if (str_eq_z(text, "server")) {
		a->is_server = a->may_record = true;
		return;
	}
	a->is_moderator = text.len && text.ptr[text.len - 1] == '!';
	a->may_record = true;
	a->user_id = user_part(text);
	a->name = a->user_id;
	if (str_find(text, '/') < text.len)
		a->session_id = text;
}

static struct call_person person(const struct scene *s, struct str id)
{
	struct call_person p = {.is_member = !lists_user(s->strangers, id),
		.is_busy = lists_user(s->busy, id),
		.has_session = lists_user(s->online, id)};
	assert_int_equal(str_copy(p.user.id, sizeof p.user.id, id), 0);
	return p;
}

static void fill_facts(struct scene *s, struct call_facts *f)
{
	struct str actor = s->cmd.actor.user_id;
	f->limits = &s->limits;
	f->actor_is_member = actor.len && !lists_user(s->strangers, actor);
	f->actor_is_busy = actor.len && lists_user(s->busy, actor);
	f->actor_has_session = actor.len && lists_user(s->online, actor);
	f->has_tombstone = s->has_tombstone;
	f->by_id = s->by_id;
	f->body_hash = call_body_hash(&s->cmd.create, actor);
	snprintf(f->call_id, sizeof f->call_id, "00000000-0000-7000-8000-000000000001");
	for (int i = 0; i < 2; i++)
		snprintf(f->leg_ids[i], sizeof f->leg_ids[i], "00000000-0000-7000-9000-%012u", s->next_leg++);
}

static int step(struct scene *s, struct call_facts *f)
{
	const struct call *before = s->call;
	call_decision_fini(&s->last);
	call_free(s->last_next);
	s->last_next = NULL;
	call_decide(before, f, &s->cmd, s->now, &s->last);
	const char *broken = watch_step(&s->watch, before, &s->last, s->now, &s->limits);
	if (broken)
		fail_msg("not true any more: %s", broken);
	if (s->last.next) {
		s->last_next = s->last.next;
		s->last.next = NULL;
		call_free(s->call);
		s->call = call_copy(s->last_next);
		call_settle(s->call);
	}
	s->cmd = (struct call_command){0};
	return s->last.err;
}

int act(struct scene *s, enum call_verb verb, const char *who)
{
	struct call_facts f = {0};
	set_actor(s, who);
	s->cmd.verb = verb;
	fill_facts(s, &f);
	return step(s, &f);
}

static size_t people_of(const struct scene *s, const char *others, struct call_person *out, size_t max)
{
	struct str rest = str_of(others);
	size_t n = 0;
	while (rest.len && rest.ptr && n < max)
		out[n++] = person(s, str_cut(&rest, ' '));
	return n;
}

int make_call(struct scene *s, const char *who, const char *others)
{
	struct call_facts f = {0};
	struct call_person people[16];
	set_actor(s, who);
	s->cmd.verb = CMD_CREATE;
	s->cmd.create.channel_id = STR("room");
	fill_facts(s, &f);
	f.people = people;
	f.n_people = people_of(s, others, people, 16);
	return step(s, &f);
}

int ring(struct scene *s, const char *who, const char *others)
{
	static const struct str some = {"x", 1};
	struct call_facts f = {0};
	struct call_person people[16];
	set_actor(s, who);
	s->cmd.verb = CMD_RING;
	s->cmd.ring.users = &some;
	s->cmd.ring.n_users = 1;
	fill_facts(s, &f);
	f.people = people;
	f.n_people = people_of(s, others, people, 16);
	return step(s, &f);
}

int take_over(struct scene *s, const char *who)
{
	s->cmd.join.takeover = true;
	return act(s, CMD_JOIN, who);
}

void pass(struct scene *s, int64_t ms)
{
	int64_t until = s->now + ms;
	for (int i = 0; i < 100; i++) {
		int64_t at = call_next_deadline(s->call, &s->limits);
		if (!at || at > until)
			break;
		s->now = at > s->now ? at : s->now;
		act(s, CMD_DEADLINE, "server");
	}
	s->now = until;
}

/* --- ears --- */

static bool reaches(const struct scene *s, const struct call_event *e, struct str session)
{
	const struct call *c = s->last_next;
	struct str user = user_part(session);
	const struct participant *p = call_participant(c, user);
	if (str_eq_z(session, e->except_session))
		return false;
	if (e->audience == TO_CHANNEL)
		return !lists_user(s->strangers, user);
	if (e->audience == TO_LEG) {
		const struct leg *leg = call_leg(c, e->leg_id);
		return leg && str_eq_z(session, leg->session_id);
	}
	if (e->audience == TO_LEGS)
		return call_leg_of_session(c, session) != NULL;
	return p && call_event_is_for(c, e, p);
}

int heard(const struct scene *s, const char *who, const char *type)
{
	int n = 0;
	for (size_t i = 0; i < s->last.n_events; i++)
		n += strcmp(s->last.events[i].type, type) == 0 && reaches(s, &s->last.events[i], str_of(who));
	return n;
}

int told(const struct scene *s, const char *type)
{
	int n = 0;
	for (size_t i = 0; i < s->last.n_events; i++)
		n += strcmp(s->last.events[i].type, type) == 0;
	return n;
}

const char *said(const struct scene *s, const char *type, const char *member)
{
	static char text[256];
	text[0] = 0;
	for (size_t i = 0; i < s->last.n_events; i++) {
		json_t *object;
		if (strcmp(s->last.events[i].type, type) != 0)
			continue;
		assert_int_equal(json_read_object(str_of(s->last.events[i].payload), &object), 0);
		const json_t *value = json_object_get(object, member);
		if (json_is_string(value))
			snprintf(text, sizeof text, "%s", json_string_value(value));
		else if (json_is_integer(value))
			snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
		else if (json_is_boolean(value))
			snprintf(text, sizeof text, "%s", json_is_true(value) ? "true" : "false");
		json_decref(object);
		break;
	}
	return text;
}

enum participant_state state_of(const struct scene *s, const char *user)
{
	const struct participant *p = call_participant(s->call, str_of(user));
	assert_non_null(p);
	return p->state;
}

size_t n_legs(const struct scene *s)
{
	return s->call->n_legs;
}

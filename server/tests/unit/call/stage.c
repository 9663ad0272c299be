/* The stage's machinery. */
#include "stage.h"

#include <stdio.h>

#include "base/err.h"

static void on_deliver(void *arg, const struct call_announcement *a)
{
	struct stage *s = arg;
	const char *const *names = a->n_users ? a->users : a->sessions;
	size_t n = a->n_users + a->n_sessions;
	assert_true(s->n_heard < STAGE_HEARD);
	struct heard *h = &s->heard[s->n_heard++];
	*h = (struct heard){.seq = a->seq};
	snprintf(h->event, sizeof h->event, "%s", a->event);
	snprintf(h->except, sizeof h->except, "%s", a->except_session);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(h->names);
		snprintf(h->names + len, sizeof h->names - len, "%s ", names[i]);
	}
}

static bool is_named(const char *list, struct str name)
{
	struct str rest = str_of(list);
	while (rest.ptr)
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

static size_t on_n_sessions(void *arg, struct str user_id)
{
	const struct stage *s = arg;
	struct str rest = str_of(s->online);
	size_t n = 0;
	while (rest.ptr) {
		struct str session = str_cut(&rest, ' ');
		n += str_eq(str_cut(&session, '/'), user_id) && user_id.len;
	}
	return n;
}

static bool on_is_connected(void *arg, struct str session_id)
{
	const struct stage *s = arg;
	return is_named(s->online, session_id);
}

static int on_find_session(void *arg, struct str user_id, struct str socket_id, char out[MODEL_SESSION_ID_SIZE])
{
	const struct stage *s = arg;
	struct str rest = socket_id;
	if (!is_named(s->online, socket_id) || !str_eq(str_cut(&rest, '/'), user_id))
		return ERR_NOT_FOUND;
	return str_copy(out, MODEL_SESSION_ID_SIZE, socket_id);
}

static int64_t on_now(void *arg)
{
	const struct stage *s = arg;
	return s->now;
}

void stage_init(struct stage *s)
{
	*s = (struct stage){.online = "ann/1 bob/1 cat/1 dan/1", .now = 1700000000000};
	assert_int_equal(loop_init(&s->loop), 0);
	fake_store_init(&s->store);
	call_limits_init(&s->limits);
}

void stage_start(struct stage *s)
{
	const struct calls_config config = {.loop = &s->loop,
		.store = &s->store,
		.limits = s->limits,
		.announcer = {s, on_deliver, on_n_sessions, on_is_connected, on_find_session},
		.now = s->now ? on_now : NULL,
		.now_arg = s};
	s->calls = calls_new(&config);
	assert_non_null(s->calls);
	assert_int_equal(calls_start(s->calls), 0);
}

void stage_stop(struct stage *s)
{
	calls_free(s->calls);
	s->calls = NULL;
	list_init(&s->store.jobs);
	s->store.n_jobs = 0;
	s->n_heard = 0;
}

void stage_fini(struct stage *s)
{
	calls_free(s->calls);
	loop_fini(&s->loop);
	fake_store_fini(&s->store);
}

static void on_stop(struct timer *t, void *arg)
{
	(void)t;
	loop_stop(arg);
}

void stage_wait(struct stage *s, int ms)
{
	struct timer stop = {0};
	for (int i = 0; i < ms; i += 5) {
		assert_int_equal(timer_start(&s->loop, &stop, 5, on_stop, &s->loop), 0);
		loop_run(&s->loop);
		fake_store_run(&s->store);
	}
}

struct call_command stage_command(enum call_verb verb, const char *who, const char *call_id)
{
	struct call_command cmd = {.verb = verb, .call_id = str_of(call_id ? call_id : "")};
	struct str rest = str_of(who);
	if (strcmp(who, "server") == 0) {
		cmd.actor.is_server = true;
		return cmd;
	}
	if (str_find(rest, '/') < rest.len)
		cmd.actor.session_id = rest;
	cmd.actor.user_id = str_cut(&rest, '/');
	return cmd;
}

static void on_reply(void *arg, const struct call_reply *r)
{
	struct answer *a = arg;
	a->n++;
	a->err = r->err;
	a->status = r->status;
	a->field = r->field;
	a->existing = r->existing;
	a->merged = r->merged;
	a->retry_after_ms = r->retry_after_ms;
	if (r->call) {
		memcpy(a->call_id, r->call->id, sizeof a->call_id);
		a->call_status = r->call->status;
	}
	if (r->self)
		memcpy(a->self, r->self->id, sizeof a->self);
	if (r->stored.len)
		snprintf(a->stored, sizeof a->stored, "%.*s", STR_ARG(r->stored));
}

void stage_ask(struct stage *s, const struct call_command *cmd, struct answer *a)
{
	*a = (struct answer){0};
	calls_submit(s->calls, cmd, on_reply, a);
}

struct answer stage_do(struct stage *s, enum call_verb verb, const char *who, const char *call_id)
{
	struct call_command cmd = stage_command(verb, who, call_id);
	struct answer a;
	stage_ask(s, &cmd, &a);
	fake_store_run(&s->store);
	assert_int_equal(a.n, 1);
	return a;
}

struct call_command stage_create(const char *who, const struct str *others, size_t n)
{
	struct call_command cmd = stage_command(CMD_CREATE, who, NULL);
	cmd.create.channel_id = STR("room");
	cmd.create.participants = others;
	cmd.create.n_participants = n;
	return cmd;
}

struct answer stage_call(struct stage *s, const char *who, const char *other)
{
	struct str others = str_of(other);
	struct call_command cmd = stage_create(who, &others, 1);
	struct answer a;
	stage_ask(s, &cmd, &a);
	fake_store_run(&s->store);
	assert_int_equal(a.n, 1);
	return a;
}

int stage_heard(const struct stage *s, const char *name, const char *event)
{
	int n = 0;
	for (size_t i = 0; i < s->n_heard; i++)
		n += strcmp(s->heard[i].event, event) == 0 && is_named(s->heard[i].names, str_of(name)) &&
		     strcmp(s->heard[i].except, name) != 0;
	return n;
}

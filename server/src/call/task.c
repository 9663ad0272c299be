/* A command's life: copied, routed, decided, answered, freed. */
#include "call/service.h"

#include "base/err.h"
#include "base/mem.h"

#define PATIENCE_MS 1800 /* an answer within two seconds, whatever the database does */

/* Moves a borrowed text into the task's own memory. */
static void keep(char **at, struct str *s)
{
	if (!s->len) {
		*s = STR("");
		return;
	}
	memcpy(*at, s->ptr, s->len);
	*s = str_n(*at, s->len);
	*at += s->len;
}

/* The texts of a command that every verb has, and those of CREATE and JOIN. */
static size_t texts_of(struct call_command *cmd, struct str *out[12])
{
	size_t n = 0;
	out[n++] = &cmd->actor.user_id;
	out[n++] = &cmd->actor.name;
	out[n++] = &cmd->actor.avatar_url;
	out[n++] = &cmd->actor.session_id;
	out[n++] = &cmd->call_id;
	if (cmd->verb == CMD_CREATE) {
		out[n++] = &cmd->create.id;
		out[n++] = &cmd->create.channel_id;
		out[n++] = &cmd->create.metadata;
		out[n++] = &cmd->create.idempotency_key;
	} else if (cmd->verb == CMD_JOIN) {
		out[n++] = &cmd->join.socket_id;
	}
	return n;
}

static size_t n_users_of(const struct call_command *cmd)
{
	return cmd->verb == CMD_CREATE ? cmd->create.n_participants : cmd->verb == CMD_RING ? cmd->ring.n_users : 0;
}

static const struct str *users_of(const struct call_command *cmd)
{
	return cmd->verb == CMD_CREATE ? cmd->create.participants : cmd->ring.users;
}

static int copy_command(struct task *t, const struct call_command *cmd)
{
	struct str *texts[12];
	size_t n_users = n_users_of(cmd), size = 1;
	t->cmd = *cmd;
	size_t n = texts_of(&t->cmd, texts);
	for (size_t i = 0; i < n; i++)
		size += texts[i]->len;
	for (size_t i = 0; i < n_users; i++)
		size += users_of(cmd)[i].len;
	t->text = mem_new(size);
	t->users = mem_new((n_users + 1) * sizeof *t->users);
	if (!t->text || !t->users)
		return ERR_NO_MEMORY;
	char *at = t->text;
	for (size_t i = 0; i < n; i++)
		keep(&at, texts[i]);
	for (size_t i = 0; i < n_users; i++) {
		t->users[i] = users_of(cmd)[i];
		keep(&at, &t->users[i]);
	}
	if (cmd->verb == CMD_CREATE)
		t->cmd.create.participants = t->users;
	else if (cmd->verb == CMD_RING)
		t->cmd.ring.users = t->users;
	return 0;
}

struct task *task_new(struct calls *c, const struct call_command *cmd)
{
	struct task *t = mem_new(sizeof *t);
	if (!t)
		return NULL;
	t->calls = c;
	t->by_id.task = t->by_owner.task = t;
	list_init(&t->by_id.link);
	list_init(&t->by_owner.link);
	list_init(&t->link);
	if (copy_command(t, cmd) < 0) {
		mem_free(t->text);
		mem_free(t->users);
		mem_free(t);
		return NULL;
	}
	list_push(&c->tasks, &t->link);
	c->n_tasks++;
	return t;
}

bool task_is_internal(const struct task *t)
{
	return t->cmd.verb >= CMD_DEADLINE;
}

/* The parts of the change set that the task only lent to it are taken back first. */
static void drop_decision(struct task *t)
{
	t->set.call = NULL;
	t->set.events = NULL;
	t->set.n_events = 0;
	change_set_fini(&t->set);
	t->set = (struct change_set){0};
	call_decision_fini(&t->decision);
	call_free(t->settled);
	places_fini(&t->places);
	live_free(t->fresh);
	call_free(t->found);
	t->settled = NULL;
	t->fresh = NULL;
	t->found = NULL;
}

static void drop_people(struct task *t)
{
	mem_free(t->people);
	mem_free(t->members);
	mem_free(t->user_ids);
	t->people = NULL;
	t->members = NULL;
	t->user_ids = NULL;
	t->n_members = 0;
	t->facts = (struct call_facts){0};
	t->asked = 0;
}

void task_reset(struct task *t)
{
	drop_decision(t);
	t->asked = 0;
	if (t->cmd.verb != CMD_CREATE) /* whose owner hangs on who is meant: that stays */
		drop_people(t);
}

void task_free(struct task *t)
{
	struct calls *c = t->calls;
	drop_decision(t);
	drop_people(t);
	timer_stop(c->loop, &t->retry);
	timer_stop(c->loop, &t->patience);
	list_remove(&t->link);
	c->n_tasks--;
	mem_free(t->text);
	mem_free(t->users);
	mem_free(t);
}

/* The next commands in its queues may run before this returns. */
static void end(struct task *t)
{
	struct calls *c = t->calls;
	queue_leave(c, &t->by_owner);
	queue_leave(c, &t->by_id);
	task_free(t);
	service_check_drained(c);
}

void task_finish(struct task *t, const struct call_reply *reply)
{
	if (t->cb)
		t->cb(t->arg, reply);
	end(t);
}

/* The command goes on: what was handed to the store may be written yet, and is then announced. */
static void on_impatient(struct timer *timer, void *arg)
{
	struct task *t = arg;
	(void)timer;
	const struct call_reply reply = {.err = ERR_STORE, .status = err_http_status(ERR_STORE), .now = t->now};
	call_reply_cb cb = t->cb;
	t->is_told = true;
	t->cb = NULL;
	if (cb)
		cb(t->arg, &reply);
}

/* Without memory for the timer they wait as long as it takes. */
void task_expect(struct task *t, call_reply_cb cb, void *arg)
{
	t->cb = cb;
	t->arg = arg;
	if (cb)
		timer_start(t->calls->loop, &t->patience, PATIENCE_MS, on_impatient, t);
}

void task_refuse(struct task *t, int err)
{
	const struct call_reply reply = {
		.err = err, .field = t->decision.field, .status = err_http_status(err), .now = t->now};
	task_finish(t, &reply);
}

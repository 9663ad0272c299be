/* What a decision must know, asked one question after another; none is asked that the command does not need. */
#include "call/service.h"

#include "base/err.h"
#include "base/mem.h"

enum asked { ASKED_PEOPLE = 1, ASKED_CALL = 2, ASKED_REPLY = 4, ASKED_TOMBSTONE = 8, ASKED_RIVAL = 16 };

/* The call that the command is about: the live one, else what the store had. */
static const struct call *current_call(const struct task *t)
{
	const struct live_call *live = registry_by_id(&t->calls->registry, t->cmd.call_id);
	return live ? live->call : t->found;
}

static void ask(struct task *t, enum asked what, store_done_cb done)
{
	t->asked |= what;
	t->job = (struct store_job){.done = done, .arg = t};
	t->in_flight = true;
}

/* --- people --- */

static void add_user_id(struct task *t, size_t *n, struct str id)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq_z(id, t->user_ids[i]))
			return;
	str_copy(t->user_ids[(*n)++], MODEL_USER_ID_SIZE, id);
}

/* The actor first (if it is a user), then whoever is named; with nobody named, the participants of a call that there
 * is. */
static int list_users(struct task *t, const struct call *c, size_t *out_n)
{
	size_t n_named = t->cmd.verb == CMD_CREATE ? t->cmd.create.n_participants
			 : t->cmd.verb == CMD_RING ? t->cmd.ring.n_users
						   : 0;
	size_t n_old = t->cmd.verb == CMD_RING && !n_named && c ? c->n_participants : 0;
	size_t n = 0;
	t->user_ids = mem_new((n_named + n_old + 1) * sizeof *t->user_ids);
	if (!t->user_ids)
		return ERR_NO_MEMORY;
	if (t->cmd.actor.user_id.len)
		add_user_id(t, &n, t->cmd.actor.user_id);
	for (size_t i = 0; i < n_named; i++)
		add_user_id(t, &n, t->users[i]);
	for (size_t i = 0; i < n_old; i++)
		add_user_id(t, &n, str_of(c->participants[i].user.id));
	*out_n = n;
	return 0;
}

static int ask_people(struct task *t, struct str channel, size_t n_user_ids, store_done_cb done)
{
	struct store_read_people *q = &t->people_q;
	*q = (struct store_read_people){.user_ids = t->user_ids, .n_user_ids = n_user_ids};
	if (str_copy(q->channel_id, sizeof q->channel_id, channel) < 0)
		return ERR_BAD_FIELD;
	ask(t, ASKED_PEOPLE, done);
	store_read_people(t->calls->store, q);
	return 0;
}

/* The actor is taken out of the answer; the others are whom CREATE and RING mean. */
static int take_people(struct task *t, struct store_read_people *q)
{
	size_t n = 0;
	bool means_people = t->cmd.verb == CMD_CREATE || t->cmd.verb == CMD_RING;
	t->people = mem_new((means_people ? q->n_people + 1 : 1) * sizeof *t->people);
	if (!t->people)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < q->n_people; i++) {
		const struct person *p = &q->people[i];
		if (str_eq_z(t->cmd.actor.user_id, p->user.id))
			t->facts.actor_is_member = p->is_member;
		else if (means_people)
			t->people[n++] = (struct call_person){.user = p->user, .is_member = p->is_member};
	}
	t->facts.people = t->people;
	t->facts.n_people = n;
	return 0;
}

/* A group call that becomes active with this command, or may be over with it, is told to the whole channel. */
static bool wants_members(const struct task *t, const struct call *c)
{
	enum call_verb verb = t->cmd.verb;
	if (!c || c->mode != CALL_GROUP)
		return false;
	if (c->status == CALL_RINGING)
		return verb == CMD_JOIN;
	return c->status == CALL_ACTIVE &&
	       (verb == CMD_LEAVE || verb == CMD_END || verb == CMD_DEADLINE || verb == CMD_SESSION_GONE);
}

/* The decision depends on who somebody is to the channel. */
static bool needs_people(const struct task *t, const struct call *c)
{
	const struct call_actor *actor = &t->cmd.actor;
	if (!c || task_is_internal(t))
		return false;
	if (call_is_live(c) && (t->cmd.verb == CMD_RING || t->cmd.verb == CMD_JOIN))
		return true;
	return c->mode == CALL_GROUP && actor->user_id.len && !actor->is_server && !call_participant(c, actor->user_id);
}

static void on_people(struct store_job *job, int err)
{
	struct task *t = job->arg;
	struct store_read_people q = t->people_q;
	t->in_flight = false;
	if (err < 0 && !needs_people(t, current_call(t)))
		err = 0; /* an end that fewer hear of is better than none */
	else if (!err)
		err = take_people(t, &q);
	t->members = q.people;
	t->n_members = q.n_people;
	if (err < 0)
		task_refuse(t, err);
	else
		task_gather(t);
}

static int gather_people(struct task *t, const struct call *c)
{
	size_t n = 0;
	int err = list_users(t, c, &n);
	if (err < 0)
		return err;
	return ask_people(t, str_of(c->channel_id), wants_members(t, c) ? 0 : n, on_people);
}

/* --- CREATE: who is meant decides who owns the call --- */

static void on_create_people(struct store_job *job, int err)
{
	struct task *t = job->arg;
	struct store_read_people q = t->people_q;
	t->in_flight = false;
	if (!err)
		err = take_people(t, &q);
	mem_free(q.people);
	if (err < 0) {
		task_refuse(t, err);
		return;
	}
	if (t->facts.n_people && call_mode_of(&t->cmd.create, t->facts.n_people) == CALL_DIRECT)
		owner_of_pair(t->cmd.actor.user_id, str_of(t->people[0].user.id), t->owner);
	else
		owner_of_channel(t->cmd.create.channel_id, t->owner);
	err = queue_enter(t->calls, &t->by_owner, t->owner, task_gather);
	if (err < 0)
		task_refuse(t, err);
}

void task_gather_create(struct task *t)
{
	size_t n = 0;
	int err = list_users(t, NULL, &n);
	if (!err)
		err = ask_people(t, t->cmd.create.channel_id, t->cmd.create.n_participants ? n : 0, on_create_people);
	if (err < 0)
		task_refuse(t, err);
}

/* --- calls, replies, tombstones --- */

/* Rows of a creation whose commit is not known yet: its queue is not ours, and nobody has been told of it. */
static bool is_unsettled(const struct task *t, const struct call *c)
{
	return t->cmd.verb != CMD_CREATE && c && call_is_live(c) && !registry_by_id(&t->calls->registry, str_of(c->id));
}

static void on_call(struct store_job *job, int err)
{
	struct task *t = job->arg;
	t->in_flight = false;
	if (!err) {
		t->found = t->call_q.call;
		err = is_unsettled(t, t->found) ? ERR_STORE : 0;
	}
	if (err < 0)
		task_refuse(t, err);
	else
		task_gather(t);
}

static void ask_call(struct task *t, struct str id)
{
	t->call_q = (struct store_read_call){0};
	str_copy(t->call_q.id, sizeof t->call_q.id, id);
	ask(t, ASKED_CALL, on_call);
	store_read_call(t->calls->store, &t->call_q);
}

static void on_reply(struct store_job *job, int err)
{
	struct task *t = job->arg;
	struct store_read_reply q = t->reply_q;
	t->in_flight = false;
	if (err < 0) {
		task_refuse(t, err);
	} else if (!q.found) {
		task_gather(t);
	} else if (q.request_hash != t->facts.body_hash) {
		t->decision.field = "Idempotency-Key";
		task_refuse(t, ERR_ID_TAKEN);
	} else {
		const struct call_reply reply = {
			.status = q.status, .stored = str_of(q.body), .now = service_now(t->calls)};
		task_finish(t, &reply);
	}
	mem_free(q.body);
}

static void ask_reply(struct task *t)
{
	t->reply_q = (struct store_read_reply){0};
	str_copy(t->reply_q.user_id, sizeof t->reply_q.user_id, t->cmd.actor.user_id);
	str_copy(t->reply_q.key, sizeof t->reply_q.key, t->cmd.create.idempotency_key);
	ask(t, ASKED_REPLY, on_reply);
	store_read_reply(t->calls->store, &t->reply_q);
}

static void on_tombstone(struct store_job *job, int err)
{
	struct task *t = job->arg;
	t->in_flight = false;
	t->facts.has_tombstone = t->tombstone_q.found;
	if (err < 0)
		task_refuse(t, err);
	else
		task_gather(t);
}

static void ask_tombstone(struct task *t)
{
	t->tombstone_q = (struct store_read_tombstone){.now = service_now(t->calls)};
	str_copy(t->tombstone_q.user_id, sizeof t->tombstone_q.user_id, t->cmd.actor.user_id);
	str_copy(t->tombstone_q.call_id, sizeof t->tombstone_q.call_id, t->cmd.create.id);
	ask(t, ASKED_TOMBSTONE, on_tombstone);
	store_read_tombstone(t->calls->store, &t->tombstone_q);
}

/* The store knows a live call that stands in the way and this registry does not: take it up as after a restart. */
static void on_rival(struct store_job *job, int err)
{
	struct task *t = job->arg;
	struct call *rival = err < 0 ? NULL : t->call_q.call;
	t->in_flight = false;
	if (rival)
		err = service_adopt(t->calls, rival);
	if (err < 0)
		task_refuse(t, err);
	else
		task_gather(t);
}

static void ask_rival(struct task *t)
{
	t->call_q = (struct store_read_call){0};
	memcpy(t->call_q.id, t->rival_id, sizeof t->call_q.id);
	ask(t, ASKED_RIVAL, on_rival);
	store_read_call(t->calls->store, &t->call_q);
}

static void gather_create(struct task *t)
{
	const struct call_create *create = &t->cmd.create;
	t->facts.body_hash = call_body_hash(create, t->cmd.actor.user_id);
	if (create->idempotency_key.len && !(t->asked & ASKED_REPLY))
		ask_reply(t);
	else if (create->id.len && !(t->asked & ASKED_CALL))
		ask_call(t, create->id);
	else if (create->id.len && !(t->asked & ASKED_TOMBSTONE))
		ask_tombstone(t);
	else if (t->rival_id[0] && !(t->asked & ASKED_RIVAL) &&
		 !registry_by_id(&t->calls->registry, str_of(t->rival_id)))
		ask_rival(t);
	else
		task_decide(t);
}

void task_gather(struct task *t)
{
	const struct call *c = current_call(t);
	int err = 0;
	if (t->cmd.verb == CMD_CREATE)
		gather_create(t);
	else if (!c && task_is_internal(t))
		task_refuse(t, ERR_CALL_NOT_FOUND); /* over before its turn came */
	else if (!c && !(t->asked & ASKED_CALL))
		ask_call(t, t->cmd.call_id);
	else if ((needs_people(t, c) || wants_members(t, c)) && !(t->asked & ASKED_PEOPLE))
		err = gather_people(t, c);
	else
		task_decide(t);
	if (err < 0)
		task_refuse(t, err);
}

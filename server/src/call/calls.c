/* The service's life: made, started from what the store remembers, asked, drained, freed. */
#include "call/service.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"

static void on_recorder_idle(void *arg)
{
	service_check_drained(arg);
}

static void start_counting(struct calls_stats *s)
{
	static const int64_t commit[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
	static const int64_t answer[] = {
		1000, 2000, 4000, 6000, 8000, 10000, 15000, 20000, 30000, 45000, 60000, 180000};
	static const int64_t duration[] = {
		10000, 30000, 60000, 120000, 300000, 600000, 1200000, 1800000, 3600000, 7200000, 14400000};
	s->commit = (struct histogram){.bounds_ms = commit, .n_bounds = sizeof commit / sizeof *commit};
	s->answer = (struct histogram){.bounds_ms = answer, .n_bounds = sizeof answer / sizeof *answer};
	s->duration = (struct histogram){.bounds_ms = duration, .n_bounds = sizeof duration / sizeof *duration};
}

struct calls *calls_new(const struct calls_config *config)
{
	struct calls *c = mem_new(sizeof *c);
	if (!c)
		return NULL;
	c->loop = config->loop;
	c->store = config->store;
	c->limits = config->limits;
	c->announcer = config->announcer;
	c->now = config->now;
	c->now_arg = config->now_arg;
	c->clock_offset = clock_wall_ms() - clock_mono_ms();
	start_counting(&c->counted);
	list_init(&c->tasks);
	map_init(&c->queues);
	policy_init(&c->policy, &c->limits);
	recorder_init(&c->recorder, c->loop, c->store, on_recorder_idle, c);
	if (c->limits.max_participants > MODEL_PARTICIPANTS_MAX)
		c->limits.max_participants = MODEL_PARTICIPANTS_MAX;
	if (registry_init(&c->registry) == 0 && service_start_tick(c) == 0)
		return c;
	calls_free(c);
	return NULL;
}

void calls_set_announcer(struct calls *c, const struct call_announcer *announcer)
{
	c->announcer = *announcer;
}

/* What was live when the process before us ended. */
struct loaded {
	struct call **calls; /* owned, and what is in it */
	size_t n;
	size_t cap;
};

static int on_loaded(void *arg, struct call *call)
{
	struct loaded *l = arg;
	struct call **grown = mem_grow(l->calls, l->n, &l->cap, sizeof *grown, 64);
	if (!grown) {
		call_free(call);
		return ERR_NO_MEMORY;
	}
	l->calls = grown;
	l->calls[l->n++] = call;
	return 0;
}

/* A machine that comes up with its clock behind must not make calls go back in time: ours goes on from the last sign of
 * life, and follows the machine's slowly. */
static void advance_clock(struct calls *c, const struct loaded *l)
{
	for (size_t i = 0; i < l->n; i++) {
		int64_t ahead = l->calls[i]->last_seen_at - service_now(c);
		if (ahead > 0)
			c->clock_offset += ahead;
	}
}

int calls_start(struct calls *c)
{
	struct loaded loaded = {0};
	int err = store_load_live(c->store, on_loaded, &loaded);
	if (err == 0)
		advance_clock(c, &loaded);
	for (size_t i = 0; i < loaded.n; i++)
		if (err == 0)
			err = service_adopt(c, loaded.calls[i]);
		else
			call_free(loaded.calls[i]);
	mem_free(loaded.calls);
	return err;
}

static void free_queues(struct calls *c)
{
	struct map_node *node = map_next(&c->queues, NULL);
	while (node) {
		struct map_node *next = map_next(&c->queues, node);
		mem_free(CONTAINER_OF(node, struct queue, node));
		node = next;
	}
	map_fini(&c->queues);
}

void calls_free(struct calls *c)
{
	const struct call_reply draining = {.err = ERR_DRAINING, .status = err_http_status(ERR_DRAINING)};
	if (!c)
		return;
	c->is_over = true;
	LIST_EACH(&c->tasks, item)
	{
		struct task *t = CONTAINER_OF(item, struct task, link);
		if (t->cb)
			t->cb(t->arg, &draining);
		task_free(t);
	}
	timer_stop(c->loop, &c->tick);
	LIST_EACH(&c->registry.beats, item)
	{
		timer_stop(c->loop, &CONTAINER_OF(item, struct live_call, beat)->deadline);
	}
	registry_fini(&c->registry);
	policy_fini(&c->policy);
	recorder_fini(&c->recorder);
	free_queues(c);
	mem_free(c);
}

/* --- asking --- */

static bool is_name(struct str s, size_t size)
{
	return s.len && s.len < size && !memchr(s.ptr, 0, s.len) && str_is_utf8(s);
}

static bool is_key(struct str s)
{
	if (s.len > CALL_KEY_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e)
			return false;
	return true;
}

static int check_metadata(struct str metadata)
{
	json_t *object;
	if (!metadata.len)
		return 0;
	if (metadata.len > MODEL_METADATA_MAX)
		return ERR_PAYLOAD_TOO_LARGE;
	if (json_read_object(metadata, &object) < 0)
		return ERR_BAD_FIELD;
	json_decref(object);
	return 0;
}

static int check_users(const struct str *users, size_t n)
{
	if (n > 2 * MODEL_PARTICIPANTS_MAX)
		return ERR_TOO_MANY_PARTICIPANTS;
	for (size_t i = 0; i < n; i++)
		if (!is_name(users[i], MODEL_USER_ID_SIZE))
			return ERR_BAD_FIELD;
	return 0;
}

static int check_create(struct calls *c, const struct call_create *create, const char **field)
{
	int err;
	if (c->is_draining)
		return ERR_DRAINING;
	if (c->registry.n >= c->limits.max_live)
		return ERR_OVERLOADED;
	*field = "id";
	if (create->id.len && !id_is_uuid(create->id))
		return ERR_BAD_FIELD;
	*field = "channelId";
	if (!is_name(create->channel_id, MODEL_CHANNEL_ID_SIZE))
		return ERR_BAD_FIELD;
	*field = "metadata";
	if ((err = check_metadata(create->metadata)) < 0)
		return err;
	*field = "Idempotency-Key";
	if (!is_key(create->idempotency_key))
		return ERR_BAD_FIELD;
	*field = "participants";
	return check_users(create->participants, create->n_participants);
}

static int check(struct calls *c, const struct call_command *cmd, const char **field)
{
	const struct call_actor *a = &cmd->actor;
	if (a->user_id.len ? !is_name(a->user_id, MODEL_USER_ID_SIZE) : !a->is_server)
		return ERR_TOKEN_INVALID;
	if (a->session_id.len >= MODEL_SESSION_ID_SIZE)
		return ERR_BAD_REQUEST;
	if (cmd->verb == CMD_CREATE)
		return a->user_id.len ? check_create(c, &cmd->create, field) : ERR_FORBIDDEN;
	*field = "callId";
	if (!id_is_uuid(cmd->call_id))
		return ERR_BAD_FIELD;
	*field = "participants";
	return cmd->verb == CMD_RING ? check_users(cmd->ring.users, cmd->ring.n_users) : 0;
}

/* A name that is too long or no text is not worth refusing a call for. */
static void tidy(struct call_command *cmd)
{
	struct call_actor *a = &cmd->actor;
	if (!is_name(a->name, MODEL_USER_NAME_SIZE))
		a->name = STR("");
	if (!is_name(a->avatar_url, MODEL_AVATAR_URL_SIZE))
		a->avatar_url = STR("");
}

/* POST /join {socketId}: the device that joins is one of the user's own. */
static int find_device(struct calls *c, struct call_command *cmd, char session[MODEL_SESSION_ID_SIZE])
{
	const struct call_announcer *out = &c->announcer;
	if (cmd->verb != CMD_JOIN || cmd->actor.session_id.len || !cmd->join.socket_id.len)
		return 0;
	if (!out->find_session || out->find_session(out->arg, cmd->actor.user_id, cmd->join.socket_id, session) < 0)
		return ERR_BAD_FIELD;
	cmd->actor.session_id = str_of(session);
	return 0;
}

static void refuse(call_reply_cb cb, void *arg, int err, const char *field)
{
	bool names = err == ERR_BAD_FIELD || err == ERR_PAYLOAD_TOO_LARGE || err == ERR_TOO_MANY_PARTICIPANTS;
	const struct call_reply reply = {.err = err, .field = names ? field : NULL, .status = err_http_status(err)};
	if (cb)
		cb(arg, &reply);
}

void calls_submit(struct calls *c, const struct call_command *command, call_reply_cb cb, void *arg)
{
	struct call_command cmd = *command;
	char session[MODEL_SESSION_ID_SIZE];
	const char *field = NULL;
	tidy(&cmd);
	int err = check(c, &cmd, &field);
	if (!err && (err = find_device(c, &cmd, session)) < 0)
		field = "socketId";
	struct task *t = err ? NULL : task_new(c, &cmd);
	if (!t) {
		refuse(cb, arg, err ? err : ERR_NO_MEMORY, field);
		return;
	}
	task_expect(t, cb, arg);
	task_route(t);
}

/* Which queue a command belongs to. Calls of one channel (group) or one pair of users (direct) have one owner; an id
 * of which nothing is known has a queue of its own, so that a cancel and a late create meet there (race 6). */
#include "call/service.h"

#include "base/err.h"

#include <stdio.h>

void owner_of_channel(struct str channel, char out[STORE_OWNER_SIZE])
{
	snprintf(out, STORE_OWNER_SIZE, "channel:%.*s", STR_ARG(channel));
}

/* Unordered; the first one's length keeps "a b" and "c" apart from "a" and "b c". */
void owner_of_pair(struct str a, struct str b, char out[STORE_OWNER_SIZE])
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
	if (order > 0 || (order == 0 && a.len > b.len)) {
		struct str swap = a;
		a = b;
		b = swap;
	}
	snprintf(out, STORE_OWNER_SIZE, "pair:%zu:%.*s %.*s", a.len, STR_ARG(a), STR_ARG(b));
}

void owner_of_call(const struct call *c, char out[STORE_OWNER_SIZE])
{
	if (c->mode == CALL_DIRECT && c->n_participants == 2)
		owner_of_pair(str_of(c->participants[0].user.id), str_of(c->participants[1].user.id), out);
	else
		owner_of_channel(str_of(c->channel_id), out);
}

static void enter(struct task *t, struct slot *slot, const char *key, void (*run)(struct task *t))
{
	int err = queue_enter(t->calls, slot, key, run);
	if (err < 0)
		task_refuse(t, err);
}

static void key_of_id(struct str id, char out[STORE_OWNER_SIZE])
{
	snprintf(out, STORE_OWNER_SIZE, "id:%.*s", STR_ARG(id));
}

static void enter_id(struct task *t, struct str id, void (*run)(struct task *t))
{
	char key[STORE_OWNER_SIZE];
	key_of_id(id, key);
	enter(t, &t->by_id, key, run);
}

int64_t service_known_seq(const struct calls *c, struct str call_id)
{
	char key[STORE_OWNER_SIZE];
	const struct live_call *live = registry_by_id(&c->registry, call_id);
	if (live)
		return live->call->seq;
	key_of_id(call_id, key);
	const struct task *t = queue_first(c, key);
	return t && t->set.call ? t->set.expected_seq : INT64_MAX;
}

static void route_call(struct task *t)
{
	struct live_call *live = registry_by_id(&t->calls->registry, t->cmd.call_id);
	if (!live) {
		task_gather(t); /* it is over, or was never made */
		return;
	}
	memcpy(t->owner, live->owner, sizeof t->owner);
	enter(t, &t->by_owner, t->owner, task_gather);
}

void task_route(struct task *t)
{
	if (t->cmd.verb == CMD_CREATE && t->cmd.create.id.len)
		enter_id(t, t->cmd.create.id, task_gather_create);
	else if (t->cmd.verb == CMD_CREATE)
		task_gather_create(t);
	else if (registry_by_id(&t->calls->registry, t->cmd.call_id))
		route_call(t);
	else
		enter_id(t, t->cmd.call_id, route_call);
}

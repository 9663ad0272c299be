/* What goes wrong on the way and is tried again: a store that cannot write now, somebody else who has written first, a
 * live call that only the store knew. */
#include "call/service.h"

#include "base/err.h"
#include "base/mem.h"

#define MAX_TRIES 3
#define RETRY_MS 200

struct live_call *task_live(const struct task *t)
{
	if (t->cmd.verb == CMD_CREATE)
		return registry_by_owner(&t->calls->registry, str_of(t->owner));
	return registry_by_id(&t->calls->registry, t->cmd.call_id);
}

/* What a command of the server's own could not write now must be tried later: nobody else would. */
static void on_retry(struct timer *timer, void *arg)
{
	struct task *t = arg;
	(void)timer;
	t->in_flight = false;
	task_reset(t);
	task_gather(t);
}

void task_fail(struct task *t, int err)
{
	struct calls *c = t->calls;
	if (task_is_internal(t) && err_retryable(err) && !c->is_over &&
		timer_start(c->loop, &t->retry, RETRY_MS, on_retry, t) == 0) {
		t->in_flight = true;
		return;
	}
	task_refuse(t, err);
}

static void on_reloaded(struct store_job *job, int err);

/* Somebody else has written: what we hold is old. */
void task_reload(struct task *t)
{
	struct live_call *live = task_live(t);
	memcpy(t->rival_id, t->set.rival_id, sizeof t->rival_id);
	if (++t->tries > MAX_TRIES) {
		task_fail(t, ERR_OVERLOADED);
		return;
	}
	if (!live) {
		task_reset(t);
		task_gather(t);
		return;
	}
	t->call_q = (struct store_read_call){.job = {.done = on_reloaded, .arg = t}};
	memcpy(t->call_q.id, live->id, sizeof t->call_q.id);
	t->in_flight = true;
	store_read_call(t->calls->store, &t->call_q);
}

static void on_reloaded(struct store_job *job, int err)
{
	struct task *t = job->arg;
	struct call *loaded = t->call_q.call;
	struct live_call *live = registry_by_id(&t->calls->registry, str_of(t->call_q.id));
	struct places places = {0};
	t->in_flight = false;
	if (!err && loaded)
		err = places_init(&places, loaded);
	if (err < 0) {
		call_free(loaded);
		task_fail(t, err);
		return;
	}
	bool stays = live && loaded && call_is_live(loaded);
	if (live)
		timer_stop(t->calls->loop, &live->deadline);
	if (live && loaded && loaded->seq != live->call->seq)
		registry_swap(&t->calls->registry, live, loaded, &places);
	else if (live && !loaded)
		registry_remove(&t->calls->registry, live);
	else
		call_free(loaded);
	if (stays)
		service_arm(t->calls, live, 0);
	places_fini(&places);
	task_reset(t);
	task_gather(t);
}

int service_adopt(struct calls *c, struct call *call)
{
	char owner[STORE_OWNER_SIZE];
	struct places places = {0};
	if (!call_is_live(call) || registry_by_id(&c->registry, str_of(call->id))) {
		call_free(call);
		return 0;
	}
	owner_of_call(call, owner);
	struct live_call *live = live_new(call->id, owner);
	if (!live || places_init(&places, call) < 0) {
		live_free(live);
		call_free(call);
		return ERR_NO_MEMORY;
	}
	live->service = c;
	registry_swap(&c->registry, live, call, &places);
	service_submit_for(c, CMD_RESTART, str_of(live->id), STR(""), STR(""));
	return 0;
}

/* What the relay moved, told by its workers, finds its way to the calls: the relay knows users, the calls know what
 * they are in.
 *
 * User names of the relay are `expiry:user` and nothing more, so that one secret serves a fleet of other relays too and
 * a quota counts a person whatever the call. Which call an allocation belongs to is therefore seen once, soon after its
 * first packet, as the call that its user is in; it keeps that call to its end, also when it outlives it. A user who is
 * in two calls at once on two devices has both counted for the one joined last.
 */
#include "app/app.h"
#include "base/log.h"
#include "base/mem.h"

/* An allocation whose call is known. */
struct relayed {
	struct map_node node; /* by allocation */
	uint64_t allocation;
	char call_id[ID_UUID_SIZE];
};

/* On its way from a worker to the loop. */
struct report {
	struct post post;
	struct app *app;
	uint64_t allocation;
	uint64_t bytes;
	bool ended;
	char user_id[TURN_USER_MAX + 1];
};

static struct str key_of(const uint64_t *allocation)
{
	return str_n((const char *)allocation, sizeof *allocation);
}

static struct relayed *find(struct app *a, const struct report *r)
{
	struct map_node *node = map_get(&a->relayed, key_of(&r->allocation));
	if (node)
		return CONTAINER_OF(node, struct relayed, node);
	const struct call *call = calls_of_media(a->calls, str_of(r->user_id));
	struct relayed *made = call ? mem_new(sizeof *made) : NULL;
	if (!made)
		return NULL;
	made->allocation = r->allocation;
	memcpy(made->call_id, call->id, sizeof made->call_id);
	if (map_put(&a->relayed, &made->node, key_of(&made->allocation)) == 0)
		return made;
	mem_free(made);
	return NULL;
}

/* Test traffic of a user without a call belongs to none; the counters of /metrics have it all the same. */
static void on_report(struct post *post)
{
	struct report *r = CONTAINER_OF(post, struct report, post);
	struct app *a = r->app;
	struct relayed *relayed = a->calls ? find(a, r) : NULL;
	if (relayed && r->bytes)
		calls_add_relayed(a->calls, str_of(relayed->call_id), str_of(r->user_id), r->bytes);
	if (relayed && r->ended) {
		map_remove(&a->relayed, &relayed->node);
		mem_free(relayed);
	}
	mem_free(r);
}

/* On a worker's thread. */
static void on_usage(void *arg, const struct turn_usage *usage)
{
	struct app *a = arg;
	struct report *r = mem_new(sizeof *r);
	if (!r || str_copy(r->user_id, sizeof r->user_id, str_of(usage->user)) < 0) {
		mem_free(r);
		return;
	}
	r->post.run = on_report;
	r->app = a;
	r->allocation = usage->allocation;
	r->bytes = usage->bytes_to_peer + usage->bytes_to_client;
	r->ended = usage->ended;
	loop_post(&a->loop, &r->post);
}

void app_count_usage(struct app *a, struct turn_config *cfg)
{
	cfg->on_usage = on_usage;
	cfg->usage_arg = a;
}

void app_forget_usage(struct app *a)
{
	struct map_node *node;
	while ((node = map_next(&a->relayed, NULL))) {
		map_remove(&a->relayed, node);
		mem_free(CONTAINER_OF(node, struct relayed, node));
	}
	map_fini(&a->relayed);
}

/* Posts run in their order: when this one does, the last reports have gone to the calls. */
static void on_ended(struct post *post)
{
	struct app *a = CONTAINER_OF(post, struct app, relay_ended);
	a->on_relay_closed(a);
}

void app_close_turn(struct app *a, void (*closed)(struct app *a))
{
	turn_stop(a->turn);
	a->turn = NULL;
	a->on_relay_closed = closed;
	a->relay_ended.run = on_ended;
	loop_post(&a->loop, &a->relay_ended);
}

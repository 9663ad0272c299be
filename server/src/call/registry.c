/* The live calls and the ways to find them. */
#include "call/registry.h"

#include "base/err.h"
#include "base/mem.h"
#include "call/decide.h"

#include <assert.h>

/* A map allocates its first table when it first gets a node: have that now, when it may still fail. */
static int map_warm(struct map *m)
{
	struct map_node node;
	map_init(m);
	int err = map_put(m, &node, STR("first"));
	if (err == 0)
		map_remove(m, &node);
	return err;
}

int registry_init(struct registry *r)
{
	struct map *const maps[] = {&r->by_id, &r->by_owner, &r->by_user, &r->by_session, &r->by_leg};
	int err = 0;
	*r = (struct registry){0};
	list_init(&r->beats);
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
		map_init(maps[i]);
	for (size_t i = 0; !err && i < sizeof maps / sizeof *maps; i++)
		err = map_warm(maps[i]);
	if (err < 0)
		registry_fini(r);
	return err;
}

void registry_fini(struct registry *r)
{
	LIST_EACH(&r->beats, item)
	{
		registry_remove(r, CONTAINER_OF(item, struct live_call, beat));
	}
	map_fini(&r->by_id);
	map_fini(&r->by_owner);
	map_fini(&r->by_user);
	map_fini(&r->by_session);
	map_fini(&r->by_leg);
}

int places_init(struct places *p, const struct call *c)
{
	*p = (struct places){0};
	if (!call_is_live(c))
		return 0;
	p->people = mem_new((c->n_participants + 1) * sizeof *p->people);
	p->legs = mem_new((c->n_legs + 1) * sizeof *p->legs);
	if (p->people && p->legs)
		return 0;
	places_fini(p);
	return ERR_NO_MEMORY;
}

void places_fini(struct places *p)
{
	mem_free(p->people);
	mem_free(p->legs);
	*p = (struct places){0};
}

struct live_call *live_new(const char *id, const char *owner)
{
	struct live_call *live = mem_new(sizeof *live);
	if (!live)
		return NULL;
	memcpy(live->id, id, sizeof live->id);
	str_copy(live->owner, sizeof live->owner, str_of(owner));
	list_init(&live->beat);
	return live;
}

void live_free(struct live_call *live)
{
	if (!live)
		return;
	call_free(live->call);
	places_fini(&live->places);
	mem_free(live);
}

static void place_in(struct map *m, struct place *p, struct str key)
{
	struct map_node *first = map_get(m, key);
	list_init(&p->same);
	p->in_map = !first;
	if (first) {
		list_push(&CONTAINER_OF(first, struct place, node)->same, &p->same);
		return;
	}
	int err = map_put(m, &p->node, key);
	assert(err == 0); /* the table is there and the key is not in it */
	(void)err;
}

static struct str place_key(const struct place *p, bool is_leg)
{
	const struct call *c = p->live->call;
	return is_leg ? str_of(c->legs[p->index].session_id) : str_of(c->participants[p->index].user.id);
}

static void place_out(struct map *m, struct place *p, bool is_leg)
{
	struct list *heir = p->same.next;
	bool alone = list_empty(&p->same);
	if (p->in_map)
		map_remove(m, &p->node);
	list_remove(&p->same);
	if (!p->in_map || alone)
		return;
	struct place *next = CONTAINER_OF(heir, struct place, same);
	next->in_map = true;
	map_put(m, &next->node, place_key(next, is_leg));
}

static void index_in(struct registry *r, struct live_call *live)
{
	struct call *c = live->call;
	for (size_t i = 0; i < c->n_participants; i++) {
		live->places.people[i] = (struct place){.live = live, .index = i};
		place_in(&r->by_user, &live->places.people[i], str_of(c->participants[i].user.id));
	}
	for (size_t i = 0; i < c->n_legs; i++) {
		struct leg_place *at = &live->places.legs[i];
		at->by_session = (struct place){.live = live, .index = i};
		map_put(&r->by_leg, &at->by_leg, str_of(c->legs[i].id));
		if (c->legs[i].session_id[0])
			place_in(&r->by_session, &at->by_session, str_of(c->legs[i].session_id));
	}
}

static void index_out(struct registry *r, struct live_call *live)
{
	struct call *c = live->call;
	for (size_t i = 0; i < c->n_participants; i++)
		place_out(&r->by_user, &live->places.people[i], false);
	for (size_t i = 0; i < c->n_legs; i++) {
		map_remove(&r->by_leg, &live->places.legs[i].by_leg);
		if (c->legs[i].session_id[0])
			place_out(&r->by_session, &live->places.legs[i].by_session, true);
	}
}

void registry_remove(struct registry *r, struct live_call *live)
{
	index_out(r, live);
	map_remove(&r->by_id, &live->by_id);
	if (live->owns_slot)
		map_remove(&r->by_owner, &live->by_owner);
	list_remove(&live->beat);
	r->n--;
	live_free(live);
}

/* These rise outside the queue, perhaps while the new state was being committed. */
static void keep_relayed(const struct call *old, struct call *next)
{
	for (size_t i = 0; i < old->n_participants && i < next->n_participants; i++)
		if (next->participants[i].relayed_bytes < old->participants[i].relayed_bytes)
			next->participants[i].relayed_bytes = old->participants[i].relayed_bytes;
}

void registry_swap(struct registry *r, struct live_call *live, struct call *next, struct places *places)
{
	struct call *old = live->call;
	if (!call_is_live(next)) {
		if (old)
			registry_remove(r, live);
		else
			live_free(live);
		call_free(next);
		places_fini(places);
		return;
	}
	if (old) {
		keep_relayed(old, next);
		index_out(r, live);
	} else {
		map_put(&r->by_id, &live->by_id, str_of(live->id));
		live->owns_slot = map_put(&r->by_owner, &live->by_owner, str_of(live->owner)) == 0;
		list_push(&r->beats, &live->beat);
		r->n++;
	}
	call_free(old);
	places_fini(&live->places);
	live->call = next;
	live->places = *places;
	*places = (struct places){0};
	index_in(r, live);
}

struct live_call *registry_by_id(const struct registry *r, struct str id)
{
	struct map_node *node = map_get(&r->by_id, id);
	return node ? CONTAINER_OF(node, struct live_call, by_id) : NULL;
}

struct live_call *registry_by_owner(const struct registry *r, struct str owner)
{
	struct map_node *node = map_get(&r->by_owner, owner);
	return node ? CONTAINER_OF(node, struct live_call, by_owner) : NULL;
}

struct place *registry_of_user(const struct registry *r, struct str user_id)
{
	struct map_node *node = map_get(&r->by_user, user_id);
	return node ? CONTAINER_OF(node, struct place, node) : NULL;
}

struct place *registry_of_session(const struct registry *r, struct str session_id)
{
	struct map_node *node = map_get(&r->by_session, session_id);
	return node ? CONTAINER_OF(node, struct place, node) : NULL;
}

struct place *place_next(const struct place *first, const struct place *p)
{
	return p->same.next == &first->same ? NULL : CONTAINER_OF(p->same.next, struct place, same);
}

struct leg_place *registry_leg(const struct registry *r, struct str leg_id)
{
	struct map_node *node = map_get(&r->by_leg, leg_id);
	return node ? CONTAINER_OF(node, struct leg_place, by_leg) : NULL;
}

bool registry_is_busy(const struct registry *r, struct str user_id, const char *except)
{
	struct place *first = registry_of_user(r, user_id);
	for (struct place *p = first; p; p = place_next(first, p)) {
		if (except && strcmp(p->live->id, except) == 0)
			continue;
		if (participant_is_in(&p->live->call->participants[p->index]))
			return true;
	}
	return false;
}

/* registry: every live call of this server, found by its id, its owner, its people, their sessions and their devices.
 *
 * A call in here is never changed in place: a new state is swapped in as a whole, and everything that points into it
 * with it. Making room for the new state is done before the commit, so that nothing can fail after it.
 */
#ifndef BELLWIRE_CALL_REGISTRY_H
#define BELLWIRE_CALL_REGISTRY_H

#include "base/list.h"
#include "base/map.h"
#include "loop/loop.h"
#include "store/store.h"

struct live_call;

/* A participant of a live call, or a device with a session. Those with the same user (session) form a ring of which one
 * stands in the map. */
struct place {
	struct map_node node;
	struct list same;
	struct live_call *live; /* borrowed */
	size_t index;		/* in the call's participants or legs */
	bool in_map;
};

struct leg_place {
	struct map_node by_leg;
	struct place by_session;
};

/* Room for one state's places. */
struct places {
	struct place *people;	/* owned */
	struct leg_place *legs; /* owned */
};

struct live_call {
	struct map_node by_id;
	struct map_node by_owner;
	struct list beat;  /* in the order of the last writing of lastSeenAt */
	struct call *call; /* owned: as committed */
	struct places places;
	char id[ID_UUID_SIZE];
	char owner[STORE_OWNER_SIZE];
	struct timer deadline;
	int64_t beat_at;
	bool media_is_due; /* to be written with the next beat */
	bool owns_slot;	   /* stands in by_owner */
	void *service;	   /* borrowed: for the timer's callback */
};

struct registry {
	struct map by_id;
	struct map by_owner;
	struct map by_user;
	struct map by_session;
	struct map by_leg;
	struct list beats;
	size_t n;
};

/* ERR_NO_MEMORY. After it, swapping never allocates. */
int registry_init(struct registry *r);
void registry_fini(struct registry *r); /* frees all calls */

/* Room for a state; ERR_NO_MEMORY. */
int places_init(struct places *p, const struct call *c);
void places_fini(struct places *p);

/* A new live call without a state; null without memory. */
struct live_call *live_new(const char *id, const char *owner);
void live_free(struct live_call *live); /* one that is not in the registry */

/* Puts the state in (taking it and its places, emptied), for a call that is new or has one already. A state that is
 * over takes the call out and frees `live`; the state is then freed too. */
void registry_swap(struct registry *r, struct live_call *live, struct call *next, struct places *places);
void registry_remove(struct registry *r, struct live_call *live);

struct live_call *registry_by_id(const struct registry *r, struct str id);
struct live_call *registry_by_owner(const struct registry *r, struct str owner);

/* Walks the places of a user or session: start with the first, go on until null. */
struct place *registry_of_user(const struct registry *r, struct str user_id);
struct place *registry_of_session(const struct registry *r, struct str session_id);
struct place *place_next(const struct place *first, const struct place *p);
struct leg_place *registry_leg(const struct registry *r, struct str leg_id);

/* Whether the user is in a live call other than `except` (null: any). */
bool registry_is_busy(const struct registry *r, struct str user_id, const char *except);

#endif

/* scene: one call on a stage, for tests of three lines.
 *
 * Users are names, devices "ann/1"; a bare name speaks over REST. Everyone is a member of the channel and has whatever
 * devices were put online. Every step is watched by the invariants of server/tests/property.
 */
#ifndef BELLWIRE_TESTS_SCENE_H
#define BELLWIRE_TESTS_SCENE_H

#include "call/decide.h"
#include "check.h"
#include "invariants.h"

struct scene {
	struct call_limits limits;
	int64_t now;
	struct call *call;	   /* owned: as committed */
	struct call *last_next;	   /* owned: as decided last, with the devices that went */
	struct call_decision last; /* its `next` is null: see last_next */
	struct watch watch;
	const char *online;	 /* sessions with a connected socket: "ann/1 bob/1 bob/2" */
	const char *busy;	 /* users who are in another call */
	const char *strangers;	 /* users who are not members */
	struct call_command cmd; /* of the next step, its union filled in by the test; cleared by each step */
	bool has_tombstone;
	const struct call *by_id;
	unsigned next_leg;
};

#define SCENE_START 1700000000000

void scene_init(struct scene *s);
void scene_fini(struct scene *s);

/* Each returns the error of the decision. who: "bob", "bob/2", "server", or "dan!" for a moderator. */
int act(struct scene *s, enum call_verb verb, const char *who);

/* Calls: others are names with blanks between. mode is by their number unless cmd.create says otherwise. */
int make_call(struct scene *s, const char *who, const char *others);
int take_over(struct scene *s, const char *who);
int ring(struct scene *s, const char *who, const char *others);

/* The clock goes on, and the deadlines in between are kept. */
void pass(struct scene *s, int64_t ms);

/* How many events of that type the last step sent to that session ("bob/1") or, for a bare name, to any session of it.
 */
int heard(const struct scene *s, const char *who, const char *type);
/* How many it sent at all. */
int told(const struct scene *s, const char *type);
/* A member of the payload of the last step's first event of that type, as text; "" when there is none. */
const char *said(const struct scene *s, const char *type, const char *member);

enum participant_state state_of(const struct scene *s, const char *user);
size_t n_legs(const struct scene *s);

#endif

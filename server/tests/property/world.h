/* world: many users with several devices, channels, calls and one virtual clock, driven by random steps.
 *
 * What the service does around call_decide is done here in its simplest form, one step at a time, and every decision is
 * shown to the invariants. The same seed walks the same way.
 */
#ifndef BELLWIRE_TESTS_WORLD_H
#define BELLWIRE_TESTS_WORLD_H

#include "invariants.h"

#define WORLD_USERS 24
#define WORLD_DEVICES 3
#define WORLD_CHANNELS 6
#define WORLD_CALLS 48 /* live at once */
#define WORLD_OVER 16  /* calls that are over and still asked */

struct world_call {
	struct call *call; /* owned */
	struct watch watch;
};

enum world_session { SESSION_NONE, SESSION_CONNECTED, SESSION_LOST };

struct world {
	struct call_limits limits;
	uint64_t random;
	int64_t now;
	struct world_call live[WORLD_CALLS];
	size_t n_live;
	struct call *over[WORLD_OVER]; /* owned */
	size_t next_over;
	enum world_session sessions[WORLD_USERS][WORLD_DEVICES];
	uint64_t next_id;
	char broken[512]; /* the first sentence that was not true, and where; "" while all is well */

	/* What was seen, so that a walk that never gets anywhere is found out. */
	uint64_t n_steps;
	uint64_t n_decisions;
	uint64_t n_calls;
	uint64_t n_reasons[END_REASON_COUNT];
	uint64_t n_statuses[CALL_STATUS_COUNT];
	uint64_t n_errors;
	uint64_t n_merged;
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);

/* One random step. False: w->broken says what is not true. */
bool world_step(struct world *w);

/* Everybody goes away, time passes: no call may be left. */
bool world_end(struct world *w);

#endif

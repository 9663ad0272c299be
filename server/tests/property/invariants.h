/* invariants: what is true of every call at every step, as sentences.
 *
 * One struct watch follows one call from its making on. Each decision is shown to it before it is applied.
 */
#ifndef BELLWIRE_TESTS_INVARIANTS_H
#define BELLWIRE_TESTS_INVARIANTS_H

#include "call/decide.h"

#define WATCH_USERS 32
#define WATCH_ID_SIZE 16

struct watched_user {
	char id[WATCH_ID_SIZE];
	int64_t talking_since; /* by our own clock: in the call while it is active */
	int64_t talk_ms;
	int n_last_words; /* call.ended, call.cancelled, call.missed heard since last rung or in */
};

struct watch {
	struct call *rows; /* owned: what a database would hold, from rows marked as changed alone */
	struct watched_user users[WATCH_USERS];
	size_t n_users;
	int n_accepted; /* call.accepted told */
};

void watch_init(struct watch *w);
void watch_fini(struct watch *w);
void watch_copy(struct watch *to, const struct watch *from);

/* `before` is null for a call that is being made. Returns null, or the sentence that is not true. */
const char *watch_step(struct watch *w, const struct call *before, const struct call_decision *d, int64_t now,
	const struct call_limits *limits);

#endif

/* policy: how much ringing one caller, one callee and one channel get.
 *
 * Token buckets. A ring is counted against all of them or, when one is empty, against none.
 */
#ifndef BELLWIRE_CALL_POLICY_H
#define BELLWIRE_CALL_POLICY_H

#include "base/map.h"
#include "call/limits.h"

struct policy {
	const struct call_limits *limits; /* borrowed */
	struct map buckets;
	size_t sweep_at; /* look for full buckets when there are so many */
};

/* One command's ringing. */
struct policy_ring {
	struct str caller;	   /* "" = the server: not counted */
	struct str channel;	   /* "" = not counted, as when people are rung again */
	const struct str *callees; /* borrowed */
	size_t n_callees;
};

void policy_init(struct policy *p, const struct call_limits *limits);
void policy_fini(struct policy *p);

/* 0: counted, go ahead. Otherwise the milliseconds after which the same would be allowed; nothing was counted. More
 * rings at once than a bucket ever holds count as a full one. Without memory a ring goes uncounted. */
int64_t policy_take(struct policy *p, const struct policy_ring *ring, int64_t now_mono_ms);

#endif

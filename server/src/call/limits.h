/* limits: every number of the rules, in one struct, so that options can set them. */
#ifndef BELLWIRE_CALL_LIMITS_H
#define BELLWIRE_CALL_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "store/model.h"

/* A token bucket: `burst` at once, then one more every `every_ms`. every_ms 0 = no limit. */
struct call_rate {
	int64_t every_ms;
	int64_t burst;
};

/* Times in milliseconds. */
struct call_limits {
	int64_t ring_ms;     /* how long a call rings when its creator says nothing */
	int64_t ring_min_ms; /* bounds of what the creator may ask for */
	int64_t ring_max_ms;
	int64_t ring_grace_ms;	 /* added by the server: an answer in the last moment is still an answer */
	int64_t unreachable_ms;	 /* no device has said that it rings: the caller is told */
	int64_t caller_grace_ms; /* a caller without a session while it rings */
	int64_t connect_ms;	 /* direct call: from the answer until both sides have a device in it */
	int64_t resume_ms;	 /* a lost socket may come back */
	int64_t unclaimed_ms;	 /* joined over REST, and no device has claimed it */
	int64_t alone_ms;	 /* one user alone in a group call; 0 = for ever */
	int64_t max_duration_ms; /* from the answer; 0 = no end */
	int64_t heartbeat_ms;	 /* between two writings of lastSeenAt */
	int64_t tombstone_ms;	 /* a cancel of a call that is not known yet is remembered */
	int64_t idempotency_ms;	 /* a stored reply is kept */

	enum record_policy record_policy; /* of calls that ask for none stricter */

	size_t max_participants; /* in one call, the caller included; at most MODEL_PARTICIPANTS_MAX */
	size_t max_legs;	 /* devices joined at once */
	size_t max_queue;	 /* commands that wait for one owner; more are refused with ERR_OVERLOADED */
	size_t max_live;	 /* ringing and active calls on this server */

	struct call_rate rate_caller;  /* people that one user rings (an invitation counts one) */
	struct call_rate rate_callee;  /* rings that one user is bothered with */
	struct call_rate rate_channel; /* calls created in one channel */
};

/* The defaults of docs/guide/calls.md. */
void call_limits_init(struct call_limits *l);

/* Sets the three rates: how often in a minute one user is rung, and one channel rings; a caller may ring as many people
 * over time, and four times as many at once. 0 = no limit. */
void call_limits_set_rings(struct call_limits *l, int64_t per_minute);

#endif

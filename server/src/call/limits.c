/* The defaults of docs/guide/calls.md. */
#include "call/limits.h"

#define SECOND 1000
#define HOUR (3600 * SECOND)

void call_limits_init(struct call_limits *l)
{
	*l = (struct call_limits){
		.ring_ms = 60 * SECOND,
		.ring_min_ms = 5 * SECOND,
		.ring_max_ms = 180 * SECOND,
		.ring_grace_ms = SECOND,
		.unreachable_ms = 8 * SECOND,
		.caller_grace_ms = 10 * SECOND,
		.connect_ms = 30 * SECOND,
		.resume_ms = 30 * SECOND,
		.unclaimed_ms = 30 * SECOND,
		.alone_ms = 60 * SECOND,
		.max_duration_ms = 24 * HOUR,
		.heartbeat_ms = 15 * SECOND,
		.tombstone_ms = 60 * SECOND,
		.idempotency_ms = 24 * HOUR,
		.max_participants = 100,
		.max_legs = 16,
		.max_queue = 256,
		.max_live = 100000,
	};
	call_limits_set_rings(l, 30);
}

void call_limits_set_rings(struct call_limits *l, int64_t per_minute)
{
	const struct call_rate rate = {.every_ms = per_minute ? 60 * SECOND / per_minute : 0, .burst = per_minute};
	l->rate_callee = rate;
	l->rate_channel = rate;
	l->rate_caller = (struct call_rate){.every_ms = rate.every_ms, .burst = 4 * rate.burst};
}

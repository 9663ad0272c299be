/* lane: jobs that wait for threads. */
#ifndef BELLWIRE_STORE_LANE_H
#define BELLWIRE_STORE_LANE_H

#include "store/store.h"

struct lane {
	uv_mutex_t lock;
	uv_cond_t filled;
	struct list jobs;
	size_t n;
	bool stopped;
};

int lane_init(struct lane *l);
void lane_fini(struct lane *l); /* no thread may wait in it any more */

/* ERR_OVERLOADED when STORE_WAITING_MAX wait already, ERR_CLOSED after lane_stop. */
int lane_put(struct lane *l, struct store_job *job);

/* Moves up to max jobs to the end of out, waiting up to wait_ms for the first (0 = for ever). Returns their number; 0
 * after the wait; -1 when the lane was stopped and nothing is left. */
int lane_take(struct lane *l, int max, int64_t wait_ms, struct list *out);

/* How many wait. */
size_t lane_waiting(struct lane *l);

/* Nothing more goes in; what waits is still taken. */
void lane_stop(struct lane *l);

#endif

/* watchdog: how late a loop is. Whatever it runs keeps all others waiting, so that a long stay is worth a line. */
#ifndef BELLWIRE_LOOP_WATCHDOG_H
#define BELLWIRE_LOOP_WATCHDOG_H

#include "loop/loop.h"

#define WATCHDOG_EVERY_MS 100
#define WATCHDOG_LATE_MS 200 /* from here on it is logged, and counted as a stall */

struct watchdog {
	struct loop *loop; /* borrowed */
	struct timer timer;
	int64_t due_ms;	 /* when it should have looked */
	int64_t late_ms; /* the last time */
	int64_t most_ms; /* since the start */
	uint64_t n_stalls;
};

/* ERR_NO_MEMORY. */
int watchdog_start(struct watchdog *w, struct loop *loop);
void watchdog_stop(struct watchdog *w);

#endif

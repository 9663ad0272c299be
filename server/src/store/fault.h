/* fault: what store_inject asked for, counted down over the change sets; for tests. */
#ifndef BELLWIRE_STORE_FAULT_H
#define BELLWIRE_STORE_FAULT_H

#include <stdatomic.h>

#include "store/backend.h"

struct fault_plan {
	atomic_int fault; /* enum store_fault */
	atomic_uint in;
};

void fault_plan_set(struct fault_plan *p, enum store_fault fault, unsigned nth);

/* The fault that this job meets; other jobs than change sets meet none. */
enum store_fault fault_plan_take(struct fault_plan *p, const struct store_job *job);

/* What a fault says instead of carrying the job out; 0: carry it out. */
int fault_instead(enum store_fault fault);

/* Ends the process, as kill -9 does, when `fault` is `when`. */
void fault_die_if(enum store_fault fault, enum store_fault when);

#endif

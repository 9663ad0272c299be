/* Faults that tests ask for, met by the n-th change set. */
#include "store/fault.h"

#include <signal.h>
#include <unistd.h>

#include "base/err.h"

void fault_plan_set(struct fault_plan *p, enum store_fault fault, unsigned nth)
{
	atomic_store(&p->fault, STORE_FAULT_NONE);
	atomic_store(&p->in, nth);
	atomic_store(&p->fault, fault);
}

enum store_fault fault_plan_take(struct fault_plan *p, const struct store_job *job)
{
	enum store_fault fault = (enum store_fault)atomic_load_explicit(&p->fault, memory_order_relaxed);
	if (fault == STORE_FAULT_NONE || job->kind != JOB_COMMIT || atomic_fetch_sub(&p->in, 1) != 1)
		return STORE_FAULT_NONE;
	atomic_store(&p->fault, STORE_FAULT_NONE);
	return fault;
}

int fault_instead(enum store_fault fault)
{
	switch (fault) {
	case STORE_FAULT_FAIL: return ERR_STORE;
	case STORE_FAULT_CONFLICT: return ERR_CONFLICT;
	case STORE_FAULT_UNKNOWN_UNWRITTEN: return ERR_UNKNOWN;
	default: return 0;
	}
}

void fault_die_if(enum store_fault fault, enum store_fault when)
{
	if (fault == when)
		kill(getpid(), SIGKILL);
}

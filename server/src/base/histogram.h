/* histogram: how many of what was measured lay below each bound; as Prometheus wants it, for durations.
 *
 * One thread writes and reads it.
 */
#ifndef BELLWIRE_BASE_HISTOGRAM_H
#define BELLWIRE_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_MAX 16

struct histogram {
	const int64_t *bounds_ms;	    /* static, rising */
	size_t n_bounds;		    /* at most HISTOGRAM_MAX */
	uint64_t counts[HISTOGRAM_MAX + 1]; /* each by itself, not summed up; the last: above all bounds */
	uint64_t count;
	int64_t sum_ms;
};

/* Negative durations count as 0. */
static inline void histogram_add(struct histogram *h, int64_t ms)
{
	size_t i = 0;
	ms = ms < 0 ? 0 : ms;
	while (i < h->n_bounds && ms > h->bounds_ms[i])
		i++;
	h->counts[i]++;
	h->count++;
	h->sum_ms += ms;
}

#endif

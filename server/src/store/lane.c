/* Jobs that wait for threads: a list, a lock and a condition. */
#include "store/lane.h"

#include "base/err.h"

int lane_init(struct lane *l)
{
	*l = (struct lane){0};
	list_init(&l->jobs);
	if (uv_mutex_init(&l->lock) < 0)
		return ERR_NO_MEMORY;
	if (uv_cond_init(&l->filled) < 0) {
		uv_mutex_destroy(&l->lock);
		return ERR_NO_MEMORY;
	}
	return 0;
}

void lane_fini(struct lane *l)
{
	uv_cond_destroy(&l->filled);
	uv_mutex_destroy(&l->lock);
}

int lane_put(struct lane *l, struct store_job *job)
{
	int err = 0;
	uv_mutex_lock(&l->lock);
	if (l->stopped) {
		err = ERR_CLOSED;
	} else if (l->n >= STORE_WAITING_MAX) {
		err = ERR_OVERLOADED;
	} else {
		list_push(&l->jobs, &job->link);
		l->n++;
		uv_cond_signal(&l->filled);
	}
	uv_mutex_unlock(&l->lock);
	return err;
}

/* With the lock held. */
static void wait_for_jobs(struct lane *l, int64_t wait_ms)
{
	while (list_empty(&l->jobs) && !l->stopped) {
		if (!wait_ms)
			uv_cond_wait(&l->filled, &l->lock);
		else if (uv_cond_timedwait(&l->filled, &l->lock, (uint64_t)wait_ms * 1000000) < 0)
			return;
	}
}

int lane_take(struct lane *l, int max, int64_t wait_ms, struct list *out)
{
	int n = 0;
	uv_mutex_lock(&l->lock);
	wait_for_jobs(l, wait_ms);
	while (n < max && !list_empty(&l->jobs)) {
		list_push(out, list_shift(&l->jobs));
		n++;
	}
	l->n -= (size_t)n;
	if (!n && l->stopped)
		n = -1;
	uv_mutex_unlock(&l->lock);
	return n;
}

size_t lane_waiting(struct lane *l)
{
	uv_mutex_lock(&l->lock);
	size_t n = l->n;
	uv_mutex_unlock(&l->lock);
	return n;
}

void lane_stop(struct lane *l)
{
	uv_mutex_lock(&l->lock);
	l->stopped = true;
	uv_cond_broadcast(&l->filled);
	uv_mutex_unlock(&l->lock);
}

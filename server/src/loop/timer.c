/* Deadlines in a binary heap, driven by one uv_timer.
 *
 * libuv's own timers are handles, which must be closed with a callback before their memory may go; a connection has
 * several timers and should be free to disappear.
 */
#include "loop/timer.h"

#include <assert.h>

#include "base/err.h"
#include "base/mem.h"

#define HEAP_FIRST_CAP 64

static bool before(const struct timer *a, const struct timer *b)
{
	return a->deadline_ms != b->deadline_ms ? a->deadline_ms < b->deadline_ms : a->order < b->order;
}

static void place(struct loop *l, size_t at, struct timer *t)
{
	l->heap[at] = t;
	t->slot = at + 1;
}

static void sift_up(struct loop *l, size_t at, struct timer *t)
{
	while (at > 0 && before(t, l->heap[(at - 1) / 2])) {
		place(l, at, l->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	place(l, at, t);
}

static void sift_down(struct loop *l, size_t at, struct timer *t)
{
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= l->n_timers)
			break;
		if (child + 1 < l->n_timers && before(l->heap[child + 1], l->heap[child]))
			child++;
		if (!before(l->heap[child], t))
			break;
		place(l, at, l->heap[child]);
		at = child;
	}
	place(l, at, t);
}

static void on_tick(uv_timer_t *tick);

/* Lets the uv_timer fire at the earliest deadline. */
static void arm(struct loop *l)
{
	if (l->ticking) /* at its end */
		return;
	if (l->n_timers == 0) {
		uv_timer_stop(&l->tick);
		return;
	}
	int64_t wait_ms = l->heap[0]->deadline_ms - loop_now_ms(l);
	uv_timer_start(&l->tick, on_tick, wait_ms > 0 ? (uint64_t)wait_ms : 0, 0);
}

static void on_again(uv_idle_t *again)
{
	uv_idle_stop(again);
	arm(CONTAINER_OF(again, struct loop, again));
}

/* After timers were called: libuv calls a uv_timer that is due at once again in the same turn, before it looks at any
 * socket (until 1.45). An idle handle comes behind the timers and lets the loop poll without waiting. */
static void arm_for_next_turn(struct loop *l)
{
	bool due = l->n_timers && l->heap[0]->deadline_ms <= loop_now_ms(l);
	if (due)
		uv_idle_start(&l->again, on_again);
	else
		arm(l);
}

static void take_out(struct loop *l, struct timer *t)
{
	size_t at = t->slot - 1;
	struct timer *last = l->heap[--l->n_timers];
	t->slot = 0;
	if (last == t)
		return;
	if (at > 0 && before(last, l->heap[(at - 1) / 2]))
		sift_up(l, at, last);
	else
		sift_down(l, at, last);
}

static void on_tick(uv_timer_t *tick)
{
	struct loop *l = CONTAINER_OF(tick, struct loop, tick);
	int64_t now_ms = loop_now_ms(l);
	uint64_t last_order = l->next_order; /* timers started by these callbacks wait for the next turn */
	l->ticking = true;
	while (l->n_timers && l->heap[0]->deadline_ms <= now_ms && l->heap[0]->order < last_order) {
		struct timer *t = l->heap[0];
		take_out(l, t);
		t->cb(t, t->arg);
	}
	l->ticking = false;
	arm_for_next_turn(l);
}

void timer_heap_init(struct loop *l)
{
	uv_timer_init(&l->uv, &l->tick);
	uv_idle_init(&l->uv, &l->again);
}

int timer_start(struct loop *l, struct timer *t, int64_t delay_ms, timer_cb cb, void *arg)
{
	assert(delay_ms >= 0);
	if (t->slot)
		take_out(l, t);
	struct timer **heap = mem_grow(l->heap, l->n_timers, &l->heap_cap, sizeof *heap, HEAP_FIRST_CAP);
	if (!heap)
		return ERR_NO_MEMORY;
	l->heap = heap;
	*t = (struct timer){cb, arg, loop_now_ms(l) + delay_ms, l->next_order++, 0};
	sift_up(l, l->n_timers++, t);
	if (t->slot == 1)
		arm(l);
	return 0;
}

void timer_stop(struct loop *l, struct timer *t)
{
	if (!t->slot)
		return;
	bool was_first = t->slot == 1;
	take_out(l, t);
	if (was_first)
		arm(l);
}

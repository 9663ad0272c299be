/* loop: libuv worn thin.
 *
 * One loop per thread. Everything that a loop calls back runs on its thread; only loop_post may be called from another.
 */
#ifndef BELLWIRE_LOOP_LOOP_H
#define BELLWIRE_LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "loop/mailbox.h"

struct timer;

struct loop {
	uv_loop_t uv;

	/* timers: a binary heap by deadline, driven by one uv_timer */
	uv_timer_t tick;
	uv_idle_t again;     /* runs while timers are due that must wait for the next turn */
	bool ticking;	     /* timers are being called */
	struct timer **heap; /* owned; the timers are their owners' */
	size_t n_timers;
	size_t heap_cap;
	uint64_t next_order;

	/* posts from its own thread */
	uv_check_t after; /* behind the sockets of a turn */
	uv_idle_t stay;	  /* the turn does not wait for sockets */
	struct list soon;

	/* posts from other threads */
	struct mailbox posts;
	int wake_fd; /* owned: an eventfd, written when the first of them comes */
	uv_poll_t wake;
};

int loop_init(struct loop *l);

/* Every handle must have been closed by its owner; runs the loop until their closing is done. */
void loop_fini(struct loop *l);

/* Runs until loop_stop. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Monotonic milliseconds, as of the turn that runs. */
int64_t loop_now_ms(const struct loop *l);

/* A message from any thread to the loop; embed it in what it carries. */
struct post {
	struct list link;
	void (*run)(struct post *p); /* on the loop's thread */
};

/* From any thread. p must stay alive until it has run. */
void loop_post(struct loop *l, struct post *p);

/* From the loop's own thread, and without a system call: p runs once the sockets of this turn, or of the next, have
 * been looked at, never from inside this call. */
void loop_soon(struct loop *l, struct post *p);

/* A timer; embed it, start with {0}. It owns nothing: after timer_stop the memory may go at once. */
typedef void (*timer_cb)(struct timer *t, void *arg);

struct timer {
	timer_cb cb;
	void *arg;
	int64_t deadline_ms; /* monotonic */
	uint64_t order;
	size_t slot; /* 1 + place in the heap; 0 when not running */
};

/* Calls cb(t, arg) once after delay_ms (0: in the next turn). A running timer is set anew.
 * ERR_NO_MEMORY when the heap could not grow (the timer is then not running). */
int timer_start(struct loop *l, struct timer *t, int64_t delay_ms, timer_cb cb, void *arg);
void timer_stop(struct loop *l, struct timer *t);
static inline bool timer_running(const struct timer *t)
{
	return t->slot != 0;
}

/* Work on libuv's pool (files, hashing): `work` runs on a pool thread, `done` on the loop with work's result. Who has
 * some at all times brings a pool of its own (loop/pool.h). */
struct work {
	uv_work_t uv;	  /* on libuv's pool */
	struct post post; /* on another */
	int (*work)(struct work *w);
	void (*done)(struct work *w, int err);
	int err;
};

/* w must stay alive until done was called. */
void work_start(struct loop *l, struct work *w, int (*work)(struct work *w), void (*done)(struct work *w, int err));

#endif

/* A loop's life, its mailbox, and work on the pool. */
#include "loop/loop.h"

#include <assert.h>
#include <sched.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/timer.h"

static void on_wake(uv_async_t *wake)
{
	struct loop *l = CONTAINER_OF(wake, struct loop, wake);
	struct list taken;
	list_init(&taken);
	uv_mutex_lock(&l->post_lock);
	while (!list_empty(&l->posts))
		list_push(&taken, list_shift(&l->posts));
	uv_mutex_unlock(&l->post_lock);
	struct list *item;
	while ((item = list_shift(&taken))) {
		struct post *p = CONTAINER_OF(item, struct post, link);
		p->run(p);
	}
}

static void on_after(uv_check_t *after)
{
	struct loop *l = CONTAINER_OF(after, struct loop, after);
	struct list taken;
	list_init(&taken);
	while (!list_empty(&l->soon))
		list_push(&taken, list_shift(&l->soon));
	uv_check_stop(&l->after);
	uv_idle_stop(&l->stay);
	struct list *item;
	while ((item = list_shift(&taken))) {
		struct post *p = CONTAINER_OF(item, struct post, link);
		p->run(p);
	}
}

static void on_stay(uv_idle_t *stay)
{
	(void)stay;
}

void loop_soon(struct loop *l, struct post *p)
{
	list_push(&l->soon, &p->link);
	uv_check_start(&l->after, on_after);
	uv_idle_start(&l->stay, on_stay);
}

int loop_init(struct loop *l)
{
	*l = (struct loop){0};
	list_init(&l->posts);
	list_init(&l->soon);
	if (uv_loop_init(&l->uv) < 0)
		return ERR_NO_MEMORY;
	if (uv_mutex_init(&l->post_lock) < 0 || uv_async_init(&l->uv, &l->wake, on_wake) < 0) {
		uv_loop_close(&l->uv);
		return ERR_NO_MEMORY;
	}
	uv_check_init(&l->uv, &l->after);
	uv_idle_init(&l->uv, &l->stay);
	timer_heap_init(l);
	return 0;
}

void loop_fini(struct loop *l)
{
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_close((uv_handle_t *)&l->tick, NULL);
	uv_close((uv_handle_t *)&l->again, NULL);
	uv_close((uv_handle_t *)&l->after, NULL);
	uv_close((uv_handle_t *)&l->stay, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	int err = uv_loop_close(&l->uv);
	assert(err == 0 && "a handle was left open");
	(void)err;
	uv_mutex_destroy(&l->post_lock);
	mem_free(l->heap);
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

int64_t loop_now_ms(const struct loop *l)
{
	return (int64_t)uv_now(&l->uv);
}

void loop_post(struct loop *l, struct post *p)
{
	uv_mutex_lock(&l->post_lock);
	list_push(&l->posts, &p->link);
	uv_mutex_unlock(&l->post_lock);
	uv_async_send(&l->wake);
}

/* Threads of the pool don't push another off its core when they wake. Otherwise the loop, which wakes them, would wait
 * in the middle of its turn until they are done. Where that is forbidden they stay as they are. */
static void give_way(void)
{
	static _Thread_local bool is_set;
	if (!is_set)
		sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	is_set = true;
}

static void on_work(uv_work_t *uv)
{
	give_way();
	struct work *w = CONTAINER_OF(uv, struct work, uv);
	w->err = w->work(w);
}

static void on_work_done(uv_work_t *uv, int status)
{
	struct work *w = CONTAINER_OF(uv, struct work, uv);
	w->done(w, status < 0 ? ERR_CLOSED : w->err);
}

void work_start(struct loop *l, struct work *w, int (*work)(struct work *w), void (*done)(struct work *w, int err))
{
	w->work = work;
	w->done = done;
	int err = uv_queue_work(&l->uv, &w->uv, on_work, on_work_done);
	assert(err == 0);
	(void)err;
}

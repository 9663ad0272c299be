/* A loop's life, and its mailbox. */
#include "loop/loop.h"

#include <assert.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/timer.h"

static void run_all(struct list *posts)
{
	struct list *item;
	while ((item = list_shift(posts))) {
		struct post *p = CONTAINER_OF(item, struct post, link);
		p->run(p);
	}
}

/* Who posts while this runs has found posts that are taken now, or wakes the loop again. */
static void on_wake(uv_poll_t *wake, int status, int events)
{
	struct loop *l = CONTAINER_OF(wake, struct loop, wake);
	struct list taken;
	eventfd_t n;
	(void)status;
	(void)events;
	eventfd_read(l->wake_fd, &n);
	list_init(&taken);
	mailbox_take(&l->posts, &taken);
	run_all(&taken);
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
	run_all(&taken);
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

/* libuv has uv_async_t for this. Until 1.45 (Debian 12 has 1.44) whoever sends one first wakes the loop, and then says
 * that it has; the loop spins meanwhile, and yields its core, as long as the sender gets none to go on. */
static int wake_init(struct loop *l)
{
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		return ERR_NO_MEMORY;
	if (uv_poll_init(&l->uv, &l->wake, l->wake_fd) < 0) {
		close(l->wake_fd);
		return ERR_NO_MEMORY;
	}
	uv_poll_start(&l->wake, UV_READABLE, on_wake); /* of a handle that was just made it cannot fail */
	return 0;
}

int loop_init(struct loop *l)
{
	*l = (struct loop){0};
	list_init(&l->soon);
	if (uv_loop_init(&l->uv) < 0)
		return ERR_NO_MEMORY;
	if (wake_init(l) < 0) {
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
	close(l->wake_fd);
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
	if (mailbox_put(&l->posts, &p->link))
		eventfd_write(l->wake_fd, 1);
}

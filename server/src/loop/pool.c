/* Work on libuv's pool, and on pools of one's own. */
#include "loop/pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/mailbox.h"

/* For a thread that works. It does not push another off its core when it wakes: the loop, which wakes it, would wait in
 * the middle of its turn until it is done. Where that is forbidden it is as it was. */
static void give_way(void)
{
	sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

/* --- libuv's --- */

static void on_work(uv_work_t *uv)
{
	static _Thread_local bool is_set;
	if (!is_set)
		give_way();
	is_set = true;
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

/* --- one's own --- */

/* Who puts work in takes no lock: a thread that lost its core with it would keep the loop waiting. */
struct pool {
	struct loop *loop; /* borrowed */
	struct mailbox asked;
	sem_t n_asked; /* and one for each thread when it is over */
	pthread_mutex_t lock;
	struct list taken; /* from asked; under the lock */
	size_t n_threads;
	pthread_t threads[];
};

/* Null: it is over. */
static struct work *next_work(struct pool *p)
{
	while (sem_wait(&p->n_asked) < 0) /* a signal came */
		;
	pthread_mutex_lock(&p->lock);
	if (list_empty(&p->taken))
		mailbox_take(&p->asked, &p->taken);
	struct list *item = list_shift(&p->taken);
	pthread_mutex_unlock(&p->lock);
	return item ? CONTAINER_OF(item, struct work, post.link) : NULL;
}

/* Between two pieces of work all others have their turn on this core: the kernel gives a thread milliseconds otherwise.
 */
static void *serve(void *arg)
{
	struct pool *p = arg;
	struct work *w;
	give_way();
	while ((w = next_work(p))) {
		w->err = w->work(w);
		loop_post(p->loop, &w->post);
		sched_yield();
	}
	return NULL;
}

struct pool *pool_new(struct loop *l, size_t n_threads)
{
	struct pool *p = mem_new(sizeof *p + n_threads * sizeof p->threads[0]);
	if (!p)
		return NULL;
	p->loop = l;
	list_init(&p->taken);
	pthread_mutex_init(&p->lock, NULL);
	sem_init(&p->n_asked, 0, 0);
	while (p->n_threads < n_threads && pthread_create(&p->threads[p->n_threads], NULL, serve, p) == 0)
		p->n_threads++;
	if (p->n_threads)
		return p;
	pool_free(p);
	return NULL;
}

static void on_worked(struct post *post)
{
	struct work *w = CONTAINER_OF(post, struct work, post);
	w->done(w, w->err);
}

void pool_start(struct pool *p, struct work *w, int (*work)(struct work *w), void (*done)(struct work *w, int err))
{
	w->work = work;
	w->done = done;
	w->post.run = on_worked;
	mailbox_put(&p->asked, &w->post.link);
	sem_post(&p->n_asked);
}

void pool_free(struct pool *p)
{
	for (size_t i = 0; i < p->n_threads; i++)
		sem_post(&p->n_asked);
	for (size_t i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	sem_destroy(&p->n_asked);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

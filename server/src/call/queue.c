/* One queue per owner: the commands of a call, a pair or a channel are carried out one after another (race 1). */
#include "call/service.h"

#include "base/err.h"
#include "base/mem.h"

static struct queue *queue_find(const struct calls *c, const char *key)
{
	struct map_node *node = map_get(&c->queues, str_of(key));
	return node ? CONTAINER_OF(node, struct queue, node) : NULL;
}

static struct queue *queue_make(struct calls *c, const char *key)
{
	struct queue *q = mem_new(sizeof *q);
	if (!q)
		return NULL;
	list_init(&q->waiting);
	str_copy(q->key, sizeof q->key, str_of(key));
	if (map_put(&c->queues, &q->node, str_of(q->key)) == 0)
		return q;
	mem_free(q);
	return NULL;
}

/* Runs whoever is first. A command that ends at once lets the next one run here, not deeper and deeper. */
static void queue_pump(struct calls *c, struct queue *q)
{
	if (q->is_pumping)
		return;
	q->is_pumping = true;
	while (!list_empty(&q->waiting)) {
		struct slot *first = CONTAINER_OF(q->waiting.next, struct slot, link);
		if (first->started)
			break;
		first->started = true;
		first->run(first->task);
	}
	q->is_pumping = false;
	if (list_empty(&q->waiting)) {
		map_remove(&c->queues, &q->node);
		mem_free(q);
	}
}

int queue_enter(struct calls *c, struct slot *slot, const char *key, void (*run)(struct task *t))
{
	struct queue *q = queue_find(c, key);
	if (q && q->n >= c->limits.max_queue && !task_is_internal(slot->task))
		return ERR_OVERLOADED;
	if (!q && !(q = queue_make(c, key)))
		return ERR_NO_MEMORY;
	slot->queue = q;
	slot->run = run;
	slot->started = false;
	list_push(&q->waiting, &slot->link);
	q->n++;
	queue_pump(c, q);
	return 0;
}

void queue_leave(struct calls *c, struct slot *slot)
{
	struct queue *q = slot->queue;
	if (!q)
		return;
	slot->queue = NULL;
	list_remove(&slot->link);
	q->n--;
	queue_pump(c, q);
}

const struct task *queue_first(const struct calls *c, const char *key)
{
	const struct queue *q = queue_find(c, key);
	return q && !list_empty(&q->waiting) ? CONTAINER_OF(q->waiting.next, struct slot, link)->task : NULL;
}

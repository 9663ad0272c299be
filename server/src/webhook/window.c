/* The events that are on their way: in the order of commits, and in a chain for each call. */
#include "base/err.h"
#include "base/mem.h"
#include "webhook/inner.h"

static struct chain *chain_of(struct webhook *w, const char *call_id)
{
	struct map_node *node = map_get(&w->chains, str_of(call_id));
	if (node)
		return CONTAINER_OF(node, struct chain, node);
	struct chain *chain = mem_new(sizeof *chain);
	if (!chain)
		return NULL;
	memcpy(chain->call_id, call_id, sizeof chain->call_id);
	list_init(&chain->deliveries);
	if (map_put(&w->chains, &chain->node, str_of(chain->call_id)) == 0)
		return chain;
	mem_free(chain);
	return NULL;
}

static void chain_free(struct webhook *w, struct chain *chain)
{
	map_remove(&w->chains, &chain->node);
	mem_free(chain);
}

static struct delivery *first_of(struct list *l)
{
	return CONTAINER_OF(l->next, struct delivery, in_chain);
}

int window_add(struct webhook *w, struct outbox_event *event)
{
	struct chain *chain = chain_of(w, event->call_id);
	struct delivery *d = chain ? mem_new(sizeof *d) : NULL;
	if (!d) {
		if (chain && list_empty(&chain->deliveries))
			chain_free(w, chain);
		return ERR_NO_MEMORY;
	}
	d->webhook = w;
	d->chain = chain;
	d->event = *event;
	d->event.stored.event.type = d->event.stored.type;
	event->stored.event.payload = NULL;
	list_init(&d->in_ready);
	list_push(&w->window, &d->in_window);
	w->n_window++;
	bool is_first = list_empty(&chain->deliveries);
	list_push(&chain->deliveries, &d->in_chain);
	if (is_first)
		list_push(&w->ready, &d->in_ready);
	return 0;
}

static void delivery_free(struct delivery *d)
{
	struct webhook *w = d->webhook;
	timer_stop(w->config.loop, &d->pause);
	list_remove(&d->in_window);
	list_remove(&d->in_ready);
	w->n_window--;
	call_event_fini(&d->event.stored.event);
	buf_fini(&d->body);
	mem_free(d);
}

/* What is settled leaves from the front, so that the place is that of the last event with nothing open before it. */
static void leave(struct webhook *w)
{
	while (!list_empty(&w->window)) {
		struct delivery *d = CONTAINER_OF(w->window.next, struct delivery, in_window);
		if (d->chain)
			break;
		w->after_id = d->event.id;
		delivery_free(d);
	}
	if (list_empty(&w->window))
		w->after_id = w->loaded_id;
}

void window_settle(struct delivery *d)
{
	struct webhook *w = d->webhook;
	struct chain *chain = d->chain;
	d->chain = NULL;
	buf_fini(&d->body);
	list_remove(&d->in_chain);
	if (list_empty(&chain->deliveries))
		chain_free(w, chain);
	else
		list_push(&w->ready, &first_of(&chain->deliveries)->in_ready);
	leave(w);
	webhook_moved(w);
}

void window_free(struct webhook *w)
{
	LIST_EACH(&w->window, l)
	{
		struct delivery *d = CONTAINER_OF(l, struct delivery, in_window);
		if (d->chain) {
			list_remove(&d->in_chain);
			if (list_empty(&d->chain->deliveries))
				chain_free(w, d->chain);
		}
		delivery_free(d);
	}
	map_fini(&w->chains);
}

/* list: a ring of links that live inside their owners (the parent embeds the child). */
#ifndef BELLWIRE_BASE_LIST_H
#define BELLWIRE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

/* The owner of an embedded link or node. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* An empty list, or a link that is in none. */
static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_push(struct list *l, struct list *item)
{
	item->prev = l->prev;
	item->next = l;
	l->prev->next = item;
	l->prev = item;
}

/* Also right for a link that is in no list. */
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* Takes the first link off; null when empty. */
static inline struct list *list_shift(struct list *l)
{
	struct list *first = l->next;
	if (first == l)
		return NULL;
	list_remove(first);
	return first;
}

/* Walks l; the current item may be removed meanwhile, other items may not. */
#define LIST_EACH(l, item)                                                                                             \
	for (struct list *item = (l)->next, *item##_next = item->next; item != (l);                                    \
		item = item##_next, item##_next = item->next)

#endif

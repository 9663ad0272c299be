/* mailbox: items from any thread, taken all at once by one.
 *
 * Without a lock: a thread that loses its core in the middle of a call keeps no other waiting.
 */
#ifndef BELLWIRE_LOOP_MAILBOX_H
#define BELLWIRE_LOOP_MAILBOX_H

#include <stdatomic.h>

#include "base/list.h"

struct mailbox {
	_Atomic(struct list *) newest; /* each knows the one before it by `next`; null: empty */
};

/* Whether it was empty. Who takes may have the item, and free it, before this returns. */
static inline bool mailbox_put(struct mailbox *m, struct list *item)
{
	struct list *before = atomic_load(&m->newest);
	do
		item->next = before;
	while (!atomic_compare_exchange_weak(&m->newest, &before, item));
	return !before;
}

/* Moves all that is there behind what `to` has, the oldest first. */
static inline void mailbox_take(struct mailbox *m, struct list *to)
{
	struct list *behind = to->prev;
	struct list *item = atomic_exchange(&m->newest, NULL);
	while (item) {
		struct list *before = item->next;
		item->prev = behind;
		item->next = behind->next;
		item->next->prev = item;
		behind->next = item;
		item = before;
	}
}

#endif

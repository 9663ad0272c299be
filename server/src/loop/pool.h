/* pool: threads for work that may block, beside libuv's, for who has some at all times. */
#ifndef BELLWIRE_LOOP_POOL_H
#define BELLWIRE_LOOP_POOL_H

#include <stddef.h>

#include "loop/loop.h"

struct pool;

/* With at most n_threads, as many as could be had. Null: no memory, or no thread. */
struct pool *pool_new(struct loop *l, size_t n_threads);

/* As work_start, on one of the pool's threads, in the order of the calls. */
void pool_start(struct pool *p, struct work *w, int (*work)(struct work *w), void (*done)(struct work *w, int err));

/* All work must have come back. */
void pool_free(struct pool *p);

#endif

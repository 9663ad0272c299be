/* map: a hash table keyed by bytes, its nodes embedded in their owners.
 *
 * The hash is SipHash-1-3 with a key drawn at start, since keys come from outside and must not be able to pile up in
 * one bucket. Inserting allocates only when the table doubles, and succeeds all the same when that fails (it is slower
 * then).
 */
#ifndef BELLWIRE_BASE_MAP_H
#define BELLWIRE_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
	struct str key; /* borrowed from the owner of the node; must not change while it is in the map */
};

struct map {
	struct map_node **buckets; /* owned; null while empty */
	size_t n_buckets;
	size_t n;
};

void map_init(struct map *m);

/* Frees the table, not the nodes' owners. */
void map_fini(struct map *m);

/* Null when absent. */
struct map_node *map_get(const struct map *m, struct str key);

/* Adds a node whose key is not in the map yet. ERR_EXISTS when it is, ERR_NO_MEMORY when the first table fails. */
int map_put(struct map *m, struct map_node *node, struct str key);

/* Takes out a node that is in the map. */
void map_remove(struct map *m, struct map_node *node);

/* Walks all nodes in no order: start with null; null at the end. The node returned may be removed before the next step
 * only if the next one was asked for first. */
struct map_node *map_next(const struct map *m, const struct map_node *node);

/* The hash of any bytes, for those who keep tables of their own. */
uint64_t map_hash(struct str key);

#endif

/* Chained hashing with embedded nodes. */
#include "base/map.h"

#include <assert.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/mem.h"

#define MAP_FIRST_BUCKETS 16

static uint64_t hash_key[2];

__attribute__((constructor)) static void draw_hash_key(void)
{
	if (getrandom(hash_key, sizeof hash_key, 0) != (long)sizeof hash_key)
		assert(0 && "getrandom failed");
}

static inline uint64_t rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"). */
uint64_t map_hash(struct str key)
{
	uint64_t v[4] = {hash_key[0] ^ 0x736f6d6570736575ULL, hash_key[1] ^ 0x646f72616e646f6dULL,
		hash_key[0] ^ 0x6c7967656e657261ULL, hash_key[1] ^ 0x7465646279746573ULL};
	size_t whole = key.len & ~(size_t)7;
	uint64_t word;
	for (size_t i = 0; i < whole; i += 8) {
		memcpy(&word, key.ptr + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	word = 0;
	if (key.len > whole)
		memcpy(&word, key.ptr + whole, key.len - whole);
	word |= (uint64_t)(key.len & 0xff) << 56;
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *m)
{
	*m = (struct map){0};
}

void map_fini(struct map *m)
{
	mem_free(m->buckets);
	*m = (struct map){0};
}

static struct map_node **bucket_of(const struct map *m, uint64_t hash)
{
	return &m->buckets[hash & (m->n_buckets - 1)];
}

static struct map_node *find(const struct map *m, struct str key, uint64_t hash)
{
	if (!m->n)
		return NULL;
	for (struct map_node *node = *bucket_of(m, hash); node; node = node->next)
		if (node->hash == hash && str_eq(node->key, key))
			return node;
	return NULL;
}

struct map_node *map_get(const struct map *m, struct str key)
{
	return find(m, key, map_hash(key));
}

/* A table that cannot grow goes on with longer chains. */
static void grow(struct map *m)
{
	struct map old = *m;
	size_t n_buckets = old.n_buckets ? old.n_buckets * 2 : MAP_FIRST_BUCKETS;
	struct map_node **buckets = mem_new(n_buckets * sizeof *buckets);
	if (!buckets)
		return;
	m->buckets = buckets;
	m->n_buckets = n_buckets;
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct map_node *node = old.buckets[i];
		while (node) {
			struct map_node *next = node->next;
			struct map_node **bucket = bucket_of(m, node->hash);
			node->next = *bucket;
			*bucket = node;
			node = next;
		}
	}
	mem_free(old.buckets);
}

int map_put(struct map *m, struct map_node *node, struct str key)
{
	uint64_t hash = map_hash(key);
	if (find(m, key, hash))
		return ERR_EXISTS;
	if (m->n >= m->n_buckets)
		grow(m);
	if (!m->buckets)
		return ERR_NO_MEMORY;
	struct map_node **bucket = bucket_of(m, hash);
	*node = (struct map_node){.next = *bucket, .hash = hash, .key = key};
	*bucket = node;
	m->n++;
	return 0;
}

void map_remove(struct map *m, struct map_node *node)
{
	struct map_node **link = bucket_of(m, node->hash);
	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	node->next = NULL;
	m->n--;
}

struct map_node *map_next(const struct map *m, const struct map_node *node)
{
	if (node && node->next)
		return node->next;
	size_t i = node ? (node->hash & (m->n_buckets - 1)) + 1 : 0;
	for (; i < m->n_buckets; i++)
		if (m->buckets[i])
			return m->buckets[i];
	return NULL;
}

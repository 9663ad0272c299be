/* Token buckets, each kept as one number: the moment at which it will be full again. */
#include "call/policy.h"

#include "base/err.h"
#include "base/mem.h"

#define SWEEP_FIRST 1024

struct bucket {
	struct map_node node;
	int64_t full_at; /* monotonic */
	char key[];	 /* a letter and the id */
};

void policy_init(struct policy *p, const struct call_limits *limits)
{
	*p = (struct policy){.limits = limits, .sweep_at = SWEEP_FIRST};
	map_init(&p->buckets);
}

/* A full bucket says no more than none. */
static void sweep(struct policy *p, int64_t now)
{
	struct map_node *node = map_next(&p->buckets, NULL);
	while (node) {
		struct map_node *next = map_next(&p->buckets, node);
		struct bucket *b = CONTAINER_OF(node, struct bucket, node);
		if (b->full_at <= now) {
			map_remove(&p->buckets, node);
			mem_free(b);
		}
		node = next;
	}
	p->sweep_at = p->buckets.n * 2 > SWEEP_FIRST ? p->buckets.n * 2 : SWEEP_FIRST;
}

void policy_fini(struct policy *p)
{
	sweep(p, INT64_MAX);
	map_fini(&p->buckets);
}

struct key {
	char text[160];
	struct str str;
};

static void make_key(struct key *key, char kind, struct str id)
{
	size_t n = id.len < sizeof key->text - 1 ? id.len : sizeof key->text - 1;
	key->text[0] = kind;
	memcpy(key->text + 1, id.ptr, n);
	key->str = str_n(key->text, n + 1);
}

static struct bucket *find(const struct policy *p, char kind, struct str id)
{
	struct key key;
	make_key(&key, kind, id);
	struct map_node *node = map_get(&p->buckets, key.str);
	return node ? CONTAINER_OF(node, struct bucket, node) : NULL;
}

static struct bucket *find_or_make(struct policy *p, char kind, struct str id)
{
	struct key key;
	struct bucket *b = find(p, kind, id);
	if (b)
		return b;
	make_key(&key, kind, id);
	b = mem_new(sizeof *b + key.str.len);
	if (!b)
		return NULL;
	memcpy(b->key, key.str.ptr, key.str.len);
	if (map_put(&p->buckets, &b->node, str_n(b->key, key.str.len)) == 0)
		return b;
	mem_free(b);
	return NULL;
}

/* One bucket of one command. */
struct draw {
	char kind;
	struct str id;
	const struct call_rate *rate;
	int64_t cost;
};

static int64_t cost_ms(const struct draw *d)
{
	return (d->cost < d->rate->burst ? d->cost : d->rate->burst) * d->rate->every_ms;
}

static int64_t wait_ms(const struct policy *p, const struct draw *d, int64_t now)
{
	if (!d->id.len || !d->rate->every_ms)
		return 0;
	const struct bucket *b = find(p, d->kind, d->id);
	int64_t full_at = b && b->full_at > now ? b->full_at : now;
	int64_t over = full_at + cost_ms(d) - (now + d->rate->burst * d->rate->every_ms);
	return over > 0 ? over : 0;
}

static void take(struct policy *p, const struct draw *d, int64_t now)
{
	if (!d->id.len || !d->rate->every_ms)
		return;
	struct bucket *b = find_or_make(p, d->kind, d->id);
	if (b)
		b->full_at = (b->full_at > now ? b->full_at : now) + cost_ms(d);
}

static struct draw draw_of(const struct policy *p, const struct policy_ring *ring, size_t i)
{
	const struct call_limits *l = p->limits;
	if (i == 0)
		return (struct draw){'u', ring->caller, &l->rate_caller, (int64_t)ring->n_callees};
	if (i == 1)
		return (struct draw){'h', ring->channel, &l->rate_channel, 1};
	return (struct draw){'e', ring->callees[i - 2], &l->rate_callee, 1};
}

int64_t policy_take(struct policy *p, const struct policy_ring *ring, int64_t now)
{
	int64_t wait = 0;
	for (size_t i = 0; i < ring->n_callees + 2; i++) {
		struct draw d = draw_of(p, ring, i);
		int64_t w = wait_ms(p, &d, now);
		wait = w > wait ? w : wait;
	}
	for (size_t i = 0; wait == 0 && i < ring->n_callees + 2; i++) {
		struct draw d = draw_of(p, ring, i);
		take(p, &d, now);
	}
	if (p->buckets.n > p->sweep_at)
		sweep(p, now);
	return wait;
}

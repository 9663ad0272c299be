/* The life of allocations, their permissions and channels. */
#include "base/err.h"
#include "base/mem.h"
#include "turn/core.h"

struct turn_alloc *turn_alloc_find(struct turn_core *c, struct turn_path *path)
{
	if (path->alloc)
		return path->alloc;
	struct map_node *node = map_get(&c->allocs, str_n((const char *)&path->key, sizeof path->key));
	path->alloc = node ? CONTAINER_OF(node, struct turn_alloc, node) : NULL;
	return path->alloc;
}

/* The wheel has one slot for each second, and lifetimes are shorter than its turn. */
void turn_alloc_schedule(struct turn_core *c, struct turn_alloc *a, uint32_t lifetime_s)
{
	a->expires_ms = c->now.mono_ms + (int64_t)lifetime_s * 1000;
	list_remove(&a->wheel);
	list_push(&c->wheel[(a->expires_ms / 1000 + 1) % TURN_WHEEL_SLOTS], &a->wheel);
}

void turn_relay_close(struct turn_core *c, struct turn_relay *r)
{
	if (r->fd < 0)
		return;
	c->ops->close(c->arg, r->fd);
	turn_port_release(c->shared, r->local.family, r->local.port);
	r->fd = -1;
}

void turn_alloc_free(struct turn_core *c, struct turn_alloc *a)
{
	turn_alloc_report(c, a, true);
	c->ops->gone(c->arg, a);
	map_remove(&c->allocs, &a->node);
	list_remove(&a->wheel);
	list_remove(&a->dirty);
	turn_relay_close(c, &a->relays[0]);
	turn_relay_close(c, &a->relays[1]);
	turn_shared_leave(c->shared, a->user);
	TURN_ADD(c, by_transport[a->path.key.transport].allocations, -1);
	mem_free(a->permissions);
	mem_free(a->channels);
	OPENSSL_cleanse(&a->signer, sizeof a->signer);
	mem_free(a);
}

static void tell_usage(struct turn_core *c, struct turn_alloc *a, bool ended)
{
	const struct turn_config *cfg = &c->shared->cfg;
	struct turn_usage *u = &a->unreported;
	if (!u->allocation && !u->packets_to_peer && !u->packets_to_client)
		return;
	if (!u->allocation)
		u->allocation = 1 + atomic_fetch_add(&c->shared->reported, 1);
	u->user = a->user->name;
	u->transport = (enum turn_transport)a->path.key.transport;
	u->ended = ended;
	cfg->on_usage(cfg->usage_arg, u);
	*u = (struct turn_usage){.allocation = u->allocation};
	a->report_ms = c->now.mono_ms + TURN_REPORT_MS;
}

/* Moves what was counted since the last time to the user, and once a minute to whoever keeps accounts. */
void turn_alloc_report(struct turn_core *c, struct turn_alloc *a, bool ended)
{
	struct turn_usage *u = &a->unreported;
	atomic_fetch_add(&a->user->bytes_to_peer, a->bytes_to_peer);
	atomic_fetch_add(&a->user->bytes_to_client, a->bytes_to_client);
	u->bytes_to_peer += a->bytes_to_peer;
	u->bytes_to_client += a->bytes_to_client;
	u->packets_to_peer += a->packets_to_peer;
	u->packets_to_client += a->packets_to_client;
	a->bytes_to_peer = a->bytes_to_client = 0;
	a->packets_to_peer = a->packets_to_client = 0;
	if (c->shared->cfg.on_usage && (ended || a->report_ms <= c->now.mono_ms))
		tell_usage(c, a, ended);
}

struct turn_permission *turn_permission_find(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer)
{
	for (uint16_t i = 0; i < a->n_permissions; i++) {
		struct turn_permission *p = &a->permissions[i];
		if (!stun_addr_same_ip(&p->peer, peer))
			continue;
		if (p->generation != c->policy.generation) {
			p->reach = turn_policy_check(&c->policy, &p->peer);
			p->generation = c->policy.generation;
		}
		return p->expires_ms > c->now.mono_ms ? p : NULL;
	}
	return NULL;
}

static struct turn_channel *living(struct turn_core *c, struct turn_channel *ch)
{
	if (ch->generation != c->policy.generation) {
		ch->reach = turn_policy_check(&c->policy, &ch->peer);
		ch->generation = c->policy.generation;
	}
	return ch->expires_ms > c->now.mono_ms ? ch : NULL;
}

struct turn_channel *turn_channel_by_number(struct turn_core *c, struct turn_alloc *a, uint16_t number)
{
	if (a->hot < a->n_channels && a->channels[a->hot].number == number)
		return living(c, &a->channels[a->hot]);
	for (uint16_t i = 0; i < a->n_channels; i++)
		if (a->channels[i].number == number) {
			a->hot = i;
			return living(c, &a->channels[i]);
		}
	return NULL;
}

struct turn_channel *turn_channel_by_peer(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer)
{
	if (a->hot < a->n_channels && stun_addr_eq(&a->channels[a->hot].peer, peer))
		return living(c, &a->channels[a->hot]);
	for (uint16_t i = 0; i < a->n_channels; i++)
		if (stun_addr_eq(&a->channels[i].peer, peer)) {
			a->hot = i;
			return living(c, &a->channels[i]);
		}
	return NULL;
}

/* Room for one more in an array that doubles; what has expired goes first when it is full. */
static bool room(void **items, uint16_t n, uint16_t *cap, size_t size)
{
	if (n < *cap)
		return true;
	uint16_t bigger = *cap ? (uint16_t)(*cap * 2) : 2;
	void *p = mem_resize(*items, bigger * size);
	if (!p)
		return false;
	*items = p;
	*cap = bigger;
	return true;
}

static void purge_permissions(struct turn_core *c, struct turn_alloc *a)
{
	uint16_t kept = 0;
	for (uint16_t i = 0; i < a->n_permissions; i++)
		if (a->permissions[i].expires_ms > c->now.mono_ms)
			a->permissions[kept++] = a->permissions[i];
	a->n_permissions = kept;
}

unsigned turn_permission_room(struct turn_core *c, struct turn_alloc *a, size_t n)
{
	purge_permissions(c, a);
	if (a->n_permissions + n > c->shared->cfg.max_permissions)
		return 508;
	while (a->cap_permissions < a->n_permissions + n)
		if (!room((void **)&a->permissions, a->cap_permissions, &a->cap_permissions, sizeof *a->permissions))
			return 508;
	return 0;
}

unsigned turn_permission_put(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer)
{
	struct turn_permission fresh = {.peer = *peer, .generation = c->policy.generation};
	fresh.peer.port = 0;
	fresh.reach = turn_policy_check(&c->policy, &fresh.peer);
	fresh.expires_ms = c->now.mono_ms + TURN_PERMISSION_MS;
	struct turn_permission *p = turn_permission_find(c, a, peer);
	if (!p) {
		unsigned code = turn_permission_room(c, a, 1);
		if (code)
			return code;
		p = &a->permissions[a->n_permissions++];
	}
	*p = fresh;
	return 0;
}

static void purge_channels(struct turn_core *c, struct turn_alloc *a)
{
	uint16_t kept = 0;
	for (uint16_t i = 0; i < a->n_channels; i++)
		if (a->channels[i].expires_ms > c->now.mono_ms)
			a->channels[kept++] = a->channels[i];
	a->n_channels = kept;
	a->hot = 0;
}

/* A number belongs to one peer and a peer to one number for as long as the binding lives (RFC 8656 §12.2). */
unsigned turn_channel_put(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer, uint16_t number)
{
	purge_channels(c, a);
	struct turn_channel *by_number = turn_channel_by_number(c, a, number);
	struct turn_channel *ch = turn_channel_by_peer(c, a, peer);
	if (by_number != ch)
		return 400;
	if (!ch) {
		if (a->n_channels >= c->shared->cfg.max_channels ||
			!room((void **)&a->channels, a->n_channels, &a->cap_channels, sizeof *ch))
			return 508;
		ch = &a->channels[a->n_channels++];
		*ch = (struct turn_channel){.peer = *peer, .number = number};
		struct stun_addr to = *peer;
		turn_policy_to_private(&c->policy, &to);
		turn_policy_to_sockaddr(&to, &ch->to);
	}
	ch->reach = turn_policy_check(&c->policy, peer);
	ch->generation = c->policy.generation;
	ch->expires_ms = c->now.mono_ms + TURN_CHANNEL_MS;
	return 0;
}

bool turn_peer_allowed(struct turn_core *c, enum policy_reach reach, const struct stun_addr *peer)
{
	bool ok = reach == POLICY_YES || (reach == POLICY_RELAY && turn_port_used(c->shared, peer->family, peer->port));
	if (!ok)
		TURN_COUNT(c, forbidden);
	return ok;
}

bool turn_charge(struct turn_core *c, struct turn_alloc *a, size_t n, bool again)
{
	int64_t now = c->now.mono_ms;
	bool ok = turn_bucket_take(&a->bucket, n, now) && turn_bucket_take(&a->user->bucket, n, now) &&
		  (again || turn_bucket_take(&c->shared->bucket, n, now));
	if (!ok)
		TURN_COUNT(c, over_rate);
	else if (list_empty(&a->dirty))
		list_push(&c->dirty, &a->dirty);
	return ok;
}

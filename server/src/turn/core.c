/* The way of a packet through TURN: from clients, from peers, and what time does. */
#include "turn/core.h"

#include "base/err.h"
#include "base/mem.h"

void turn_core_init(struct turn_core *c, struct turn_shared *s, const struct turn_ops *ops, void *arg)
{
	memset(c, 0, sizeof *c);
	c->shared = s;
	c->ops = ops;
	c->arg = arg;
	map_init(&c->allocs);
	list_init(&c->dirty);
	for (size_t i = 0; i < TURN_WHEEL_SLOTS; i++)
		list_init(&c->wheel[i]);
	turn_policy_init(&c->policy, &s->cfg);
	turn_policy_read_own(&c->policy);
}

void turn_core_fini(struct turn_core *c)
{
	struct map_node *node;
	while ((node = map_next(&c->allocs, NULL)))
		turn_alloc_free(c, CONTAINER_OF(node, struct turn_alloc, node));
	map_fini(&c->allocs);
}

static enum turn_verdict to_peer(
	struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer, struct turn_move *out)
{
	out->alloc = a;
	out->relay = &a->relays[peer->family == STUN_IPV6];
	if (out->relay->fd < 0 || !turn_charge(c, a, out->len, false))
		return TURN_DROP;
	a->bytes_to_peer += out->len;
	a->packets_to_peer++;
	TURN_COUNT(c, by_transport[a->path.key.transport].packets_to_peer);
	TURN_ADD(c, by_transport[a->path.key.transport].bytes_to_peer, out->len);
	return TURN_TO_PEER;
}

/* RFC 8656 §12.6. Over UDP bytes after the length are padding and ignored. */
static enum turn_verdict from_channel(
	struct turn_core *c, struct turn_path *path, uint8_t *data, size_t len, struct turn_move *out)
{
	struct turn_alloc *a = turn_alloc_find(c, path);
	uint16_t number = (uint16_t)(data[0] << 8 | data[1]);
	out->len = (size_t)(data[2] << 8 | data[3]);
	out->data = data + 4;
	if (!a || out->len > len - 4)
		return TURN_DROP;
	struct turn_channel *ch = turn_channel_by_number(c, a, number);
	if (!ch || !turn_peer_allowed(c, ch->reach, &ch->peer))
		return TURN_DROP;
	out->to = &ch->to;
	out->dont_fragment = false;
	return to_peer(c, a, &ch->peer, out);
}

/* §11.2: whatever is wrong with an indication, nothing is said. */
static enum turn_verdict from_send(
	struct turn_core *c, struct turn_path *path, const struct stun_msg *m, struct turn_move *out)
{
	static const uint16_t known[] = {STUN_XOR_PEER_ADDRESS, STUN_DATA_VALUE, STUN_DONT_FRAGMENT, 0};
	struct turn_alloc *a = turn_alloc_find(c, path);
	const struct stun_attr *where = stun_find(m, STUN_XOR_PEER_ADDRESS);
	const struct stun_attr *what = stun_find(m, STUN_DATA_VALUE);
	struct stun_addr peer;
	uint16_t unknown;
	if (!a || !where || !what || stun_unknown(m, known, &unknown, 1) || stun_get_xor_addr(m, where, &peer))
		return TURN_DROP;
	struct turn_permission *p = turn_permission_find(c, a, &peer);
	if (!p || peer.port == 0)
		return TURN_DROP;
	if (p->reach == POLICY_YES && turn_policy_check(&c->policy, &peer) != POLICY_YES) {
		TURN_COUNT(c, forbidden);
		return TURN_DROP;
	}
	if (!turn_peer_allowed(c, p->reach, &peer))
		return TURN_DROP;
	out->data = (uint8_t *)(uintptr_t)what->value;
	out->len = what->len;
	out->dont_fragment = stun_find(m, STUN_DONT_FRAGMENT) != NULL;
	out->to = &out->addr;
	struct stun_addr to = peer;
	turn_policy_to_private(&c->policy, &to);
	turn_policy_to_sockaddr(&to, &out->addr);
	return to_peer(c, a, &peer, out);
}

enum turn_verdict turn_core_from_client(
	struct turn_core *c, struct turn_path *path, uint8_t *data, size_t len, struct turn_move *out)
{
	struct stun_msg m;
	if (len >= 4 && (data[0] & 0xC0) == 0x40)
		return from_channel(c, path, data, len, out);
	if (stun_decode(data, len, &m)) {
		TURN_COUNT(c, malformed);
		return TURN_DROP;
	}
	if (m.class == STUN_REQUEST)
		return turn_request(c, path, &m);
	if (m.class == STUN_INDICATION && m.method == STUN_SEND)
		return from_send(c, path, &m, out);
	return TURN_DROP;
}

static void set16(uint8_t *p, size_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

/* A Data indication's header (§11.4), at the end of head. Its transaction id needs to be nothing but new. */
static size_t write_data_header(uint8_t *head, const struct stun_addr *peer, size_t len)
{
	static _Thread_local uint64_t serial;
	size_t addr_size = peer->family == STUN_IPV4 ? 8 : 20, padded = (len + 3) & ~(size_t)3;
	size_t size = STUN_HEADER_SIZE + 4 + addr_size + 4;
	uint8_t txid[STUN_TXID_SIZE] = {0}, *at = head + TURN_HEADROOM - size;
	struct stun_writer w;
	serial++;
	memcpy(txid, &serial, sizeof serial);
	stun_begin(&w, at, size);
	stun_put_header(&w, STUN_INDICATION, STUN_DATA, txid);
	stun_put_xor_addr(&w, STUN_XOR_PEER_ADDRESS, peer);
	set16(at + size - 4, STUN_DATA_VALUE);
	set16(at + size - 2, len);
	set16(at + 2, size - STUN_HEADER_SIZE + padded);
	return size;
}

static bool permitted(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer)
{
	struct turn_permission *p = turn_permission_find(c, a, peer);
	if (!p) {
		TURN_COUNT(c, no_permission);
		return false;
	}
	return turn_peer_allowed(c, p->reach, peer) &&
	       (p->reach == POLICY_RELAY || turn_peer_allowed(c, turn_policy_check(&c->policy, peer), peer));
}

/* A packet that another relay of this server sent. Asked only where it matters. */
static bool comes_from_ours(const struct turn_core *c, const struct stun_addr *peer)
{
	return c->shared->bucket.rate && turn_port_used(c->shared, peer->family, peer->port) &&
	       turn_policy_relays_here(&c->policy, peer);
}

bool turn_core_admit(
	struct turn_core *c, struct turn_relay *relay, const union turn_addr *from, size_t len, struct turn_sender *out)
{
	struct turn_alloc *a = relay->alloc;
	out->peer = turn_policy_from_sockaddr(from);
	turn_policy_to_public(&c->policy, &out->peer);
	out->channel = turn_channel_by_peer(c, a, &out->peer);
	if (out->channel ? !turn_peer_allowed(c, out->channel->reach, &out->peer) : !permitted(c, a, &out->peer))
		return false;
	return turn_charge(c, a, len, comes_from_ours(c, &out->peer));
}

enum turn_verdict turn_core_from_peer(struct turn_core *c, struct turn_relay *relay, const struct turn_sender *sender,
	struct str data, uint8_t *head, struct turn_move *out)
{
	struct turn_alloc *a = relay->alloc;
	bool stream = a->path.key.transport == TURN_TCP || a->path.key.transport == TURN_TLS;
	if (data.len > 65535 - TURN_HEADROOM)
		return TURN_DROP;
	out->pad_len = (uint8_t)(-data.len & 3);
	if (sender->channel) {
		set16(head + TURN_HEADROOM - 4, sender->channel->number);
		set16(head + TURN_HEADROOM - 2, data.len);
		out->head_len = 4;
		out->pad_len = stream ? out->pad_len : 0; /* §12.5: only streams need it */
	} else {
		out->head_len = (uint8_t)write_data_header(head, &sender->peer, data.len);
	}
	out->alloc = a;
	out->relay = relay;
	out->data = (uint8_t *)(uintptr_t)data.ptr;
	out->len = data.len;
	a->bytes_to_client += data.len;
	a->packets_to_client++;
	TURN_COUNT(c, by_transport[a->path.key.transport].packets_to_client);
	TURN_ADD(c, by_transport[a->path.key.transport].bytes_to_client, data.len);
	return TURN_TO_CLIENT;
}

static void sweep_reservations(struct turn_core *c)
{
	struct stun_addr local;
	int fd;
	while ((fd = turn_reserve_expired(c->shared, c->now.mono_ms, &local)) >= 0) {
		c->ops->close(c->arg, fd);
		turn_port_release(c->shared, local.family, local.port);
	}
}

/* Those whose report is not due yet stay in the list. */
static void report_dirty(struct turn_core *c)
{
	LIST_EACH(&c->dirty, item)
	{
		struct turn_alloc *a = CONTAINER_OF(item, struct turn_alloc, dirty);
		turn_alloc_report(c, a, false);
		if (!c->shared->cfg.on_usage || (!a->unreported.packets_to_peer && !a->unreported.packets_to_client))
			list_remove(&a->dirty);
	}
}

void turn_core_tick(struct turn_core *c)
{
	int64_t now_s = c->now.mono_ms / 1000;
	/* After a long sleep one turn of the wheel sees everything. */
	if (now_s - c->wheel_s > TURN_WHEEL_SLOTS)
		c->wheel_s = now_s - TURN_WHEEL_SLOTS;
	while (c->wheel_s < now_s) {
		c->wheel_s++;
		LIST_EACH(&c->wheel[c->wheel_s % TURN_WHEEL_SLOTS], item)
		{
			struct turn_alloc *a = CONTAINER_OF(item, struct turn_alloc, wheel);
			if (a->expires_ms <= c->now.mono_ms)
				turn_alloc_free(c, a);
		}
	}
	report_dirty(c);
	sweep_reservations(c);
}

void turn_core_client_gone(struct turn_core *c, struct turn_path *path)
{
	struct turn_alloc *a = turn_alloc_find(c, path);
	if (a)
		turn_alloc_free(c, a);
	path->alloc = NULL;
}

void turn_core_cut_user(struct turn_core *c, struct str user)
{
	struct map_node *next;
	for (struct map_node *node = map_next(&c->allocs, NULL); node; node = next) {
		struct turn_alloc *a = CONTAINER_OF(node, struct turn_alloc, node);
		next = map_next(&c->allocs, node);
		if (str_eq_z(user, a->user->name))
			turn_alloc_free(c, a);
	}
}

/* Allocate: what a client wishes, the ports that it gets, and the answer (RFC 8656 §7). */
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "turn/exchange.h"

static void put_relayed(struct exchange *x, const struct turn_relay *r)
{
	if (r->fd < 0)
		return;
	struct stun_addr told = r->local;
	turn_policy_to_public(&x->c->policy, &told);
	stun_put_xor_addr(&x->w, STUN_XOR_RELAYED_ADDRESS, &told);
}

/* RFC 8656 §7.2; built from what the allocation remembers, so that a retransmission gets the same bytes. */
static void answer_allocate(struct exchange *x, const struct turn_alloc *a)
{
	turn_begin_success(x);
	put_relayed(x, &a->relays[0]);
	put_relayed(x, &a->relays[1]);
	if (a->address_error) {
		uint32_t family = a->relays[0].fd < 0 ? STUN_IPV4 : STUN_IPV6;
		stun_put_u32(&x->w, STUN_ADDRESS_ERROR_CODE,
			family << 24 | (uint32_t)(a->address_error / 100) << 8 | a->address_error % 100);
	}
	stun_put_u32(&x->w, STUN_LIFETIME, a->granted_s);
	if (a->reserved)
		stun_put(&x->w, STUN_RESERVATION_TOKEN, str_n((const char *)a->token, sizeof a->token));
	stun_put_xor_addr(&x->w, STUN_XOR_MAPPED_ADDRESS, &a->path.key.client);
}

/* A socket on a port that nobody has. */
static bool bind_port(struct turn_core *c, struct turn_relay *r, struct stun_addr at, uint32_t port)
{
	at.port = (uint16_t)port;
	if (!turn_port_claim(c->shared, at.family, at.port))
		return false;
	int fd = c->ops->bind(c->arg, &at);
	if (fd < 0) {
		turn_port_release(c->shared, at.family, at.port);
		return false;
	}
	r->fd = fd;
	r->local = at;
	return true;
}

static bool reserve_next(struct turn_core *c, struct turn_alloc *a, const struct turn_relay *even)
{
	struct turn_relay odd = {.fd = -1};
	if (!bind_port(c, &odd, even->local, even->local.port + 1u))
		return false;
	struct turn_reservation res = {.local = odd.local, .fd = odd.fd};
	res.expires_ms = c->now.mono_ms + TURN_RESERVATION_S * 1000;
	if (!turn_reserve_put(c->shared, &res)) {
		turn_relay_close(c, &odd);
		return false;
	}
	memcpy(a->token, res.token, sizeof a->token);
	a->reserved = true;
	return true;
}

enum even { ANY_PORT, EVEN_PORT, EVEN_AND_NEXT };

/* Starts at a random place in the range (RFC 8656 §7.2 wants ports hard to guess) and takes the first that is free. */
static unsigned open_relay(struct turn_core *c, struct turn_alloc *a, uint8_t family, enum even even)
{
	const struct turn_config *cfg = &c->shared->cfg;
	struct turn_relay *r = &a->relays[family == STUN_IPV6];
	const struct stun_addr *at = turn_policy_relay_for(&c->policy, family, &a->path.key.server);
	uint32_t n = (uint32_t)cfg->relay_port_max - cfg->relay_port_min + 1u, start;
	if (!at)
		return 440;
	id_random(&start, sizeof start);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t port = cfg->relay_port_min + (start % n + i) % n;
		if (even != ANY_PORT && (port & 1))
			continue;
		if (even == EVEN_AND_NEXT && port == cfg->relay_port_max)
			continue;
		if (!bind_port(c, r, *at, port))
			continue;
		if (even != EVEN_AND_NEXT || reserve_next(c, a, r))
			return 0;
		turn_relay_close(c, r);
	}
	return 508;
}

/* What an Allocate request asks for, once it is known to make sense. */
struct wish {
	bool family[2]; /* IPv4, IPv6 */
	enum even even;
	const struct stun_attr *token;
	uint32_t lifetime_s;
};

uint32_t turn_clamp_lifetime(const struct turn_config *cfg, uint32_t wanted)
{
	uint32_t s = wanted > cfg->max_lifetime_s ? cfg->max_lifetime_s : wanted;
	return s < TURN_LIFETIME_S ? TURN_LIFETIME_S : s;
}

/* §7.2, steps 3 to 8. Returns 0 or an error code. */
static unsigned read_wish(struct exchange *x, struct wish *out)
{
	const struct stun_msg *m = x->m;
	const struct stun_attr *transport = stun_find(m, STUN_REQUESTED_TRANSPORT);
	const struct stun_attr *family = stun_find(m, STUN_REQUESTED_ADDRESS_FAMILY);
	const struct stun_attr *more = stun_find(m, STUN_ADDITIONAL_ADDRESS_FAMILY);
	const struct stun_attr *even = stun_find(m, STUN_EVEN_PORT);
	const struct stun_attr *lifetime = stun_find(m, STUN_LIFETIME);
	*out = (struct wish){.token = stun_find(m, STUN_RESERVATION_TOKEN), .lifetime_s = TURN_LIFETIME_S};
	if (!transport || transport->len != 4 || (even && even->len != 1))
		return 400;
	if (transport->value[0] != IPPROTO_UDP)
		return 442;
	if (out->token && (even || family || more || out->token->len != TURN_TOKEN_SIZE))
		return 400;
	if (even)
		out->even = even->value[0] & 0x80 ? EVEN_AND_NEXT : EVEN_PORT;
	if (more && (family || turn_family_of(more) != STUN_IPV6 || out->even == EVEN_AND_NEXT))
		return 400;
	if (family && turn_family_of(family) != STUN_IPV4 && turn_family_of(family) != STUN_IPV6)
		return 440;
	if (lifetime && stun_get_u32(lifetime, &out->lifetime_s))
		return 400;
	out->lifetime_s = turn_clamp_lifetime(&x->c->shared->cfg, out->lifetime_s);
	out->family[0] = !family || turn_family_of(family) == STUN_IPV4;
	out->family[1] = more || !out->family[0];
	return 0;
}

static unsigned open_reserved(struct turn_core *c, struct turn_alloc *a, const struct stun_attr *token)
{
	struct stun_addr local;
	int fd = turn_reserve_take(c->shared, token->value, &local);
	if (fd < 0)
		return 508;
	struct turn_relay *r = &a->relays[local.family == STUN_IPV6];
	r->fd = fd;
	r->local = local;
	return 0;
}

static unsigned open_relays(struct turn_core *c, struct turn_alloc *a, const struct wish *wish)
{
	unsigned code4 = 0, code6 = 0;
	if (wish->token)
		return open_reserved(c, a, wish->token);
	if (wish->family[0])
		code4 = open_relay(c, a, STUN_IPV4, wish->even);
	if (wish->family[1])
		code6 = open_relay(c, a, STUN_IPV6, wish->even);
	/* Of two families asked for, one is enough (§7.2). */
	if (wish->family[0] && wish->family[1] && (!code4 || !code6)) {
		a->address_error = (uint16_t)(code4 ? code4 : code6);
		return 0;
	}
	return code4 ? code4 : code6;
}

static unsigned watch_relays(struct turn_core *c, struct turn_alloc *a)
{
	for (size_t i = 0; i < 2; i++)
		if (a->relays[i].fd >= 0 && c->ops->watch(c->arg, &a->relays[i]))
			return 508;
	return 0;
}

static void remember(struct turn_core *c, struct turn_alloc *a, const struct exchange *x, const struct wish *wish)
{
	a->signer = x->login.signer;
	a->login_expiry_s = x->login.expiry_s;
	a->granted_s = wish->lifetime_s;
	a->report_ms = c->now.mono_ms + TURN_FIRST_REPORT_MS;
	memcpy(a->txid, x->m->txid, sizeof a->txid);
	turn_bucket_init(&a->bucket, c->shared->cfg.rate_allocation, c->now.mono_ms);
	turn_alloc_schedule(c, a, wish->lifetime_s);
}

/* From here on turn_alloc_free takes everything back. */
static struct turn_alloc *alloc_new(struct turn_core *c, const struct turn_path *path, struct turn_user *user)
{
	struct turn_alloc *a = mem_new(sizeof *a);
	if (!a)
		return NULL;
	a->path = *path;
	a->user = user;
	list_init(&a->wheel);
	list_init(&a->dirty);
	for (size_t i = 0; i < 2; i++) {
		a->relays[i].fd = -1;
		a->relays[i].alloc = a;
	}
	a->path.alloc = a;
	if (map_put(&c->allocs, &a->node, str_n((const char *)&a->path.key, sizeof a->path.key)) == 0) {
		TURN_COUNT(c, by_transport[path->key.transport].allocations);
		return a;
	}
	mem_free(a);
	return NULL;
}

static unsigned make_alloc(struct exchange *x, const struct wish *wish)
{
	struct turn_core *c = x->c;
	struct turn_user *user;
	unsigned code = turn_shared_join(c->shared, x->login.user, c->now.mono_ms, &user);
	if (code)
		return code;
	struct turn_alloc *a = alloc_new(c, x->path, user);
	if (!a) {
		turn_shared_leave(c->shared, user);
		return 508;
	}
	code = open_relays(c, a, wish);
	if (!code)
		code = watch_relays(c, a);
	if (code) {
		turn_alloc_free(c, a);
		return code;
	}
	remember(c, a, x, wish);
	TURN_COUNT(c, by_transport[x->path->key.transport].allocations_made);
	x->alloc = x->path->alloc = a;
	return 0;
}

unsigned turn_on_allocate(struct exchange *x)
{
	struct wish wish;
	unsigned code = 0;
	if (x->alloc && memcmp(x->alloc->txid, x->m->txid, STUN_TXID_SIZE) != 0)
		return 437;
	if (!x->alloc) {
		code = read_wish(x, &wish);
		if (!code)
			code = make_alloc(x, &wish);
	}
	if (!code)
		answer_allocate(x, x->alloc);
	return code;
}

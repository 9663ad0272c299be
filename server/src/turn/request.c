/* Requests and their answers: one small handler for each method. */
#include "base/err.h"
#include "turn/exchange.h"

void turn_begin_success(struct exchange *x)
{
	stun_put_header(&x->w, STUN_SUCCESS, x->m->method, x->m->txid);
}

static void sign(struct exchange *x)
{
	struct str key = str_n((const char *)x->login.signer.key, x->login.signer.key_len);
	if (x->login.signer.sha256)
		stun_put_sha256(&x->w, key, 32);
	else
		stun_put_sha1(&x->w, key);
}

/* A fingerprint goes out where one came in. */
static enum turn_verdict finish(struct exchange *x)
{
	if (stun_find(x->m, STUN_FINGERPRINT))
		stun_put_fingerprint(&x->w);
	int size = stun_size(&x->w);
	x->c->reply_len = size > 0 ? (size_t)size : 0;
	return size > 0 ? TURN_REPLY : TURN_DROP;
}

/* RFC 8489 §6.3.1 and §9.2: only the address, so that the answer is never much more than the question. */
static enum turn_verdict on_binding(struct exchange *x)
{
	turn_begin_success(x);
	stun_put_xor_addr(&x->w, STUN_XOR_MAPPED_ADDRESS, &x->path->key.client);
	TURN_COUNT(x->c, bindings);
	return finish(x);
}

/* One family of two may be given up by a lifetime of 0 (§8.2). */
static unsigned refresh_end(struct exchange *x, const struct stun_attr *family)
{
	struct turn_alloc *a = x->alloc;
	struct turn_relay *other = NULL;
	if (family)
		other = &a->relays[turn_family_of(family) == STUN_IPV4];
	turn_begin_success(x);
	stun_put_u32(&x->w, STUN_LIFETIME, 0);
	if (other && other->fd >= 0) {
		turn_relay_close(x->c, &a->relays[turn_family_of(family) == STUN_IPV6]);
		return 0;
	}
	turn_alloc_free(x->c, a);
	x->alloc = x->path->alloc = NULL;
	return 0;
}

static unsigned on_refresh(struct exchange *x)
{
	const struct stun_attr *family = stun_find(x->m, STUN_REQUESTED_ADDRESS_FAMILY);
	const struct stun_attr *lifetime = stun_find(x->m, STUN_LIFETIME);
	uint32_t wanted = TURN_LIFETIME_S;
	if (!x->alloc)
		return 437;
	if (lifetime && stun_get_u32(lifetime, &wanted))
		return 400;
	if (family && turn_family_of(family) != STUN_IPV4 && turn_family_of(family) != STUN_IPV6)
		return 443;
	if (family && x->alloc->relays[turn_family_of(family) == STUN_IPV6].fd < 0)
		return 443;
	if (wanted == 0)
		return refresh_end(x, family);
	wanted = turn_clamp_lifetime(&x->c->shared->cfg, wanted);
	turn_alloc_schedule(x->c, x->alloc, wanted);
	turn_begin_success(x);
	stun_put_u32(&x->w, STUN_LIFETIME, wanted);
	return 0;
}

/* 443 for a family that the allocation does not have, 403 for what policy refuses. */
static unsigned check_peer(struct exchange *x, const struct stun_attr *a, struct stun_addr *out)
{
	if (stun_get_xor_addr(x->m, a, out))
		return 400;
	if (x->alloc->relays[out->family == STUN_IPV6].fd < 0)
		return 443;
	enum policy_reach reach = turn_policy_check(&x->c->policy, out);
	if (reach == POLICY_RELAY && out->port == 0)
		return 0;
	return turn_peer_allowed(x->c, reach, out) ? 0 : 403;
}

static bool peer_at(const struct exchange *x, size_t i, struct stun_addr *out)
{
	const struct stun_attr *a = &x->m->attrs[i];
	return a->type == STUN_XOR_PEER_ADDRESS && stun_get_xor_addr(x->m, a, out) == 0;
}

/* Addresses in the request that have no permission yet, each counted once. */
static size_t count_new(const struct exchange *x)
{
	struct stun_addr peer, before;
	size_t n = 0;
	for (size_t i = 0; i < x->m->n_attrs; i++) {
		if (!peer_at(x, i, &peer) || turn_permission_find(x->c, x->alloc, &peer))
			continue;
		bool again = false;
		for (size_t k = 0; k < i && !again; k++)
			again = peer_at(x, k, &before) && stun_addr_same_ip(&before, &peer);
		n += !again;
	}
	return n;
}

/* §10.2: all of them or none. */
static unsigned on_create_permission(struct exchange *x)
{
	struct stun_addr peer;
	size_t n = 0;
	unsigned code = 0;
	if (!x->alloc)
		return 437;
	for (size_t i = 0; i < x->m->n_attrs && !code; i++)
		if (x->m->attrs[i].type == STUN_XOR_PEER_ADDRESS) {
			code = check_peer(x, &x->m->attrs[i], &peer);
			n++;
		}
	if (!code)
		code = n ? turn_permission_room(x->c, x->alloc, count_new(x)) : 400;
	for (size_t i = 0; i < x->m->n_attrs && !code; i++)
		if (peer_at(x, i, &peer))
			code = turn_permission_put(x->c, x->alloc, &peer);
	if (!code)
		turn_begin_success(x);
	return code;
}

/* §12.2: an error changes nothing, so that room for the permission is made before the channel is bound. */
static unsigned on_channel_bind(struct exchange *x)
{
	const struct stun_attr *number = stun_find(x->m, STUN_CHANNEL_NUMBER);
	const struct stun_attr *where = stun_find(x->m, STUN_XOR_PEER_ADDRESS);
	struct stun_addr peer;
	uint32_t n;
	if (!x->alloc)
		return 437;
	if (!number || !where || stun_get_u32(number, &n))
		return 400;
	n >>= 16;
	if (n < TURN_CHANNEL_MIN || n > TURN_CHANNEL_MAX)
		return 400;
	unsigned code = check_peer(x, where, &peer);
	if (!code && peer.port == 0)
		code = 400;
	if (!code)
		code = turn_permission_room(x->c, x->alloc, turn_permission_find(x->c, x->alloc, &peer) ? 0 : 1);
	if (!code)
		code = turn_channel_put(x->c, x->alloc, &peer, (uint16_t)n);
	if (!code)
		code = turn_permission_put(x->c, x->alloc, &peer);
	if (!code)
		turn_begin_success(x);
	return code;
}

static const struct handler {
	uint16_t method;
	unsigned (*run)(struct exchange *x);
} handlers[] = {
	{STUN_ALLOCATE, turn_on_allocate},
	{STUN_REFRESH, on_refresh},
	{STUN_CREATE_PERMISSION, on_create_permission},
	{STUN_CHANNEL_BIND, on_channel_bind},
};

/* Errors before the credentials are known to be good: few to each source that has not proven its address. */
static enum turn_verdict refuse_stranger(struct exchange *x, unsigned code)
{
	struct turn_core *c = x->c;
	const struct turn_config *cfg = &c->shared->cfg;
	const struct stun_addr *client = &x->path->key.client;
	bool local = cfg->allow_loopback && turn_policy_is_own(&c->policy, client);
	if (x->path->key.transport == TURN_UDP && !local &&
		!turn_guard_allows(&c->guard, client, cfg->unauth_per_source_s, c->now.mono_ms)) {
		TURN_COUNT(c, suppressed);
		return TURN_DROP;
	}
	if (code == 401 || code == 438)
		TURN_COUNT(c, unauthorized);
	turn_auth_challenge(c->shared, x->m, &x->path->key, (uint32_t)(c->now.mono_ms / 1000), code, &x->w);
	return finish(x);
}

/* Attributes that some request of ours understands; the rest below 0x8000 is 420's (RFC 8489 §6.3.1). */
static const uint16_t known_attrs[] = {STUN_MAPPED_ADDRESS, STUN_USERNAME, STUN_MESSAGE_INTEGRITY, STUN_ERROR_CODE,
	STUN_UNKNOWN_ATTRIBUTES, STUN_CHANNEL_NUMBER, STUN_LIFETIME, STUN_XOR_PEER_ADDRESS, STUN_DATA_VALUE, STUN_REALM,
	STUN_NONCE, STUN_XOR_RELAYED_ADDRESS, STUN_REQUESTED_ADDRESS_FAMILY, STUN_EVEN_PORT, STUN_REQUESTED_TRANSPORT,
	STUN_DONT_FRAGMENT, STUN_MESSAGE_INTEGRITY_SHA256, STUN_PASSWORD_ALGORITHM, STUN_USERHASH,
	STUN_XOR_MAPPED_ADDRESS, STUN_RESERVATION_TOKEN, 0};

static size_t find_unknown(const struct stun_msg *m, uint16_t *out, size_t max)
{
	return stun_unknown(m, known_attrs, out, max);
}

static enum turn_verdict refuse(struct exchange *x, unsigned code)
{
	if (code == 486 || code == 508)
		TURN_COUNT(x->c, quota);
	stun_put_header(&x->w, STUN_ERROR, x->m->method, x->m->txid);
	stun_put_error(&x->w, code, STR(""));
	if (code == 420) {
		uint16_t unknown[8];
		stun_put_unknown(&x->w, unknown, find_unknown(x->m, unknown, 8));
	}
	sign(x);
	return finish(x);
}

static enum turn_verdict run_signed(struct exchange *x, const struct handler *h)
{
	uint16_t unknown;
	if (x->alloc && !str_eq_z(x->login.user, x->alloc->user->name))
		return refuse(x, 441);
	if (find_unknown(x->m, &unknown, 1))
		return refuse(x, 420);
	/* The user's name must outlive the allocation that a Refresh may end; only the key is needed after it. */
	unsigned code = h->run(x);
	if (code)
		return refuse(x, code);
	sign(x);
	return finish(x);
}

static unsigned authenticate(struct exchange *x)
{
	struct turn_login known;
	if (x->alloc) {
		known.signer = x->alloc->signer;
		known.expiry_s = x->alloc->login_expiry_s;
		known.user = str_of(x->alloc->user->name);
	}
	return turn_auth_check(x->c->shared, x->m, &x->path->key, x->alloc ? &known : NULL, x->c->now, &x->login);
}

static enum turn_verdict binding_or_420(struct exchange *x)
{
	uint16_t unknown[8];
	size_t n = find_unknown(x->m, unknown, 8);
	if (!n)
		return on_binding(x);
	stun_put_header(&x->w, STUN_ERROR, x->m->method, x->m->txid);
	stun_put_error(&x->w, 420, STR(""));
	stun_put_unknown(&x->w, unknown, n);
	return finish(x);
}

enum turn_verdict turn_request(struct turn_core *c, struct turn_path *path, const struct stun_msg *m)
{
	struct exchange x = {.c = c, .path = path, .m = m};
	stun_begin(&x.w, c->reply, sizeof c->reply);
	if (m->method == STUN_BINDING)
		return binding_or_420(&x);
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		if (handlers[i].method != m->method)
			continue;
		x.alloc = turn_alloc_find(c, path);
		unsigned code = authenticate(&x);
		return code ? refuse_stranger(&x, code) : run_signed(&x, &handlers[i]);
	}
	return refuse_stranger(&x, 400);
}

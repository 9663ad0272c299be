/* Which peers a relay may reach: what is special in the internet, and the host's own addresses. */
#include "turn/policy.h"

#include <ifaddrs.h>

#include "base/ip_range.h"
#include "base/log.h"

static bool in_nets(const struct turn_net *nets, size_t n, const struct stun_addr *a)
{
	uint8_t family = a->family == STUN_IPV4 ? AF_INET : AF_INET6;
	for (size_t i = 0; i < n; i++)
		if (nets[i].family == family && (!nets[i].port || nets[i].port == a->port) &&
			ip_in_prefix(a->ip, nets[i].ip, nets[i].prefix))
			return true;
	return false;
}

static bool refused_by_default(const struct turn_config *cfg, const struct stun_addr *a)
{
	enum ip_kind kind = ip_kind(a->ip, a->family == STUN_IPV4 ? 4 : 16);
	return kind == IP_SPECIAL || (kind == IP_LAN && !cfg->lan);
}

static bool is_link_local(const struct stun_addr *a)
{
	if (a->family == STUN_IPV4)
		return a->ip[0] == 169 && a->ip[1] == 254;
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool is_loopback(const struct stun_addr *a)
{
	static const uint8_t one[16] = {[15] = 1};
	return a->family == STUN_IPV4 ? a->ip[0] == 127 : memcmp(a->ip, one, 16) == 0;
}

static bool listed(const struct stun_addr *list, size_t n, const struct stun_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (stun_addr_same_ip(&list[i], a))
			return true;
	return false;
}

bool turn_policy_relays_here(const struct policy *p, const struct stun_addr *a)
{
	for (size_t i = 0; i < p->cfg->n_external; i++) {
		struct stun_addr outside = turn_policy_from_sockaddr(&p->cfg->external[i].public_addr);
		if (stun_addr_same_ip(&outside, a))
			return true;
	}
	return listed(p->relays, p->n_relays, a);
}

bool turn_policy_is_own(const struct policy *p, const struct stun_addr *addr)
{
	return listed(p->own, p->n_own, addr);
}

static enum policy_reach check_one(const struct policy *p, const struct stun_addr *a)
{
	const struct turn_config *cfg = p->cfg;
	if (in_nets(cfg->deny, cfg->n_deny, a))
		return POLICY_NO;
	if (is_loopback(a) && cfg->allow_loopback)
		return POLICY_YES;
	if (turn_policy_relays_here(p, a))
		return cfg->allow_loopback ? POLICY_YES : POLICY_RELAY;
	if (turn_policy_is_own(p, a))
		return cfg->allow_loopback ? POLICY_YES : POLICY_NO;
	if (in_nets(cfg->allow, cfg->n_allow, a))
		return POLICY_YES;
	return refused_by_default(cfg, a) ? POLICY_NO : POLICY_YES;
}

/* IPv4 addresses inside an IPv6 one; returns how many. */
static size_t carried(const struct stun_addr *a, struct stun_addr out[2])
{
	uint8_t ip[2][4];
	size_t n = a->family == STUN_IPV6 ? ip_carried(a->ip, ip) : 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct stun_addr){.family = STUN_IPV4, .port = a->port};
		memcpy(out[i].ip, ip[i], 4);
	}
	return n;
}

enum policy_reach turn_policy_check(const struct policy *p, const struct stun_addr *peer)
{
	static const uint8_t one[16] = {[15] = 1};
	struct stun_addr inside[2];
	enum policy_reach reach = check_one(p, peer);
	if (reach == POLICY_NO || (peer->family == STUN_IPV6 && memcmp(peer->ip, one, 16) == 0))
		return reach;
	for (size_t i = carried(peer, inside); i-- > 0;)
		if (check_one(p, &inside[i]) != POLICY_YES)
			return POLICY_NO;
	return reach;
}

void turn_policy_init(struct policy *p, const struct turn_config *cfg)
{
	*p = (struct policy){.cfg = cfg, .generation = 1};
}

static void add_relay(struct policy *p, struct stun_addr a)
{
	a.port = 0;
	if (p->n_relays < POLICY_MAX_OWN && !listed(p->relays, p->n_relays, &a))
		p->relays[p->n_relays++] = a;
}

/* The host's addresses of one family; loopback only where it may be a peer too. */
static void add_own_relays(struct policy *p, uint8_t family)
{
	for (size_t i = 0; i < p->n_own; i++)
		if (p->own[i].family == family && !is_link_local(&p->own[i]) && !is_loopback(&p->own[i]))
			add_relay(p, p->own[i]);
	for (size_t i = 0; i < p->n_own && p->cfg->allow_loopback; i++)
		if (p->own[i].family == family && is_loopback(&p->own[i]))
			add_relay(p, p->own[i]);
}

static void choose_relays(struct policy *p)
{
	static const uint8_t any[16];
	const struct turn_config *cfg = p->cfg;
	p->n_relays = 0;
	for (size_t i = 0; i < cfg->n_relay; i++)
		add_relay(p, turn_policy_from_sockaddr(&cfg->relay[i]));
	for (size_t i = 0; i < cfg->n_listen && !cfg->n_relay; i++) {
		struct stun_addr a = turn_policy_from_sockaddr(&cfg->listen[i]);
		if (memcmp(a.ip, any, 16) != 0)
			add_relay(p, a);
		else
			add_own_relays(p, a.family);
	}
}

static size_t list_own(struct ifaddrs *all, struct stun_addr *own)
{
	size_t n = 0;
	for (struct ifaddrs *i = all; i && n < POLICY_MAX_OWN; i = i->ifa_next) {
		union turn_addr addr = {0};
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&addr, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof addr.v4 : sizeof addr.v6);
		own[n] = turn_policy_from_sockaddr(&addr);
		own[n++].port = 0;
	}
	return n;
}

bool turn_policy_read_own(struct policy *p)
{
	struct stun_addr own[POLICY_MAX_OWN] = {0};
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0)
		return false;
	size_t n = list_own(all, own);
	freeifaddrs(all);
	if (n == POLICY_MAX_OWN)
		log_warn("turn: more addresses than are kept; deny the rest by ranges", LOG_I("kept", n));
	if (n == p->n_own && memcmp(own, p->own, sizeof own) == 0)
		return false;
	memcpy(p->own, own, sizeof own);
	p->n_own = n;
	choose_relays(p);
	p->generation++;
	return true;
}

const struct stun_addr *turn_policy_relay_for(const struct policy *p, uint8_t family, const struct stun_addr *reached)
{
	for (size_t i = 0; i < p->n_relays && reached->family == family; i++)
		if (stun_addr_same_ip(&p->relays[i], reached))
			return &p->relays[i];
	for (size_t i = 0; i < p->n_relays; i++)
		if (p->relays[i].family == family)
			return &p->relays[i];
	return NULL;
}

static void swap_ip(const struct policy *p, struct stun_addr *addr, bool to_public)
{
	for (size_t i = 0; i < p->cfg->n_external; i++) {
		const struct turn_external *e = &p->cfg->external[i];
		struct stun_addr from = turn_policy_from_sockaddr(to_public ? &e->private_addr : &e->public_addr);
		struct stun_addr to = turn_policy_from_sockaddr(to_public ? &e->public_addr : &e->private_addr);
		if (stun_addr_same_ip(&from, addr)) {
			memcpy(addr->ip, to.ip, sizeof addr->ip);
			return;
		}
	}
}

void turn_policy_to_public(const struct policy *p, struct stun_addr *addr)
{
	swap_ip(p, addr, true);
}

void turn_policy_to_private(const struct policy *p, struct stun_addr *addr)
{
	swap_ip(p, addr, false);
}

struct stun_addr turn_policy_from_sockaddr(const union turn_addr *addr)
{
	struct stun_addr out = {0};
	if (addr->any.sa_family == AF_INET) {
		out.family = STUN_IPV4;
		out.port = ntohs(addr->v4.sin_port);
		memcpy(out.ip, &addr->v4.sin_addr, 4);
	} else if (addr->any.sa_family == AF_INET6) {
		out.family = STUN_IPV6;
		out.port = ntohs(addr->v6.sin6_port);
		memcpy(out.ip, &addr->v6.sin6_addr, 16);
	}
	return out;
}

unsigned turn_policy_to_sockaddr(const struct stun_addr *addr, union turn_addr *out)
{
	*out = (union turn_addr){0};
	if (addr->family == STUN_IPV4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(addr->port);
		memcpy(&out->v4.sin_addr, addr->ip, 4);
		return sizeof out->v4;
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(addr->port);
	memcpy(&out->v6.sin6_addr, addr->ip, 16);
	return sizeof out->v6;
}

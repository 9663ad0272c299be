/* Which peers a relay may reach: the tables of special-purpose ranges, and the host's own addresses. */
#include "turn/policy.h"

#include <ifaddrs.h>

#include "base/log.h"

struct range {
	uint8_t prefix;
	bool lan; /* opened by the option for private networks */
	uint8_t ip[16];
};

/* IANA's IPv4 special-purpose registry (RFC 6890 and later), multicast and reserved. */
static const struct range ranges4[] = {
	{8, false, {0}},	     /* this network */
	{8, true, {10}},	     /* private */
	{10, false, {100, 64}},	     /* shared between carriers */
	{8, false, {127}},	     /* loopback */
	{16, false, {169, 254}},     /* link-local, cloud metadata */
	{12, true, {172, 16}},	     /* private */
	{24, false, {192, 0, 0}},    /* protocol assignments */
	{24, false, {192, 0, 2}},    /* documentation */
	{24, false, {192, 31, 196}}, /* AS112 */
	{24, false, {192, 52, 193}}, /* AMT */
	{24, false, {192, 88, 99}},  /* 6to4 relays */
	{16, true, {192, 168}},	     /* private */
	{24, false, {192, 175, 48}}, /* AS112 */
	{15, false, {198, 18}},	     /* benchmarking */
	{24, false, {198, 51, 100}}, /* documentation */
	{24, false, {203, 0, 113}},  /* documentation */
	{4, false, {224}},	     /* multicast */
	{4, false, {240}},	     /* reserved, broadcast */
};

/* The IPv6 registry. What carries IPv4 inside is refused here whole, whatever it carries. */
static const struct range ranges6[] = {
	{96, false, {0}},					 /* unspecified, loopback, compatible */
	{96, false, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, /* mapped */
	{96, false, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}},	 /* SIIT */
	{96, false, {0, 0x64, 0xff, 0x9b}},			 /* NAT64 */
	{48, false, {0, 0x64, 0xff, 0x9b, 0, 1}},		 /* local NAT64 */
	{64, false, {1}},					 /* discard */
	{64, false, {1, 0, 0, 0, 0, 0, 0, 1}},			 /* dummy prefix */
	{23, false, {0x20, 0x01}},				 /* Teredo, ORCHID, benchmarking */
	{32, false, {0x20, 0x01, 0x0d, 0xb8}},			 /* documentation */
	{16, false, {0x20, 0x02}},				 /* 6to4 */
	{48, false, {0x26, 0x20, 0, 0x4f, 0x80}},		 /* AS112 */
	{20, false, {0x3f, 0xff}},				 /* documentation */
	{16, false, {0x5f, 0x00}},				 /* segment routing */
	{128, false, {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}}, /* cloud metadata */
	{7, true, {0xfc}},							       /* unique local */
	{10, false, {0xfe, 0x80}},						       /* link-local */
	{10, false, {0xfe, 0xc0}},						       /* site-local */
	{8, false, {0xff}},							       /* multicast */
};

static bool in_prefix(const uint8_t *ip, const uint8_t *net, unsigned bits)
{
	if (memcmp(ip, net, bits / 8) != 0)
		return false;
	unsigned rest = bits % 8;
	return rest == 0 || ((ip[bits / 8] ^ net[bits / 8]) >> (8 - rest)) == 0;
}

static bool in_nets(const struct turn_net *nets, size_t n, const struct stun_addr *a)
{
	uint8_t family = a->family == STUN_IPV4 ? AF_INET : AF_INET6;
	for (size_t i = 0; i < n; i++)
		if (nets[i].family == family && (!nets[i].port || nets[i].port == a->port) &&
			in_prefix(a->ip, nets[i].ip, nets[i].prefix))
			return true;
	return false;
}

/* The first range that holds the address decides: metadata stands before the private range around it. */
static bool refused_by_default(const struct turn_config *cfg, const struct stun_addr *a)
{
	const struct range *r = a->family == STUN_IPV4 ? ranges4 : ranges6;
	size_t n = a->family == STUN_IPV4 ? sizeof ranges4 / sizeof *r : sizeof ranges6 / sizeof *r;
	for (size_t i = 0; i < n; i++)
		if (in_prefix(a->ip, r[i].ip, r[i].prefix))
			return !(cfg->lan && r[i].lan);
	return false;
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

/* An address that clients are told, or that leads to one: peers of one server meet there. */
static bool relays_here(const struct policy *p, const struct stun_addr *a)
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
	if (relays_here(p, a))
		return cfg->allow_loopback ? POLICY_YES : POLICY_RELAY;
	if (turn_policy_is_own(p, a))
		return cfg->allow_loopback ? POLICY_YES : POLICY_NO;
	if (in_nets(cfg->allow, cfg->n_allow, a))
		return POLICY_YES;
	return refused_by_default(cfg, a) ? POLICY_NO : POLICY_YES;
}

/* IPv4 addresses inside an IPv6 one; returns how many (Teredo has two: its server and its client). */
static size_t carried(const struct stun_addr *a, struct stun_addr out[2])
{
	static const uint8_t teredo[4] = {0x20, 0x01};
	size_t n = 0;
	out[0] = out[1] = (struct stun_addr){.family = STUN_IPV4, .port = a->port};
	if (a->family != STUN_IPV6)
		return 0;
	if (a->ip[0] == 0x20 && a->ip[1] == 0x02) {
		memcpy(out[n++].ip, a->ip + 2, 4);
	} else if (memcmp(a->ip, teredo, 4) == 0) {
		memcpy(out[n++].ip, a->ip + 4, 4);
		for (size_t i = 0; i < 4; i++)
			out[n].ip[i] = a->ip[12 + i] ^ 0xff;
		n++;
	} else {
		for (size_t i = 0; i < 5; i++)
			if (in_prefix(a->ip, ranges6[i].ip, ranges6[i].prefix)) {
				memcpy(out[n++].ip, a->ip + 12, 4);
				break;
			}
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

/* policy: which peers may be reached. Private to turn/.
 *
 * The order is: refused nets of the operator, the host's own addresses, allowed nets, then what no relay should reach
 * by default. An IPv6 address that carries an IPv4 one (mapped, compatible, SIIT, NAT64, 6to4, Teredo) must pass with
 * both.
 */
#ifndef BELLWIRE_TURN_POLICY_H
#define BELLWIRE_TURN_POLICY_H

#include "codec/stun.h"
#include "turn/turn.h"

#define POLICY_MAX_OWN 512

enum policy_reach {
	POLICY_NO,    /* never */
	POLICY_YES,   /* any port */
	POLICY_RELAY, /* an address of ours: only ports that relay for somebody (ask the port table) */
};

struct policy {
	const struct turn_config *cfg; /* borrowed */
	struct stun_addr own[POLICY_MAX_OWN];
	size_t n_own;
	struct stun_addr relays[POLICY_MAX_OWN]; /* where relay sockets are bound; ports 0 */
	size_t n_relays;
	uint32_t generation; /* rises with every change of `own`, so that remembered answers can be asked again */
};

void turn_policy_init(struct policy *p, const struct turn_config *cfg);

/* Reads the host's addresses anew; true when they changed. Keeps the old ones when they cannot be read. */
bool turn_policy_read_own(struct policy *p);

/* peer.port 0 asks for the address alone, as CreatePermission does: nets with a port then do not match. */
enum policy_reach turn_policy_check(const struct policy *p, const struct stun_addr *peer);

/* Where to bind a relay of that family: the address that the client reached when it can, else the first; null when
 * there is none. */
const struct stun_addr *turn_policy_relay_for(const struct policy *p, uint8_t family, const struct stun_addr *reached);

/* What the world calls a local relay address, and back (RFC 8656 knows no NAT before the server; --turn-external). */
void turn_policy_to_public(const struct policy *p, struct stun_addr *addr);
void turn_policy_to_private(const struct policy *p, struct stun_addr *addr);

/* An address that clients are told, or that leads to one: peers of one server meet there. The port is not looked at. */
bool turn_policy_relays_here(const struct policy *p, const struct stun_addr *addr);

bool turn_policy_is_own(const struct policy *p, const struct stun_addr *addr);

/* Between sockets and the protocol. A family that is neither IPv4 nor IPv6 gives family 0. */
struct stun_addr turn_policy_from_sockaddr(const union turn_addr *addr);
unsigned turn_policy_to_sockaddr(const struct stun_addr *addr, union turn_addr *out); /* returns its length */

static inline bool stun_addr_same_ip(const struct stun_addr *a, const struct stun_addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, 16) == 0;
}

static inline bool stun_addr_eq(const struct stun_addr *a, const struct stun_addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

#endif

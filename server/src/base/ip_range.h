/* ip_range: addresses that are not simply somewhere in the internet: private, this machine's, carrying another inside.
 *
 * From IANA's special-purpose registries (RFC 6890 and later). For those who let strangers name an address that this
 * machine then sends to: the relay, webhooks.
 */
#ifndef BELLWIRE_BASE_IP_RANGE_H
#define BELLWIRE_BASE_IP_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ip_kind {
	IP_PUBLIC,
	IP_LAN,	    /* private, unique local, link-local of IPv6: what an operator may want to open */
	IP_SPECIAL, /* never a peer: this machine, metadata of clouds, multicast, documentation, reserved, tunnels */
};

/* ip: 4 or 16 bytes. The first range that holds the address decides: metadata stands before the range around it. */
enum ip_kind ip_kind(const uint8_t *ip, size_t n_bytes);

/* The IPv4 addresses inside an IPv6 one (mapped, compatible, SIIT, NAT64, 6to4, Teredo); returns how many. Teredo has
 * two: its server and its client. */
size_t ip_carried(const uint8_t ip[16], uint8_t out[2][4]);

/* Whether the first `bits` bits are the same. */
bool ip_in_prefix(const uint8_t *ip, const uint8_t *net, unsigned bits);

#endif

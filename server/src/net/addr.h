/* addr: an address and port of the internet, as numbers and as text. */
#ifndef BELLWIRE_NET_ADDR_H
#define BELLWIRE_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* "[", an IPv6 address with a zone, "]:65535" and a NUL. */
#define ADDR_TEXT_SIZE 72

/* "127.0.0.1:8080", "[::1]:0"; "localhost:8080" means 127.0.0.1. No other names, no default port.
 * ERR_BAD_FIELD when it is something else. */
int addr_parse(struct str text, struct addr *out);

/* The text that addr_parse takes. An IPv4 address mapped into IPv6 is written as IPv4. Returns out. */
const char *addr_format(const struct addr *a, char out[ADDR_TEXT_SIZE]);

/* The same without the port and the brackets. */
const char *addr_format_host(const struct addr *a, char out[ADDR_TEXT_SIZE]);

/* From the system's form; ERR_BAD_FIELD for a family that is neither IPv4 nor IPv6. */
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* Same family, address and port. */
bool addr_eq(const struct addr *a, const struct addr *b);

/* 127.0.0.0/8, ::1, and 127.0.0.0/8 mapped into IPv6. */
bool addr_is_loopback(const struct addr *a);

/* All addresses that begin alike: "10.0.0.0/8", "fd00::/8", or one address. */
struct addr_net {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t bits;
	uint8_t ip[16];
};

/* ERR_BAD_FIELD when it is something else, also with bits set behind the prefix. */
int addr_net_parse(struct str text, struct addr_net *out);

/* An IPv4 address mapped into IPv6 counts as IPv4. */
bool addr_net_has(const struct addr_net *net, const struct addr *a);

/* The address's own bytes: 4, or 16. An IPv4 address mapped into IPv6 has 4. */
size_t addr_ip(const struct addr *a, uint8_t out[16]);

/* Bytes of the system's form. */
static inline socklen_t addr_len(const struct addr *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

#endif

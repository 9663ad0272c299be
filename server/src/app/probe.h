/* probe: connections as a client makes them, for `bellwire doctor`: one after another, each with a deadline. */
#ifndef BELLWIRE_APP_PROBE_H
#define BELLWIRE_APP_PROBE_H

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/str.h"

#define PROBE_TIMEOUT_S 5
#define PROBE_HOST_SIZE 256
#define PROBE_WHERE_SIZE 80 /* an address as text */

/* Where a URL leads: http, https, stun, turn, turns. */
struct probe_target {
	char scheme[8];
	char host[PROBE_HOST_SIZE]; /* without brackets */
	char port[8];
	bool is_tls;
	bool is_udp;
};

/* ERR_BAD_FIELD when it is no such URL. Ports that are left out are the scheme's own. */
int probe_parse(struct str url, struct probe_target *out);

struct probe {
	int fd;	  /* owned; -1: closed */
	SSL *ssl; /* owned; null: plain */
};

/* Connects; with TLS the certificate is checked against the system's authorities and the host's name. On failure *why
 * says in words what went wrong: ERR_NOT_FOUND (no such name), ERR_IO, ERR_FORBIDDEN (certificate). */
int probe_open(const struct probe_target *target, struct probe *out, struct buf *why);
void probe_close(struct probe *p);

/* ERR_IO when it does not go out whole; bytes read, 0 at the end, ERR_IO without an answer in time. */
int probe_write(struct probe *p, struct str bytes);
int probe_read(struct probe *p, void *out, size_t size);

/* Days until the certificate of a TLS connection expires. */
int probe_days_left(const struct probe *p);

/* One request. The answer's head and body go to *head and *body; its status is returned, or ERR_IO, ERR_PROTOCOL. */
int probe_http(struct probe *p, const struct probe_target *target, struct str path, struct str more, struct buf *head,
	struct buf *body);

/* A real allocation on a relay, given back at once. *where gets the relayed address as text. ERR_IO without an answer,
 * ERR_TOKEN_INVALID when the credentials are refused, ERR_PROTOCOL. */
int probe_allocate(struct probe *p, const struct probe_target *target, struct str user, struct str password,
	char *where, size_t size);

/* A binding request: the address that the relay sees, as text. */
int probe_bind(struct probe *p, const struct probe_target *target, char *where, size_t size);

/* What a NAT between here and a relay does with one port of ours: how it looks from the relay's own port, and from the
 * port of an allocation there (RFC 4787 §4.1; as RFC 5780 has it, without a second address). */
struct probe_nat {
	char local[PROBE_WHERE_SIZE];
	char seen[PROBE_WHERE_SIZE];	  /* by the relay's own port */
	char elsewhere[PROBE_WHERE_SIZE]; /* by the allocation's; "" when nothing arrived there, or without a NAT */
	char relayed[PROBE_WHERE_SIZE];	  /* where the allocation is; "" without a NAT */
};

/* Over UDP. ERR_IO without an answer, ERR_TOKEN_INVALID, ERR_FORBIDDEN when the relay serves no peers at our address,
 * ERR_PROTOCOL. */
int probe_nat(const struct probe_target *relay, struct str user, struct str password, struct probe_nat *out);

#endif

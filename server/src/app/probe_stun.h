/* probe_stun: requests to a relay, for the doctor's probes of it. Private to probe_*.c. */
#ifndef BELLWIRE_APP_PROBE_STUN_H
#define BELLWIRE_APP_PROBE_STUN_H

#include "app/probe.h"
#include "codec/stun.h"

struct probe_answer {
	uint8_t bytes[1500];
	struct stun_msg msg;
};

/* What a request is signed with. */
struct probe_credentials {
	struct str user; /* borrowed */
	char realm[256];
	char nonce[256];
	uint8_t key[16];
};

/* A request's header, with a fresh id. */
void probe_begin(struct stun_writer *w, uint8_t *bytes, size_t size, uint16_t method);
void probe_sign(struct stun_writer *w, const struct probe_credentials *c);

/* One whole message: a datagram, or as many bytes as its header says. ERR_IO when none comes in time, ERR_PROTOCOL. */
int probe_read_message(struct probe *p, bool is_udp, struct probe_answer *out);

/* Sends it, over UDP up to three times, until its answer comes. ERR_IO without one. */
int probe_exchange(struct probe *p, bool is_udp, const struct stun_writer *w, struct probe_answer *out);

/* An address in a message; ERR_PROTOCOL when it has none of that type. */
int probe_address(const struct probe_answer *a, uint16_t type, struct stun_addr *out);
void probe_format(const struct stun_addr *addr, char *where, size_t size);

/* The address that the server sees. */
int probe_mapped(struct probe *p, bool is_udp, struct stun_addr *out);

/* An allocation that is held until it is given back; c holds the user before, and the rest after. ERR_IO without an
 * answer, ERR_TOKEN_INVALID when it is refused, ERR_PROTOCOL. */
int probe_hold(struct probe *p, bool is_udp, struct str password, struct probe_credentials *c, struct stun_addr *out);
void probe_give_back(struct probe *p, bool is_udp, const struct probe_credentials *c);

#endif

/* load: many clients and their peers in one process, for a relay or a bare forwarder between them. */
#ifndef BELLWIRE_BENCH_TURN_LOAD_H
#define BELLWIRE_BENCH_TURN_LOAD_H

#include "codec/stun.h"
#include "turn/turn.h"

/* A client socket towards the server, and where its peer reaches it (the relayed address). */
struct flow {
	int fd;
	struct sockaddr_in relayed;
	char username[TURN_USER_MAX + 24];
	uint8_t key[16];
	char nonce[128];
	struct str realm;
	char realm_text[64];
};

struct load_server {
	struct sockaddr_in addr;
	const char *secret; /* null: a bare forwarder */
};

/* Makes the flow's socket and its relayed address, with channel 0x4000 bound to peer. False: said why on stderr. */
bool flow_open(struct flow *f, const struct load_server *server, const struct sockaddr_in *peer, unsigned number);

/* Refreshes allocation and channel, among the packets; the answers are not looked at. */
bool flow_renew(const struct flow *f, const struct sockaddr_in *peer);

/* The steps of it that a relay needs. */
bool flow_allocate(struct flow *f);
bool flow_connect(struct flow *f, const struct load_server *server, unsigned number);

#endif

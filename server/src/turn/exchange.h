/* exchange: a request and the answer being written. Between request.c and allocate.c. */
#ifndef BELLWIRE_TURN_EXCHANGE_H
#define BELLWIRE_TURN_EXCHANGE_H

#include "turn/core.h"

/* A request on its way to its answer. */
struct exchange {
	struct turn_core *c;
	struct turn_path *path;
	const struct stun_msg *m;
	struct turn_alloc *alloc; /* of the 5-tuple, or null */
	struct turn_login login;
	struct stun_writer w;
};

void turn_begin_success(struct exchange *x);

/* The value of an address family attribute; 0 when it is malformed. */
static inline unsigned turn_family_of(const struct stun_attr *a)
{
	return a->len == 4 ? a->value[0] : 0;
}

/* At least 10 minutes, at most what is configured (RFC 8656 §7.2). */
uint32_t turn_clamp_lifetime(const struct turn_config *cfg, uint32_t wanted);

/* The handler; returns 0 or the code of the error to answer. */
unsigned turn_on_allocate(struct exchange *x);

#endif

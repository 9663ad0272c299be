/* shared: what all relay workers have in common: users and their quotas, ports, reservations, secrets. Private to
 * turn/.
 *
 * The lock is taken when an allocation begins or ends and when credentials are checked, never for a packet of media.
 */
#ifndef BELLWIRE_TURN_SHARED_H
#define BELLWIRE_TURN_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"
#include "codec/stun.h"
#include "turn/turn.h"

#define TURN_TOKEN_SIZE 8     /* RFC 8656 §18.10 */
#define TURN_RESERVATION_S 30 /* §7.2 */
#define TURN_MAX_RESERVATIONS 256
#define TURN_SECRET_MAX 512
#define TURN_REALM_MAX 64

/* Bytes that may pass: rate a second, at most half a second's worth at once. Any thread. */
struct turn_bucket {
	uint64_t rate; /* 0: no bound */
	_Atomic int64_t credit;
	_Atomic int64_t filled_ms;
};

void turn_bucket_init(struct turn_bucket *b, uint64_t rate, int64_t now_ms);
bool turn_bucket_take(struct turn_bucket *b, size_t n, int64_t now_ms);

/* Somebody with at least one allocation. */
struct turn_user {
	struct map_node node;
	uint32_t n_allocations; /* under the lock */
	struct turn_bucket bucket;
	_Atomic uint64_t bytes_to_peer;
	_Atomic uint64_t bytes_to_client;
	char name[];
};

/* The second port of a pair, bound and waiting for its owner (EVEN-PORT with the R bit). */
struct turn_reservation {
	uint8_t token[TURN_TOKEN_SIZE];
	struct stun_addr local;
	int fd; /* owned; -1: free slot */
	int64_t expires_ms;
};

struct turn_shared {
	struct turn_config cfg; /* its strings point into the fields below */
	char realm[TURN_REALM_MAX];
	uint8_t nonce_key[32];
	size_t nonce_raw; /* bytes behind a nonce, chosen so that a 401 stays small */
	atomic_bool draining;
	atomic_uint_fast64_t reported; /* allocations that have had a report: their numbers */
	struct turn_bucket bucket;     /* the whole server */

	pthread_mutex_t lock;
	char secret[TURN_SECRET_MAX];
	size_t secret_len;
	char previous[TURN_SECRET_MAX];
	size_t previous_len;
	struct map users;
	uint32_t n_allocations;
	struct turn_reservation reservations[TURN_MAX_RESERVATIONS];

	/* One bit per relay port in use: [0] for IPv4, [1] for IPv6. */
	_Atomic uint64_t ports[2][65536 / 64];
};

/* cfg must be sound (turn_start checks). ERR_CONFIG when realm or secrets are too long. */
int turn_shared_init(struct turn_shared *s, const struct turn_config *cfg, int64_t now_ms);
void turn_shared_fini(struct turn_shared *s);

int turn_shared_set_secrets(struct turn_shared *s, struct str secret, struct str previous);

/* Copies both secrets; an empty one is not in use. */
struct turn_secrets {
	char secret[TURN_SECRET_MAX];
	size_t secret_len;
	char previous[TURN_SECRET_MAX];
	size_t previous_len;
};
void turn_shared_secrets(struct turn_shared *s, struct turn_secrets *out);

/* A place for one more allocation of this user: 0, or the STUN error code (486, 508). */
unsigned turn_shared_join(struct turn_shared *s, struct str name, int64_t now_ms, struct turn_user **out);
void turn_shared_leave(struct turn_shared *s, struct turn_user *user);

/* Ports: claim marks and returns true when it was free. */
bool turn_port_claim(struct turn_shared *s, uint8_t family, uint16_t port);
void turn_port_release(struct turn_shared *s, uint8_t family, uint16_t port);
bool turn_port_used(const struct turn_shared *s, uint8_t family, uint16_t port);

/* Reservations: put takes fd and writes the token (false: full); take gives fd back (-1: no such token). */
bool turn_reserve_put(struct turn_shared *s, struct turn_reservation *r);
int turn_reserve_take(struct turn_shared *s, const uint8_t *token, struct stun_addr *out_local);

/* Those whose time is over: gives one back at a time, -1 when none. The caller closes it and releases its port. */
int turn_reserve_expired(struct turn_shared *s, int64_t now_ms, struct stun_addr *out_local);

#endif

/* auth: who asks. Stateless nonces, credentials that expire, and a bound on answers to the unknown. Private to turn/.
 */
#ifndef BELLWIRE_TURN_AUTH_H
#define BELLWIRE_TURN_AUTH_H

#include "codec/stun.h"
#include "turn/shared.h"

/* The 5-tuple (RFC 8656 §3.2). All its bytes are set, so that it can be a key. */
struct turn_key {
	struct stun_addr client;
	struct stun_addr server;
	uint8_t transport; /* enum turn_transport */
	uint8_t zero[3];
};

/* What a valid request was signed with; its answer is signed alike. */
struct turn_signer {
	uint8_t key[32];
	uint8_t key_len;
	bool sha256;	    /* MESSAGE-INTEGRITY-SHA256 */
	uint16_t algorithm; /* of the key: enum stun_algorithm */
};

struct turn_login {
	struct turn_signer signer;
	int64_t expiry_s;
	struct str user; /* borrowed from the message */
};

#define TURN_NONCE_MAX 64

/* The nonce for a client now. `algorithms`: says that PASSWORD-ALGORITHMS was offered with it (RFC 8489 §9.2). */
size_t turn_nonce_make(const struct turn_shared *s, const struct turn_key *key, bool algorithms, uint32_t now_s,
	char out[TURN_NONCE_MAX]);
bool turn_nonce_valid(const struct turn_shared *s, const struct turn_key *key, struct str nonce, uint32_t now_s);

/* "1794000000:user": ERR_BAD_FIELD when it is not spelled so, without leading zeros. */
int turn_username_parse(struct str username, int64_t *out_expiry_s, struct str *out_user);

/* Checks a request's credentials (RFC 8489 §9.2.4). 0, or the error code to answer: 400, 401, 438. `known` is the
 * login that this 5-tuple's allocation was made with (null: none): its user name is good until the allocation ends. */
struct turn_now {
	int64_t mono_ms;
	int64_t wall_s;
};
unsigned turn_auth_check(struct turn_shared *s, const struct stun_msg *m, const struct turn_key *key,
	const struct turn_login *known, struct turn_now now, struct turn_login *out);

/* Writes the error answer to a request without valid credentials: 401 and 438 carry realm and nonce. The offer of
 * SHA-256 is left out where it would make the answer more than 2.8 times the request of an unproven address. */
void turn_auth_challenge(const struct turn_shared *s, const struct stun_msg *m, const struct turn_key *key,
	uint32_t now_s, unsigned code, struct stun_writer *w);

/* A bound on error answers for each source address, in memory that does not grow: sources share slots by a keyed hash.
 */
#define TURN_GUARD_SLOTS 8192
struct turn_guard {
	struct {
		uint32_t filled_ms;
		uint32_t credit; /* thousandths of an answer */
	} slots[TURN_GUARD_SLOTS];
};
bool turn_guard_allows(struct turn_guard *g, const struct stun_addr *client, uint32_t per_s, int64_t now_ms);

#endif

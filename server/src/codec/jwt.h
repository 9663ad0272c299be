/* jwt: who somebody is, proved by a signature (RFC 7515 JWS compact form, RFC 7519 claims).
 *
 * Only what bellwire needs, and strictly: each key is pinned to one algorithm (a token cannot choose another for it),
 * the text has one spelling (canonical base64url, no claim twice), an expiry is required.
 */
#ifndef BELLWIRE_CODEC_JWT_H
#define BELLWIRE_CODEC_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define JWT_MAX_TOKEN 8192
/* Bytes of the claims about a person; the store keeps as much (store/model.h), and REST takes no more. */
#define JWT_MAX_USER_ID 128
#define JWT_MAX_NAME 128
#define JWT_MAX_AVATAR_URL 256

/* How far the issuer's clock may run ahead of ours; for nbf and iat only, an expired token is expired. */
#define JWT_LEEWAY_MS 60000

/* HMAC keys: at least as long as the hash (RFC 7518 §3.2). */
#define JWT_MIN_SECRET 32
#define JWT_MAX_SECRET 512

/* HS256 secrets, the first of which signs; several while one is being replaced. */
#define JWT_MAX_KEYS 4

struct jwks;

struct jwt_key {
	unsigned char secret[JWT_MAX_SECRET];
	size_t secret_len;
};

struct jwt_keys {
	struct jwt_key keys[JWT_MAX_KEYS];
	size_t n;

	/* The issuer's public keys, for RS256, PS256 and ES256 (jwks.h); borrowed, may be replaced at any time. Null:
	 * such tokens are refused. */
	const struct jwks *issuer;

	/* A token named a key that the issuer's set does not hold: it may have a new one. May be null. */
	void (*on_unknown_key)(void *arg);
	void *arg;
};

struct jwt_claims {
	char user_id[JWT_MAX_USER_ID + 1];	 /* sub */
	char name[JWT_MAX_NAME + 1];		 /* "" when absent */
	char avatar_url[JWT_MAX_AVATAR_URL + 1]; /* "" when absent; https: or http: */
	bool is_server;				 /* scope "server": the host's own backend */
	bool is_moderator;
	bool may_record;       /* recorder:true, or one of these two */
	int64_t expires_at_ms; /* wall time */
};

void jwt_keys_init(struct jwt_keys *keys);

/* Forgets the secrets. */
void jwt_keys_fini(struct jwt_keys *keys);

/* Adds an HS256 secret. ERR_CONFIG when it is shorter than JWT_MIN_SECRET, too long, or one too many. */
int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret);

/* Verifies a token. ERR_TOKEN_MISSING for an empty one, ERR_TOKEN_EXPIRED for a good one whose time is over,
 * ERR_TOKEN_INVALID for all else (no reason: it would only help a forger), ERR_NO_MEMORY. *out is filled only on
 * success. Takes wall time in milliseconds. */
int jwt_verify(struct str token, const struct jwt_keys *keys, int64_t now_ms, struct jwt_claims *out);

/* Appends a token for these claims, signed with the first key. ERR_BAD_FIELD when they could not be verified. */
int jwt_sign(const struct jwt_claims *claims, const struct jwt_keys *keys, int64_t now_ms, struct buf *out);

/* HMAC-SHA-256 of a text under the first key, for proofs that are not tokens. The text must hold a '|', which no token
 * does, so that one can never pass for the other. ERR_NO_MEMORY. */
#define JWT_MAC_SIZE 32
int jwt_keys_mac(const struct jwt_keys *keys, struct str text, unsigned char out[JWT_MAC_SIZE]);

#endif

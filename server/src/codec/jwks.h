/* jwks: an issuer's public keys (RFC 7517), and signatures checked with them (RFC 7518 §3.3 to §3.5).
 *
 * Each key is pinned to one algorithm, by its own "alg", type and curve: a token names an algorithm, but never chooses
 * what a key is used for. Symmetric keys are no part of such a set.
 */
#ifndef BELLWIRE_CODEC_JWKS_H
#define BELLWIRE_CODEC_JWKS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

#define JWKS_MAX_BYTES (256 * 1024)
#define JWKS_MAX_KEYS 32 /* that can be used; those behind them are passed over */
#define JWKS_MAX_KID 128 /* bytes */
#define JWKS_MIN_RSA_BITS 2048
#define JWKS_MAX_RSA_BITS 4096

enum jwks_alg { JWKS_RS256, JWKS_PS256, JWKS_ES256 };

struct jwks;

/* The algorithm of this name; false when it is none of ours. */
bool jwks_alg_of(struct str name, enum jwks_alg *out);

/* Reads a set. Keys that cannot be used (another curve, a short RSA key, one for encryption, a private one) are passed
 * over. ERR_CONFIG with one line in *why: no set, too long, or no key in it that can be used; ERR_NO_MEMORY. */
int jwks_read(struct str json, struct jwks **out, struct buf *why);

/* Null is allowed. */
void jwks_free(struct jwks *set);

size_t jwks_count(const struct jwks *set);

/* What a token says of itself. */
struct jwks_signed {
	enum jwks_alg alg;
	struct str kid; /* ptr null: it names no key, which will do when only one has this algorithm */
	struct str text;
	struct str signature; /* bytes */
};

/* 0; ERR_NOT_FOUND when there is no such key for this algorithm; ERR_TOKEN_INVALID. */
int jwks_verify(const struct jwks *set, const struct jwks_signed *what);

#endif

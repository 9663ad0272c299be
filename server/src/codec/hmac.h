/* hmac: hashes of texts, and their sums under a key (RFC 2104). For any thread. */
#ifndef BELLWIRE_CODEC_HMAC_H
#define BELLWIRE_CODEC_HMAC_H

#include <stdint.h>

#include "base/str.h"

enum hmac_kind { HMAC_MD5, HMAC_SHA1, HMAC_SHA256 };

#define HMAC_MAX_SIZE 32

/* Bytes of a hash, and of a sum, of that kind: 16, 20 or 32. */
size_t hmac_size(enum hmac_kind kind);

/* The sum of a text under a key of any length. out holds HMAC_MAX_SIZE bytes, of which hmac_size are written.
 * ERR_NO_MEMORY: then out is random, so that nothing verifies against it. */
int hmac_sum(enum hmac_kind kind, struct str key, struct str text, uint8_t *out);

/* The hash, without a key, of some parts as if they were one text. Errors, and out, as above. */
int hmac_hash(enum hmac_kind kind, const struct str *parts, size_t n, uint8_t *out);

#endif

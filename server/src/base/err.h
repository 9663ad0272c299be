/* err: the one list of errors, from err.def.
 *
 * A function that can fail returns 0 (or a count) on success and a negative ERR_* otherwise. What comes from the world
 * (bytes, files, peers) is an ERR_*; what only a mistake of ours can cause is an assert.
 */
#ifndef BELLWIRE_BASE_ERR_H
#define BELLWIRE_BASE_ERR_H

#include <stdbool.h>

enum err_index {
#define ERR(name, code, status, retryable, text) ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
	ERR_INDEX_COUNT
};

enum err {
	ERR_OK = 0,
#define ERR(name, code, status, retryable, text) ERR_##name = -1 - (int)ERR_INDEX_##name,
#include "base/err.def"
#undef ERR
};

/* The stable code on the wire ("call_ended"); "ok" for 0, "internal" for a number that is not in the list. */
const char *err_code(int err);

/* A sentence for people. Never null. */
const char *err_text(int err);

/* The status of an HTTP answer that reports it (RFC 9110 §15); 200 for 0. */
int err_http_status(int err);

/* Whether the same request may succeed later. */
bool err_retryable(int err);

/* The name in the source ("ERR_CALL_ENDED"), for logs and tests. */
const char *err_name(int err);

#endif

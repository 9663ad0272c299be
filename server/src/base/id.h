/* id: names that the server makes, and the encodings that they are written in. */
#ifndef BELLWIRE_BASE_ID_H
#define BELLWIRE_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* A UUID in its usual spelling, with a NUL. */
#define ID_UUID_SIZE 37

/* UUIDv7 (RFC 9562 §5.7): the given wall time in its first 48 bits, random after that. */
void id_uuid7(int64_t wall_ms, char out[ID_UUID_SIZE]);

/* 8-4-4-4-12 hexadecimal digits, any version (RFC 9562 §4), lower case only: one spelling for one call. */
bool id_is_uuid(struct str s);

/* Bytes that nobody can guess. */
void id_random(void *out, size_t n);

/* A random name of n_chars from the base64url alphabet (6 bits each) and a NUL: out has n_chars + 1 bytes. */
void id_token(char *out, size_t n_chars);

/* base64url without padding (RFC 4648 §5). */
void id_base64url_encode(struct buf *out, struct str bytes);

/* Strict: no padding, no other characters, no stray bits. Returns the number of bytes, or ERR_BAD_FIELD, or
 * ERR_TOO_LARGE when they are more than size. */
int id_base64url_decode(struct str text, void *out, size_t size);

/* base64 with padding (RFC 4648 §4). */
void id_base64_encode(struct buf *out, struct str bytes);
int id_base64_decode(struct str text, void *out, size_t size);

#endif

/* body: a request's body out of its framing (RFC 9112 §6–§7): so many bytes, or chunks. */
#ifndef BELLWIRE_HTTP_BODY_H
#define BELLWIRE_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum body_state {
	BODY_PLAIN,
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_LINE,
	TRAILER_LF,
	BODY_LAST_LF,
	BODY_WHOLE
};

struct body_decoder {
	enum body_state state;
	uint64_t left;	   /* bytes of the body, or of the chunk */
	uint8_t n_digits;  /* of the chunk's size */
	size_t n_overhead; /* bytes of extensions and trailers so far */
};

/* content_length -1: chunks. */
void body_init(struct body_decoder *d, int64_t content_length);

/* Takes bytes and stops after each piece of the body. 1: the body is whole; 0: go on, with more bytes once all are
 * used. *piece may be empty. ERR_BAD_REQUEST when the framing is broken. */
int body_feed(struct body_decoder *d, struct str bytes, size_t *used, struct str *piece);

#endif

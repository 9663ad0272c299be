/* multipart: multipart/form-data (RFC 7578, RFC 2046 §5.1) read as it comes in, without keeping anything of its parts.
 *
 * Debian has no C library for it that is fed piece by piece and bounded; hence this one, with a fuzz target.
 */
#ifndef BELLWIRE_RECORDING_MULTIPART_H
#define BELLWIRE_RECORDING_MULTIPART_H

#include <stdbool.h>

#include "base/str.h"

#define MULTIPART_MAX_BOUNDARY 70 /* RFC 2046 §5.1.1 */
#define MULTIPART_MAX_HEAD 4096	  /* bytes of one part's header */
#define MULTIPART_MAX_PARTS 32

/* What a part is called; valid during the callback. */
struct multipart_part {
	struct str name;	 /* of the field */
	struct str filename;	 /* ptr null: none */
	struct str content_type; /* ptr null: none */
};

struct multipart_cb {
	/* An error from either ends the reading and is passed on. */
	int (*on_part)(void *arg, const struct multipart_part *part);
	int (*on_data)(void *arg, struct str bytes); /* of the part that was told last */
	void *arg;
};

enum multipart_state { MP_START, MP_DATA, MP_AFTER, MP_HEAD, MP_EPILOGUE };

struct multipart {
	struct multipart_cb cb;
	enum multipart_state state;
	char marker[MULTIPART_MAX_BOUNDARY + 5]; /* CR LF "--" boundary */
	size_t n_marker;
	size_t matched; /* bytes of the marker that have been seen */
	char head[MULTIPART_MAX_HEAD];
	size_t n_head;
	char after[2];
	size_t n_after;
	size_t n_parts;
};

/* content_type: the request's. ERR_BAD_MEDIA_TYPE when it is not multipart/form-data with a good boundary. */
int multipart_init(struct multipart *m, struct str content_type, struct multipart_cb cb);

/* ERR_BAD_REQUEST when it is malformed or too large in its form; or what a callback said. */
int multipart_feed(struct multipart *m, struct str bytes);

/* At the end of the body: 0, or ERR_BAD_REQUEST when the last boundary never came. */
int multipart_end(const struct multipart *m);

#endif

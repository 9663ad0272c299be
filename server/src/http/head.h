/* head: a request's header as bytes: request line and fields (RFC 9112 §2–§3, §5), and what they say about the body.
 *
 * Stricter than the RFC where leniency lets two servers see two different requests: no bare LF, no folded lines, no two
 * Hosts or lengths, no transfer coding but `chunked`.
 */
#ifndef BELLWIRE_HTTP_HEAD_H
#define BELLWIRE_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct http_field {
	struct str name;
	struct str value;
};

struct head_limits {
	size_t max_target;
	size_t max_bytes; /* of all fields */
	size_t max_fields;
};

enum head_state { HEAD_BEFORE, HEAD_LINE, HEAD_LINE_START, HEAD_CR, HEAD_LAST_CR, HEAD_WHOLE };

struct http_head {
	struct buf text;	   /* owned; the bytes that came, which everything below points into */
	struct http_field *fields; /* owned */
	size_t n_fields;

	struct str method;
	struct str target;
	struct str path;
	struct str query; /* ptr null: none */
	struct str host;
	int64_t content_length; /* -1: chunked */
	bool http_1_0;
	bool keep_alive;     /* the client wants it */
	bool wants_upgrade;  /* Connection: upgrade, and an Upgrade field */
	bool wants_continue; /* Expect: 100-continue */

	/* while it comes in */
	enum head_state state;
	size_t line_at;	  /* where the line began */
	size_t fields_at; /* where the first line after the request line began */
	size_t n_lines;	  /* that are whole, with the request line */
};

void head_init(struct http_head *h, const struct head_limits *limits);
void head_fini(struct http_head *h);

/* Takes bytes up to the end of the header. 1: it is whole and its fields may be read; 0: more is needed. *used tells
 * how many were taken. ERR_BAD_REQUEST, ERR_URI_TOO_LONG, ERR_HEADERS_TOO_LARGE, ERR_NOT_IMPLEMENTED (method),
 * ERR_HTTP_VERSION, ERR_BAD_EXPECTATION, ERR_NO_MEMORY: the connection cannot be used any more. */
int head_feed(struct http_head *h, const struct head_limits *limits, struct str bytes, size_t *used);

/* The first field of that name; ptr null when absent. */
struct str head_field(const struct http_head *h, struct str name);

/* After the fields are known: the rules that concern several of them (check.c). */
int head_check(struct http_head *h);

/* RFC 9110 §5.6.2: what methods and field names are made of. */
bool head_is_token(struct str s);

/* Whether a comma-separated list holds a token, in any case (RFC 9110 §5.6.1). */
bool head_list_has(struct str list, const char *token);

#endif

/* json_scan: walks over JSON text in one pass, without a tree and without memory.
 *
 * The relay path lives on it: what is passed on must be proved to be one well-formed value, but nobody needs its
 * inside. The rules are those of base/json.h: strict RFC 8259, strict UTF-8, no NUL and no lone surrogate in strings,
 * nesting up to JSON_MAX_NESTING. Numbers have at most 40 characters and an exponent up to 250, so that each fits a
 * double; keys that come twice are the caller's to refuse.
 */
#ifndef BELLWIRE_CODEC_JSON_SCAN_H
#define BELLWIRE_CODEC_JSON_SCAN_H

#include <stdbool.h>

#include "base/str.h"

struct json_scan {
	const char *at;	 /* borrowed: the next byte */
	const char *end; /* one after the last */
	int depth;
};

static inline struct json_scan json_scan(struct str text)
{
	return (struct json_scan){text.ptr, text.len ? text.ptr + text.len : text.ptr, 0};
}

/* Each returns false when the text is not what was asked for; the scan must not be used after that. White space before
 * a token is passed over. */

/* One whole value; *raw (if not null) is its text without white space around it. */
bool json_scan_value(struct json_scan *s, struct str *raw);

/* A string; *inner is what stands between the quotes, as written, and *plain says that it holds no escapes. */
bool json_scan_string(struct json_scan *s, struct str *inner, bool *plain);

/* One of the six structural characters. */
bool json_scan_char(struct json_scan *s, char c);

/* The character that comes next, 0 at the end. */
char json_scan_peek(struct json_scan *s);

/* Whether only white space is left. */
bool json_scan_done(struct json_scan *s);

#endif

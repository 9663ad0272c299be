/* router: which route a path belongs to. */
#ifndef BELLWIRE_HTTP_ROUTER_H
#define BELLWIRE_HTTP_ROUTER_H

#include "base/buf.h"
#include "http/http.h"

struct router_entry {
	struct http_route route;
	struct str pattern;
	size_t n_literal; /* bytes before the first parameter */
};

struct router {
	struct router_entry *entries; /* owned; the more specific pattern first */
	size_t n;
	size_t cap;
};

struct route_param {
	struct str name;
	struct str raw; /* still encoded */
};

struct route_match {
	const struct http_route *route; /* null: no pattern fits, or none of the best with this method */
	struct str pattern;		/* the best that fits; ptr null: none does */
	struct route_param params[HTTP_MAX_PARAMS];
	size_t n_params;
};

void router_init(struct router *r);
void router_fini(struct router *r);
int router_add(struct router *r, const struct http_route *route);

/* HEAD looks for GET. */
void router_find(const struct router *r, struct str method, struct str path, struct route_match *out);

/* The methods of a pattern, "GET, HEAD, POST", with OPTIONS at the end. */
void router_allow(const struct router *r, struct str pattern, struct buf *out);

/* Percent-decoding (RFC 3986 §2.1) into out, which has room for in.len bytes. The length, or ERR_BAD_FIELD: a broken
 * escape, a NUL, or what is not UTF-8. plus: '+' means a space, as in forms. */
int percent_decode(struct str in, bool plus, char *out);

#endif

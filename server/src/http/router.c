/* Patterns in the order of how much they say, and the first that fits. */
#include "http/router.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

void router_init(struct router *r)
{
	*r = (struct router){0};
}

void router_fini(struct router *r)
{
	mem_free(r->entries);
}

/* 0 literal, 1 ":name", 2 "*name", 3 the pattern has ended. */
static int segment_rank(struct str rest, struct str segment)
{
	if (!rest.ptr)
		return 3;
	return segment.len && segment.ptr[0] == ':' ? 1 : segment.len && segment.ptr[0] == '*' ? 2 : 0;
}

/* Below 0 when a says more than b. */
static int compare_patterns(const char *a, const char *b)
{
	struct str rest_a = str_of(a);
	struct str rest_b = str_of(b);
	while (rest_a.ptr || rest_b.ptr) {
		struct str before_a = rest_a;
		struct str before_b = rest_b;
		struct str segment_a = rest_a.ptr ? str_cut(&rest_a, '/') : rest_a;
		struct str segment_b = rest_b.ptr ? str_cut(&rest_b, '/') : rest_b;
		int order = segment_rank(before_a, segment_a) - segment_rank(before_b, segment_b);
		if (order)
			return order;
	}
	return strcmp(a, b);
}

static bool same_method(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

int router_add(struct router *r, const struct http_route *route)
{
	assert(route->pattern[0] == '/');
	size_t at = 0;
	for (; at < r->n && compare_patterns(r->entries[at].route.pattern, route->pattern) <= 0; at++)
		if (strcmp(r->entries[at].route.pattern, route->pattern) == 0 &&
			same_method(r->entries[at].route.method, route->method))
			return ERR_EXISTS;
	struct router_entry *grown = mem_grow(r->entries, r->n, &r->cap, sizeof *grown, 32);
	if (!grown)
		return ERR_NO_MEMORY;
	r->entries = grown;
	memmove(r->entries + at + 1, r->entries + at, (r->n - at) * sizeof *r->entries);
	r->entries[at] = (struct router_entry){*route, str_of(route->pattern), strcspn(route->pattern, ":*")};
	r->n++;
	return 0;
}

static void keep_param(struct route_match *m, struct str segment, struct str raw)
{
	assert(m->n_params < HTTP_MAX_PARAMS);
	m->params[m->n_params++] = (struct route_param){str_n(segment.ptr + 1, segment.len - 1), raw};
}

/* Does path fit the pattern? The parameters are kept in m. */
static bool fits(const struct router_entry *e, struct str path, struct route_match *m)
{
	struct str pattern = e->pattern;
	if (path.len < e->n_literal || memcmp(path.ptr, pattern.ptr, e->n_literal) != 0)
		return false;
	m->n_params = 0;
	while (pattern.ptr) {
		if (!path.ptr)
			return false;
		struct str want = str_cut(&pattern, '/');
		if (want.len && want.ptr[0] == '*') {
			keep_param(m, want, path);
			return true;
		}
		struct str got = str_cut(&path, '/');
		if (want.len && want.ptr[0] == ':') {
			if (got.len == 0)
				return false;
			keep_param(m, want, got);
		} else if (!str_eq(want, got)) {
			return false;
		}
	}
	return !path.ptr;
}

void router_find(const struct router *r, struct str method, struct str path, struct route_match *out)
{
	*out = (struct route_match){0};
	if (str_eq_z(method, "HEAD"))
		method = STR("GET");
	for (size_t i = 0; i < r->n; i++) {
		const struct http_route *route = &r->entries[i].route;
		if (!out->pattern.ptr && fits(&r->entries[i], path, out))
			out->pattern = r->entries[i].pattern;
		if (!out->pattern.ptr || !str_eq(out->pattern, r->entries[i].pattern))
			continue;
		if (!route->method || str_eq_z(method, route->method)) {
			out->route = route;
			return;
		}
	}
}

void router_allow(const struct router *r, struct str pattern, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct http_route *route = &r->entries[i].route;
		if (!str_eq(pattern, r->entries[i].pattern))
			continue;
		const char *method = route->method ? route->method : "GET, HEAD, POST, PUT, PATCH, DELETE";
		buf_printf(out, "%s, ", method);
		if (strcmp(method, "GET") == 0)
			buf_put(out, STR("HEAD, "));
	}
	buf_put(out, STR("OPTIONS"));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int percent_decode(struct str in, bool plus, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < in.len; i++) {
		char c = in.ptr[i];
		if (c == '%') {
			int high = i + 2 < in.len ? hex_value(in.ptr[i + 1]) : -1;
			int low = i + 2 < in.len ? hex_value(in.ptr[i + 2]) : -1;
			if (high < 0 || low < 0)
				return ERR_BAD_FIELD;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == 0)
			return ERR_BAD_FIELD;
		out[n++] = c;
	}
	return str_is_utf8(str_n(out, n)) ? (int)n : ERR_BAD_FIELD;
}

/* Requests one after another on a connection without a socket: however the bytes are cut, the same requests, bodies and
 * refusals come of them, and what was taken keeps the rules. */
#include "base/err.h"
#include "fuzz.h"
#include "http/body.h"
#include "http/head.h"
#include "http/router.h"

#include <stdlib.h>

#define INPUT_SIZE 65536

static const struct head_limits limits = {512, 1024, 16};

/* Bytes that come `step` at a time. */
struct feed {
	const char *bytes;
	size_t n;
	size_t at;
	size_t step;
};

static struct str feed_next(const struct feed *f)
{
	size_t edge = (f->at / f->step + 1) * f->step;
	return str_n(f->bytes + f->at, (edge < f->n ? edge : f->n) - f->at);
}

/* What a handler would do with the target. */
static void use_target(const struct router *r, const struct http_head *h)
{
	char out[512];
	struct route_match m;
	router_find(r, h->method, h->path, &m);
	for (size_t i = 0; i < m.n_params; i++)
		(void)percent_decode(m.params[i].raw, false, out);
	if (h->query.ptr)
		(void)percent_decode(h->query, true, out);
}

static void check_rules(const struct http_head *h)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		struct str value = h->fields[i].value;
		if (!head_is_token(h->fields[i].name) || str_find(value, '\n') < value.len ||
			str_find(value, '\r') < value.len)
			abort();
	}
	if (!h->http_1_0 && h->host.len == 0)
		abort();
	if (h->content_length == -1 && head_field(h, STR("content-length")).ptr)
		abort();
	if (h->path.len == 0 || (h->path.ptr[0] != '/' && h->path.ptr[0] != '*'))
		abort();
}

static int take_head(struct feed *f, struct http_head *h)
{
	int got = 0;
	while (f->at < f->n && got == 0) {
		size_t used;
		got = head_feed(h, &limits, feed_next(f), &used);
		if (got >= 0)
			f->at += used;
	}
	return got;
}

static int take_body(struct feed *f, int64_t content_length, struct buf *seen)
{
	struct body_decoder d;
	int got;
	body_init(&d, content_length);
	for (;;) {
		size_t used;
		struct str piece;
		struct str bytes = f->at < f->n ? feed_next(f) : STR("");
		got = body_feed(&d, bytes, &used, &piece);
		if (got < 0)
			return got;
		buf_put(seen, piece);
		f->at += used;
		if (got > 0 || (used == 0 && f->at == f->n))
			return got;
	}
}

/* All requests that are in the bytes; returns the refusal that ended them, or 0. */
static int take_all(struct feed *f, const struct router *r, struct buf *seen)
{
	int got = 1;
	while (got > 0 && f->at < f->n) {
		struct http_head h;
		head_init(&h, &limits);
		got = take_head(f, &h);
		if (got > 0) {
			check_rules(&h);
			use_target(r, &h);
			buf_printf(seen, "%.*s %.*s %zu %lld\n", STR_ARG(h.method), STR_ARG(h.target), h.n_fields,
				(long long)h.content_length);
			got = take_body(f, h.content_length, seen);
		}
		head_fini(&h);
	}
	return got < 0 ? got : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > INPUT_SIZE)
		return 0;
	struct router r;
	router_init(&r);
	router_add(&r, &(struct http_route){.method = "GET", .pattern = "/a/:id/*rest"});
	router_add(&r, &(struct http_route){.method = "GET", .pattern = "/*path"});
	struct buf whole, cut;
	buf_init(&whole, 1 << 20);
	buf_init(&cut, 1 << 20);
	struct feed all = {(const char *)data + 1, size - 1, 0, size};
	struct feed pieces = {(const char *)data + 1, size - 1, 0, 1 + data[0] % 16};
	int err_whole = take_all(&all, &r, &whole);
	int err_cut = take_all(&pieces, &r, &cut);
	if (err_whole != err_cut || !str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
	buf_fini(&whole);
	buf_fini(&cut);
	router_fini(&r);
	return 0;
}

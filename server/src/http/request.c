/* A request as its handler sees it. */
#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"

#define MAX_EXTRA 16384 /* bytes of fields that a handler may add */

int http_req_new(struct http_conn *c, struct http_head *head, struct http_req **out)
{
	struct http_req *req = mem_new(sizeof *req);
	if (!req)
		return ERR_NO_MEMORY;
	req->conn = c;
	req->server = c->server;
	req->head = head;
	req->peer = c->peer;
	req->is_https = c->stream.ssl != NULL;
	if (c->is_trusted)
		forwarded_apply(c->server, head, &req->peer, &req->is_https);
	req->is_head = str_eq_z(head->method, "HEAD");
	req->needs_continue = head->wants_continue;
	req->body_whole = head->content_length == 0;
	body_init(&req->framing, head->content_length);
	buf_init(&req->body, SIZE_MAX / 2);
	buf_init(&req->extra, MAX_EXTRA);
	c->server->n_requests++;
	*out = req;
	return 0;
}

void http_req_free(struct http_req *req)
{
	struct http_server *server = req->server;
	head_fini(req->head);
	mem_free(req->head);
	mem_free(req->param_text);
	buf_fini(&req->body);
	buf_fini(&req->extra);
	mem_free(req);
	http_server_req_gone(server);
}

int http_req_set_params(struct http_req *req, const struct route_match *m)
{
	size_t total = 0;
	for (size_t i = 0; i < m->n_params; i++)
		total += m->params[i].raw.len;
	if (total && !(req->param_text = mem_new(total)))
		return ERR_NO_MEMORY;
	char *at = req->param_text;
	for (size_t i = 0; i < m->n_params; i++) {
		int n = m->params[i].raw.len ? percent_decode(m->params[i].raw, false, at) : 0;
		if (n < 0)
			return ERR_BAD_REQUEST;
		req->params[req->n_params++] = (struct route_param){m->params[i].name, str_n(at, (size_t)n)};
		if (n)
			at += n;
	}
	return 0;
}

void http_req_detach(struct http_req *req)
{
	req->conn->req = NULL;
	req->conn = NULL;
	bool was_reading = req->reading && req->body_cb;
	req->reading = false;
	if (!req->route || (!was_reading && !req->body_whole && !req->route->stream)) {
		http_req_free(req); /* its handler was not called yet */
		return;
	}
	if (was_reading)
		req->body_cb->on_abort(req, ERR_CLOSED, req->body_arg);
	else if (req->resp == RESP_STREAMING && req->on_drain)
		req->on_drain(req, req->drain_arg);
	else if (req->resp == RESP_NONE && req->on_gone)
		req->on_gone(req, req->gone_arg);
}

struct str http_req_method(const struct http_req *req)
{
	return req->is_head ? STR("GET") : req->head->method;
}

bool http_req_is_head(const struct http_req *req)
{
	return req->is_head;
}

struct str http_req_path(const struct http_req *req)
{
	return req->head->path;
}

struct str http_req_query(const struct http_req *req)
{
	return req->head->query;
}

struct str http_req_param(const struct http_req *req, const char *name)
{
	for (size_t i = 0; i < req->n_params; i++)
		if (str_eq_z(req->params[i].name, name))
			return req->params[i].raw;
	return STR("");
}

/* The encoded value of a parameter; ptr null when absent, ERR_BAD_FIELD when it comes twice. */
static int find_query(struct str query, const char *name, struct str *out)
{
	*out = str_n(NULL, 0);
	while (query.ptr) {
		struct str value = str_cut(&query, '&');
		struct str key = str_cut(&value, '=');
		if (!str_eq_z(key, name))
			continue;
		if (out->ptr)
			return ERR_BAD_FIELD;
		*out = value.ptr ? value : STR("");
	}
	return out->ptr ? 0 : ERR_NOT_FOUND;
}

int http_req_query_get(const struct http_req *req, const char *name, char *out, size_t size)
{
	struct str raw;
	int err = find_query(req->head->query, name, &raw);
	if (err)
		return err;
	/* Decoding shortens to a third at most; what is longer than that cannot fit. */
	if (raw.len > 3 * size)
		return ERR_TOO_LARGE;
	char *decoded = mem_new(raw.len + 1);
	if (!decoded)
		return ERR_NO_MEMORY;
	int n = percent_decode(raw, true, decoded);
	if (n >= 0 && (size_t)n >= size)
		n = ERR_TOO_LARGE;
	if (n >= 0)
		memcpy(out, decoded, (size_t)n + 1);
	mem_free(decoded);
	return n;
}

struct str http_req_header(const struct http_req *req, const char *name)
{
	return head_field(req->head, str_of(name));
}

struct str http_req_body(const struct http_req *req)
{
	return buf_str(&req->body);
}

const struct addr *http_req_peer(const struct http_req *req)
{
	return &req->peer;
}

bool http_req_is_https(const struct http_req *req)
{
	return req->is_https;
}

bool http_req_is_forwarded(const struct http_req *req)
{
	for (size_t i = 0; i < req->head->n_fields; i++) {
		struct str name = req->head->fields[i].name;
		if (name.len > 12 && str_eq_nocase(str_n(name.ptr, 12), STR("x-forwarded-")))
			return true;
		if (str_eq_nocase(name, STR("forwarded")) || str_eq_nocase(name, STR("x-real-ip")) ||
			str_eq_nocase(name, STR("via")))
			return true;
	}
	return false;
}

bool http_req_host_is_loopback(const struct http_req *req)
{
	struct str host = req->head->host;
	char text[ADDR_TEXT_SIZE + 2];
	struct addr a;
	size_t end = host.len && host.ptr[0] == '[' ? str_find(host, ']') + 1 : str_find(host, ':');
	if (!host.len || end > host.len || end >= ADDR_TEXT_SIZE)
		return false;
	if (str_eq_nocase(str_n(host.ptr, end), STR("localhost")))
		return true;
	memcpy(text, host.ptr, end);
	memcpy(text + end, ":0", 2);
	return addr_parse(str_n(text, end + 2), &a) == 0 && addr_is_loopback(&a);
}

bool http_req_origin_allowed(const struct http_req *req)
{
	return cors_of(req) != CORS_REFUSED;
}

bool http_req_is_websocket(const struct http_req *req)
{
	return req->head->wants_upgrade && head_list_has(http_req_header(req, "upgrade"), "websocket");
}

void http_req_on_gone(struct http_req *req, void (*cb)(struct http_req *req, void *arg), void *arg)
{
	req->on_gone = cb;
	req->gone_arg = arg;
	if (!req->conn && cb)
		cb(req, arg);
}

int64_t http_req_content_length(const struct http_req *req)
{
	return req->head->content_length;
}

struct http_server *http_req_server(const struct http_req *req)
{
	return req->server;
}

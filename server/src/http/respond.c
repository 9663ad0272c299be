/* Answers on their way out: header, body or pieces, and what becomes of the connection. */
#include "http/respond.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "http/conn.h"

#define HIGH_WATER 65536 /* unsent bytes at which a writer is asked to wait */

struct answer {
	int status;
	const char *content_type;
	int64_t length; /* -1: not known */
	bool keep;	/* the connection goes on after it */
};

static const char *status_text(int status)
{
	switch (status) {
	case 101: return "Switching Protocols";
	case 200: return "OK";
	case 201: return "Created";
	case 202: return "Accepted";
	case 204: return "No Content";
	case 206: return "Partial Content";
	case 301: return "Moved Permanently";
	case 302: return "Found";
	case 303: return "See Other";
	case 304: return "Not Modified";
	case 307: return "Temporary Redirect";
	case 308: return "Permanent Redirect";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 408: return "Request Timeout";
	case 409: return "Conflict";
	case 410: return "Gone";
	case 411: return "Length Required";
	case 412: return "Precondition Failed";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 416: return "Range Not Satisfiable";
	case 417: return "Expectation Failed";
	case 422: return "Unprocessable Content";
	case 423: return "Locked";
	case 426: return "Upgrade Required";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 460: return "Checksum Mismatch";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	case 507: return "Insufficient Storage";
	default: return "Unknown";
	}
}

static bool is_field_text(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7F)
			return false;
	return true;
}

void http_resp_header(struct http_req *req, const char *name, struct str value)
{
	assert(req->resp == RESP_NONE);
	if (!is_field_text(value))
		return;
	if (str_eq_nocase(str_of(name), STR("cache-control")))
		req->has_cache_control = true;
	buf_put(&req->extra, str_of(name));
	buf_put(&req->extra, STR(": "));
	buf_put(&req->extra, value);
	buf_put(&req->extra, STR("\r\n"));
}

/* A header is written for every poll and every message that is posted: without printf, which takes longer than the
 * rest. */
static void put_number_field(struct buf *out, struct str name, uint64_t n)
{
	buf_put(out, name);
	buf_put_u64(out, n);
	buf_put(out, STR("\r\n"));
}

/* RFC 9110 §8.6, RFC 9112 §6: how the answer's end is told. */
static void write_framing(struct http_req *req, const struct answer *a, struct buf *out)
{
	req->no_body = req->is_head || a->status == 204 || a->status == 304;
	req->chunked = a->length < 0 && !req->head->http_1_0;
	if (a->status == 204 || a->status == 304)
		return;
	if (req->chunked)
		buf_put(out, STR("Transfer-Encoding: chunked\r\n"));
	else if (a->length >= 0)
		put_number_field(out, STR("Content-Length: "), (uint64_t)a->length);
}

static void write_start(struct http_server *s, int status, const char *content_type, struct buf *out)
{
	s->stats.by_class[status / 100]++;
	buf_put(out, STR("HTTP/1.1 "));
	buf_put_u64(out, (uint64_t)status);
	buf_put_c(out, ' ');
	buf_put(out, str_of(status_text(status)));
	buf_put(out, STR("\r\nDate: "));
	buf_put(out, str_of(http_server_date(s)));
	if (content_type) {
		buf_put(out, STR("\r\nContent-Type: "));
		buf_put(out, str_of(content_type));
	}
	buf_put(out, STR("\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"));
}

/* In the server's buffer, until the next one is written. */
static struct buf *write_head(struct http_req *req, const struct answer *a)
{
	struct buf *out = &req->server->head_out;
	buf_clear(out);
	write_start(req->server, a->status, a->content_type, out);
	write_framing(req, a, out);
	if (!a->keep)
		buf_put(out, STR("Connection: close\r\n"));
	else if (req->head->http_1_0)
		buf_put(out, STR("Connection: keep-alive\r\n"));
	if (!req->has_cache_control)
		buf_put(out, STR("Cache-Control: no-store\r\n"));
	cors_write(req, out);
	if (buf_ok(&req->extra))
		buf_put(out, buf_str(&req->extra));
	else
		out->err = req->extra.err;
	buf_put(out, STR("\r\n"));
	return out;
}

/* Sends header and body in one; the connection's fate follows from it. */
void http_respond(struct http_req *req, int status, const char *content_type, struct str body)
{
	struct http_conn *c = req->conn;
	assert(req->resp == RESP_NONE);
	if (!c) {
		http_req_free(req);
		return;
	}
	struct answer a = {status, content_type, (int64_t)body.len, http_conn_can_keep(c)};
	struct buf *head = write_head(req, &a);
	struct str parts[] = {buf_str(head), body};
	int err = buf_ok(head) ? stream_send(&c->stream, parts, req->no_body ? 1 : 2) : head->err;
	http_conn_answered(c, a.keep && !err);
	if (err)
		stream_abort(&c->stream);
}

void http_respond_json(struct http_req *req, int status, struct str json)
{
	http_respond(req, status, "application/json", json);
}

static void write_problem(int err, const char *detail, const char *field, struct buf *out)
{
	struct json_writer w = json_writer(out);
	jw_object(&w);
	jw_kz(&w, "type", "about:blank");
	jw_kz(&w, "title", status_text(err_http_status(err)));
	jw_kint(&w, "status", err_http_status(err));
	jw_kz(&w, "detail", detail ? detail : err_text(err));
	jw_kz(&w, "code", err_code(err));
	jw_kbool(&w, "retryable", err_retryable(err));
	if (field)
		jw_kz(&w, "field", field);
	jw_end_object(&w);
}

void http_respond_problem(struct http_req *req, int err, const char *detail, const char *field)
{
	struct buf body;
	buf_init(&body, 8192);
	write_problem(err, detail, field, &body);
	if (err_http_status(err) == 401)
		http_resp_header(req, "WWW-Authenticate", STR("Bearer"));
	if (err_http_status(err) == 503)
		http_resp_header(req, "Retry-After", STR("1"));
	if (!buf_ok(&body))
		buf_fini(&body);
	http_respond(req, err_http_status(err), "application/problem+json", buf_str(&body));
	buf_fini(&body);
}

void http_refuse(struct http_conn *c, int err)
{
	struct buf body, head;
	buf_init(&body, 2048);
	buf_init(&head, 2048);
	write_problem(err, NULL, NULL, &body);
	write_start(c->server, err_http_status(err), "application/problem+json", &head);
	buf_printf(&head, "Content-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n\r\n", body.len);
	struct str parts[] = {buf_str(&head), buf_str(&body)};
	c->state = CONN_CLOSING;
	if (buf_ok(&head) && buf_ok(&body) && stream_send(&c->stream, parts, 2) == 0)
		stream_close(&c->stream);
	else
		stream_abort(&c->stream);
	buf_fini(&head);
	buf_fini(&body);
}

void http_resp_begin(struct http_req *req, int status, const char *content_type, int64_t length)
{
	struct http_conn *c = req->conn;
	assert(req->resp == RESP_NONE);
	req->resp = RESP_STREAMING;
	req->resp_left = length;
	if (!c)
		return;
	bool keep = http_conn_can_keep(c) && (length >= 0 || !req->head->http_1_0);
	if (!keep)
		c->last = true;
	struct answer a = {status, content_type, length, keep};
	struct buf *head = write_head(req, &a);
	if (!buf_ok(head) || stream_send(&c->stream, &(struct str){head->ptr, head->len}, 1) != 0)
		stream_abort(&c->stream);
}

int http_resp_write(struct http_req *req, struct str bytes)
{
	struct http_conn *c = req->conn;
	assert(req->resp == RESP_STREAMING);
	if (!c || c->stream.state != STREAM_OPEN)
		return ERR_CLOSED;
	if (bytes.len == 0 || req->no_body)
		return 0;
	assert(req->resp_left < 0 || bytes.len <= (uint64_t)req->resp_left);
	if (req->resp_left >= 0)
		req->resp_left -= (int64_t)bytes.len;
	char size[24];
	int n = snprintf(size, sizeof size, "%zx\r\n", bytes.len);
	struct str parts[] = {str_n(size, (size_t)n), bytes, STR("\r\n")};
	int err = req->chunked ? stream_send(&c->stream, parts, 3) : stream_send(&c->stream, &bytes, 1);
	if (err) {
		stream_abort(&c->stream);
		return ERR_CLOSED;
	}
	return stream_queued(&c->stream) >= HIGH_WATER ? ERR_AGAIN : 0;
}

void http_resp_on_drain(struct http_req *req, void (*cb)(struct http_req *req, void *arg), void *arg)
{
	req->on_drain = cb;
	req->drain_arg = arg;
}

void http_resp_end(struct http_req *req)
{
	struct http_conn *c = req->conn;
	assert(req->resp == RESP_STREAMING);
	if (!c) {
		http_req_free(req);
		return;
	}
	bool whole = req->no_body || req->resp_left <= 0;
	if (whole && req->chunked && !req->no_body)
		whole = stream_send(&c->stream, &STR("0\r\n\r\n"), 1) == 0;
	http_conn_answered(c, whole && http_conn_can_keep(c));
	if (!whole)
		stream_abort(&c->stream);
}

void http_resp_abort(struct http_req *req)
{
	struct http_conn *c = req->conn;
	if (!c) {
		http_req_free(req);
		return;
	}
	http_conn_answered(c, false);
	stream_abort(&c->stream);
}

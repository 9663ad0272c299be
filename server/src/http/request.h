/* What a handler may ask of a request. What is returned lives until the request is answered. */
#ifndef BELLWIRE_HTTP_REQUEST_H
#define BELLWIRE_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "net/addr.h"

struct http_req;
struct http_server;

/* "GET". HEAD requests are seen as GET. */
struct str http_req_method(const struct http_req *req);

/* Whether it was HEAD: what is written of a body is not sent. */
bool http_req_is_head(const struct http_req *req);

/* The path as it was sent, still percent-encoded, without the query. Begins with '/'. */
struct str http_req_path(const struct http_req *req);

/* What follows the '?', still encoded; ptr null when there is none. */
struct str http_req_query(const struct http_req *req);

/* A segment that the pattern names (":id", "*path"), percent-decoded; empty when the pattern has none of that name. */
struct str http_req_param(const struct http_req *req, const char *name);

/* A parameter of the query, decoded into out with a NUL ('+' is a space). Its length, ERR_NOT_FOUND when absent,
 * ERR_BAD_FIELD when it is badly encoded, not UTF-8, holds a NUL or comes twice, ERR_TOO_LARGE when it does not fit. */
int http_req_query_get(const struct http_req *req, const char *name, char *out, size_t size);

/* The first field of this name in any case, without surrounding blanks; ptr null when absent. Of Host, Authorization,
 * Content-Type, Origin and others that make sense only once, two are refused before a handler sees them. */
struct str http_req_header(const struct http_req *req, const char *name);

/* The whole body; for routes without .stream. */
struct str http_req_body(const struct http_req *req);

/* The client: who is connected, or whom a trusted proxy speaks for (then without a port). */
const struct addr *http_req_peer(const struct http_req *req);

/* Whether it came by TLS, to us or to a trusted proxy. */
bool http_req_is_https(const struct http_req *req);

/* Whether Forwarded, X-Forwarded-*, X-Real-IP or Via is present: the peer is a proxy and not the client. */
bool http_req_is_forwarded(const struct http_req *req);

/* Whether the Host field names this machine itself: "localhost", an address of 127.0.0.0/8 or [::1], any port. */
bool http_req_host_is_loopback(const struct http_req *req);

/* Whether it has no Origin, or one that is allowed (config, or the same host and port as Host). */
bool http_req_origin_allowed(const struct http_req *req);

/* Whether it asks for a WebSocket (RFC 6455 §4.2.1): to be answered with http_ws_accept. */
bool http_req_is_websocket(const struct http_req *req);

/* cb(req, arg) once, when the peer goes (or stops sending, which is how it looks) before the answer; also never called
 * again once the answer has begun. From inside this call when the peer has gone already. For those who wait long. The
 * request must still be answered. One at a time. */
void http_req_on_gone(struct http_req *req, void (*cb)(struct http_req *req, void *arg), void *arg);

/* Reading a body in pieces, for routes with .stream. Either on_end or on_abort is called, once, unless the request is
 * answered before; on_abort with what went wrong (ERR_PAYLOAD_TOO_LARGE, ERR_REQUEST_TIMEOUT, ERR_BAD_REQUEST,
 * ERR_CLOSED), after which the request must still be answered, best with http_respond_problem(req, err, …). */
struct http_body_cb {
	void (*on_data)(struct http_req *req, struct str bytes, void *arg);
	void (*on_end)(struct http_req *req, void *arg);
	void (*on_abort)(struct http_req *req, int err, void *arg);
};

/* Begins: sends 100 Continue if that was asked for. No callback comes from inside this call, but for
 * on_abort(ERR_CLOSED) when the peer has gone already. cb is borrowed. */
void http_req_read(struct http_req *req, const struct http_body_cb *cb, void *arg);

/* Between pause and resume no callback of cb comes (but on_abort(ERR_CLOSED) may), and the peer is held back by TCP. */
void http_req_pause(struct http_req *req);
void http_req_resume(struct http_req *req);

/* Content-Length, or -1 when the body comes in chunks; 0 when there is none. */
int64_t http_req_content_length(const struct http_req *req);

struct http_server *http_req_server(const struct http_req *req);

#endif

/* http: an HTTP/1.1 server with WebSockets on one loop (RFC 9110, 9112, 6455).
 *
 *   listen -> connection -> request -> the route's handler -> exactly one answer, now or later
 *
 * A handler gets a request and answers it once with one of the http_respond functions, http_resp_begin … http_resp_end
 * or http_ws_accept; after that the request is gone. A request whose peer has vanished stays valid until it is
 * answered, and the answer is dropped: handlers need no care for it. Everything here runs on the loop's thread.
 *
 * http/request.h reads requests, http/respond.h answers them, http/websocket.h holds WebSockets,
 * http/files.h serves files; they come with this header.
 */
#ifndef BELLWIRE_HTTP_HTTP_H
#define BELLWIRE_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "http/files.h"
#include "http/request.h"
#include "http/respond.h"
#include "http/websocket.h"
#include "loop/loop.h"
#include "net/addr.h"
#include "net/stream.h"

struct http_server;
struct ssl_st;
struct tls;

/* A connection that turned out not to be HTTP's. */
struct http_stranger {
	int fd;		     /* non-blocking, watched by nobody */
	struct ssl_st *ssl;  /* its BIO must be replaced before it is used */
	struct str received; /* borrowed: bytes from the socket that ssl has not seen */
	struct str plain;    /* borrowed: what ssl has decrypted */
};

/* Another protocol on the TLS connections of the same ports: theirs are those whose client chose it in the handshake
 * (tls_config.other_protocol), or whose first bytes are recognized. */
struct http_other {
	/* 1: theirs; 0: HTTP's; ERR_AGAIN: more bytes are needed. */
	int (*guess)(struct str first_bytes);
	/* 0: fd and ssl are taken; an error: they are closed here. */
	int (*take)(void *arg, const struct http_stranger *stranger);
	void *arg;
};

/* 0 or null takes the default in brackets. Strings and arrays are copied. */
struct http_config {
	const struct addr *listen; /* at least one; port 0: the system chooses */
	size_t n_listen;
	const char *const *origins; /* that may use the API from a browser, exactly: "https://app.example" */
	size_t n_origins;	    /* a page from the server's own host may always */

	struct tls *tls;	 /* borrowed: for all connections; null: plain */
	struct http_other other; /* take null: none */

	/* Proxies that are believed when they say whom they speak for, with X-Forwarded-For and X-Forwarded-Proto or,
	 * with proxy_protocol, in a header before all else, without which they are then refused. Nobody else is. */
	const struct addr_net *trusted;
	size_t n_trusted;
	bool proxy_protocol;

	size_t max_head_bytes;	 /* header fields of one request [16 KiB] */
	size_t max_target_bytes; /* its request-target [8 KiB] */
	size_t max_fields;	 /* number of header fields [100] */
	size_t max_body_bytes;	 /* where the route names no limit [1 MiB] */
	size_t max_queue_bytes;	 /* unsent bytes of one connection; beyond it, it is closed [1 MiB] */
	size_t max_connections;	 /* [10000] */
	size_t max_per_address;	 /* connections of one IPv4 address or IPv6 /64, trusted proxies excepted [no limit] */

	int64_t head_ms;       /* for all of a request's header [10 s] */
	int64_t body_ms;       /* in each such span at least min_body_bytes must come in [15 s] */
	size_t min_body_bytes; /* [4096] */
	int64_t stall_ms;      /* without a byte taken by a peer that has bytes to take [20 s] */
	int64_t idle_ms;       /* between two requests [60 s] */
	int64_t drain_ms;      /* for answers under way once http_server_close was called [5 s] */
};

/* Binds and listens at once, serving what http_route adds. *out_at (may be null) becomes the index of the address that
 * could not be used when this fails.
 * ERR_EXISTS: the address is in use; ERR_FORBIDDEN: a port that needs a privilege; ERR_BAD_FIELD: an address that is
 * not this machine's; ERR_IO, ERR_NO_MEMORY. */
int http_server_new(struct loop *loop, const struct http_config *config, size_t *out_at, struct http_server **out);

/* The address that config->listen[i] was bound to, with its true port. */
const struct addr *http_server_addr(const struct http_server *s, size_t i);

/* Connections open now, WebSockets included. */
size_t http_server_n_connections(const struct http_server *s);

/* Counted since the server was made, but for what is said to be now. */
struct http_stats {
	size_t connections; /* now */
	size_t websockets;  /* now */
	uint64_t accepted;
	uint64_t refused;     /* for being too many of one address */
	uint64_t taken;	      /* by the other protocol */
	uint64_t pauses;      /* of accepting, for want of room */
	uint64_t by_class[6]; /* answers: by_class[2] those with a status of 200 to 299 */
	struct net_stats net;
};

void http_server_stats(const struct http_server *s, struct http_stats *out);

/* Stops listening, closes idle connections, lets answers under way end for up to drain_ms, closes WebSockets with 1001,
 * then frees s and calls cb. To be called once. */
void http_server_close(struct http_server *s, void (*cb)(void *arg), void *arg);

/* Answers req, exactly once, now or later. */
typedef void (*http_handler_cb)(struct http_req *req, void *arg);

#define HTTP_MAX_PARAMS 4

struct http_route {
	const char *method; /* "GET" serves HEAD too; null: every method */

	/* Segments are literal, ":name" (one segment, not empty) or, as the last one, "*name" (all that follows, may be
	 * empty), as in "/api/calls/:id/join". Literal goes before ":name" before "*name", segment by segment, whatever
	 * the order of adding. A path whose best pattern has no route for the method gets 405. */
	const char *pattern; /* borrowed: as long as the server */

	http_handler_cb handler; /* null: 404 */
	void *arg;
	size_t max_body; /* bytes; 0: the server's max_body_bytes */
	bool stream;	 /* called at the end of the header, and reads the body with http_req_read */
};

/* ERR_EXISTS when the method and pattern are there already, ERR_NO_MEMORY. */
int http_route(struct http_server *s, const struct http_route *route);

/* Adds all of a list, which one without a pattern ends; each gets this arg. */
int http_routes(struct http_server *s, const struct http_route *routes, void *arg);

#endif

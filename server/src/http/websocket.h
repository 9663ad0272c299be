/* WebSockets (RFC 6455), taken over from a request. Without extensions. Pings are answered by themselves. */
#ifndef BELLWIRE_HTTP_WEBSOCKET_H
#define BELLWIRE_HTTP_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "codec/ws_frame.h"
#include "net/addr.h"

struct http_req;
struct ws;

struct ws_handlers {
	/* A whole message, WS_TEXT (well-formed UTF-8) or WS_BINARY. The bytes are the callee's only during the call.
	 */
	void (*on_message)(struct ws *ws, enum ws_opcode opcode, struct str message, void *arg);

	/* Exactly once, never from inside one of the calls below; ws is gone after it. code: what the peer's close
	 * frame said, 1005 when it said none, 1006 when the connection broke, else what we closed with. */
	void (*on_close)(struct ws *ws, uint16_t code, void *arg);

	size_t max_message; /* bytes; beyond it the socket is closed with 1009. 0: 1 MiB */
};

/* Checks the handshake (§4.2.1) and answers 101. On failure it has answered with the right problem instead (400, 403
 * origin_refused, 426) and returns its error. The request is gone either way. h is borrowed: as long as ws.
 * Nothing is delivered from inside this call. */
int http_ws_accept(struct http_req *req, const struct ws_handlers *h, void *arg, struct ws **out);

/* Sends one message made of parts; they are copied if they cannot be sent at once. ERR_CLOSED when it is closing;
 * ERR_OVERLOADED when the peer takes too little and the queue is full: it is then being closed (on_close follows). */
int ws_send(struct ws *ws, enum ws_opcode opcode, const struct str *parts, size_t n_parts);

/* Begins the closing handshake (§7): nothing more is delivered, on_close follows within 5 s. reason ≤ 123 bytes, may be
 * null. */
void ws_close(struct ws *ws, uint16_t code, const char *reason);

/* Breaks off at once; on_close follows with 1006. */
void ws_abort(struct ws *ws);

/* Bytes that wait to be sent. */
size_t ws_queued(const struct ws *ws);

const struct addr *ws_peer(const struct ws *ws);

#define WS_MAX_PARTS 6

#endif

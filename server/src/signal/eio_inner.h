/* eio_inner: what the files of eio share with each other, and with nobody else. */
#ifndef BELLWIRE_SIGNAL_EIO_INNER_H
#define BELLWIRE_SIGNAL_EIO_INNER_H

#include "codec/engineio.h"
#include "signal/eio.h"

/* How long an upgrade may take from the WebSocket's opening to the "5" packet. */
#define EIO_UPGRADE_TIMEOUT_MS 10000

/* A poll that comes while the WebSocket is probed is let go after this time, so that the client can pause polling. */
#define EIO_PROBE_POLL_MS 25

/* Timers may run so late without anything being wrong; the heartbeat makes up for it. */
#define EIO_LATE_MS 100

/* --- eio_session.c --- */

/* A new session, open, in the map; null without memory. */
struct eio_session *eio_session_new(struct eio_server *server, enum eio_transport transport);

/* Writes the open packet's data, starts the heartbeat and tells the handlers. */
void eio_session_start(struct eio_session *s);

/* Acts on a packet from the session's own transport. False when the session was closed by it. */
bool eio_session_packet(struct eio_session *s, const struct engineio_packet *p);

/* Whether its pong is overdue and the timer will say so later in this very turn: requests are seen before timers. */
bool eio_session_is_over(const struct eio_session *s);

/* Asks for eio_session's work in the next turn. */
void eio_session_post(struct eio_session *s);

/* Sends what waits in s->out over the WebSocket, packet by packet. */
void eio_session_flush_to_ws(struct eio_session *s);

/* --- eio_poll.c --- */

void eio_poll_get(struct eio_session *s, struct http_req *req);
void eio_poll_post(struct eio_session *s, struct http_req *req);
void eio_poll_answer(struct eio_session *s);  /* with what is in s->out, if a poll waits */
void eio_poll_release(struct eio_session *s); /* lets a waiting poll go: with data, or with a noop */

/* --- eio_ws.c --- */

extern const struct ws_handlers eio_ws_handlers;
void eio_ws_open(struct eio_server *server, struct http_req *req);
void eio_ws_upgrade(struct eio_session *s, struct http_req *req);

/* --- eio_server.c --- */

/* Frees a session that is closed, told and has no WebSocket left. */
void eio_session_release(struct eio_session *s);

/* {"code":n,"message":…} as Engine.IO's clients know it. */
enum eio_refusal {
	EIO_UNKNOWN_TRANSPORT,
	EIO_UNKNOWN_SID,
	EIO_BAD_HANDSHAKE_METHOD,
	EIO_BAD_REQUEST,
	EIO_FORBIDDEN,
	EIO_UNSUPPORTED_PROTOCOL
};
void eio_refuse(struct http_req *req, enum eio_refusal why);

#endif

/* eio: an Engine.IO 4 server: sessions that live on polling requests, on a WebSocket, or move from one to the other.
 *
 *   GET (no sid) ----> OPEN on polling --2probe, 5--> OPEN on WebSocket
 *   WebSocket (no sid) ----------------------------> OPEN on WebSocket
 *   OPEN --close, broken rule, silence, eio_close--> CLOSED --next turn--> on_close, freed
 *
 * A session is closed at once but told to its user only in the loop's next turn: whoever is in the middle of using it
 * need not care.
 */
#ifndef BELLWIRE_SIGNAL_EIO_H
#define BELLWIRE_SIGNAL_EIO_H

#include "base/buf.h"
#include "base/map.h"
#include "http/http.h"
#include "loop/loop.h"
#include "loop/timer.h"

/* 120 bits: the sid alone lets one read a session's messages. */
#define EIO_SID_LEN 20

struct eio_session;

struct eio_handlers {
	void (*on_open)(struct eio_session *s, void *arg); /* may eio_send; may eio_close */
	void (*on_message)(struct eio_session *s, bool binary, struct str data, void *arg);
	void (*on_close)(struct eio_session *s, void *arg); /* last use of s */
	void *arg;
};

struct eio_config {
	struct loop *loop;	  /* borrowed */
	struct http_server *http; /* borrowed */
	const char *path;	  /* borrowed: "/socket.io/" */
	struct eio_handlers handlers;
	int64_t ping_interval_ms;
	int64_t ping_timeout_ms;
	size_t max_payload; /* bytes of one POST body or WebSocket message */
	size_t max_queue;   /* bytes that may wait for the next poll */
	size_t max_sessions;
};

struct eio_server {
	struct eio_config config;
	struct map sessions; /* by sid */
	size_t n_alive;	     /* sessions not freed yet */
	bool closing;
	void (*on_closed)(void *arg); /* set while closing */
	void *on_closed_arg;
	struct ws_handlers ws_handlers;
};

enum eio_transport { EIO_POLLING, EIO_WEBSOCKET };

struct eio_session {
	struct eio_server *server; /* borrowed */
	struct map_node node;
	char sid[EIO_SID_LEN + 1];
	enum eio_transport transport;
	bool closed;
	bool told; /* on_close was called */
	bool awaits_pong;
	bool posted;		  /* `turn` is on its way */
	bool probed;		  /* the probe has said 2probe */
	struct timer beat;	  /* next ping, or the time by which a pong must have come */
	struct timer probe_timer; /* an upgrade must be done by then */
	struct timer poll_timer;  /* a poll during an upgrade is let go then */
	struct post turn;	  /* answers the poll, or ends the session, in the loop's next turn */
	struct http_req *poll;	  /* a GET that waits; null when there is none */
	struct ws *ws;		  /* the transport, or what is left of it until its on_close */
	struct ws *probe;	  /* a WebSocket that asks to become the transport */
	struct buf out;		  /* a polling body in the making */
	void *user;		  /* the handlers' */
};

/* Adds the routes. ERR_EXISTS, ERR_NO_MEMORY. s is the caller's memory. */
int eio_server_init(struct eio_server *s, const struct eio_config *config);

/* Closes all sessions; cb when the last one is gone. */
void eio_server_close(struct eio_server *s, void (*cb)(void *arg), void *arg);
void eio_server_fini(struct eio_server *s);

/* One message made of at most EIO_MAX_PARTS parts. A session that cannot take it is closed. */
#define EIO_MAX_PARTS 5
void eio_send(struct eio_session *s, const struct str *parts, size_t n_parts);
void eio_send_binary(struct eio_session *s, struct str bytes);

/* Ends a session: a waiting poll gets a close packet, a WebSocket a close frame. Harmless when it is closed already. */
void eio_close(struct eio_session *s, const char *why);

#endif

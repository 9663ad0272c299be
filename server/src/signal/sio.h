/* sio: a Socket.IO 5 server on top of eio: namespaces, events, acks, attachments.
 *
 * A connection (one Engine.IO session) may be connected to each of the server's namespaces once; each such connection
 * is a sio_socket, which a namespace's handlers see.
 */
#ifndef BELLWIRE_SIGNAL_SIO_H
#define BELLWIRE_SIGNAL_SIO_H

#include "codec/socketio.h"
#include "signal/eio.h"

#define SIO_MAX_NAMESPACES 2
#define SIO_SID_LEN 20

struct sio_conn;
struct sio_socket;

struct sio_event {
	struct str payload; /* raw JSON, an array by its first character */
	bool has_ack;
	uint64_t ack_id;
	unsigned n_attachments;
	const struct str *attachments; /* null unless the namespace keeps them */
};

struct sio_namespace {
	const char *name; /* "/webrtc" */
	bool keeps_attachments;

	/* CONNECT has come: to be answered at once with sio_accept or sio_refuse. auth is raw JSON, well-formed, an
	 * object; empty when there was none. */
	void (*on_connect)(struct sio_socket *so, struct str auth);
	void (*on_event)(struct sio_socket *so, const struct sio_event *e);
	/* by_client: with a DISCONNECT packet, not by a lost connection. so->user is the handlers' to free. */
	void (*on_disconnect)(struct sio_socket *so, bool by_client);
	void *arg;
};

struct sio_server {
	struct eio_server eio;
	const struct sio_namespace *namespaces; /* borrowed */
	size_t n_namespaces;
	int64_t connect_timeout_ms; /* a connection must be in some namespace by then */
	uint64_t next_serial;
};

struct sio_socket {
	struct sio_conn *conn;		/* the parent; null when it is not connected */
	const struct sio_namespace *ns; /* borrowed */
	uint64_t serial;		/* no two sockets have the same */
	char sid[SIO_SID_LEN + 1];
	void *user; /* the handlers' */
};

/* config.handlers is filled in here. */
int sio_server_init(struct sio_server *s, struct eio_config *config, const struct sio_namespace *namespaces, size_t n);
void sio_server_close(struct sio_server *s, void (*cb)(void *arg), void *arg);
void sio_server_fini(struct sio_server *s);

/* The answers to CONNECT. A refused socket is gone after the call; refusal is a JSON object with a "message". */
void sio_accept(struct sio_socket *so);
void sio_refuse(struct sio_socket *so, struct str refusal);

/* Sends a packet of this namespace, ready-made from its type to its end, in at most EIO_MAX_PARTS parts. */
void sio_send(struct sio_socket *so, const struct str *parts, size_t n_parts);

/* An attachment, after a packet that announced it. */
void sio_send_binary(struct sio_socket *so, struct str bytes);

/* Sends an ACK with these JSON arguments, "[…]". */
void sio_ack(struct sio_socket *so, uint64_t ack_id, struct str arguments);

/* Leaves the namespace with a DISCONNECT packet; on_disconnect is not called. */
void sio_disconnect(struct sio_socket *so);

/* Ends the whole connection. */
void sio_break(struct sio_socket *so, const char *why);

#endif

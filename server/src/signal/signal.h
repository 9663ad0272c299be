/* signal: the devices' way in and out: Socket.IO events become call commands, announcements become events.
 *
 *   Engine.IO (eio) -> Socket.IO (sio) -> sessions -> dispatch -> calls_submit / relay
 *   call module -> the announcer (deliver) -> sessions -> sio -> eio
 *
 * Everything runs on the loop's thread.
 */
#ifndef BELLWIRE_SIGNAL_SIGNAL_H
#define BELLWIRE_SIGNAL_SIGNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call_announcer;
struct calls;
struct http_server;
struct jwt_keys;
struct loop;
struct signal;

/* 0 takes the default in brackets. */
struct signal_config {
	struct loop *loop; /* borrowed, as the next three */
	struct http_server *http;
	struct calls *calls;
	const struct jwt_keys *keys;
	const char *path; /* borrowed; null: "/socket.io/" */

	int64_t ping_interval_ms;   /* [10 s] */
	int64_t ping_timeout_ms;    /* [5 s] */
	int64_t connect_timeout_ms; /* a connection must have joined a namespace by then [45 s] */
	int64_t resume_ms;	    /* how long a session without a socket is kept [30 s]; as the calls' own window */
	int64_t expiry_warning_ms;  /* auth.expiring comes that long before the token's end [60 s] */
	int64_t expiry_grace_ms;    /* after the token's end the socket is closed this much later [30 s] */
	size_t max_payload;	    /* bytes of one message or POST [1,000,000] */
	size_t max_queue;	    /* bytes that may wait for one client's next poll [1 MiB] */
	size_t max_connections;	    /* [20,000] */
	size_t max_user_sessions;   /* of one user at once, lost ones counted [32] */
	int64_t events_per_s;	    /* of one socket; negative: no limit [100] */
	int64_t events_burst;	    /* [200] */

	/* Also serves the echo handlers of the two protocols' conformance suites: Engine.IO at /engine.io/, and at
	 * `path` the namespaces "/" and "/custom" instead of "/webrtc". For tests; needs no token. */
	bool protocol_echo;
};

/* Adds the routes; serves from now on. ERR_EXISTS, ERR_NO_MEMORY. */
int signal_new(const struct signal_config *config, struct signal **out);

/* The announcer to give to calls_set_announcer. */
void signal_announcer(struct signal *sig, struct call_announcer *out);

/* Tells every session that the server is about to stop, and refuses new ones from now on. */
void signal_drain(struct signal *sig, int64_t retry_after_ms);

/* Closes every connection; cb once they are gone. Sessions are not reported as gone to the call module: their legs may
 * come back after the restart. */
void signal_close(struct signal *sig, void (*cb)(void *arg), void *arg);

/* After signal_close's cb, and after calls_free: replies to commands may come until then. */
void signal_free(struct signal *sig);

/* Sessions with a socket, for metrics. */
size_t signal_n_connected(const struct signal *sig);

#endif

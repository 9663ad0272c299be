/* state: signaling as a whole in memory, and the functions that its parts are joined by. */
#ifndef BELLWIRE_SIGNAL_STATE_H
#define BELLWIRE_SIGNAL_STATE_H

#include "base/buf.h"
#include "base/map.h"
#include "call/call.h"
#include "signal/signal.h"
#include "signal/sio.h"

struct signal {
	struct signal_config config;
	struct sio_server sio;
	struct eio_server echo; /* with protocol_echo */
	struct map sessions;	/* by session id */
	struct map users;	/* by user id; those with sessions */
	struct list pending;	/* commands that wait for their reply */
	size_t n_connected;
	size_t n_closing; /* servers that are not closed yet */
	bool draining;
	bool closing;
	struct sio_namespace webrtc;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
	struct buf scratch; /* for one packet in the making; never kept between events */
};

/* Of namespace /webrtc. */
void connect_on_connect(struct sio_socket *so, struct str auth);
void connect_on_disconnect(struct sio_socket *so, bool by_client);
void dispatch_on_event(struct sio_socket *so, const struct sio_event *e);

/* The announcer's functions. */
void deliver_announcement(void *arg, const struct call_announcement *a);
size_t deliver_n_sessions(void *arg, struct str user_id);
bool deliver_is_connected(void *arg, struct str session_id);
int deliver_find_session(void *arg, struct str user_id, struct str socket_id, char out[MODEL_SESSION_ID_SIZE]);

/* Echo handlers of the conformance suites. */
extern const struct sio_namespace echo_namespaces[2];
extern const struct eio_handlers echo_eio_handlers;

#endif

/* tcp: a port that is listened on. Accepting stops, rather than spins or refuses, when there is no room. */
#ifndef BELLWIRE_NET_TCP_H
#define BELLWIRE_NET_TCP_H

#include <stdbool.h>
#include <uv.h>

#include "loop/loop.h"
#include "net/addr.h"
#include "net/stream.h"

struct listener;

/* A connection: the socket is the callee's. */
typedef void (*listener_accept_cb)(struct listener *l, int fd, const struct addr *peer);

struct listener {
	uv_poll_t poll;
	struct net *net; /* borrowed */
	int fd;		 /* owned */
	struct addr addr;
	struct timer retry;
	listener_accept_cb on_accept;
	void (*on_closed)(struct listener *l);
	void *arg;
	bool paused;
};

/* Binds and listens at `addr`; l->addr then tells the true port. ERR_EXISTS (in use), ERR_FORBIDDEN, ERR_BAD_FIELD (not
 * an address of this machine), ERR_IO; l is then as before. */
int listener_open(
	struct listener *l, struct net *net, const struct addr *addr, listener_accept_cb on_accept, void *arg);

/* While paused, connections wait in the system's backlog. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

void listener_close(struct listener *l, void (*on_closed)(struct listener *l));

#endif

/* load: many Socket.IO clients in one process, light enough to leave the other core to the server that is measured.
 *
 *   link.c    bytes: a WebSocket, or two HTTP connections for long polling
 *   client.c  a client's way in: handshake, CONNECT, call.join
 *   load.c    commands, measuring
 */
#ifndef BELLWIRE_BENCH_SIGNAL_LOAD_H
#define BELLWIRE_BENCH_SIGNAL_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Of a masked client frame of 126 to 65535 bytes: 2 bytes, 2 of length, 4 of mask. */
#define FRAME_HEAD 8

enum step { STEP_OPENING, STEP_CONNECTING, STEP_JOINING, STEP_READY };

/* What has come of a frame or an answer that is not whole yet. */
struct rest {
	char *bytes; /* owned; null when there is nothing */
	size_t len;
};

/* A message made beforehand, with room for a frame's head in front and a time to be written into it. */
struct message {
	char *bytes; /* owned */
	size_t len;  /* with the head */
	size_t stamp_at;
};

struct client {
	int fd;	     /* the WebSocket, or the connection that polls */
	int post_fd; /* the connection that posts; -1 when there is none */
	bool upgraded;
	bool posting; /* an answer to a POST is due; what is to be sent meanwhile waits */
	enum step step;
	struct rest rest, post_rest, waiting;
	char sid[64];
	char leg[64];
	struct message candidate, offer;
};

struct setup {
	uint16_t port;
	bool polling;
	size_t n;	 /* clients; two and two are a pair when there are calls */
	char **calls;	 /* ids; null: the clients only connect */
	const char *who; /* the users' names begin so */
};

extern struct setup setup;
extern struct client *clients;
extern size_t n_ready;

_Noreturn void give_up(const char *what);

/* --- link.c --- */

void link_init(void);
void link_open(struct client *c);
/* Sends one Engine.IO packet. */
void link_send(struct client *c, struct str packet);
/* Sends a message made beforehand. */
void link_send_message(struct client *c, const struct message *m);
/* Handles what has come, waiting at most timeout_us. */
void link_turn(int64_t timeout_us);

/* --- client.c --- */

/* One packet from the server. */
void client_packet(struct client *c, struct str packet);
void client_fill_tokens(void);
/* Opens all clients, `at_once` of them at a time, and waits until all are ready. */
void clients_open(size_t at_once);

/* --- load.c --- */

/* An event that is none of the client's own way in. */
void load_event(struct client *c, struct str packet);

#endif

/* load: many Socket.IO clients in one process, light enough to leave the other core to the server that is measured.
 *
 *   link.c    bytes: a WebSocket, or two HTTP connections for long polling
 *   wire.c    sockets under them, plain or TLS
 *   client.c  a client's way in: handshake, CONNECT, call.join
 *   load.c    commands, measuring
 *   storm.c   all clients cut at once, and how they come back
 */
#ifndef BELLWIRE_BENCH_SIGNAL_LOAD_H
#define BELLWIRE_BENCH_SIGNAL_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Of a masked client frame of 126 to 65535 bytes: 2 bytes, 2 of length, 4 of mask. */
#define FRAME_HEAD 8

enum step { STEP_OPENING, STEP_CONNECTING, STEP_SYNCING, STEP_JOINING, STEP_READY };

enum wire { WIRE_CONNECTING, WIRE_SHAKING, WIRE_OPEN };

struct ssl_st;
struct ssl_session_st;

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
	int fd;			       /* the WebSocket, or the connection that polls */
	int post_fd;		       /* the connection that posts; -1 when there is none */
	struct ssl_st *ssl;	       /* owned; null: plain */
	struct ssl_session_st *ticket; /* owned; the server's last, to come back with; null: none yet */
	enum wire wire;
	bool fetched; /* what it fetches first is there */
	bool upgraded;
	bool posting; /* an answer to a POST is due; what is to be sent meanwhile waits */
	enum step step;
	struct rest rest, post_rest, waiting;
	char sid[64];
	char leg[64];
	char session[64], resume[256]; /* to come back with; "" before it was told */
	struct message candidate, offer;
};

struct setup {
	uint16_t port;
	bool polling;
	bool tls;
	size_t n;	   /* clients; the first ones, two and two, are a pair in a call */
	char **calls;	   /* ids */
	size_t n_calls;	   /* 0: the clients only connect */
	const char *who;   /* the users' names begin so */
	const char *first; /* path that each WebSocket's connection fetches before its upgrade; null: none */
};

extern struct setup setup;
extern struct client *clients;
extern size_t n_ready;

_Noreturn void give_up(const char *what);
int64_t now_us(void);
/* The CPU time of all threads of the server so far. */
double cpu_us(void);

/* --- wire.c --- */

void wire_init(void);
/* A socket on its way to the server. */
int wire_connect(void);
/* Goes on with the opening. 1: bytes may be sent; 0: TLS still shakes hands; -1: it failed. */
int wire_open(struct client *c);
void wire_put(const struct client *c, int fd, const void *bytes, size_t n);
/* What has come; 0 at the end, -1 when it broke, -2 when there is nothing. */
#define WIRE_NOTHING (-2)
long wire_get(const struct client *c, int fd, char *to, size_t size);
/* Closes without a word. */
void wire_cut(struct client *c);

/* --- link.c --- */

void link_init(void);
void link_open(struct client *c);
/* Cuts the WebSocket, and forgets all that belonged to it. */
void link_cut(struct client *c);
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

/* Whether it is in a call. */
bool client_has_call(const struct client *c);

/* An event that is none of the client's own way in. */
void load_event(struct client *c, struct str packet);

/* --- storm.c --- */

extern bool storming;	  /* an end is a reason to come again */
extern bool with_tickets; /* TLS: they come back as browsers do, without a full handshake */
extern size_t n_resumed;  /* who came back to a session that it had, its call in it */
extern size_t n_again;	  /* connections that ended on the way */

/* Cuts all and brings them back; prints one line. */
void storm(bool tickets);

#endif

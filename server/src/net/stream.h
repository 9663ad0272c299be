/* stream: one connection's bytes, both ways, with a bounded queue.
 *
 *   open --stream_close--> flushing --queue empty--> lingering --peer's end, or 2 s--> closed
 *     `--stream_abort, from any of them--------------------------------------------------^
 *
 * What is above never learns what carries the bytes: they come in through one place (deliver) and go out through one
 * (stream_send). Between these and the socket lie, when asked for, a proxy's header and TLS (secure.c).
 */
#ifndef BELLWIRE_NET_STREAM_H
#define BELLWIRE_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"
#include "net/addr.h"

struct stream;
struct flight;
struct opening;
struct ssl_st;
struct tls;

/* Counted since net_init. */
struct net_stats {
	uint64_t bytes_in; /* from sockets and to them, as TLS made them */
	uint64_t bytes_out;
	uint64_t handshakes; /* that ended well */
	uint64_t handshakes_resumed;
	uint64_t handshakes_failed;
	size_t handshakes_waiting; /* now */
};

/* Those whose turn has not come (turns.h). */
struct crowd {
	struct list waiting; /* streams, first come first served */
	struct timer timer;  /* the next turn */
	int n_served;	     /* in this one */
};

/* What the streams of one loop share. Reads go through its buffers, so that an idle stream holds no memory for them. */
struct net {
	struct loop *loop;	/* borrowed */
	char *scratch;		/* owned; from the socket */
	unsigned char *plain;	/* owned; one record, decrypted */
	unsigned char *gather;	/* owned; one record to be encrypted */
	struct str sealed_in;	/* what the SSL at work may read */
	struct buf sealed_out;	/* what it wrote */
	struct list handshakes; /* streams with bytes for their handshake, first come first served */
	struct timer handshake_turn;
	struct crowd crowd;
	struct net_stats stats;
	int reserve_fd; /* owned; given up to refuse a connection when there are no descriptors left */
};

/* Also lets the process ignore SIGPIPE. */
int net_init(struct net *n, struct loop *loop);
void net_fini(struct net *n);

/* None is called from inside a call of the owner's but stream_read_start…: they come from the loop. After stream_close
 * or stream_abort only on_closed comes. */
struct stream_cb {
	/* The bytes may be changed in place; they are gone after the call. */
	void (*on_read)(struct stream *s, unsigned char *bytes, size_t n);
	/* 0 when the peer will send no more (it may still read); at most once, and perhaps after that, ERR_CLOSED when
	 * the connection broke, ERR_OVERLOADED when it took nothing for stall_ms. The owner still has to close or
	 * abort. */
	void (*on_end)(struct stream *s, int err);
	/* The queue has emptied. Not called when it never held anything. */
	void (*on_drain)(struct stream *s);
	/* The memory of s may go. */
	void (*on_closed)(struct stream *s);
	/* A proxy said whom it speaks for; before all bytes. Only after stream_expect_proxy, else null is allowed. */
	void (*on_source)(struct stream *s, const struct addr *source);
};

enum stream_state { STREAM_OPEN, STREAM_FLUSHING, STREAM_LINGERING, STREAM_CLOSED };

struct stream {
	uv_tcp_t tcp;
	struct net *net;	    /* borrowed */
	const struct stream_cb *cb; /* borrowed */
	struct flight *flight;	    /* owned; what is being written; null when nothing waits */
	struct buf next;	    /* what waits behind it */
	struct timer timer;	    /* stall while something waits, linger, or telling of a break */
	size_t max_queue;
	size_t left; /* unsent bytes when the stall timer was set */
	int64_t stall_ms;
	enum stream_state state;
	struct ssl_st *ssl;	 /* owned; null: plain */
	struct opening *opening; /* owned; until a proxy's header and the handshake are done */
	struct list late;	 /* in net->crowd.waiting */
	int late_end;		 /* libuv's status that waits there with it; 0: bytes do */
	unsigned char n_reads;	 /* up to TURNS_FIRST_READS */
	bool called;		 /* its turn has come */
	bool reading;		 /* wanted */
	bool polled;		 /* done */
	bool ended;		 /* the peer has sent its last byte */
	bool broken;		 /* nothing can be sent any more */
	bool told_break;	 /* on_end was called with an error */
};

/* Takes a connected, non-blocking socket (closed on failure). Reading is off. ERR_NO_MEMORY: nothing was made; ERR_IO:
 * it is closing, and on_closed follows. */
int stream_open(struct stream *s, struct net *net, int fd, const struct stream_cb *cb);

/* Before reading: everything goes through TLS. The handshake takes its turn among others, so that many of them stall
 * nobody; until it is done nothing can be sent. ERR_NO_MEMORY. */
int stream_secure(struct stream *s, struct tls *tls);

/* Before reading: the peer is a proxy, and its header must come first (PROXY protocol, version 2). ERR_NO_MEMORY. */
int stream_expect_proxy(struct stream *s);

void stream_limit(struct stream *s, size_t max_queue, int64_t stall_ms);

/* Nothing once it is closing. */
void stream_read_start(struct stream *s);
void stream_read_stop(struct stream *s);

/* Sends as much as goes at once and queues copies of the rest. An empty queue takes any amount, a used one up to
 * max_queue in all: else ERR_OVERLOADED, and nothing was taken. ERR_CLOSED when it is closing or broke; ERR_NO_MEMORY,
 * after which the stream is broken. */
int stream_send(struct stream *s, const struct str *parts, size_t n_parts);

/* Sends n bytes of a file from `at` on, as many as go at once; a page that is not in memory is waited for. Returns how
 * many: 0 when the socket is full, something waits before them, or they must go through TLS. */
size_t stream_send_file(struct stream *s, int fd, int64_t at, size_t n);

/* Whether bytes of the peer wait for their turn here: its handshake or its first requests, when many come at once. */
bool stream_is_late(const struct stream *s);

/* Bytes that were taken and not yet sent. */
size_t stream_queued(const struct stream *s);

/* Sends what is queued, tells the peer that no more comes, and waits a little for its end, so that it can read all. */
void stream_close(struct stream *s);

/* Closes now. */
void stream_abort(struct stream *s);

/* A connection taken out of its stream. */
struct stream_taken {
	int fd;		     /* non-blocking, watched by nobody */
	struct ssl_st *ssl;  /* null: plain; its BIO must be replaced before it is used */
	struct str received; /* borrowed until the loop's next turn: bytes from the socket that ssl has not seen */
};

/* From inside on_read only: fd and ssl become the caller's, and s is closed without a word to the peer (on_closed
 * follows). ERR_IO, ERR_OVERLOADED when bytes wait to be sent: all is then as before. */
int stream_take(struct stream *s, struct stream_taken *out);

#endif

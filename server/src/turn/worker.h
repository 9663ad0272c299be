/* worker: one thread that relays, with its own sockets, tables and clock. Private to turn/.
 *
 * The kernel spreads clients over the workers' sockets (SO_REUSEPORT) by their address, so a client stays with its
 * worker. From other threads come only commands: a stream to adopt, a user to cut, the end.
 */
#ifndef BELLWIRE_TURN_WORKER_H
#define BELLWIRE_TURN_WORKER_H

#include <pthread.h>
#include <sys/epoll.h>

#include "turn/batch.h"
#include "turn/core.h"

#define WORKER_SLOTS 64
#define WORKER_EVENTS 256
#define WORKER_BEAT_MS 500
#define WORKER_WINDOW_MS 32 /* over which turns are counted */
#define WORKER_GATHER_MS 1000
#define WORKER_YIELD_US 500 /* a burst is sent in less */
#define WORKER_THIN 4	    /* packets a turn from which on pauses add nothing */
#define WORKER_SLOT_DATA 65536
/* Slots begin at different places of the cache's sets, not all at the same. */
#define WORKER_SLOT_STRIDE (WORKER_SLOT_DATA + TURN_HEADROOM + 400)
#define WORKER_STREAM_BUFFER (2 * 65600)

/* What epoll points to begins with one of these. */
enum source_kind { SOURCE_WAKE, SOURCE_CLOCK, SOURCE_NETLINK, SOURCE_UDP, SOURCE_TCP, SOURCE_RELAY, SOURCE_STREAM };

struct listener {
	uint8_t kind;
	bool wildcard; /* answers must name the address that was asked */
	int fd;	       /* owned */
	union turn_addr bound;
	struct stun_addr addr;
};

struct stream;

/* Memory for packets that come in; all slots that are not used are ready for recvmmsg. */
struct inbox {
	uint8_t *slots; /* owned: WORKER_SLOTS of WORKER_SLOT_STRIDE bytes */
	unsigned used;	/* slots that the batch may point into */
	struct mmsghdr msgs[WORKER_SLOTS];
	struct iovec iovecs[WORKER_SLOTS];
	union turn_addr from[WORKER_SLOTS];
	union {
		char bytes[128];
		struct cmsghdr align;
	} control[WORKER_SLOTS];
};

/* From another thread. */
struct command {
	struct list link;
	enum { COMMAND_ADOPT, COMMAND_CUT, COMMAND_TLS } kind;
	struct stream *stream; /* owned: to adopt */
	SSL_CTX *tls, *dtls;   /* owned references; may be null */
	char user[TURN_USER_MAX + 1];
};

struct worker {
	struct turn_shared *shared; /* borrowed */
	struct turn_core core;
	SSL_CTX *tls;  /* owned reference; null: not served */
	SSL_CTX *dtls; /* the same */
	pthread_t thread;
	int epoll;
	int wake;
	int clock;
	int netlink;
	uint8_t wake_source, clock_source, netlink_source; /* their kinds: what epoll points to */
	struct listener udp[TURN_MAX_ADDRS], tcp[TURN_MAX_ADDRS];
	size_t n_udp, n_tcp;

	/* events of this turn that are still to be handled, so that those of a closed source can be forgotten */
	struct epoll_event events[WORKER_EVENTS];
	int n_events, at_event;

	/* Gathering: while turns are very many the worker pauses between them, so that it finds several packets. */
	uint32_t turn_packets; /* relayed in this turn */
	uint32_t window_turns; /* that relayed something */
	uint32_t window_packets;
	uint32_t gather_us; /* 0: no pauses now */
	int64_t window_end_ms;
	int64_t no_yield_until_us;

	struct inbox inbox;
	struct batch to_peers, to_clients;
	uint8_t heads[BATCH_MAX_ITEMS][TURN_HEADROOM]; /* for packets that have no room before them */
	uint32_t n_heads;

	struct list streams;	 /* TCP, TLS and DTLS clients, oldest first */
	struct list with_output; /* to be written to at the end of the turn */
	size_t n_streams;
	struct map dtls_peers;	  /* DTLS clients by their 5-tuple */
	struct stream *dtls_door; /* owned: answers those who have no cookie yet; null until needed */
	bool accept_paused;	  /* no descriptors left: try again in a second */
	uint8_t *stream_buffer;	  /* owned: WORKER_STREAM_BUFFER bytes */

	pthread_mutex_t lock;
	struct list commands; /* under the lock */
	bool stop;	      /* under the lock */
};

/* What a worker listens on is bound by turn_start; from turn_worker_start on w owns the descriptors. */
int turn_worker_init(struct worker *w, struct turn_shared *shared);
int turn_worker_start(struct worker *w);

/* References for a worker or a command. Null is allowed. */
SSL_CTX *turn_worker_ref(SSL_CTX *ctx);

/* From another thread: cmd is taken. */
void turn_worker_post(struct worker *w, struct command *cmd);

/* Ends the thread and everything that it owns. */
void turn_worker_stop(struct worker *w);
void turn_worker_fini(struct worker *w);

/* ---- between the files of the worker ---- */

extern const struct turn_ops turn_worker_ops;

bool turn_worker_watch(struct worker *w, int fd, uint32_t events, void *source);

/* Events of a source that is going away. */
void turn_worker_forget(struct worker *w, const void *source);

/* Sends what waits; the inbox is free again. */
void turn_worker_flush(struct worker *w);

/* Acts on a verdict about a client's packet; `reply` goes out by the path. */
void turn_worker_move(
	struct worker *w, struct turn_path *path, enum turn_verdict verdict, const struct turn_move *move);

/* A datagram to the client of that path, at once. */
void turn_worker_send_datagram(struct worker *w, const struct turn_path *path, struct listener *l, struct str bytes);

/* GRO, and no trust in what ICMP says of path MTUs. 0, or -1 with errno. */
int turn_worker_set_udp(int fd, uint8_t family);

bool turn_inbox_init(struct inbox *in);
void turn_inbox_clear(struct inbox *in); /* what was received has been sent on */
void turn_worker_read_udp(struct worker *w, struct listener *l);
void turn_worker_read_relay(struct worker *w, struct turn_relay *r);

/* stream.c */
void turn_stream_accept(struct worker *w, struct listener *l);
void turn_stream_event(struct worker *w, struct stream *s, uint32_t events);
void turn_stream_adopt(struct worker *w, struct stream *s);
void turn_stream_send(struct worker *w, struct stream *s, const struct iovec *iov, size_t n_iov);
void turn_stream_flush_all(struct worker *w);
void turn_stream_tick(struct worker *w);
void turn_stream_close_all(struct worker *w);
struct stream *turn_stream_new_adopted(const struct turn_stream *from);
void turn_stream_free(struct stream *s);
void turn_stream_forget_alloc(struct stream *s);

/* dtls.c: a datagram whose first byte is a DTLS record's. */
void turn_dtls_receive(struct worker *w, struct listener *l, const struct turn_key *key, struct str datagram);
void turn_dtls_prepare(SSL_CTX *ctx);

#endif

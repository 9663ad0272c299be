/* core: TURN without sockets. One packet and the time in; a verdict, and perhaps a packet, out. Private to turn/.
 *
 * A worker has one core and calls it from its own thread alone. Everything that touches the world (sockets for relays,
 * closing them) goes through struct turn_ops, so that tests and the fuzzer drive it with plain memory.
 *
 * Life of an allocation (RFC 8656 §3.2):   Allocate -> living --Refresh--> living
 *                                          living --Refresh 0, expiry, client gone, user cut, stop--> freed
 */
#ifndef BELLWIRE_TURN_CORE_H
#define BELLWIRE_TURN_CORE_H

#include "turn/auth.h"
#include "turn/policy.h"

#define TURN_PERMISSION_MS (300 * 1000) /* RFC 8656 §9 */
#define TURN_CHANNEL_MS (600 * 1000)	/* §12 */
#define TURN_LIFETIME_S 600		/* §3.2: the default, and the least */
/* RFC 8656 §12 ends at 0x4FFF; clients of RFC 5766 §11 (coturn's among them) take numbers up to 0x7FFF, and nothing
 * else on this port begins so. */
#define TURN_CHANNEL_MIN 0x4000
#define TURN_CHANNEL_MAX 0x7FFF
#define TURN_FIRST_REPORT_MS 2000
#define TURN_REPORT_MS 60000
#define TURN_WHEEL_SLOTS 4096 /* seconds; more than the longest lifetime */

/* Room that a packet from a peer needs before it: the header of a Data indication (20), XOR-PEER-ADDRESS of IPv6 (24),
 * the header of DATA (4). */
#define TURN_HEADROOM 48

struct turn_alloc;

/* A relayed transport address. What epoll points to begins with its kind. */
struct turn_relay {
	uint8_t kind;	    /* of the worker's sources */
	bool dont_fragment; /* how the socket is set now */
	bool bursts;	    /* the last look found several packets */
	int fd;		    /* owned; -1: none */
	struct turn_alloc *alloc;
	struct stun_addr local; /* bound to */
	uint32_t batch;		/* the worker's batch that `group` belongs to */
	uint32_t group;		/* this relay's open group of outgoing packets */
};

struct turn_permission {
	struct stun_addr peer; /* port 0 */
	enum policy_reach reach;
	uint32_t generation; /* of the policy, when `reach` was asked */
	int64_t expires_ms;
};

struct turn_channel {
	struct stun_addr peer;
	uint16_t number;
	enum policy_reach reach;
	uint32_t generation;
	int64_t expires_ms;
	union turn_addr to; /* peer as the socket takes it */
};

/* A client seen from here. For UDP it is made anew for every packet; a stream keeps one. */
struct turn_path {
	struct turn_key key;
	struct turn_alloc *alloc; /* borrowed; null: not looked up, or none */
	void *io;		  /* the worker's: listener or stream */
};

struct turn_alloc {
	struct map_node node; /* by path.key */
	struct list wheel;
	struct list dirty; /* in the core's list while there is traffic to report */
	struct turn_path path;
	struct turn_user *user;
	struct turn_signer signer;
	int64_t login_expiry_s;
	int64_t expires_ms;
	struct turn_relay relays[2]; /* IPv4, IPv6 */
	struct turn_bucket bucket;
	uint32_t batch, group; /* towards the client; as in turn_relay */

	/* the request that made it, for its retransmissions */
	uint8_t txid[STUN_TXID_SIZE];
	uint32_t granted_s;
	bool reserved;
	uint8_t token[TURN_TOKEN_SIZE];
	uint16_t address_error; /* code for a family that was asked for in vain; 0: none */

	struct turn_permission *permissions; /* owned */
	struct turn_channel *channels;	     /* owned */
	uint16_t n_permissions, cap_permissions;
	uint16_t n_channels, cap_channels;
	uint16_t hot; /* channel used last */

	/* since the last report */
	uint64_t bytes_to_peer, bytes_to_client;
	uint32_t packets_to_peer, packets_to_client;
	struct turn_usage unreported;
	int64_t report_ms;
};

/* All return 0 or ERR_*. */
struct turn_ops {
	/* A UDP socket bound there, or a negative error. */
	int (*bind)(void *arg, const struct stun_addr *at);
	int (*watch)(void *arg, struct turn_relay *relay);
	void (*close)(void *arg, int fd);
	/* The allocation is about to be freed: forget pointers to it. */
	void (*gone)(void *arg, struct turn_alloc *alloc);
};

enum turn_verdict {
	TURN_DROP,
	TURN_REPLY,	/* core->reply goes back the way the packet came */
	TURN_TO_PEER,	/* move->data goes out of move->relay to move->to */
	TURN_TO_CLIENT, /* move->data, its header written in front of it, goes to move->alloc->path */
};

struct turn_move {
	struct turn_alloc *alloc;
	struct turn_relay *relay;
	const union turn_addr *to; /* in a channel, or in `addr`; good until the next call */
	union turn_addr addr;
	uint8_t *data;
	size_t len;
	bool dont_fragment;
	uint8_t head_len; /* bytes of header, at the end of head */
	uint8_t pad_len;  /* zero bytes that must follow the data */
};

/* Counters are read by other threads while the worker writes: each value by itself. */
#define TURN_COUNT(core, field) TURN_ADD(core, field, 1)
#define TURN_ADD(core, field, n)                                                                                       \
	__atomic_store_n(&(core)->stats.field, (core)->stats.field + (uint64_t)(n), __ATOMIC_RELAXED)

struct turn_core {
	struct turn_shared *shared;
	struct policy policy;
	const struct turn_ops *ops;
	void *arg;	     /* of ops */
	struct turn_now now; /* set by the caller before each batch */
	struct map allocs;
	struct list wheel[TURN_WHEEL_SLOTS];
	int64_t wheel_s; /* the second that was swept last */
	struct list dirty;
	struct turn_guard guard;
	struct turn_stats stats;
	uint8_t reply[1024];
	size_t reply_len;
};

void turn_core_init(struct turn_core *c, struct turn_shared *s, const struct turn_ops *ops, void *arg);

/* Frees all allocations. */
void turn_core_fini(struct turn_core *c);

/* A packet (or one frame of a stream) from a client. */
enum turn_verdict turn_core_from_client(
	struct turn_core *c, struct turn_path *path, uint8_t *data, size_t len, struct turn_move *out);

/* Who sends, and how the client knows it. */
struct turn_sender {
	struct stun_addr peer;
	const struct turn_channel *channel; /* null: Data indications. Good until the client's next packet */
};

/* Whether len bytes that came from a peer at once (one packet, or several that GRO put together) may go to the client:
 * asks for its permission and takes from the limits of bytes a second. */
bool turn_core_admit(struct turn_core *c, struct turn_relay *relay, const union turn_addr *from, size_t len,
	struct turn_sender *out);

/* A packet from a peer that was admitted. head has TURN_HEADROOM bytes; the header is written to its end, so that a
 * caller who gives the bytes right before data has both in one piece. */
enum turn_verdict turn_core_from_peer(struct turn_core *c, struct turn_relay *relay, const struct turn_sender *sender,
	struct str data, uint8_t *head, struct turn_move *out);

/* Once a second or so: what has expired ends, traffic is reported. */
void turn_core_tick(struct turn_core *c);

/* The client cannot be reached any more (its stream closed). */
void turn_core_client_gone(struct turn_core *c, struct turn_path *path);

void turn_core_cut_user(struct turn_core *c, struct str user);

/* ---- between the files of the core ---- */

struct turn_alloc *turn_alloc_find(struct turn_core *c, struct turn_path *path);
void turn_alloc_free(struct turn_core *c, struct turn_alloc *a);
void turn_alloc_schedule(struct turn_core *c, struct turn_alloc *a, uint32_t lifetime_s);
void turn_relay_close(struct turn_core *c, struct turn_relay *r);
void turn_alloc_report(struct turn_core *c, struct turn_alloc *a, bool ended);

/* Living entries only; null when there is none. */
struct turn_permission *turn_permission_find(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer);
struct turn_channel *turn_channel_by_number(struct turn_core *c, struct turn_alloc *a, uint16_t number);
struct turn_channel *turn_channel_by_peer(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer);

/* Makes room for n permissions more, so that putting them cannot fail; 0 or 508. */
unsigned turn_permission_room(struct turn_core *c, struct turn_alloc *a, size_t n);

/* Adds or refreshes; 0 or the STUN error code (508; 400 for a channel that is bound otherwise). */
unsigned turn_permission_put(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer);
unsigned turn_channel_put(struct turn_core *c, struct turn_alloc *a, const struct stun_addr *peer, uint16_t number);

/* Whether the policy lets this exact transport address be reached, given its answer for the address. */
bool turn_peer_allowed(struct turn_core *c, enum policy_reach reach, const struct stun_addr *peer);

/* Counts a packet against the rates; false: drop it. An allocation and its user are charged for all that it moves, the
 * server once for each packet: not again when it comes from another of our relays, where it was charged on its way out.
 */
bool turn_charge(struct turn_core *c, struct turn_alloc *a, size_t n, bool again);

/* Writes the answer to a request into core->reply. */
enum turn_verdict turn_request(struct turn_core *c, struct turn_path *path, const struct stun_msg *m);

#endif

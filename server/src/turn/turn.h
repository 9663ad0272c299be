/* turn: a STUN and TURN server (RFC 8489, RFC 8656) on threads of its own.
 *
 * It relays datagrams between clients and peers over UDP, TCP, TLS and DTLS, and knows nothing of calls or HTTP. Its
 * defaults are safe on the open internet: special-purpose ranges and the host's own addresses are no peers, nothing is
 * remembered of a client before it has shown valid credentials, and every table has a bound.
 *
 * Credentials are `expiry:user` with base64(HMAC-SHA1(secret, `expiry:user`)) as the password, so that a client, this
 * server and any other relay that shares the secret agree without talking.
 */
#ifndef BELLWIRE_TURN_TURN_H
#define BELLWIRE_TURN_TURN_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

#define TURN_MAX_ADDRS 16
#define TURN_MAX_WORKERS 64
#define TURN_MAX_NETS 256

/* Longest user part of a user name; longer ones get 401. */
#define TURN_USER_MAX 160

enum turn_transport { TURN_UDP, TURN_TCP, TURN_TLS, TURN_DTLS, TURN_N_TRANSPORTS };

union turn_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Peers in one range: "10.0.0.0/8", "fd00::/8", one address, and with ":5432" or "[fd00::1]:5432" one port of it. */
struct turn_net {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t prefix; /* bits */
	uint16_t port;	/* 0: all */
	uint8_t ip[16];
};

/* Behind NAT: what the world sees, and the local address that it leads to. */
struct turn_external {
	union turn_addr public_addr;
	union turn_addr private_addr;
};

/* What one allocation moved since its last report. Told soon after its first traffic, then about once a minute while
 * there is some, and when it ends; not at all when nothing was moved. */
struct turn_usage {
	uint64_t allocation; /* a number that no other allocation of this server has */
	const char *user;    /* borrowed: the user part of the user name */
	enum turn_transport transport;
	uint64_t bytes_to_peer; /* payload */
	uint64_t bytes_to_client;
	uint64_t packets_to_peer;
	uint64_t packets_to_client;
	bool ended;
};

/* Called on a relay worker's thread: be quick, never call turn_* from it. */
typedef void (*turn_usage_cb)(void *arg, const struct turn_usage *usage);

struct turn_config {
	/* UDP, and TCP on the same port. Port 0 picks one; address 0.0.0.0 or [::] means all of that family. */
	union turn_addr listen[TURN_MAX_ADDRS];
	size_t n_listen;
	/* Addresses that relay. Empty: those that listen; with a wildcard, the host's own global ones. */
	union turn_addr relay[TURN_MAX_ADDRS];
	size_t n_relay;
	struct turn_external external[TURN_MAX_ADDRS];
	size_t n_external;
	uint16_t relay_port_min;
	uint16_t relay_port_max;
	unsigned workers; /* 0: one per core */

	/* Pause between turns of a worker that turns more often than once in one, in microseconds, so that packets
	 * leave in batches: less CPU, for media about this much later. At most 1000; 0: never. */
	uint32_t gather_us;

	struct str realm;	    /* at most 8 bytes keep an unauthenticated answer below 2.8 times its request */
	struct str secret;	    /* copied; empty: nobody can allocate, STUN alone is served */
	struct str previous_secret; /* copied; may be empty */
	uint32_t nonce_lifetime_s;

	/* Streams that begin with a TLS handshake, and DTLS records. Null: not served. References are taken. */
	SSL_CTX *tls;
	SSL_CTX *dtls; /* made with DTLS_server_method; its cookie callbacks are set by turn_start */

	/* Peers. The order is: deny, own addresses, allow, then what is denied by default. */
	bool allow_loopback; /* loopback and the host's own addresses become peers: tests and development */
	bool lan;	     /* 10/8, 172.16/12, 192.168/16 and fc00::/7 become peers */
	struct turn_net deny[TURN_MAX_NETS];
	size_t n_deny;
	struct turn_net allow[TURN_MAX_NETS];
	size_t n_allow;

	/* Bounds; 0 means none for the rates, and the default for the rest. Rates count payload of both directions. */
	uint32_t max_allocations;
	uint32_t max_allocations_per_user;
	uint32_t max_permissions; /* per allocation */
	uint32_t max_channels;	  /* per allocation */
	uint32_t max_streams;	  /* TCP, TLS and DTLS clients of one worker */
	uint32_t max_lifetime_s;
	uint32_t unauth_per_source_s; /* error answers a second to one UDP source address */
	uint64_t rate_allocation;     /* bytes a second */
	uint64_t rate_user;
	uint64_t rate_server;

	turn_usage_cb on_usage; /* may be null */
	void *usage_arg;
};

struct turn;

/* A configuration with every default set, listening nowhere yet. */
void turn_config_init(struct turn_config *cfg);

/* Parsers of option values; ERR_BAD_FIELD when malformed. A range with bits beyond its prefix is malformed. */
int turn_addr_parse(struct str text, union turn_addr *out);	     /* ADDR:PORT, [ADDR6]:PORT */
int turn_net_parse(struct str text, struct turn_net *out);	     /* ADDR[/BITS], ADDR:PORT, [ADDR6]:PORT */
int turn_external_parse(struct str text, struct turn_external *out); /* PUBLIC/PRIVATE, addresses without ports */
int turn_ports_parse(struct str text, uint16_t *out_min, uint16_t *out_max); /* A-B */

/* "127.0.0.1:3478" or "[::1]:3478" and a NUL. */
#define TURN_ADDR_TEXT 56
void turn_addr_format(const union turn_addr *addr, char out[TURN_ADDR_TEXT]);

/* Binds and starts the workers. cfg is copied. ERR_CONFIG when it makes no sense, ERR_IO when an address cannot be
 * bound (both logged), ERR_NO_MEMORY. */
int turn_start(const struct turn_config *cfg, struct turn **out);

/* The addresses that were bound, in the order of cfg->listen; returns how many. */
size_t turn_listening(const struct turn *t, union turn_addr *out, size_t max);

/* Sends a binding request to a listener of ours over UDP and waits for its answer: 0, or ERR_IO when none comes in
 * time. Blocks: not for the loop. */
int turn_answers(const union turn_addr *listening, int timeout_ms);

/* No new allocations from now on (508); running ones go on. */
void turn_drain(struct turn *t);

/* Ends everything and frees t. Null is allowed. */
void turn_stop(struct turn *t);

/* New secrets for coming allocations; running ones keep theirs. */
int turn_set_secrets(struct turn *t, struct str secret, struct str previous);

/* Other certificates for coming handshakes: as turn_config.tls and .dtls, either may be null. References are taken.
 * ERR_NO_MEMORY: some workers still show the old ones. */
int turn_set_tls(struct turn *t, SSL_CTX *tls, SSL_CTX *dtls);

/* Ends all allocations of a user (the user part of the name), soon. */
void turn_cut_user(struct turn *t, struct str user);

/* A client that came in by another door, a TLS connection of the HTTPS port for instance. */
struct turn_stream {
	int fd;	  /* taken: non-blocking, watched by nobody */
	SSL *ssl; /* taken: handshake done; null for plain TCP */
	struct str
		received; /* copied: bytes from the socket that ssl has not seen yet (without ssl: from the client) */
	struct str plain; /* copied: what ssl has already decrypted */
};

/* Hands a stream to a worker; its BIOs are replaced. On an error (ERR_NO_MEMORY, ERR_OVERLOADED, ERR_TOO_LARGE) the
 * caller keeps both. */
int turn_adopt_stream(struct turn *t, const struct turn_stream *stream);

/* Whether the first decrypted bytes of a connection are STUN's (RFC 7983 §7): a message type below 0x4000 with the
 * magic cookie, or undecided while fewer than 8 bytes are there. No HTTP request begins so. */
enum turn_guess { TURN_GUESS_NO, TURN_GUESS_YES, TURN_GUESS_MORE };
enum turn_guess turn_guess_stream(struct str first_bytes);

struct turn_traffic {
	uint64_t allocations; /* living now */
	uint64_t allocations_made;
	uint64_t packets_to_peer;
	uint64_t packets_to_client;
	uint64_t bytes_to_peer;
	uint64_t bytes_to_client;
};

struct turn_stats {
	struct turn_traffic by_transport[TURN_N_TRANSPORTS];
	uint64_t bindings;	/* binding requests answered */
	uint64_t unauthorized;	/* 401 and 438 sent */
	uint64_t suppressed;	/* error answers not sent because their source had too many */
	uint64_t malformed;	/* packets that were neither STUN nor ChannelData */
	uint64_t forbidden;	/* peers refused by policy, at a request or on a packet's way */
	uint64_t quota;		/* 486 and 508 */
	uint64_t over_rate;	/* packets dropped by a rate */
	uint64_t no_permission; /* packets from peers without permission */
	uint64_t send_failed;	/* datagrams the kernel did not take */
	uint64_t streams;	/* TCP, TLS and DTLS clients now */
	uint64_t streams_refused;
};

/* Sums of all workers; each number is right by itself, a moment old. From any thread. */
void turn_stats(struct turn *t, struct turn_stats *out);

/* Users with living allocations. cb runs with a lock held: copy and return. */
struct turn_user_stats {
	const char *user;
	uint32_t allocations;
	uint64_t bytes_to_peer;
	uint64_t bytes_to_client;
};
void turn_each_user(struct turn *t, void (*cb)(void *arg, const struct turn_user_stats *user), void *arg);

/* Credentials for a client that may allocate until expires_s (wall clock, seconds). */
struct turn_credentials {
	char username[TURN_USER_MAX + 24];
	char password[32];
};

/* ERR_BAD_FIELD when user is empty, too long or holds a NUL. */
int turn_credentials_make(struct str secret, struct str user, int64_t expires_s, struct turn_credentials *out);

#endif

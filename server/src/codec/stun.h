/* stun: messages of RFC 8489 and the attributes that TURN (RFC 8656) adds, read in place and written into memory given.
 *
 * Reading copies nothing and allocates nothing: attributes point into the packet and live as long as it does. Nothing
 * that a message says is trusted before stun_check_sha1 or stun_check_sha256 said yes.
 */
#ifndef BELLWIRE_CODEC_STUN_H
#define BELLWIRE_CODEC_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define STUN_COOKIE 0x2112A442u /* §5 */
#define STUN_HEADER_SIZE 20
#define STUN_TXID_SIZE 12

/* Messages with integrity that are longer are refused: requests are a few hundred bytes. */
#define STUN_MAX_SIGNED 2048

/* Attributes kept of one message; with more it is refused. */
#define STUN_MAX_ATTRS 32

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

/* RFC 8489 §18.2, RFC 8656 §17 */
enum stun_method {
	STUN_BINDING = 0x001,
	STUN_ALLOCATE = 0x003,
	STUN_REFRESH = 0x004,
	STUN_SEND = 0x006,
	STUN_DATA = 0x007,
	STUN_CREATE_PERMISSION = 0x008,
	STUN_CHANNEL_BIND = 0x009,
};

/* RFC 8489 §18.3, RFC 8656 §18. Below 0x8000 a receiver must understand them. */
enum stun_type {
	STUN_MAPPED_ADDRESS = 0x0001,
	STUN_USERNAME = 0x0006,
	STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009,
	STUN_UNKNOWN_ATTRIBUTES = 0x000A,
	STUN_CHANNEL_NUMBER = 0x000C,
	STUN_LIFETIME = 0x000D,
	STUN_XOR_PEER_ADDRESS = 0x0012,
	STUN_DATA_VALUE = 0x0013,
	STUN_REALM = 0x0014,
	STUN_NONCE = 0x0015,
	STUN_XOR_RELAYED_ADDRESS = 0x0016,
	STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
	STUN_EVEN_PORT = 0x0018,
	STUN_REQUESTED_TRANSPORT = 0x0019,
	STUN_DONT_FRAGMENT = 0x001A,
	STUN_MESSAGE_INTEGRITY_SHA256 = 0x001C,
	STUN_PASSWORD_ALGORITHM = 0x001D,
	STUN_USERHASH = 0x001E,
	STUN_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_RESERVATION_TOKEN = 0x0022,
	STUN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
	STUN_ADDRESS_ERROR_CODE = 0x8001,
	STUN_PASSWORD_ALGORITHMS = 0x8002,
	STUN_SOFTWARE = 0x8022,
	STUN_FINGERPRINT = 0x8028,
};

/* §18.5 */
enum stun_algorithm { STUN_MD5 = 1, STUN_SHA256 = 2 };

/* An address as the protocol has it: family 1 is IPv4 (4 bytes of ip), 2 is IPv6 (16); the rest of ip is zero. */
enum { STUN_IPV4 = 1, STUN_IPV6 = 2 };
struct stun_addr {
	uint8_t family;
	uint8_t zero;
	uint16_t port; /* in the host's order */
	uint8_t ip[16];
};

struct stun_attr {
	uint16_t type;
	uint16_t len;
	const uint8_t *value; /* borrowed from the packet */
};

struct stun_msg {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	enum stun_class class;
	uint16_t method;
	const uint8_t *txid; /* STUN_TXID_SIZE bytes, borrowed */
	size_t n_attrs;
	struct stun_attr attrs[STUN_MAX_ATTRS]; /* those that count (§14.5 to §14.7), in their order */
};

/* Reads exactly one message. ERR_PROTOCOL when it is none: wrong cookie, lying lengths, wrong fingerprint;
 * ERR_TOO_LARGE when it has more than STUN_MAX_ATTRS attributes. */
int stun_decode(const uint8_t *bytes, size_t len, struct stun_msg *out);

/* The first attribute of that type (later ones are ignored, §14), or null. */
const struct stun_attr *stun_find(const struct stun_msg *m, uint16_t type);
struct str stun_find_str(const struct stun_msg *m, uint16_t type);

/* Values; ERR_BAD_FIELD when the attribute has the wrong size or family. */
int stun_get_u32(const struct stun_attr *a, uint32_t *out);
int stun_get_addr(const struct stun_attr *a, struct stun_addr *out);
int stun_get_xor_addr(const struct stun_msg *m, const struct stun_attr *a, struct stun_addr *out);
int stun_get_error(const struct stun_attr *a, unsigned *out_code, struct str *out_reason);

/* Types below 0x8000 that are not in `known` (ended by 0); returns how many were stored. */
size_t stun_unknown(const struct stun_msg *m, const uint16_t *known, uint16_t *out, size_t max);

/* Whether the integrity of that kind is there and right for the key. The SHA-256 one may be cut to 16, 20, 24 or 28
 * bytes (§14.6); least is the shortest that the caller takes. Compares in constant time. */
bool stun_check_sha1(const struct stun_msg *m, struct str key);
bool stun_check_sha256(const struct stun_msg *m, struct str key, size_t least);

/* Long-term keys (§18.5.1): hash of user:realm:password. The password must be what SASLprep or OpaqueString made. */
void stun_key_md5(struct str user, struct str realm, struct str password, uint8_t out[16]);
void stun_key_sha256(struct str user, struct str realm, struct str password, uint8_t out[32]);

/* What stands for the user name in USERHASH (§14.4). */
void stun_userhash(struct str user, struct str realm, uint8_t out[32]);

/* Algorithms in PASSWORD-ALGORITHM (one) or PASSWORD-ALGORITHMS (a list), §14.11: returns how many were stored or
 * ERR_BAD_FIELD. */
int stun_get_algorithms(const struct stun_attr *a, uint16_t *out, size_t max);

/* A message being written. As with buf, errors stick: ask once, stun_size. */
struct stun_writer {
	uint8_t *bytes; /* borrowed */
	size_t len;
	size_t cap;
	int err;
};

void stun_begin(struct stun_writer *w, void *mem, size_t cap);
void stun_put_header(struct stun_writer *w, enum stun_class class, uint16_t method, const uint8_t *txid);
void stun_put(struct stun_writer *w, uint16_t type, struct str value);
void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value);
void stun_put_addr(struct stun_writer *w, uint16_t type, const struct stun_addr *addr);
void stun_put_xor_addr(struct stun_writer *w, uint16_t type, const struct stun_addr *addr);
void stun_put_error(struct stun_writer *w, unsigned code, struct str reason);
void stun_put_unknown(struct stun_writer *w, const uint16_t *types, size_t n);
void stun_put_algorithms(struct stun_writer *w, const uint16_t *algorithms, size_t n);

/* The ends of a message, in this order: each covers what stands before it. size of the SHA-256 one: 16 to 32. */
void stun_put_sha1(struct stun_writer *w, struct str key);
void stun_put_sha256(struct stun_writer *w, struct str key, size_t size);
void stun_put_fingerprint(struct stun_writer *w);

/* The message's length, or ERR_TOO_LARGE when it did not fit. */
int stun_size(const struct stun_writer *w);

#endif

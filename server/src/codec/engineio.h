/* engineio: packets and polling payloads of Engine.IO, protocol version 4, as bytes.
 *
 * A packet is one digit for its type and data that goes to the end. A WebSocket frame carries one packet (a binary
 * frame is a message without the digit); the body of a poll or a POST carries several, parted by the record separator
 * 0x1e, binary messages written as 'b' and base64.
 */
#ifndef BELLWIRE_CODEC_ENGINEIO_H
#define BELLWIRE_CODEC_ENGINEIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define ENGINEIO_SEPARATOR '\x1e'

enum engineio_type {
	ENGINEIO_OPEN,
	ENGINEIO_CLOSE,
	ENGINEIO_PING,
	ENGINEIO_PONG,
	ENGINEIO_MESSAGE,
	ENGINEIO_UPGRADE,
	ENGINEIO_NOOP,
};

struct engineio_packet {
	enum engineio_type type;
	bool base64;	 /* a binary message whose data is still base64 text */
	struct str data; /* borrowed from what was parsed */
};

/* One text packet, as in a WebSocket text frame ("4hello"). ERR_PROTOCOL when it has no known type. */
int engineio_parse(struct str text, struct engineio_packet *out);

/* Takes the next packet off a polling body. Start with *rest = the whole body and go on while rest->ptr is not null.
 * An empty body, an empty packet and one of unknown type are ERR_PROTOCOL. */
int engineio_next(struct str *rest, struct engineio_packet *out);

/* Decodes a base64 packet's data behind what `out` holds. ERR_PROTOCOL when it is not base64, or the buffer's error. */
int engineio_decode(const struct engineio_packet *packet, struct buf *out);

/* Appends a packet to a polling body: the separator when something stands before it, the digit, the data. */
void engineio_put_text(struct buf *body, enum engineio_type type, struct str data);
void engineio_put_binary(struct buf *body, struct str bytes);

/* What a new session is told (the open packet's data). */
struct engineio_handshake {
	struct str sid;
	bool can_upgrade; /* to WebSocket */
	int64_t ping_interval_ms;
	int64_t ping_timeout_ms;
	size_t max_payload; /* bytes */
};

/* Appends the open packet's JSON, without the digit. */
void engineio_put_handshake(struct buf *out, const struct engineio_handshake *h);

#endif

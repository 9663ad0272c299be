/* socketio: the packets of Socket.IO, protocol version 5, as text.
 *
 *   <type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
 *
 * Each travels as one Engine.IO message; a packet with attachments is followed by that many binary messages.
 */
#ifndef BELLWIRE_CODEC_SOCKETIO_H
#define BELLWIRE_CODEC_SOCKETIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* More attachments are a broken packet: each one is held in memory until the last has come. */
#define SOCKETIO_MAX_ATTACHMENTS 10

/* Ids are JavaScript numbers on the other side: whole up to 2^53 - 1. */
#define SOCKETIO_MAX_ACK_ID 9007199254740991ULL

enum socketio_type {
	SOCKETIO_CONNECT,
	SOCKETIO_DISCONNECT,
	SOCKETIO_EVENT,
	SOCKETIO_ACK,
	SOCKETIO_CONNECT_ERROR,
	SOCKETIO_BINARY_EVENT,
	SOCKETIO_BINARY_ACK,
};

struct socketio_packet {
	enum socketio_type type;
	unsigned n_attachments;
	bool has_ack_id;
	uint64_t ack_id;
	struct str name_space; /* "/" when it is not written; borrowed */
	struct str payload;    /* raw JSON, checked only by its first character; empty when there is none; borrowed */
};

/* Takes a packet apart. ERR_PROTOCOL when it is malformed, including a payload that its type cannot have: CONNECT takes
 * an object or nothing, DISCONNECT nothing, events and acks an array, CONNECT_ERROR an object or a string. */
int socketio_parse(struct str text, struct socketio_packet *out);

/* Room for every head whose namespace has at most SOCKETIO_MAX_NAMESPACE bytes. */
#define SOCKETIO_MAX_NAMESPACE 128
#define SOCKETIO_HEAD_SIZE (SOCKETIO_MAX_NAMESPACE + 24)

/* Writes all that stands before the payload and returns it. With n_attachments the type must be a binary one. */
struct str socketio_head(const struct socketio_packet *packet, char out[SOCKETIO_HEAD_SIZE]);

#endif

/* stream: a client over TCP, TLS or DTLS. Private to turn/.
 *
 *   TCP:  DETECT -- first byte --> OPEN, or HANDSHAKE -- TLS done --> OPEN --> closed
 *   DTLS: HANDSHAKE (after its cookie) --> OPEN --> closed
 *   adopted: OPEN
 *
 * One that has no allocation must get on: the handshake within 10 seconds, an allocation within a minute.
 */
#ifndef BELLWIRE_TURN_STREAM_H
#define BELLWIRE_TURN_STREAM_H

#include "turn/worker.h"

#define STREAM_HANDSHAKE_MS 10000
#define STREAM_IDLE_MS 60000
/* Longest frame of a client without allocation; with one, whatever the length field can say. */
#define STREAM_MAX_STRANGER 2048
/* Waiting output above which media is dropped, as a full socket buffer of UDP would. */
#define STREAM_OUT_DROP (128 * 1024)
#define STREAM_OUT_MAX (256 * 1024)

enum stream_state { STREAM_DETECT, STREAM_HANDSHAKE, STREAM_OPEN };

struct stream {
	uint8_t kind; /* SOURCE_STREAM */
	uint8_t state;
	bool wants_write; /* epoll asks for it */
	bool broken;	  /* close it as soon as nobody uses it */
	bool has_more;	  /* TLS: another record follows at once */
	bool peeks;	  /* DTLS: reading leaves the datagram */
	int fd;		  /* owned; -1 for DTLS */
	SSL *ssl;	  /* owned; null for TCP */
	struct turn_path path;
	struct map_node by_peer;   /* DTLS only */
	struct worker *worker;	   /* borrowed */
	struct listener *listener; /* borrowed; DTLS only */
	struct list link;	   /* in worker.streams */
	struct list output;	   /* in worker.with_output, when there is something to write */
	int64_t deadline_ms;	   /* while there is no allocation */

	uint8_t *in; /* owned: the beginning of a frame; null when there is none */
	size_t in_len, in_cap;
	uint8_t *out; /* owned: what the peer has not taken yet */
	size_t out_at, out_len, out_cap;

	uint8_t *ahead; /* owned when `ahead_owned`: bytes that ssl reads before the socket's, or DTLS's datagram */
	size_t ahead_at, ahead_len;
	bool ahead_owned;
	uint8_t *plain; /* owned: what an adopted stream had decrypted already */
	size_t plain_len;
};

/* Frames of TCP or TLS, or one datagram of DTLS. False: the client broke the protocol. */
bool turn_stream_take(struct worker *w, struct stream *s, uint8_t *bytes, size_t len);

/* One step of a TLS or DTLS handshake; false: it failed. */
bool turn_stream_shake(struct worker *w, struct stream *s);

/* The size of the frame that begins here: 0 when more bytes are needed to know, SIZE_MAX when it is none. */
size_t turn_stream_frame_size(const uint8_t *p, size_t len);

/* Writes what waits, and asks to be woken for the rest; false: the peer is gone. */
bool turn_stream_write_out(struct worker *w, struct stream *s);
void turn_stream_want_write(struct worker *w, struct stream *s, bool on);

/* Joins the worker's streams, in place of the oldest stranger when there are too many; false: no room. */
bool turn_stream_join(struct worker *w, struct stream *s);
void turn_stream_close(struct worker *w, struct stream *s);

/* The BIO between an SSL and the stream's socket. */
bool turn_stream_bio_attach(struct stream *s);

#endif

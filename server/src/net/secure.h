/* secure: what lies between a stream's owner and its socket: a proxy's header, then TLS. Private to net/. */
#ifndef BELLWIRE_NET_SECURE_H
#define BELLWIRE_NET_SECURE_H

#include "net/stream.h"

#define SECURE_RECORD 16384	 /* RFC 8446 §5.1: plain bytes of one record */
#define STREAM_SCRATCH 65536	 /* bytes of one read */
#define SECURE_OPENING_READ 4096 /* bytes that one stream may make us keep before its turn comes */

/* stream_read.c */
void stream_deliver(struct stream *s, unsigned char *bytes, size_t n);
void stream_tell_end(struct stream *s, int err);
void stream_set_reading(struct stream *s, bool on);
void stream_update_reading(struct stream *s);

/* stream.c */
int stream_send_raw(struct stream *s, const struct str *parts, size_t n_parts);

/* Bytes from the socket, while the stream opens and after it. */
void secure_take_opening(struct stream *s, const unsigned char *bytes, size_t n);
void secure_take(struct stream *s, const unsigned char *bytes, size_t n);

/* Whether its bytes wait for their turn: nothing more is read meanwhile. */
bool secure_is_waiting(const struct stream *s);

/* Encrypts and sends. ERR_CLOSED, ERR_NO_MEMORY. */
int secure_send(struct stream *s, const struct str *parts, size_t n_parts);

/* RFC 8446 §6.1: tells the peer that no more comes. */
void secure_say_close(struct stream *s);

/* What was read from the socket and not decrypted yet; inside stream_deliver only. */
struct str secure_unread(const struct stream *s);

/* It closes: out of the queue; and its memory. */
void secure_stop(struct stream *s);
void secure_fini(struct stream *s);

#endif

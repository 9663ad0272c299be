/* turns: what comes in crowds takes turns. Private to net/.
 *
 * A connection's first reads (a request, a token, a session) and its end cost much more than a message of those who are
 * in the middle of a call. When thousands come or go at once, each turn of the loop serves so many of them as
 * TURNS_AT_ONCE, and all the others as ever. Those who wait are served in order.
 */
#ifndef BELLWIRE_NET_TURNS_H
#define BELLWIRE_NET_TURNS_H

#include "net/stream.h"

#define TURNS_AT_ONCE 32
#define TURNS_FIRST_READS 4

void turns_init(struct net *net);
void turns_fini(struct net *net);

/* Whether the stream may be read from now; counts it if it is new. */
bool turns_may_read(struct stream *s);

/* Whether its end, the error `status` of libuv, may be acted on now. */
bool turns_may_end(struct stream *s);

/* It waits: nothing is read. Then stream_end_now comes with `status` or, if that is 0, reading goes on. */
void turns_wait(struct stream *s, int status);
bool turns_is_waiting(const struct stream *s);

/* It waits no more, whatever for. */
void turns_leave(struct stream *s);

/* stream_read.c: the end that had to wait. */
void stream_end_now(struct stream *s, int status);

#endif

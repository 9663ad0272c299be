/* buf: bytes that grow up to a limit.
 *
 * Appending never needs its result checked one by one: a buffer that could not grow (no memory, or the limit) stays
 * marked with its error and takes nothing more, and whoever finishes it asks once: buf_ok, or b->err.
 */
#ifndef BELLWIRE_BASE_BUF_H
#define BELLWIRE_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct buf {
	char *ptr; /* owned */
	size_t len;
	size_t cap;
	size_t max; /* bytes it may hold */
	int err;    /* 0, or the ERR_* that stopped it from growing */
};

/* Empty, holding nothing, allowed to grow to max bytes. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);

static inline bool buf_ok(const struct buf *b)
{
	return b->err == 0;
}

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){b->ptr, b->len};
}

void buf_put(struct buf *b, struct str s);
void buf_put_c(struct buf *b, char c);
void buf_put_u64(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for n more bytes to be written at the returned place, then counted with buf_commit; null when it failed. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);

/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);

/* Empty again, memory kept, failure forgotten. */
void buf_clear(struct buf *b);

/* Gives the memory away (free it with mem_free), NUL-terminated; null when the buffer failed. b is empty afterwards. */
char *buf_take(struct buf *b, size_t *out_len);

#endif

/* Growing bytes with a limit and a sticky failure. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

#define BUF_FIRST_CAP 256

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void buf_fini(struct buf *b)
{
	mem_free(b->ptr);
	*b = (struct buf){.max = b->max};
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->err)
		return NULL;
	if (n > b->max - b->len) {
		b->err = ERR_TOO_LARGE;
		return NULL;
	}
	if (n <= b->cap - b->len && b->ptr)
		return b->ptr + b->len;
	size_t cap = b->cap ? b->cap : BUF_FIRST_CAP;
	while (cap < b->len + n)
		cap *= 2;
	/* One byte more than is counted: buf_take closes with a NUL. */
	char *grown = mem_resize(b->ptr, cap + 1);
	if (!grown) {
		b->err = ERR_NO_MEMORY;
		return NULL;
	}
	b->ptr = grown;
	b->cap = cap;
	return b->ptr + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	assert(b->err || n <= b->cap - b->len);
	if (!b->err)
		b->len += n;
}

void buf_put(struct buf *b, struct str s)
{
	char *room = s.len ? buf_reserve(b, s.len) : NULL;
	if (!room)
		return;
	memcpy(room, s.ptr, s.len);
	b->len += s.len;
}

void buf_put_c(struct buf *b, char c)
{
	buf_put(b, str_n(&c, 1));
}

void buf_put_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_put(b, str_n(digits + at, sizeof digits - at));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	char small[256];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(small, sizeof small, format, args);
	va_end(args);
	assert(n >= 0);
	if ((size_t)n < sizeof small) {
		buf_put(b, str_n(small, (size_t)n));
		return;
	}
	char *room = buf_reserve(b, (size_t)n + 1);
	if (!room)
		return;
	va_start(args, format);
	vsnprintf(room, (size_t)n + 1, format, args);
	va_end(args);
	b->len += (size_t)n;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len)
		memmove(b->ptr, b->ptr + n, b->len);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->err = 0;
}

char *buf_take(struct buf *b, size_t *out_len)
{
	if (!b->err && !b->ptr)
		buf_reserve(b, 1);
	if (b->err)
		return NULL;
	char *taken = b->ptr;
	taken[b->len] = 0;
	if (out_len)
		*out_len = b->len;
	*b = (struct buf){.max = b->max};
	return taken;
}

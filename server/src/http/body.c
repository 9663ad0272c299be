/* Chunks and lengths, byte by byte where framing is, in runs where the body is. */
#include "http/body.h"

#include "base/err.h"

/* RFC 9112 §7.1.1: a recipient ought to limit chunk extensions. All of a body's, and its trailers, together. */
#define MAX_OVERHEAD 4096
#define MAX_SIZE_DIGITS 13

void body_init(struct body_decoder *d, int64_t content_length)
{
	*d = (struct body_decoder){.state = content_length < 0 ? CHUNK_SIZE : BODY_PLAIN};
	if (content_length >= 0)
		d->left = (uint64_t)content_length;
}

static int hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int on_size_byte(struct body_decoder *d, unsigned char c)
{
	int digit = hex_value(c);
	if (digit >= 0) {
		d->left = d->left * 16 + (uint64_t)digit;
		return d->n_digits++ < MAX_SIZE_DIGITS ? CHUNK_SIZE : ERR_BAD_REQUEST;
	}
	if (d->n_digits == 0)
		return ERR_BAD_REQUEST;
	return c == '\r' ? CHUNK_SIZE_LF : c == ';' ? CHUNK_EXTENSION : ERR_BAD_REQUEST;
}

static bool is_line_byte(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7F);
}

/* A byte of an extension or a trailer, which are read over. */
static int on_overhead_byte(struct body_decoder *d, unsigned char c, enum body_state at_cr)
{
	if (c == '\r')
		return (int)at_cr;
	return is_line_byte(c) && ++d->n_overhead <= MAX_OVERHEAD ? (int)d->state : ERR_BAD_REQUEST;
}

static int on_trailer_start(struct body_decoder *d, unsigned char c)
{
	if (c == '\r')
		return BODY_LAST_LF;
	d->state = TRAILER_LINE;
	return c == ' ' || c == '\t' ? ERR_BAD_REQUEST : on_overhead_byte(d, c, TRAILER_LF);
}

/* One byte that is not the body's: the next state, or an error. */
static int on_framing_byte(struct body_decoder *d, unsigned char c)
{
	switch (d->state) {
	case CHUNK_SIZE: return on_size_byte(d, c);
	case CHUNK_EXTENSION: return on_overhead_byte(d, c, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF: return c != '\n' ? ERR_BAD_REQUEST : d->left ? CHUNK_DATA : TRAILER_START;
	case CHUNK_DATA_CR: return c == '\r' ? CHUNK_DATA_LF : ERR_BAD_REQUEST;
	case CHUNK_DATA_LF: d->n_digits = 0; return c == '\n' ? CHUNK_SIZE : ERR_BAD_REQUEST;
	case TRAILER_START: return on_trailer_start(d, c);
	case TRAILER_LINE: return on_overhead_byte(d, c, TRAILER_LF);
	case TRAILER_LF: return c == '\n' ? TRAILER_START : ERR_BAD_REQUEST;
	default: return c == '\n' ? BODY_WHOLE : ERR_BAD_REQUEST;
	}
}

/* A run of the body itself. */
static struct str take_run(struct body_decoder *d, struct str bytes)
{
	size_t n = bytes.len < d->left ? bytes.len : (size_t)d->left;
	d->left -= n;
	if (d->left == 0)
		d->state = d->state == BODY_PLAIN ? BODY_WHOLE : CHUNK_DATA_CR;
	return str_n(bytes.ptr, n);
}

int body_feed(struct body_decoder *d, struct str bytes, size_t *used, struct str *piece)
{
	*used = 0;
	*piece = str_n(NULL, 0);
	while (d->state != BODY_WHOLE) {
		struct str rest = str_n(bytes.ptr + *used, bytes.len - *used);
		if (d->state == BODY_PLAIN || d->state == CHUNK_DATA) {
			*piece = take_run(d, rest);
			*used += piece->len;
			return d->state == BODY_WHOLE;
		}
		if (rest.len == 0)
			return 0;
		int next = on_framing_byte(d, (unsigned char)rest.ptr[0]);
		if (next < 0)
			return next;
		d->state = (enum body_state)next;
		(*used)++;
	}
	return 1;
}

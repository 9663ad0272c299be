/* What a stream reads: from the socket, in its turn, through what lies between, to its owner; and its end. */
#include "base/err.h"
#include "net/secure.h"
#include "net/turns.h"

void stream_tell_end(struct stream *s, int err)
{
	if (s->state == STREAM_LINGERING || (err && s->state == STREAM_FLUSHING)) {
		stream_abort(s);
		return;
	}
	bool told = err ? s->told_break : s->ended;
	if (told || s->state == STREAM_CLOSED)
		return;
	s->ended = true;
	s->told_break = err != 0;
	if (s->state == STREAM_OPEN)
		s->cb->on_end(s, err);
}

void stream_deliver(struct stream *s, unsigned char *bytes, size_t n)
{
	if (s->state == STREAM_OPEN)
		s->cb->on_read(s, bytes, n);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct stream *s = CONTAINER_OF(handle, struct stream, tcp);
	unsigned size = s->opening ? SECURE_OPENING_READ : STREAM_SCRATCH;
	*out = uv_buf_init(s->net->scratch, turns_may_read(s) ? size : 0);
}

/* Once it closes, what still comes is thrown away. */
static void take(struct stream *s, unsigned char *bytes, size_t n)
{
	s->net->stats.bytes_in += n;
	if (s->state != STREAM_OPEN)
		return;
	if (s->opening)
		secure_take_opening(s, bytes, n);
	else if (s->ssl)
		secure_take(s, bytes, n);
	else
		stream_deliver(s, bytes, n);
}

static void on_uv_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *bytes)
{
	struct stream *s = CONTAINER_OF(uv, struct stream, tcp);
	if (n > 0)
		take(s, (unsigned char *)bytes->base, (size_t)n);
	else if (n == UV_ENOBUFS && bytes->len == 0)
		turns_wait(s, 0);
	else if (n < 0 && !turns_may_end(s))
		turns_wait(s, (int)n);
	else if (n < 0)
		stream_end_now(s, (int)n);
}

void stream_end_now(struct stream *s, int status)
{
	stream_set_reading(s, false);
	if (status != UV_EOF)
		s->broken = true;
	stream_tell_end(s, s->broken ? ERR_CLOSED : 0);
}

bool stream_is_late(const struct stream *s)
{
	return turns_is_waiting(s) || (s->opening && secure_is_waiting(s));
}

void stream_update_reading(struct stream *s)
{
	bool on = s->reading && !stream_is_late(s);
	if (on == s->polled)
		return;
	if (on)
		s->polled = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_uv_read) == 0;
	else
		s->polled = uv_read_stop((uv_stream_t *)&s->tcp) != 0;
}

void stream_set_reading(struct stream *s, bool on)
{
	if (on && s->ended)
		return;
	s->reading = on;
	stream_update_reading(s);
}

void stream_read_start(struct stream *s)
{
	if (s->state == STREAM_OPEN)
		stream_set_reading(s, true);
}

void stream_read_stop(struct stream *s)
{
	if (s->state == STREAM_OPEN)
		stream_set_reading(s, false);
}

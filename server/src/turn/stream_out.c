/* What goes out to clients over TCP, TLS and DTLS: gathered for a turn, written at its end, bounded. */
#include <errno.h>
#include <openssl/err.h>

#include "base/err.h"
#include "base/mem.h"
#include "turn/stream.h"

static bool room(struct stream *s, size_t n)
{
	if (s->out_len + n <= s->out_cap)
		return true;
	if (s->out_at) {
		memmove(s->out, s->out + s->out_at, s->out_len - s->out_at);
		s->out_len -= s->out_at;
		s->out_at = 0;
	}
	size_t cap = s->out_cap ? s->out_cap : 4096;
	while (cap < s->out_len + n)
		cap *= 2;
	uint8_t *p = cap > s->out_cap ? mem_resize(s->out, cap) : s->out;
	if (!p)
		return false;
	s->out = p;
	s->out_cap = cap;
	return true;
}

static void send_record(struct worker *w, struct stream *s, const struct iovec *iov, size_t n_iov)
{
	static _Thread_local uint8_t record[SSL3_RT_MAX_PLAIN_LENGTH];
	size_t len = 0;
	for (size_t i = 0; i < n_iov; i++) {
		if (len + iov[i].iov_len > sizeof record) {
			w->to_clients.failed++;
			return;
		}
		memcpy(record + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	ERR_clear_error();
	if (SSL_write(s->ssl, record, (int)len) <= 0)
		w->to_clients.failed++;
}

/* Whole frames only: a slow client loses media as it would over UDP; one that lets even answers pile up is closed. */
void turn_stream_send(struct worker *w, struct stream *s, const struct iovec *iov, size_t n_iov)
{
	size_t n = 0, waiting = s->out_len - s->out_at;
	if (s->path.key.transport == TURN_DTLS) {
		send_record(w, s, iov, n_iov);
		return;
	}
	for (size_t i = 0; i < n_iov; i++)
		n += iov[i].iov_len;
	bool media = n_iov > 1;
	if ((media && waiting + n > STREAM_OUT_DROP) || waiting + n > STREAM_OUT_MAX || !room(s, n)) {
		s->broken = s->broken || !media;
		w->to_clients.failed++;
		return;
	}
	for (size_t i = 0; i < n_iov; i++) {
		memcpy(s->out + s->out_len, iov[i].iov_base, iov[i].iov_len);
		s->out_len += iov[i].iov_len;
	}
	if (list_empty(&s->output) && !s->wants_write)
		list_push(&w->with_output, &s->output);
}

void turn_stream_want_write(struct worker *w, struct stream *s, bool on)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (on ? EPOLLOUT : 0), .data.ptr = s};
	if (s->fd < 0 || s->wants_write == on)
		return;
	s->wants_write = on;
	epoll_ctl(w->epoll, EPOLL_CTL_MOD, s->fd, &e);
}

/* Bytes taken: above 0, 0 when the socket is full, ERR_CLOSED. */
static int transmit(struct stream *s)
{
	size_t n = s->out_len - s->out_at;
	if (!s->ssl) {
		ssize_t sent = send(s->fd, s->out + s->out_at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		return sent > 0 ? (int)sent : errno == EAGAIN || errno == EINTR ? 0 : ERR_CLOSED;
	}
	/* One record for each frame: clients that take a record for a message exist (coturn's). */
	size_t frame = turn_stream_frame_size(s->out + s->out_at, n);
	frame = frame < n ? frame : n;
	s->has_more = frame < n;
	ERR_clear_error();
	int sent = SSL_write(s->ssl, s->out + s->out_at, (int)(frame < 16384 ? frame : 16384));
	if (sent > 0)
		return sent;
	int why = SSL_get_error(s->ssl, sent);
	s->broken = why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ;
	return s->broken ? ERR_CLOSED : 0;
}

bool turn_stream_write_out(struct worker *w, struct stream *s)
{
	while (s->out_at < s->out_len) {
		int n = transmit(s);
		if (n <= 0) {
			turn_stream_want_write(w, s, true);
			return n == 0;
		}
		s->out_at += (size_t)n;
	}
	s->out_at = s->out_len = 0;
	if (s->out_cap > 16384) {
		mem_free(s->out);
		s->out = NULL;
		s->out_cap = 0;
	}
	turn_stream_want_write(w, s, false);
	return true;
}

void turn_stream_flush_all(struct worker *w)
{
	struct list *item;
	while ((item = list_shift(&w->with_output))) {
		struct stream *s = CONTAINER_OF(item, struct stream, output);
		if (s->broken || (!s->wants_write && !turn_stream_write_out(w, s)))
			turn_stream_close(w, s);
	}
}

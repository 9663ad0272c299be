/* A stream's life: opened on a socket, writing, flushed, lingering, closed. */
#include "net/stream.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/secure.h"
#include "net/turns.h"

#define LINGER_MS 2000
#define MAX_QUEUE_DEFAULT (1u << 20)
#define STALL_MS_DEFAULT 20000
#define MAX_PARTS 8

/* One write under way. */
struct flight {
	uv_write_t req;
	struct stream *stream; /* borrowed; outlives it, since closing waits for it */
	struct buf bytes;
};

int net_init(struct net *n, struct loop *loop)
{
	signal(SIGPIPE, SIG_IGN);
	*n = (struct net){.loop = loop,
		.scratch = mem_new(STREAM_SCRATCH),
		.plain = mem_new(SECURE_RECORD),
		.gather = mem_new(SECURE_RECORD)};
	buf_init(&n->sealed_out, SIZE_MAX / 2);
	list_init(&n->handshakes);
	turns_init(n);
	n->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return n->scratch && n->plain && n->gather ? 0 : ERR_NO_MEMORY;
}

void net_fini(struct net *n)
{
	if (n->reserve_fd >= 0)
		close(n->reserve_fd);
	timer_stop(n->loop, &n->handshake_turn);
	turns_fini(n);
	buf_fini(&n->sealed_out);
	mem_free(n->gather);
	mem_free(n->plain);
	mem_free(n->scratch);
}

int stream_open(struct stream *s, struct net *net, int fd, const struct stream_cb *cb)
{
	*s = (struct stream){.net = net, .cb = cb, .max_queue = MAX_QUEUE_DEFAULT, .stall_ms = STALL_MS_DEFAULT};
	buf_init(&s->next, SIZE_MAX / 2);
	list_init(&s->late);
	if (uv_tcp_init(&net->loop->uv, &s->tcp) < 0) {
		close(fd);
		return ERR_NO_MEMORY;
	}
	if (uv_tcp_open(&s->tcp, fd) < 0) {
		close(fd);
		s->ended = true;
		stream_abort(s);
		return ERR_IO;
	}
	uv_tcp_nodelay(&s->tcp, 1);
	return 0;
}

void stream_limit(struct stream *s, size_t max_queue, int64_t stall_ms)
{
	s->max_queue = max_queue;
	s->stall_ms = stall_ms;
}

static void finish(struct stream *s);

size_t stream_queued(const struct stream *s)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp) + s->next.len;
}

static void on_broken(struct timer *t, void *arg)
{
	(void)t;
	stream_tell_end(arg, ERR_CLOSED);
}

/* The connection broke while the owner was calling us: tell it in the next turn, by the timer or, when there is not
 * even memory for that, by the end of what is read. */
static void break_off(struct stream *s)
{
	uv_os_fd_t fd;
	s->broken = true;
	if (timer_start(s->net->loop, &s->timer, 0, on_broken, s) == 0)
		return;
	if (uv_fileno((uv_handle_t *)&s->tcp, &fd) == 0)
		shutdown(fd, SHUT_RDWR);
	stream_set_reading(s, true);
}

static void on_stall(struct timer *t, void *arg)
{
	struct stream *s = arg;
	size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp);
	if (left < s->left || s->state == STREAM_CLOSED) {
		s->left = left;
		timer_start(s->net->loop, t, s->stall_ms, on_stall, s);
		return;
	}
	s->broken = true;
	stream_tell_end(s, ERR_OVERLOADED);
}

static void on_written(uv_write_t *req, int status);

/* Sends the flight's bytes off. */
static int take_off(struct stream *s, struct flight *f)
{
	uv_buf_t bytes = {.base = f->bytes.ptr, .len = f->bytes.len};
	if (uv_write(&f->req, (uv_stream_t *)&s->tcp, &bytes, 1, on_written) < 0)
		return ERR_CLOSED;
	s->flight = f;
	s->net->stats.bytes_out += f->bytes.len;
	s->left = uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp);
	return timer_start(s->net->loop, &s->timer, s->stall_ms, on_stall, s);
}

static void flight_free(struct flight *f)
{
	if (f)
		buf_fini(&f->bytes);
	mem_free(f);
}

static void on_drained(struct stream *s)
{
	flight_free(s->flight);
	s->flight = NULL;
	buf_fini(&s->next);
	timer_stop(s->net->loop, &s->timer);
	if (s->state == STREAM_FLUSHING)
		finish(s);
	else if (s->state == STREAM_OPEN)
		s->cb->on_drain(s);
}

static void on_written(uv_write_t *req, int status)
{
	struct flight *f = CONTAINER_OF(req, struct flight, req);
	struct stream *s = f->stream;
	if (s->state == STREAM_CLOSED || status < 0) {
		flight_free(f);
		s->flight = NULL;
		s->broken = true;
		timer_stop(s->net->loop, &s->timer);
		stream_tell_end(s, ERR_CLOSED);
		return;
	}
	if (s->next.len == 0) {
		on_drained(s);
		return;
	}
	struct buf sent = f->bytes;
	f->bytes = s->next;
	s->next = sent;
	buf_clear(&s->next);
	if (take_off(s, f) != 0)
		break_off(s);
}

/* As much as the system takes now. Returns the bytes, or ERR_CLOSED. */
static ssize_t send_now(struct stream *s, const struct str *parts, size_t n_parts)
{
	uv_buf_t bufs[MAX_PARTS];
	for (size_t i = 0; i < n_parts; i++)
		bufs[i] = (uv_buf_t){.base = (char *)(uintptr_t)parts[i].ptr, .len = parts[i].len};
	int n = uv_try_write((uv_stream_t *)&s->tcp, bufs, (unsigned)n_parts);
	if (n == UV_EAGAIN)
		return 0;
	if (n < 0)
		return ERR_CLOSED;
	s->net->stats.bytes_out += (uint64_t)n;
	return n;
}

/* Copies all but the first `skip` bytes behind `out`. */
static int copy_rest(struct buf *out, const struct str *parts, size_t n_parts, size_t skip)
{
	for (size_t i = 0; i < n_parts; i++) {
		size_t cut = skip < parts[i].len ? skip : parts[i].len;
		skip -= cut;
		if (cut < parts[i].len)
			buf_put(out, str_n(parts[i].ptr + cut, parts[i].len - cut));
	}
	return out->err;
}

/* The queue is empty: send, and begin a flight with what did not go. */
static int send_first(struct stream *s, const struct str *parts, size_t n_parts, size_t total)
{
	ssize_t sent = send_now(s, parts, n_parts);
	if (sent < 0)
		return ERR_CLOSED;
	if ((size_t)sent == total)
		return 0;
	struct flight *f = mem_new(sizeof *f);
	if (!f)
		return ERR_NO_MEMORY;
	f->stream = s;
	buf_init(&f->bytes, SIZE_MAX / 2);
	int err = copy_rest(&f->bytes, parts, n_parts, (size_t)sent);
	if (!err)
		err = take_off(s, f);
	if (err && s->flight != f)
		flight_free(f);
	return err;
}

int stream_send_raw(struct stream *s, const struct str *parts, size_t n_parts)
{
	size_t total = 0;
	for (size_t i = 0; i < n_parts; i++)
		total += parts[i].len;
	if (total == 0)
		return 0;
	return s->flight ? copy_rest(&s->next, parts, n_parts, 0) : send_first(s, parts, n_parts, total);
}

int stream_send(struct stream *s, const struct str *parts, size_t n_parts)
{
	assert(n_parts <= MAX_PARTS);
	if (s->state != STREAM_OPEN || s->broken || s->opening)
		return ERR_CLOSED;
	size_t total = 0;
	for (size_t i = 0; i < n_parts; i++)
		total += parts[i].len;
	if (s->flight && stream_queued(s) + total > s->max_queue)
		return ERR_OVERLOADED;
	int err = s->ssl ? secure_send(s, parts, n_parts) : stream_send_raw(s, parts, n_parts);
	if (err)
		break_off(s);
	return err;
}

size_t stream_send_file(struct stream *s, int fd, int64_t at, size_t n)
{
	uv_os_fd_t to;
	off_t from = at;
	bool free = s->state == STREAM_OPEN && !s->broken && !s->opening && !s->ssl && !s->flight;
	if (!free || uv_fileno((uv_handle_t *)&s->tcp, &to) < 0)
		return 0;
	ssize_t sent = sendfile(to, fd, &from, n);
	if (sent <= 0) /* what is wrong, the next bytes will tell */
		return 0;
	s->net->stats.bytes_out += (uint64_t)sent;
	return (size_t)sent;
}

static void on_linger(struct timer *t, void *arg)
{
	(void)t;
	stream_abort(arg);
}

/* All is sent: say so, and throw away what still comes until the peer has finished too. Closing at once would reset the
 * connection if bytes are unread, and the peer might lose the last answer (RFC 9112 §9.6). */
static void finish(struct stream *s)
{
	uv_os_fd_t fd;
	s->state = STREAM_LINGERING;
	if (s->ended || s->broken || uv_fileno((uv_handle_t *)&s->tcp, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
		stream_abort(s);
		return;
	}
	stream_set_reading(s, true);
	if (!s->polled || timer_start(s->net->loop, &s->timer, LINGER_MS, on_linger, s) != 0)
		stream_abort(s);
}

void stream_close(struct stream *s)
{
	if (s->state != STREAM_OPEN)
		return;
	if (s->ssl && !s->broken && !s->opening)
		secure_say_close(s);
	s->state = STREAM_FLUSHING;
	turns_leave(s);
	stream_set_reading(s, false);
	if (s->broken || s->opening)
		stream_abort(s);
	else if (!s->flight)
		finish(s);
}

static void on_uv_closed(uv_handle_t *handle)
{
	struct stream *s = CONTAINER_OF(handle, struct stream, tcp);
	buf_fini(&s->next);
	secure_fini(s);
	s->cb->on_closed(s);
}

void stream_abort(struct stream *s)
{
	if (s->state == STREAM_CLOSED)
		return;
	s->state = STREAM_CLOSED;
	s->reading = s->polled = false;
	turns_leave(s);
	secure_stop(s);
	timer_stop(s->net->loop, &s->timer);
	uv_close((uv_handle_t *)&s->tcp, on_uv_closed);
}

int stream_take(struct stream *s, struct stream_taken *out)
{
	uv_os_fd_t fd;
	if (s->flight || s->state != STREAM_OPEN)
		return ERR_OVERLOADED;
	if (uv_fileno((uv_handle_t *)&s->tcp, &fd) < 0)
		return ERR_IO;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return ERR_IO;
	*out = (struct stream_taken){.fd = copy, .ssl = s->ssl, .received = secure_unread(s)};
	s->ssl = NULL;
	stream_abort(s);
	return 0;
}

/* Clients over TCP and TLS: what comes in is cut into frames, what goes out waits its turn. */
#include "turn/stream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

void turn_stream_free(struct stream *s)
{
	SSL_free(s->ssl);
	if (s->fd >= 0)
		close(s->fd);
	if (s->ahead_owned)
		mem_free(s->ahead);
	mem_free(s->in);
	mem_free(s->out);
	mem_free(s->plain);
	mem_free(s);
}

void turn_stream_close(struct worker *w, struct stream *s)
{
	turn_core_client_gone(&w->core, &s->path);
	turn_worker_forget(w, s);
	list_remove(&s->link);
	list_remove(&s->output);
	if (s->path.key.transport == TURN_DTLS)
		map_remove(&w->dtls_peers, &s->by_peer);
	if (s->ssl && s->state == STREAM_OPEN && !s->broken) {
		ERR_clear_error();
		SSL_shutdown(s->ssl);
	}
	w->n_streams--;
	TURN_ADD(&w->core, streams, -1);
	turn_stream_free(s);
}

/* The oldest client without an allocation makes room: whoever just waits cannot keep others out. */
static bool evict_stranger(struct worker *w)
{
	LIST_EACH(&w->streams, item)
	{
		struct stream *s = CONTAINER_OF(item, struct stream, link);
		if (turn_alloc_find(&w->core, &s->path))
			continue;
		turn_stream_close(w, s);
		return true;
	}
	return false;
}

bool turn_stream_join(struct worker *w, struct stream *s)
{
	if (w->n_streams >= w->shared->cfg.max_streams && !evict_stranger(w)) {
		TURN_COUNT(&w->core, streams_refused);
		return false;
	}
	s->deadline_ms = w->core.now.mono_ms + (s->state == STREAM_OPEN ? STREAM_IDLE_MS : STREAM_HANDSHAKE_MS);
	s->path.io = s;
	list_push(&w->streams, &s->link);
	list_init(&s->output);
	w->n_streams++;
	TURN_COUNT(&w->core, streams);
	return true;
}

static bool name_ends(struct stream *s)
{
	union turn_addr client, server;
	socklen_t a = sizeof client, b = sizeof server;
	if (getpeername(s->fd, &client.any, &a) != 0 || getsockname(s->fd, &server.any, &b) != 0)
		return false;
	/* A dual-stack listener of somebody else's shows IPv4 as mapped. */
	union turn_addr *both[] = {&client, &server};
	for (size_t i = 0; i < 2; i++)
		if (both[i]->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&both[i]->v6.sin6_addr)) {
			struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = both[i]->v6.sin6_port};
			memcpy(&v4.sin_addr, both[i]->v6.sin6_addr.s6_addr + 12, 4);
			both[i]->v4 = v4;
		}
	s->path.key.client = turn_policy_from_sockaddr(&client);
	s->path.key.server = turn_policy_from_sockaddr(&server);
	return s->path.key.client.family != 0;
}

/* A new stream begins its life here; s is taken, whatever happens. */
static struct stream *begin(struct worker *w, struct stream *s)
{
	int one = 1;
	unsigned patience_ms = 30000;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
	s->worker = w;
	if (!name_ends(s) || !turn_stream_join(w, s)) {
		turn_stream_free(s);
		return NULL;
	}
	if (turn_worker_watch(w, s->fd, EPOLLIN | EPOLLRDHUP, s))
		return s;
	turn_stream_close(w, s);
	return NULL;
}

static struct stream *stream_new(int fd, enum turn_transport transport)
{
	struct stream *s = mem_new(sizeof *s);
	if (!s)
		return NULL;
	s->kind = SOURCE_STREAM;
	s->fd = fd;
	s->path.key.transport = (uint8_t)transport;
	return s;
}

/* Without descriptors the listener rests until the next second instead of waking the loop for nothing. */
static void pause_accept(struct worker *w)
{
	if (evict_stranger(w))
		return;
	for (size_t i = 0; i < w->n_tcp; i++)
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->tcp[i].fd, NULL);
	w->accept_paused = true;
}

/* At most as many as one turn can bear; the rest waits in the kernel. */
void turn_stream_accept(struct worker *w, struct listener *l)
{
	for (int i = 0; i < 64; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				pause_accept(w);
			return;
		}
		struct stream *s = stream_new(fd, TURN_TCP);
		if (s)
			begin(w, s);
		else
			close(fd);
	}
}

void turn_stream_forget_alloc(struct stream *s)
{
	s->path.alloc = NULL;
}

/* The first byte tells TLS from TURN (RFC 7983 §7); no frame begins with 22. */
static bool detect(struct worker *w, struct stream *s)
{
	uint8_t first;
	if (recv(s->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		return errno == EAGAIN;
	if (first <= 3) {
		s->state = STREAM_OPEN;
		s->deadline_ms = w->core.now.mono_ms + STREAM_IDLE_MS;
		return true;
	}
	if (first != 22 || !w->tls)
		return false;
	s->ssl = SSL_new(w->tls);
	s->path.key.transport = TURN_TLS;
	s->state = STREAM_HANDSHAKE;
	if (!s->ssl || !turn_stream_bio_attach(s))
		return false;
	SSL_set_accept_state(s->ssl);
	return true;
}

bool turn_stream_shake(struct worker *w, struct stream *s)
{
	ERR_clear_error();
	int done = SSL_do_handshake(s->ssl);
	if (done == 1) {
		s->state = STREAM_OPEN;
		s->deadline_ms = w->core.now.mono_ms + STREAM_IDLE_MS;
		turn_stream_want_write(w, s, false);
		return true;
	}
	int why = SSL_get_error(s->ssl, done);
	turn_stream_want_write(w, s, why == SSL_ERROR_WANT_WRITE);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

/* ChannelData is padded to a multiple of four (RFC 8656 §12.5), STUN is one by itself. */
size_t turn_stream_frame_size(const uint8_t *p, size_t len)
{
	if (len < 4)
		return len && p[0] > 3 && (p[0] & 0xC0) != 0x40 ? SIZE_MAX : 0;
	size_t n = (size_t)(p[2] << 8 | p[3]);
	if ((p[0] & 0xC0) == 0x40)
		return 4 + ((n + 3) & ~(size_t)3);
	return p[0] <= 3 && n % 4 == 0 ? STUN_HEADER_SIZE + n : SIZE_MAX;
}

/* Keeps the beginning of a frame until the rest comes. */
static bool keep(struct stream *s, const uint8_t *bytes, size_t len)
{
	if (len > s->in_cap) {
		size_t cap = (len + 2047) & ~(size_t)2047;
		uint8_t *p = mem_resize(s->in, cap);
		if (!p)
			return false;
		s->in = p;
		s->in_cap = cap;
	}
	if (len)
		memcpy(s->in, bytes, len);
	s->in_len = len;
	return true;
}

bool turn_stream_take(struct worker *w, struct stream *s, uint8_t *bytes, size_t len)
{
	struct turn_move move;
	size_t at = 0;
	while (at < len) {
		size_t n = turn_stream_frame_size(bytes + at, len - at);
		size_t most = turn_alloc_find(&w->core, &s->path) ? 65536 + STUN_HEADER_SIZE : STREAM_MAX_STRANGER;
		if (n > most)
			return false;
		if (n == 0 || n > len - at)
			break;
		turn_worker_move(w, &s->path, turn_core_from_client(&w->core, &s->path, bytes + at, n, &move), &move);
		at += n;
	}
	/* The bytes go back to the reader now. */
	turn_batch_flush(&w->to_peers);
	return !s->broken && keep(s, bytes + at, len - at);
}

/* Bytes from the peer: above 0, 0 when there are none now, ERR_CLOSED. */
static int receive(struct stream *s, uint8_t *to, size_t size)
{
	if (!s->ssl) {
		ssize_t n = recv(s->fd, to, size, MSG_DONTWAIT);
		return n > 0 ? (int)n : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : ERR_CLOSED;
	}
	ERR_clear_error();
	int n = SSL_read(s->ssl, to, (int)size);
	if (n > 0)
		return n;
	int why = SSL_get_error(s->ssl, n);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return 0;
	s->broken = why != SSL_ERROR_ZERO_RETURN;
	return ERR_CLOSED;
}

/* Reads what is there, in turns bounded by the number of reads; what SSL holds inside never wakes epoll, so it is read
 * to the end. */
static bool drain(struct worker *w, struct stream *s)
{
	for (int i = 0; i < 16 || (s->ssl && SSL_pending(s->ssl)) || s->ahead_at < s->ahead_len; i++) {
		size_t kept = s->in_len;
		if (kept)
			memcpy(w->stream_buffer, s->in, kept);
		int n = receive(s, w->stream_buffer + kept, WORKER_STREAM_BUFFER - kept);
		if (n <= 0)
			return n == 0;
		if (!turn_stream_take(w, s, w->stream_buffer, kept + (size_t)n))
			return false;
	}
	return true;
}

void turn_stream_event(struct worker *w, struct stream *s, uint32_t events)
{
	bool ok = true;
	if (s->state == STREAM_DETECT)
		ok = detect(w, s);
	if (ok && s->state == STREAM_HANDSHAKE)
		ok = turn_stream_shake(w, s);
	if (ok && s->state == STREAM_OPEN && (events & EPOLLOUT))
		ok = turn_stream_write_out(w, s);
	if (ok && s->state == STREAM_OPEN)
		ok = drain(w, s);
	if (!ok || (events & (EPOLLERR | EPOLLHUP)))
		turn_stream_close(w, s);
}

struct stream *turn_stream_new_adopted(const struct turn_stream *from)
{
	struct stream *s = stream_new(from->fd, from->ssl ? TURN_TLS : TURN_TCP);
	if (!s)
		return NULL;
	struct str first = from->ssl ? from->plain : from->received;
	struct str cipher = from->ssl ? from->received : str_n(NULL, 0);
	s->state = STREAM_OPEN;
	s->plain = first.len ? mem_new(first.len) : NULL;
	s->ahead = cipher.len ? mem_new(cipher.len) : NULL;
	s->ahead_owned = true;
	if ((first.len && !s->plain) || (cipher.len && !s->ahead)) {
		s->fd = -1;
		turn_stream_free(s);
		return NULL;
	}
	if (first.len)
		memcpy(s->plain, first.ptr, s->plain_len = first.len);
	if (cipher.len)
		memcpy(s->ahead, cipher.ptr, s->ahead_len = cipher.len);
	s->ssl = from->ssl;
	return s;
}

void turn_stream_adopt(struct worker *w, struct stream *s)
{
	if (!begin(w, s))
		return;
	bool ok = !s->ssl || turn_stream_bio_attach(s);
	if (ok && s->plain_len)
		ok = turn_stream_take(w, s, s->plain, s->plain_len);
	mem_free(s->plain);
	s->plain = NULL;
	if (!ok || !drain(w, s))
		turn_stream_close(w, s);
}

void turn_stream_tick(struct worker *w)
{
	int64_t now = w->core.now.mono_ms;
	for (size_t i = 0; i < w->n_tcp && w->accept_paused; i++)
		turn_worker_watch(w, w->tcp[i].fd, EPOLLIN, &w->tcp[i]);
	w->accept_paused = false;
	LIST_EACH(&w->streams, item)
	{
		struct stream *s = CONTAINER_OF(item, struct stream, link);
		if (turn_alloc_find(&w->core, &s->path))
			s->deadline_ms = now + STREAM_IDLE_MS;
		else if (s->deadline_ms <= now || s->broken)
			turn_stream_close(w, s);
		else if (s->state == STREAM_HANDSHAKE && s->path.key.transport == TURN_DTLS)
			DTLSv1_handle_timeout(s->ssl);
	}
}

void turn_stream_close_all(struct worker *w)
{
	while (!list_empty(&w->streams))
		turn_stream_close(w, CONTAINER_OF(w->streams.next, struct stream, link));
}

/* The BIO between an SSL and a stream: bytes read ahead come first, then the socket's; DTLS has one datagram at a time.
 */
#include <errno.h>
#include <openssl/bio.h>

#include "turn/stream.h"

static int take_ahead(struct stream *s, char *to, size_t size)
{
	size_t n = s->ahead_len - s->ahead_at;
	if (n > size)
		n = size;
	memcpy(to, s->ahead + s->ahead_at, n);
	/* A datagram is read whole or cut, never in two. */
	if (s->fd < 0)
		s->ahead_at = s->peeks ? s->ahead_at : s->ahead_len;
	else
		s->ahead_at += n;
	return (int)n;
}

static int on_read(BIO *bio, char *to, int size)
{
	struct stream *s = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (s->ahead_at < s->ahead_len)
		return take_ahead(s, to, (size_t)size);
	ssize_t n = -1;
	errno = EAGAIN;
	if (s->fd >= 0)
		n = recv(s->fd, to, (size_t)size, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)n;
}

static int on_write(BIO *bio, const char *from, int size)
{
	struct stream *s = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (s->fd < 0) {
		turn_worker_send_datagram(s->worker, &s->path, s->listener, str_n(from, (size_t)size));
		return size;
	}
	ssize_t n = send(s->fd, from, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL | (s->has_more ? MSG_MORE : 0));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static long on_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct stream *s = BIO_get_data(bio);
	(void)ptr;
	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP: return 1;
	case BIO_CTRL_DGRAM_SET_PEEK_MODE: s->peeks = num != 0; return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU: return 1200;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: return 48; /* IPv6 and UDP */
	default: return 0;
	}
}

static int on_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* Made once, by whichever thread comes first. */
static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "turn stream");
	if (!m)
		return;
	BIO_meth_set_read(m, on_read);
	BIO_meth_set_write(m, on_write);
	BIO_meth_set_ctrl(m, on_ctrl);
	BIO_meth_set_create(m, on_create);
	method = m;
}

bool turn_stream_bio_attach(struct stream *s)
{
	pthread_once(&once, make_method);
	BIO *bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return false;
	BIO_set_data(bio, s);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	SSL_set_mode(
		s->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	return true;
}

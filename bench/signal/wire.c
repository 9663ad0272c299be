/* The sockets of the clients, plain or with TLS on them. Nothing is checked of the server's certificate. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

static SSL_CTX *ctx;

static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
	struct client *c = SSL_get_app_data(ssl);
	SSL_SESSION_free(c->ticket);
	c->ticket = ticket;
	return 1;
}

void wire_init(void)
{
	if (!setup.tls)
		return;
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		give_up("TLS");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
}

int wire_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(setup.port)};
	int one = 1;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS))
		give_up("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

static int shake(struct client *c)
{
	int got = SSL_do_handshake(c->ssl);
	if (got != 1)
		return SSL_get_error(c->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
	c->wire = WIRE_OPEN;
	return 1;
}

int wire_open(struct client *c)
{
	int err = 0;
	socklen_t size = sizeof err;
	if (c->wire == WIRE_SHAKING)
		return shake(c);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 || err)
		return -1;
	c->wire = setup.tls ? WIRE_SHAKING : WIRE_OPEN;
	if (!setup.tls)
		return 1;
	c->ssl = SSL_new(ctx);
	if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1)
		give_up("TLS");
	SSL_set_app_data(c->ssl, c);
	if (with_tickets && c->ticket && SSL_set_session(c->ssl, c->ticket) != 1)
		give_up("a ticket");
	SSL_set_connect_state(c->ssl);
	return shake(c);
}

/* What is in flight is little beside a socket's buffer, so the system takes all at once. */
void wire_put(const struct client *c, int fd, const void *bytes, size_t n)
{
	long sent = c->ssl ? SSL_write(c->ssl, bytes, (int)n) : send(fd, bytes, n, MSG_NOSIGNAL);
	if (sent != (long)n && !storming)
		give_up("send");
}

/* All the records that are there. */
static long get_records(const struct client *c, char *to, size_t size)
{
	size_t n = 0;
	int got = 1;
	while (n < size && (got = SSL_read(c->ssl, to + n, (int)(size - n))) > 0)
		n += (size_t)got;
	if (n)
		return (long)n;
	switch (SSL_get_error(c->ssl, got)) {
	case SSL_ERROR_WANT_READ: return WIRE_NOTHING;
	case SSL_ERROR_ZERO_RETURN: return 0;
	default: return -1;
	}
}

long wire_get(const struct client *c, int fd, char *to, size_t size)
{
	if (c->ssl)
		return get_records(c, to, size);
	ssize_t n = recv(fd, to, size, MSG_DONTWAIT);
	return n < 0 && errno == EAGAIN ? WIRE_NOTHING : n;
}

void wire_cut(struct client *c)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	if (c->ssl) /* otherwise it would take the ticket for spoilt */
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	close(c->fd);
	c->ssl = NULL;
	c->wire = WIRE_CONNECTING;
}

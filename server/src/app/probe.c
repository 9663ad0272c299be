/* Connections with a deadline, over UDP, TCP and TLS, and one HTTP request on them. */
#include "app/probe.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

/* --- where --- */

static const struct {
	const char *scheme;
	const char *port;
	bool is_tls;
	bool is_turn;
} schemes[] = {{"https", "443", true, false}, {"http", "80", false, false}, {"stun", "3478", false, true},
	{"turns", "5349", true, true}, {"turn", "3478", false, true}};

static int copy_host(struct str authority, struct probe_target *out)
{
	struct str host, port = {0};
	if (authority.len && authority.ptr[0] == '[') {
		size_t end = str_find(authority, ']');
		if (end == authority.len)
			return ERR_BAD_FIELD;
		host = str_n(authority.ptr + 1, end - 1);
		authority = str_n(authority.ptr + end + 1, authority.len - end - 1);
		port = authority.len > 1 ? str_n(authority.ptr + 1, authority.len - 1) : port;
	} else {
		struct str rest = authority;
		host = str_cut(&rest, ':');
		port = rest;
	}
	if (port.len && str_copy(out->port, sizeof out->port, port) < 0)
		return ERR_BAD_FIELD;
	return host.len && str_copy(out->host, sizeof out->host, host) == 0 ? 0 : ERR_BAD_FIELD;
}

int probe_parse(struct str url, struct probe_target *out)
{
	struct str rest = url, scheme = str_cut(&rest, ':');
	*out = (struct probe_target){0};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (!str_eq_z(scheme, schemes[i].scheme) || !rest.ptr)
			continue;
		memcpy(out->scheme, schemes[i].scheme, strlen(schemes[i].scheme) + 1);
		memcpy(out->port, schemes[i].port, strlen(schemes[i].port) + 1);
		out->is_tls = schemes[i].is_tls;
		if (str_starts_with(rest, STR("//")))
			rest = str_n(rest.ptr + 2, rest.len - 2);
		out->is_udp = schemes[i].is_turn && !out->is_tls && !str_ends_with(rest, STR("transport=tcp"));
		struct str authority = str_cut(&rest, '?');
		return copy_host(str_cut(&authority, '/'), out);
	}
	return ERR_BAD_FIELD;
}

/* --- connecting --- */

static int connect_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
	struct timeval patience = {.tv_sec = PROBE_TIMEOUT_S};
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	int saved = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(fd);
	errno = saved;
	return -1;
}

static int connect_any(const struct probe_target *t, int *fd, struct buf *why)
{
	struct addrinfo hints = {.ai_socktype = t->is_udp ? SOCK_DGRAM : SOCK_STREAM}, *list = NULL;
	int rc = getaddrinfo(t->host, t->port, &hints, &list);
	if (rc != 0) {
		buf_printf(why, "the name %s is not found (%s): add it to the DNS", t->host, gai_strerror(rc));
		return ERR_NOT_FOUND;
	}
	*fd = -1;
	for (const struct addrinfo *a = list; a && *fd < 0; a = a->ai_next)
		*fd = connect_one(a);
	freeaddrinfo(list);
	if (*fd >= 0)
		return 0;
	buf_printf(why, "port %s of %s cannot be reached (%s): is the server running, does a firewall close it?",
		t->port, t->host, strerror(errno));
	return ERR_IO;
}

static int begin_tls(const struct probe_target *t, struct probe *p, struct buf *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return ERR_NO_MEMORY;
	SSL_CTX_set_default_verify_paths(ctx);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	p->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!p->ssl)
		return ERR_NO_MEMORY;
	SSL_set_fd(p->ssl, p->fd);
	SSL_set_tlsext_host_name(p->ssl, t->host);
	if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(p->ssl), t->host))
		SSL_set1_host(p->ssl, t->host);
	ERR_clear_error();
	if (SSL_connect(p->ssl) == 1)
		return 0;
	long verdict = SSL_get_verify_result(p->ssl);
	if (verdict != X509_V_OK)
		buf_printf(
			why, "the certificate is not good for %s: %s", t->host, X509_verify_cert_error_string(verdict));
	else
		buf_printf(why, "no TLS is spoken at port %s of %s", t->port, t->host);
	return verdict != X509_V_OK ? ERR_FORBIDDEN : ERR_IO;
}

int probe_open(const struct probe_target *target, struct probe *out, struct buf *why)
{
	*out = (struct probe){.fd = -1};
	int err = connect_any(target, &out->fd, why);
	if (err == 0 && target->is_tls)
		err = begin_tls(target, out, why);
	if (err < 0)
		probe_close(out);
	return err;
}

void probe_close(struct probe *p)
{
	SSL_free(p->ssl);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct probe){.fd = -1};
}

int probe_write(struct probe *p, struct str bytes)
{
	ssize_t n =
		p->ssl ? SSL_write(p->ssl, bytes.ptr, (int)bytes.len) : send(p->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	return n == (ssize_t)bytes.len ? 0 : ERR_IO;
}

int probe_read(struct probe *p, void *out, size_t size)
{
	ssize_t n = p->ssl ? SSL_read(p->ssl, out, (int)size) : recv(p->fd, out, size, 0);
	if (n < 0 && p->ssl && SSL_get_error(p->ssl, (int)n) == SSL_ERROR_ZERO_RETURN)
		return 0;
	return n < 0 ? ERR_IO : (int)n;
}

int probe_days_left(const struct probe *p)
{
	int days = 0, seconds = 0;
	const X509 *certificate = SSL_get0_peer_certificate(p->ssl);
	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
	return days;
}

/* --- HTTP --- */

static int read_all(struct probe *p, struct buf *out, bool until_head)
{
	char bytes[4096];
	int n;
	while ((n = probe_read(p, bytes, sizeof bytes)) > 0 && buf_ok(out)) {
		buf_put(out, str_n(bytes, (size_t)n));
		if (until_head && memmem(out->ptr, out->len, "\r\n\r\n", 4))
			return 0;
	}
	return n < 0 && out->len == 0 ? ERR_IO : out->err;
}

int probe_http(struct probe *p, const struct probe_target *target, struct str path, struct str more, struct buf *head,
	struct buf *body)
{
	struct buf request;
	buf_init(&request, 16384);
	bool is_v6 = strchr(target->host, ':') != NULL, upgrades = str_find(more, 'U') < more.len;
	buf_printf(&request, "GET %.*s HTTP/1.1\r\nHost: %s%s%s:%s\r\n%.*s%s\r\n", STR_ARG(path), is_v6 ? "[" : "",
		target->host, is_v6 ? "]" : "", target->port, STR_ARG(more), upgrades ? "" : "Connection: close\r\n");
	int err = buf_ok(&request) ? probe_write(p, buf_str(&request)) : request.err;
	buf_fini(&request);
	if (err == 0)
		err = read_all(p, head, upgrades);
	if (err < 0)
		return err;
	const char *end = memmem(head->ptr, head->len, "\r\n\r\n", 4);
	uint64_t status;
	if (!end || head->len < 12 || str_parse_u64(str_n(head->ptr + 9, 3), 999, &status) < 0)
		return ERR_PROTOCOL;
	size_t n_head = (size_t)(end - head->ptr) + 4;
	buf_put(body, str_n(head->ptr + n_head, head->len - n_head));
	head->len = n_head;
	return (int)status;
}

/* One port for two protocols: a TLS connection that turns out to be the other one's is given away, whole. */
#include <openssl/ssl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "http/conn.h"
#include "net/tls.h"

static int guess(const struct http_conn *c, struct str first)
{
	const struct http_config *config = &c->server->config;
	return tls_chose_other(config->tls, c->stream.ssl) ? 1 : config->other.guess(first);
}

static void give_away(struct http_conn *c, struct str first)
{
	const struct http_other *other = &c->server->config.other;
	struct stream_taken taken;
	c->state = CONN_CLOSING;
	if (stream_take(&c->stream, &taken) < 0) {
		stream_abort(&c->stream);
		return;
	}
	struct http_stranger stranger = {taken.fd, taken.ssl, taken.received, first};
	int err = other->take(other->arg, &stranger);
	if (err == 0) {
		c->server->stats.taken++;
		return;
	}
	log_info("a connection of the other protocol was refused", LOG_E(err));
	SSL_free(taken.ssl);
	close(taken.fd);
}

bool other_take(struct http_conn *c, const unsigned char *bytes, size_t n)
{
	struct str first = str_n((const char *)bytes, n);
	bool kept = c->pending.len > 0;
	if (kept) {
		buf_put(&c->pending, first);
		first = buf_str(&c->pending);
	}
	int got = buf_ok(&c->pending) ? guess(c, first) : ERR_NO_MEMORY;
	if (got > 0) {
		c->is_new = false;
		give_away(c, first);
	} else if (got == 0) {
		c->is_new = false;
		if (kept)
			http_conn_kick(c);
		return kept;
	} else if (!kept) {
		buf_put(&c->pending, first);
	}
	if (!buf_ok(&c->pending))
		stream_abort(&c->stream);
	return true;
}

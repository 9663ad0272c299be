/* Clients over DTLS: no memory before a cookie came back, then one SSL for each 5-tuple. */
#include <openssl/err.h>

#include "base/mem.h"
#include "codec/hmac.h"
#include "turn/stream.h"

#define COOKIE_SIZE 16
#define COOKIE_TURN_MS 60000 /* a cookie is good for one to two of these */

static bool make_cookie(const struct stream *s, int64_t turn, uint8_t out[32])
{
	uint8_t text[sizeof s->path.key + sizeof turn];
	memcpy(text, &s->path.key, sizeof s->path.key);
	memcpy(text + sizeof s->path.key, &turn, sizeof turn);
	struct str key = str_n((const char *)s->worker->shared->nonce_key, sizeof s->worker->shared->nonce_key);
	return hmac_sum(HMAC_SHA256, key, str_n((const char *)text, sizeof text), out) == 0;
}

static int on_make_cookie(SSL *ssl, unsigned char *cookie, unsigned *len)
{
	struct stream *s = SSL_get_app_data(ssl);
	uint8_t sum[32];
	if (!make_cookie(s, s->worker->core.now.mono_ms / COOKIE_TURN_MS, sum))
		return 0;
	memcpy(cookie, sum, COOKIE_SIZE);
	*len = COOKIE_SIZE;
	return 1;
}

static int on_check_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	struct stream *s = SSL_get_app_data(ssl);
	int64_t turn = s->worker->core.now.mono_ms / COOKIE_TURN_MS;
	uint8_t sum[32];
	for (int64_t t = turn; t >= turn - 1; t--)
		if (len == COOKIE_SIZE && make_cookie(s, t, sum) && CRYPTO_memcmp(sum, cookie, COOKIE_SIZE) == 0)
			return 1;
	return 0;
}

void turn_dtls_prepare(SSL_CTX *ctx)
{
	SSL_CTX_set_cookie_generate_cb(ctx, on_make_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, on_check_cookie);
}

/* The door listens for everybody, one datagram after another, and becomes the stream of whoever shows a cookie. */
static struct stream *make_door(struct worker *w)
{
	struct stream *s = mem_new(sizeof *s);
	if (!s)
		return NULL;
	s->kind = SOURCE_STREAM;
	s->state = STREAM_HANDSHAKE;
	s->fd = -1;
	s->worker = w;
	s->ssl = SSL_new(w->dtls);
	if (!s->ssl || !turn_stream_bio_attach(s)) {
		turn_stream_free(s);
		return NULL;
	}
	SSL_set_options(s->ssl, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
	DTLS_set_link_mtu(s->ssl, 1280);
	return s;
}

static struct stream *find_peer(struct worker *w, const struct turn_key *key)
{
	struct map_node *node = map_get(&w->dtls_peers, str_n((const char *)key, sizeof *key));
	return node ? CONTAINER_OF(node, struct stream, by_peer) : NULL;
}

/* A client that began anew from the same port, its old association forgotten (RFC 9147 §5.11): a ClientHello in the
 * clear, whose random is not that of the one which made this stream. It must show a cookie before the old one goes. */
static bool begins_anew(const struct stream *s, struct str datagram)
{
	enum { EPOCH = 3, HANDSHAKE_TYPE = 13, CLIENT_RANDOM = 27 };
	const uint8_t *p = (const uint8_t *)datagram.ptr;
	uint8_t random[SSL3_RANDOM_SIZE];
	if (datagram.len < CLIENT_RANDOM + sizeof random || p[0] != SSL3_RT_HANDSHAKE)
		return false;
	if (p[EPOCH] || p[EPOCH + 1] || p[HANDSHAKE_TYPE] != SSL3_MT_CLIENT_HELLO)
		return false;
	return SSL_get_client_random(s->ssl, random, sizeof random) != sizeof random ||
	       memcmp(random, p + CLIENT_RANDOM, sizeof random) != 0;
}

/* Whether it got past the door: the new stream, or null. */
static struct stream *knock(struct worker *w, struct listener *l, const struct turn_key *key, struct str datagram)
{
	struct stream *s = w->dtls_door ? w->dtls_door : make_door(w);
	BIO_ADDR *unused = BIO_ADDR_new();
	w->dtls_door = s;
	if (!s || !unused) {
		BIO_ADDR_free(unused);
		return NULL;
	}
	s->listener = l;
	s->path.key = *key;
	s->ahead = (uint8_t *)(uintptr_t)datagram.ptr;
	s->ahead_at = 0;
	s->ahead_len = datagram.len;
	ERR_clear_error();
	int known = DTLSv1_listen(s->ssl, unused);
	BIO_ADDR_free(unused);
	if (known <= 0) {
		s->ahead_len = 0;
		return NULL;
	}
	w->dtls_door = NULL;
	s->peeks = false;
	struct stream *before = find_peer(w, key);
	if (before)
		turn_stream_close(w, before);
	if (!turn_stream_join(w, s)) {
		turn_stream_free(s);
		return NULL;
	}
	if (map_put(&w->dtls_peers, &s->by_peer, str_n((const char *)&s->path.key, sizeof s->path.key)) == 0)
		return s;
	s->path.key.transport = TURN_UDP; /* it is in no map to be taken out of */
	turn_stream_close(w, s);
	return NULL;
}

static bool drain(struct worker *w, struct stream *s)
{
	static _Thread_local uint8_t plain[SSL3_RT_MAX_PLAIN_LENGTH];
	for (;;) {
		ERR_clear_error();
		int n = SSL_read(s->ssl, plain, sizeof plain);
		if (n <= 0)
			return SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ;
		struct turn_move move;
		turn_worker_move(
			w, &s->path, turn_core_from_client(&w->core, &s->path, plain, (size_t)n, &move), &move);
		turn_batch_flush(&w->to_peers);
	}
}

void turn_dtls_receive(struct worker *w, struct listener *l, const struct turn_key *key, struct str datagram)
{
	struct turn_key named = *key;
	named.transport = TURN_DTLS;
	if (!w->dtls)
		return;
	struct stream *s = find_peer(w, &named);
	if (!s || begins_anew(s, datagram))
		s = knock(w, l, &named, datagram);
	if (!s)
		return;
	s->ahead = (uint8_t *)(uintptr_t)datagram.ptr;
	s->ahead_at = 0;
	s->ahead_len = datagram.len;
	bool ok = s->state == STREAM_OPEN || turn_stream_shake(w, s);
	if (ok && s->state == STREAM_OPEN)
		ok = drain(w, s);
	s->ahead_len = s->ahead_at = 0;
	if (!ok)
		turn_stream_close(w, s);
}

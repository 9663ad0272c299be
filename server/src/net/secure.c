/* A stream's way from its socket to its owner and back: a proxy's header, the handshake in its turn, records.
 *
 *   PROXY header --whole--> handshake: bytes wait in the queue --turn--> step --not done--> more bytes
 *                                                                          `--done--> records
 *
 * An SSL reads from and writes to buffers that all streams share, while it is at work; an idle one holds none.
 */
#include "net/secure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/proxy.h"
#include "net/tls.h"

/* A handshake is half a millisecond of work. So much of it is done in one turn of the loop, then others have theirs. */
#define HANDSHAKE_TURN_NS 4000000u

#define OUT_FLUSH 65536	   /* encrypted bytes that are sent on in one go */
#define OUT_KEEP 131072	   /* memory that is kept for them */
#define OPENING_MAX 262144 /* a bound that no honest peer meets: reading stops while bytes wait */

struct opening {
	struct stream *stream; /* borrowed: it owns us */
	struct list link;      /* in net->handshakes */
	struct buf ahead;      /* read, and not looked at yet */
	bool wants_proxy;
};

/* --- the BIO between an SSL and the shared buffers --- */

static int on_bio_read(BIO *bio, char *to, int size)
{
	struct net *net = BIO_get_data(bio);
	size_t n = net->sealed_in.len < (size_t)size ? net->sealed_in.len : (size_t)size;
	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, net->sealed_in.ptr, n);
	net->sealed_in = str_n(net->sealed_in.ptr + n, net->sealed_in.len - n);
	return (int)n;
}

static int on_bio_write(BIO *bio, const char *from, int size)
{
	struct net *net = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	buf_put(&net->sealed_out, str_n(from, (size_t)size));
	return buf_ok(&net->sealed_out) ? size : -1;
}

static long on_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

static int on_bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* Made once; loops of several threads may be first. */
static BIO_METHOD *bio_method;
static uv_once_t bio_once = UV_ONCE_INIT;

static void make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "stream");
	if (!m)
		return;
	BIO_meth_set_read(m, on_bio_read);
	BIO_meth_set_write(m, on_bio_write);
	BIO_meth_set_ctrl(m, on_bio_ctrl);
	BIO_meth_set_create(m, on_bio_create);
	bio_method = m;
}

/* --- opening --- */

static struct opening *opening_of(struct stream *s)
{
	if (s->opening)
		return s->opening;
	struct opening *o = mem_new(sizeof *o);
	if (!o)
		return NULL;
	o->stream = s;
	list_init(&o->link);
	buf_init(&o->ahead, OPENING_MAX);
	s->opening = o;
	return o;
}

int stream_expect_proxy(struct stream *s)
{
	struct opening *o = opening_of(s);
	if (o)
		o->wants_proxy = true;
	return o ? 0 : ERR_NO_MEMORY;
}

int stream_secure(struct stream *s, struct tls *tls)
{
	uv_once(&bio_once, make_bio_method);
	BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
	SSL *ssl = bio ? tls_accept(tls) : NULL;
	if (!ssl || !opening_of(s)) {
		BIO_free(bio);
		SSL_free(ssl);
		return ERR_NO_MEMORY;
	}
	BIO_set_data(bio, s->net);
	SSL_set_bio(ssl, bio, bio);
	s->ssl = ssl;
	return 0;
}

static void free_opening(struct stream *s)
{
	if (!s->opening)
		return;
	buf_fini(&s->opening->ahead);
	mem_free(s->opening);
	s->opening = NULL;
}

bool secure_is_waiting(const struct stream *s)
{
	return !list_empty(&s->opening->link);
}

void secure_stop(struct stream *s)
{
	if (!s->opening || list_empty(&s->opening->link))
		return;
	list_remove(&s->opening->link);
	s->net->stats.handshakes_waiting--;
}

void secure_fini(struct stream *s)
{
	free_opening(s);
	SSL_free(s->ssl);
	s->ssl = NULL;
}

/* Sends what the SSL wrote. */
static int flush(struct stream *s)
{
	struct buf *out = &s->net->sealed_out;
	struct str bytes = buf_str(out);
	int err = buf_ok(out) ? stream_send_raw(s, &bytes, 1) : out->err;
	if (out->cap > OUT_KEEP || !buf_ok(out))
		buf_fini(out);
	buf_clear(out);
	return err;
}

static void give_up(struct stream *s)
{
	s->broken = true;
	stream_tell_end(s, ERR_CLOSED);
}

static void log_failure(const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	log_debug(what, LOG_S("why", reason ? reason : "the peer left"));
	ERR_clear_error();
}

/* Nothing stands between socket and owner any more but records: what came behind goes on its way. */
static void opened(struct stream *s, struct str rest)
{
	struct buf ahead = s->opening->ahead;
	buf_init(&s->opening->ahead, 0);
	free_opening(s);
	stream_update_reading(s);
	if (rest.len && s->ssl)
		secure_take(s, (const unsigned char *)rest.ptr, rest.len);
	else if (rest.len)
		stream_deliver(s, (unsigned char *)(uintptr_t)rest.ptr, rest.len);
	buf_fini(&ahead);
}

/* One step, with all the bytes that are there. */
static void step(struct stream *s)
{
	struct net *net = s->net;
	struct opening *o = s->opening;
	ERR_clear_error();
	net->sealed_in = buf_str(&o->ahead);
	int got = SSL_do_handshake(s->ssl);
	int why = got == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, got);
	struct str rest = net->sealed_in;
	net->sealed_in = STR("");
	int err = flush(s);
	if (err == 0 && got == 1) {
		net->stats.handshakes++;
		net->stats.handshakes_resumed += (uint64_t)SSL_session_reused(s->ssl);
		opened(s, rest);
	} else if (err == 0 && why == SSL_ERROR_WANT_READ) {
		buf_fini(&o->ahead);
		buf_init(&o->ahead, OPENING_MAX);
		stream_update_reading(s);
	} else {
		net->stats.handshakes_failed++;
		log_failure("a handshake failed");
		give_up(s);
	}
}

static void on_turn(struct timer *t, void *arg)
{
	struct net *net = arg;
	uint64_t end = uv_hrtime() + HANDSHAKE_TURN_NS;
	struct list *first;
	do {
		first = list_shift(&net->handshakes);
		if (!first)
			return;
		net->stats.handshakes_waiting--;
		step(CONTAINER_OF(first, struct opening, link)->stream);
	} while (uv_hrtime() < end);
	if (!list_empty(&net->handshakes) && timer_start(net->loop, t, 0, on_turn, net) != 0)
		log_error("handshakes wait without a timer");
}

static void wait_for_turn(struct stream *s)
{
	struct net *net = s->net;
	if (!timer_running(&net->handshake_turn) &&
		timer_start(net->loop, &net->handshake_turn, 0, on_turn, net) != 0) {
		give_up(s);
		return;
	}
	list_push(&net->handshakes, &s->opening->link);
	net->stats.handshakes_waiting++;
	stream_update_reading(s);
}

/* False when more is needed, or it is over. */
static bool take_proxy_header(struct stream *s)
{
	struct opening *o = s->opening;
	struct addr source;
	size_t used;
	int got = proxy_parse(buf_str(&o->ahead), &used, &source);
	if (got == ERR_AGAIN)
		return false;
	if (got < 0) {
		log_warn("closed a proxy that did not say whom it speaks for");
		give_up(s);
		return false;
	}
	buf_consume(&o->ahead, used);
	o->wants_proxy = false;
	if (got == PROXY_SPEAKS)
		s->cb->on_source(s, &source);
	return s->state == STREAM_OPEN;
}

void secure_take_opening(struct stream *s, const unsigned char *bytes, size_t n)
{
	struct opening *o = s->opening;
	buf_put(&o->ahead, str_n((const char *)bytes, n));
	if (!buf_ok(&o->ahead)) {
		give_up(s);
		return;
	}
	if (secure_is_waiting(s) || (o->wants_proxy && !take_proxy_header(s)))
		return;
	if (!s->ssl)
		opened(s, buf_str(&o->ahead));
	else if (o->ahead.len)
		wait_for_turn(s);
}

/* --- records --- */

/* Where the next byte to be encrypted lies. */
struct record_cursor {
	size_t part;
	size_t offset;
};

/* What SSL_read returned other than bytes. */
static void take_end(struct stream *s, int got)
{
	switch (SSL_get_error(s->ssl, got)) {
	case SSL_ERROR_WANT_READ: break;
	case SSL_ERROR_ZERO_RETURN: /* its close_notify */
		stream_read_stop(s);
		stream_tell_end(s, 0);
		break;
	default: log_failure("a TLS connection broke"); give_up(s);
	}
}

void secure_take(struct stream *s, const unsigned char *bytes, size_t n)
{
	struct net *net = s->net;
	struct str unread = str_n((const char *)bytes, n);
	while (s->state == STREAM_OPEN) {
		ERR_clear_error();
		net->sealed_in = unread;
		int got = SSL_read(s->ssl, net->plain, SECURE_RECORD);
		unread = net->sealed_in;
		if (flush(s) != 0) {
			give_up(s);
		} else if (got > 0) {
			stream_deliver(s, net->plain, (size_t)got);
			continue;
		} else {
			take_end(s, got);
		}
		break;
	}
	net->sealed_in = STR("");
}

struct str secure_unread(const struct stream *s)
{
	return s->ssl ? s->net->sealed_in : STR("");
}

/* Fills one record from the parts, from *part and *at on; null when there is nothing left. */
static const unsigned char *next_record(
	struct net *net, const struct str *parts, size_t n_parts, struct record_cursor *at, size_t *n)
{
	*n = 0;
	for (; at->part < n_parts; at->part++, at->offset = 0) {
		struct str rest = str_n(parts[at->part].ptr + at->offset, parts[at->part].len - at->offset);
		size_t room = SECURE_RECORD - *n;
		size_t cut = rest.len < room ? rest.len : room;
		if (cut)
			memcpy(net->gather + *n, rest.ptr, cut);
		*n += cut;
		at->offset += cut;
		if (cut < rest.len)
			break;
	}
	return *n ? net->gather : NULL;
}

int secure_send(struct stream *s, const struct str *parts, size_t n_parts)
{
	struct net *net = s->net;
	struct record_cursor at = {0};
	struct str unread = net->sealed_in;
	size_t n;
	int err = 0;
	net->sealed_in = STR("");
	for (const unsigned char *record; err == 0 && (record = next_record(net, parts, n_parts, &at, &n));) {
		ERR_clear_error();
		if (SSL_write(s->ssl, record, (int)n) != (int)n)
			err = ERR_CLOSED;
		else if (net->sealed_out.len >= OUT_FLUSH)
			err = flush(s);
	}
	int last = flush(s);
	net->sealed_in = unread;
	return err ? err : last;
}

void secure_say_close(struct stream *s)
{
	struct str unread = s->net->sealed_in;
	s->net->sealed_in = STR("");
	ERR_clear_error();
	if (SSL_shutdown(s->ssl) < 0)
		ERR_clear_error();
	if (flush(s) != 0)
		s->broken = true;
	s->net->sealed_in = unread;
}

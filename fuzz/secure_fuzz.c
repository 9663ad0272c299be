/* A stream behind TLS, with a real client on the other side: handshake, records in any cuts, garbage among them.
 *
 * Input: a byte whose bits say what the connection is (FIRST_…), one for the size of the pieces in which the server
 * reads, then steps: an opcode, a length, and as many bytes. Whatever is done, the server's owner sees nothing but a
 * beginning of what the client wrote, and the client nothing but a beginning of what the server sent. */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "fuzz.h"
#include "net/stream.h"
#include "net/tls.h"
#include "still.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 16384
#define FIRST_PROXY 1
#define FIRST_TLS_1_2 2
#define FIRST_SHAKE 4  /* the handshake is done before the first step */
#define FIRST_AGAIN 8  /* with a ticket of an earlier connection */
#define FIRST_LATER 16 /* which was a day ago */
#define DAY_MS 86400000
#define MAX_QUEUE 65536

enum step {
	STEP_SAY,
	STEP_RAW,
	STEP_SPOIL,
	STEP_ANSWER,
	STEP_MUCH,
	STEP_PAUSE,
	STEP_KEYS,
	STEP_BYE,
	STEP_CLOSE,
	STEPS
};

static struct loop loop;
static struct net net;
static struct tls *tls;
static SSL_CTX *client_ctx;

/* One connection, both ends. */
struct pair {
	struct stream server;
	SSL *client;
	BIO *from_wire; /* owned by client */
	BIO *to_wire;
	int fd;
	size_t piece;	     /* bytes that the server gets at once */
	struct buf said;     /* by the client, before TLS */
	struct buf heard;    /* by the server's owner */
	struct buf answered; /* by the server's owner */
	struct buf came;     /* to the client, after TLS */
	unsigned char spoil; /* changes the next byte on the wire; 0: none */
	bool raw;	     /* something was sent that no client would send */
	bool no_room;	     /* the server could not take an answer */
	bool closed;
};

/* --- a certificate of one run --- */

static void write_files(EVP_PKEY *key, X509 *cert, char *cert_file, char *key_file)
{
	FILE *c = fdopen(mkstemp(cert_file), "w"), *k = fdopen(mkstemp(key_file), "w");
	if (!c || !k || PEM_write_X509(c, cert) != 1 || PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) != 1 ||
		fclose(c) != 0 || fclose(k) != 0)
		abort();
}

static void make_certificate(char *cert_file, char *key_file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;
	if (!key || !name)
		abort();
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	if (X509_sign(cert, key, EVP_sha256()) == 0)
		abort();
	write_files(key, cert, cert_file, key_file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void init(void)
{
	char cert_file[] = "/tmp/bellwire-fuzz-cert-XXXXXX", key_file[] = "/tmp/bellwire-fuzz-key-XXXXXX";
	struct buf why;
	if (tls)
		return;
	log_set_level(LOG_ERROR);
	buf_init(&why, 1024);
	make_certificate(cert_file, key_file);
	const struct tls_pair files = {cert_file, key_file};
	const struct tls_config config = {.pairs = &files, .n_pairs = 1};
	client_ctx = SSL_CTX_new(TLS_client_method());
	if (!client_ctx || loop_init(&loop) < 0 || net_init(&net, &loop) < 0 || tls_new(&config, &tls, &why) < 0)
		abort();
	unlink(cert_file);
	unlink(key_file);
}

/* --- the server's end --- */

static struct pair *pair_of(struct stream *s)
{
	return CONTAINER_OF(s, struct pair, server);
}

static void on_read(struct stream *s, unsigned char *bytes, size_t n)
{
	buf_put(&pair_of(s)->heard, str_n((char *)bytes, n));
	memset(bytes, 0, n); /* which the owner may */
}

static void on_end(struct stream *s, int err)
{
	if (err)
		stream_abort(s);
	else
		stream_close(s);
}

static void on_drain(struct stream *s)
{
	(void)s;
}

static void on_closed(struct stream *s)
{
	pair_of(s)->closed = true;
}

static void on_source(struct stream *s, const struct addr *source)
{
	(void)s;
	if (source->any.sa_family != AF_INET && source->any.sa_family != AF_INET6)
		abort();
}

static const struct stream_cb server_cb = {on_read, on_end, on_drain, on_closed, on_source};

/* --- the wire --- */

static void turn(struct pair *p)
{
	if (!p->closed)
		uv_run(&loop.uv, UV_RUN_NOWAIT);
}

/* Bytes towards the server, a turn of its loop for every piece. */
static void wire(struct pair *p, const void *bytes, size_t n)
{
	for (size_t at = 0; at < n && !p->closed;) {
		size_t cut = n - at < p->piece ? n - at : p->piece;
		ssize_t sent = send(p->fd, (const char *)bytes + at, cut, MSG_DONTWAIT | MSG_NOSIGNAL);
		turn(p);
		if (sent <= 0)
			return;
		at += (size_t)sent;
	}
}

/* What the client's TLS wants to send, and what the server sent to it. */
static void exchange(struct pair *p)
{
	char bytes[16384];
	int n;
	while ((n = BIO_read(p->to_wire, bytes, sizeof bytes)) > 0) {
		bytes[n / 2] = (char)(bytes[n / 2] ^ p->spoil);
		p->raw |= p->spoil != 0;
		p->spoil = 0;
		wire(p, bytes, (size_t)n);
	}
	for (int i = 0; i < 4; i++) {
		turn(p);
		ssize_t got;
		while ((got = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
			BIO_write(p->from_wire, bytes, (int)got);
	}
}

static void hear(struct pair *p)
{
	char bytes[16384];
	int n;
	exchange(p);
	while ((n = SSL_read(p->client, bytes, sizeof bytes)) > 0)
		buf_put(&p->came, str_n(bytes, (size_t)n));
	exchange(p);
}

static bool shake(struct pair *p)
{
	for (int i = 0; i < 8 && !SSL_is_init_finished(p->client); i++) {
		if (SSL_do_handshake(p->client) != 1 && SSL_get_error(p->client, -1) != SSL_ERROR_WANT_READ)
			break;
		exchange(p);
	}
	hear(p);
	return SSL_is_init_finished(p->client);
}

/* --- steps --- */

static void say(struct pair *p, const uint8_t *bytes, size_t n)
{
	if (n == 0 || !shake(p) || SSL_write(p->client, bytes, (int)n) != (int)n)
		return;
	buf_put(&p->said, str_n((const char *)bytes, n));
	hear(p);
}

static void answer(struct pair *p, const uint8_t *bytes, size_t n, size_t times)
{
	struct str parts[] = {str_n((const char *)bytes, n / 2), str_n((const char *)bytes + n / 2, n - n / 2)};
	for (; times && !p->closed; times--) {
		if (stream_send(&p->server, parts, 2) != 0) {
			p->no_room = true;
			break;
		}
		buf_put(&p->answered, str_n((const char *)bytes, n));
	}
	hear(p);
}

static void take_step(struct pair *p, enum step step, const uint8_t *bytes, size_t n)
{
	switch (step) {
	case STEP_SAY: say(p, bytes, n); break;
	case STEP_RAW:
		p->raw |= n > 0;
		wire(p, bytes, n);
		break;
	case STEP_SPOIL: p->spoil = n ? bytes[0] : 1; break;
	case STEP_ANSWER: answer(p, bytes, n, 1); break;
	case STEP_MUCH: answer(p, bytes, n, 4096); break;
	case STEP_PAUSE: (n % 2 ? stream_read_stop : stream_read_start)(&p->server); break;
	case STEP_KEYS:
		if (shake(p) && SSL_version(p->client) == TLS1_3_VERSION)
			SSL_key_update(p->client, n % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
		break;
	case STEP_BYE: SSL_shutdown(p->client); break;
	case STEP_CLOSE: (n % 2 ? stream_abort : stream_close)(&p->server); break;
	case STEPS: break;
	}
	hear(p);
}

static void take_steps(struct pair *p, const uint8_t *data, size_t size)
{
	while (size >= 2 && !p->closed) {
		enum step step = data[0] % STEPS;
		size_t n = data[1];
		data += 2, size -= 2;
		n = n < size ? n : size;
		take_step(p, step, data, n);
		data += n, size -= n;
	}
}

/* --- a connection --- */

static void open_pair(struct pair *p, uint8_t first, uint8_t piece)
{
	int fds[2];
	*p = (struct pair){.piece = piece ? piece * 8u : 65536};
	buf_init(&p->said, 1 << 24), buf_init(&p->heard, 1 << 24);
	buf_init(&p->answered, 1 << 26), buf_init(&p->came, 1 << 26);
	p->client = SSL_new(client_ctx);
	p->from_wire = BIO_new(BIO_s_mem()), p->to_wire = BIO_new(BIO_s_mem());
	if (!p->client || !p->from_wire || !p->to_wire || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	SSL_set_bio(p->client, p->from_wire, p->to_wire);
	SSL_set_connect_state(p->client);
	SSL_set_max_proto_version(p->client, first & FIRST_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	p->fd = fds[1];
	if (stream_open(&p->server, &net, fds[0], &server_cb) != 0 || stream_secure(&p->server, tls) != 0)
		abort();
	if (first & FIRST_PROXY && stream_expect_proxy(&p->server) != 0)
		abort();
	stream_limit(&p->server, MAX_QUEUE, 1000);
	stream_read_start(&p->server);
}

static void check_beginning(const struct buf *part, const struct buf *whole)
{
	if (part->len > whole->len || (part->len && memcmp(part->ptr, whole->ptr, part->len) != 0))
		abort();
}

static void close_pair(struct pair *p)
{
	if (!p->closed)
		stream_abort(&p->server);
	while (!p->closed) {
		still_pass(100);
		uv_run(&loop.uv, UV_RUN_NOWAIT);
	}
	SSL_free(p->client);
	close(p->fd);
	buf_fini(&p->said), buf_fini(&p->heard), buf_fini(&p->answered), buf_fini(&p->came);
	if (net.stats.handshakes_waiting || !list_empty(&net.handshakes) || net.sealed_in.len || net.sealed_out.len)
		abort();
}

/* A connection before: its ticket. */
static SSL_SESSION *visit(uint8_t first)
{
	struct pair p;
	open_pair(&p, first & FIRST_TLS_1_2, 0);
	if (!shake(&p))
		abort();
	/* a copy: what is closed without a word is not to be used again */
	SSL_SESSION *ticket = SSL_SESSION_dup(SSL_get_session(p.client));
	close_pair(&p);
	if (first & FIRST_LATER)
		still_pass(DAY_MS);
	return ticket;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair p;
	if (size < 2 || size > INPUT_SIZE)
		return 0;
	still_begin();
	init();
	SSL_SESSION *ticket = data[0] & FIRST_AGAIN ? visit(data[0]) : NULL;
	open_pair(&p, data[0], data[1]);
	if (ticket)
		SSL_set_session(p.client, ticket);
	SSL_SESSION_free(ticket);
	if (data[0] & FIRST_SHAKE)
		shake(&p);
	take_steps(&p, data + 2, size - 2);
	check_beginning(&p.heard, &p.said);
	check_beginning(&p.came, &p.answered);
	bool honest = !p.raw && !p.no_room && !p.closed && p.server.state == STREAM_OPEN && p.server.reading;
	if (honest && (p.heard.len != p.said.len || p.came.len != p.answered.len))
		abort();
	close_pair(&p);
	return 0;
}

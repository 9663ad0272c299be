/* Crowds: first reads and ends take turns, those who have been there longer do not; and a handshake without memory. */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "check.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/turns.h"

#define CROWD 100

struct member {
	struct stream stream;
	int fd;
	int n_reads, n_ends;
	bool closed;
};

static struct loop loop;
static struct net net;
static struct member members[CROWD];

static struct member *member_of(struct stream *s)
{
	return CONTAINER_OF(s, struct member, stream);
}

static void on_read(struct stream *s, unsigned char *bytes, size_t n)
{
	(void)bytes, (void)n;
	member_of(s)->n_reads++;
}

static void on_end(struct stream *s, int err)
{
	(void)err;
	member_of(s)->n_ends++;
	stream_abort(s);
}

static void on_drain(struct stream *s)
{
	(void)s;
}

static void on_closed(struct stream *s)
{
	member_of(s)->closed = true;
}

static const struct stream_cb cb = {on_read, on_end, on_drain, on_closed, NULL};

static int enter(struct member *m)
{
	int fds[2];
	*m = (struct member){0};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	m->fd = fds[1];
	int err = stream_open(&m->stream, &net, fds[0], &cb);
	if (err == ERR_NO_MEMORY)
		m->closed = true;
	return err;
}

static void leave(struct member *m)
{
	if (!m->closed)
		stream_abort(&m->stream);
	while (!m->closed)
		uv_run(&loop.uv, UV_RUN_NOWAIT);
	close(m->fd);
}

static int start(void **state)
{
	(void)state;
	log_set_level(LOG_ERROR);
	assert_int_equal(loop_init(&loop), 0);
	return net_init(&net, &loop);
}

static int stop(void **state)
{
	(void)state;
	net_fini(&net);
	loop_fini(&loop);
	return 0;
}

static int n_read(void)
{
	int n = 0;
	for (int i = 0; i < CROWD; i++)
		n += members[i].n_reads > 0;
	return n;
}

static int n_ended(void)
{
	int n = 0;
	for (int i = 0; i < CROWD; i++)
		n += members[i].n_ends;
	return n;
}

static void say(const struct member *m)
{
	assert_int_equal(send(m->fd, "x", 1, 0), 1);
}

/* The first one has been there for longer: it is read in the first turn, whatever waits before it. */
static void newcomers_take_turns(void **state)
{
	(void)state;
	for (int i = 0; i < CROWD; i++) {
		assert_int_equal(enter(&members[i]), 0);
		stream_read_start(&members[i].stream);
	}
	for (int i = 0; i < TURNS_FIRST_READS; i++) {
		say(&members[0]);
		uv_run(&loop.uv, UV_RUN_NOWAIT);
		uv_run(&loop.uv, UV_RUN_NOWAIT);
	}
	members[0].n_reads = 0;
	for (int i = CROWD - 1; i >= 0; i--)
		say(&members[i]);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	assert_int_equal(n_read(), TURNS_AT_ONCE + 1);
	assert_int_equal(members[0].n_reads, 1);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	assert_int_equal(n_read(), 2 * TURNS_AT_ONCE + 1);
	for (int i = 0; i < 6; i++)
		uv_run(&loop.uv, UV_RUN_NOWAIT);
	assert_int_equal(n_read(), CROWD);

	for (int i = 0; i < CROWD; i++)
		close(members[i].fd);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	assert_in_range(n_ended(), 1, TURNS_AT_ONCE);
	stream_abort(&members[7].stream); /* one that waits may be given up at any time */
	for (int i = 0; i < 20; i++)
		uv_run(&loop.uv, UV_RUN_NOWAIT);
	assert_in_range(n_ended(), CROWD - 1, CROWD);
	for (int i = 0; i < CROWD; i++)
		assert_true(members[i].closed);
}

/* --- TLS without memory --- */

static void write_pem(EVP_PKEY *key, X509 *cert, char *cert_file, char *key_file)
{
	FILE *c = fdopen(mkstemp(cert_file), "w"), *k = fdopen(mkstemp(key_file), "w");
	assert_true(c && k && PEM_write_X509(c, cert) == 1);
	assert_int_equal(PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(c);
	fclose(k);
}

static struct tls *make_tls(void)
{
	char cert_file[] = "/tmp/bellwire-cert-XXXXXX", key_file[] = "/tmp/bellwire-key-XXXXXX";
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	struct tls *tls;
	struct buf why;
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	write_pem(key, cert, cert_file, key_file);
	const struct tls_pair pair = {cert_file, key_file};
	buf_init(&why, 1000);
	assert_int_equal(tls_new(&(struct tls_config){.pairs = &pair, .n_pairs = 1}, &tls, &why), 0);
	unlink(cert_file);
	unlink(key_file);
	X509_free(cert);
	EVP_PKEY_free(key);
	return tls;
}

/* A client over the socket itself. True when it shook hands, said something and was answered. */
static bool talk(struct member *m, SSL_CTX *ctx)
{
	char byte;
	bool asked = false, answered = false;
	SSL *client = SSL_new(ctx);
	SSL_set_fd(client, m->fd);
	SSL_set_connect_state(client);
	for (int i = 0; i < 60 && !answered && !m->closed; i++) {
		if (!asked)
			asked = SSL_write(client, "hello", 5) == 5;
		uv_run(&loop.uv, UV_RUN_NOWAIT);
		if (m->n_reads == 1) {
			m->n_reads++;
			stream_send(&m->stream, &STR("answer"), 1);
		}
		answered = SSL_read(client, &byte, 1) == 1;
	}
	SSL_free(client);
	return answered;
}

/* Each allocation fails once: the connection is then refused or broken off, and nothing of it is left. */
static void without_memory_a_handshake_breaks_cleanly(void **state)
{
	(void)state;
	struct tls *tls = make_tls();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct member *m = &members[0];
	bool good = false;
	int n_broken = 0;
	for (long n = 0; !good; n++) {
		assert_true(n < 60);
		mem_fail_after(n);
		int err = enter(m);
		if (err == 0)
			err = stream_expect_proxy(&m->stream);
		if (err == 0)
			err = stream_secure(&m->stream, tls);
		if (err == 0) {
			stream_read_start(&m->stream);
			assert_int_equal(send(m->fd, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16, 0), 16); /* LOCAL */
			good = talk(m, ctx);
		} else {
			assert_int_equal(err, ERR_NO_MEMORY);
		}
		mem_fail_after(-1);
		n_broken += !good;
		leave(m);
		assert_int_equal(net.stats.handshakes_waiting, 0);
		assert_true(list_empty(&net.handshakes) && list_empty(&net.crowd.waiting));
	}
	assert_true(n_broken >= 3);
	SSL_CTX_free(ctx);
	tls_free(tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(newcomers_take_turns, start, stop),
		cmocka_unit_test_setup_teardown(without_memory_a_handshake_breaks_cleanly, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

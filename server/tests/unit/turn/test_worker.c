/* The relay with real sockets: adopted streams, TLS bytes read ahead, IPv6, addresses of wildcards, stopping. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fake.h"

/* The worker's clock can be put forward: the linker lets calls of clock_mono_ms() come here. */
static _Atomic int64_t forward_ms;
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + forward_ms;
}

static void config(struct turn_config *cfg, const char *listen)
{
	turn_config_init(cfg);
	assert_int_equal(turn_addr_parse(str_of(listen), &cfg->listen[0]), 0);
	cfg->n_listen = 1;
	cfg->workers = 2;
	cfg->allow_loopback = true;
	cfg->secret = FAKE_SECRET;
}

static const uint8_t binding[20] = "\0\1\0\0\x21\x12\xa4\x42hello, turn!";

static size_t read_answer(int fd, uint8_t *to, size_t size)
{
	struct pollfd p = {fd, POLLIN, 0};
	assert_int_equal(poll(&p, 1, 3000), 1);
	ssize_t n = recv(fd, to, size, 0);
	assert_true(n > 0);
	return (size_t)n;
}

static void check_binding(const uint8_t *bytes, size_t len)
{
	struct stun_msg m;
	assert_int_equal(stun_decode(bytes, len, &m), 0);
	assert_int_equal(m.class, STUN_SUCCESS);
	assert_memory_equal(m.txid, binding + 8, 12);
}

/* Ends of a TCP connection over loopback; a stream's addresses must be real ones. */
static void tcp_pair(int *out_client, int *out_server)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	*out_client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(*out_client, (struct sockaddr *)&at, sizeof at), 0);
	*out_server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(*out_server >= 0);
	close(listener);
}

/* A relay that has adopted a plain connection, of which somebody had read some bytes before. Returns the client's end.
 */
static int start_and_adopt(struct turn **out, struct str received)
{
	struct turn_config cfg;
	int client, server;
	config(&cfg, "127.0.0.1:0");
	assert_int_equal(turn_start(&cfg, out), 0);
	tcp_pair(&client, &server);
	struct turn_stream s = {.fd = server, .received = received};
	assert_int_equal(turn_adopt_stream(*out, &s), 0);
	return client;
}

static void plain_streams_are_adopted(void **state)
{
	(void)state;
	struct turn *t;
	uint8_t answer[100];
	int client = start_and_adopt(&t, str_n((const char *)binding, 7));
	/* The first bytes were read by whoever had the connection before, the rest comes by the socket. */
	assert_int_equal(send(client, binding + 7, 13, 0), 13);
	check_binding(answer, read_answer(client, answer, sizeof answer));
	struct turn_stats stats;
	turn_stats(t, &stats);
	assert_int_equal(stats.streams, 1);
	assert_int_equal(stats.bindings, 1);
	turn_stop(t);
	assert_int_equal(recv(client, answer, sizeof answer, 0), 0); /* closed */
	close(client);
}

/* What wakes the worker when a stream's time is over is that stream's own event. */
static void streams_end_by_the_clock_amid_their_events(void **state)
{
	(void)state;
	struct turn *t;
	uint8_t answer[100];
	int client = start_and_adopt(&t, STR(""));
	assert_int_equal(send(client, binding, 20, 0), 20);
	check_binding(answer, read_answer(client, answer, sizeof answer));
	forward_ms += 61000;
	assert_int_equal(send(client, binding, 7, 0), 7);
	struct pollfd p = {client, POLLIN, 0};
	assert_int_equal(poll(&p, 1, 3000), 1);
	assert_int_equal(recv(client, answer, sizeof answer, 0), 0); /* closed */
	turn_stop(t);
	close(client);
}

static EVP_PKEY *key;

static SSL_CTX *server_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	X509 *cert = X509_new();
	key = EVP_EC_gen("P-256");
	X509_set_pubkey(cert, key);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	return ctx;
}

/* Both ends shake hands in one thread. */
static void shake(SSL *client, SSL *server)
{
	for (int i = 0; i < 100; i++) {
		int a = SSL_do_handshake(client), b = SSL_do_handshake(server);
		if (a == 1 && b == 1)
			return;
		usleep(1000);
	}
	fail_msg("no handshake");
}

/* As after HTTPS: one message was decrypted already, half of another waits as TLS bytes that were read ahead. */
static void tls_streams_are_adopted_whole(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct turn *t;
	int client_fd, server_fd;
	uint8_t ahead[512], answer[200];
	config(&cfg, "127.0.0.1:0");
	assert_int_equal(turn_start(&cfg, &t), 0);
	tcp_pair(&client_fd, &server_fd);
	SSL_CTX *ctx = server_context(), *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(client_ctx), *server = SSL_new(ctx);
	SSL_set_num_tickets(server, 0);
	SSL_set_fd(client, client_fd);
	SSL_set_fd(server, server_fd);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	int flags = 1;
	assert_int_equal(ioctl(client_fd, FIONBIO, &flags), 0);
	shake(client, server);
	assert_int_equal(SSL_write(client, binding, 20), 20);
	struct pollfd readable = {server_fd, POLLIN, 0};
	assert_int_equal(poll(&readable, 1, 3000), 1);
	ssize_t n = recv(server_fd, ahead, 30, 0);
	assert_int_equal(n, 30);
	struct turn_stream s = {.fd = server_fd, .ssl = server};
	s.received = str_n((const char *)ahead, (size_t)n);
	s.plain = str_n((const char *)binding, 20);
	assert_int_equal(turn_adopt_stream(t, &s), 0);
	for (size_t got = 0; got < 2;) {
		int len = SSL_read(client, answer, sizeof answer);
		if (len > 0) {
			check_binding(answer, (size_t)len);
			got++;
		} else {
			struct pollfd p = {client_fd, POLLIN, 0};
			assert_int_equal(SSL_get_error(client, len), SSL_ERROR_WANT_READ);
			assert_int_equal(poll(&p, 1, 3000), 1);
		}
	}
	turn_stop(t);
	SSL_free(client);
	close(client_fd);
	SSL_CTX_free(ctx);
	SSL_CTX_free(client_ctx);
	EVP_PKEY_free(key);
}

static void ask_udp(const union turn_addr *to, const char *by)
{
	uint8_t answer[100];
	union turn_addr at = *to, from;
	socklen_t len = sizeof from;
	bool v4 = at.any.sa_family == AF_INET;
	int fd = socket(at.any.sa_family, SOCK_DGRAM, 0);
	assert_int_equal(inet_pton(at.any.sa_family, by, v4 ? (void *)&at.v4.sin_addr : (void *)&at.v6.sin6_addr), 1);
	socklen_t size = v4 ? sizeof at.v4 : sizeof at.v6;
	assert_int_equal(sendto(fd, binding, 20, 0, &at.any, size), 20);
	struct pollfd p = {fd, POLLIN, 0};
	assert_int_equal(poll(&p, 1, 3000), 1);
	ssize_t n = recvfrom(fd, answer, sizeof answer, 0, &from.any, &len);
	check_binding(answer, (size_t)n);
	/* the answer comes from the address that was asked */
	assert_memory_equal(&from, &at, v4 ? 8 : 24);
	close(fd);
}

static void wildcards_answer_from_the_address_asked(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct turn *t;
	union turn_addr bound[2];
	config(&cfg, "0.0.0.0:0");
	assert_int_equal(turn_addr_parse(STR("[::]:0"), &cfg.listen[1]), 0);
	cfg.n_listen = 2;
	assert_int_equal(turn_start(&cfg, &t), 0);
	assert_int_equal(turn_listening(t, bound, 2), 2);
	ask_udp(&bound[0], "127.0.0.1");
	ask_udp(&bound[0], "127.0.0.77");
	ask_udp(&bound[1], "::1");
	turn_stop(t);
}

static void what_makes_no_sense_does_not_start(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct turn *t = NULL, *second = NULL;
	turn_config_init(&cfg);
	assert_int_equal(turn_start(&cfg, &t), ERR_CONFIG);
	config(&cfg, "127.0.0.1:0");
	cfg.relay_port_max = 1;
	assert_int_equal(turn_start(&cfg, &t), ERR_CONFIG);
	config(&cfg, "192.0.2.1:0");
	assert_int_equal(turn_start(&cfg, &t), ERR_IO);
	/* a port that another server has is not shared */
	config(&cfg, "127.0.0.1:0");
	assert_int_equal(turn_start(&cfg, &t), 0);
	assert_int_equal(turn_listening(t, &cfg.listen[0], 1), 1);
	assert_int_equal(turn_start(&cfg, &second), ERR_IO);
	turn_cut_user(t, STR("nobody"));
	turn_drain(t);
	turn_stop(t);
	turn_stop(NULL);
}

static void first_bytes_tell(void **state)
{
	(void)state;
	assert_int_equal(turn_guess_stream(str_n((const char *)binding, 20)), TURN_GUESS_YES);
	assert_int_equal(turn_guess_stream(str_n((const char *)binding, 8)), TURN_GUESS_YES);
	assert_int_equal(turn_guess_stream(str_n((const char *)binding, 7)), TURN_GUESS_MORE);
	assert_int_equal(turn_guess_stream(STR("")), TURN_GUESS_MORE);
	assert_int_equal(turn_guess_stream(STR("G")), TURN_GUESS_NO);
	assert_int_equal(turn_guess_stream(STR("\0\1\0\0\x21\x13")), TURN_GUESS_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_streams_are_adopted),
		cmocka_unit_test(streams_end_by_the_clock_amid_their_events),
		cmocka_unit_test(tls_streams_are_adopted_whole),
		cmocka_unit_test(wildcards_answer_from_the_address_asked),
		cmocka_unit_test(what_makes_no_sense_does_not_start),
		cmocka_unit_test(first_bytes_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

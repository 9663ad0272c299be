/* The relay by itself, for tests and measurements that need nothing else of bellwire.
 *
 *   turn_alone --listen 127.0.0.1:0 --secret S [--cert F --key F] [--workers N] [--loopback] [--lan] [--ports A-B]
 *              [--external PUBLIC/PRIVATE] [--realm R] [--user-quota N] [--deny NET] [--unlimited] [--gather US]
 *
 * Prints "ready turn=ADDR:PORT", serves until SIGTERM or SIGINT, and prints its counters at the end and on SIGUSR1.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "turn/turn.h"

static int fail(const char *what)
{
	fprintf(stderr, "turn_alone: %s\n", what);
	return 2;
}

static SSL_CTX *context(const SSL_METHOD *method, const char *cert, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (ctx && SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 &&
		SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1)
		return ctx;
	exit(fail("the certificate or its key cannot be read"));
}

static void print_stats(struct turn *t)
{
	static const char *const names[] = {"udp", "tcp", "tls", "dtls"};
	struct turn_stats s;
	turn_stats(t, &s);
	for (int i = 0; i < TURN_N_TRANSPORTS; i++)
		printf("%s allocations=%lu made=%lu to_peer=%lu/%lu to_client=%lu/%lu\n", names[i],
			s.by_transport[i].allocations, s.by_transport[i].allocations_made,
			s.by_transport[i].packets_to_peer, s.by_transport[i].bytes_to_peer,
			s.by_transport[i].packets_to_client, s.by_transport[i].bytes_to_client);
	printf("bindings=%lu unauthorized=%lu suppressed=%lu malformed=%lu forbidden=%lu quota=%lu over_rate=%lu "
	       "no_permission=%lu send_failed=%lu streams=%lu streams_refused=%lu\n",
		s.bindings, s.unauthorized, s.suppressed, s.malformed, s.forbidden, s.quota, s.over_rate,
		s.no_permission, s.send_failed, s.streams, s.streams_refused);
	fflush(stdout);
}

static int take_option(struct turn_config *cfg, int c, struct str v)
{
	uint64_t n;
	switch (c) {
	case 'l':
		return cfg->n_listen < TURN_MAX_ADDRS ? turn_addr_parse(v, &cfg->listen[cfg->n_listen++]) : ERR_CONFIG;
	case 's': cfg->secret = v; return 0;
	case 'o': cfg->previous_secret = v; return 0;
	case 'r': cfg->realm = v; return 0;
	case 'L': cfg->allow_loopback = true; return 0;
	case 'N': cfg->lan = true; return 0;
	case 'U': cfg->rate_allocation = cfg->rate_user = 0; return 0;
	case 'p': return turn_ports_parse(v, &cfg->relay_port_min, &cfg->relay_port_max);
	case 'x': return turn_external_parse(v, &cfg->external[cfg->n_external++ % TURN_MAX_ADDRS]);
	case 'd': return turn_net_parse(v, &cfg->deny[cfg->n_deny++ % TURN_MAX_NETS]);
	case 'w':
		if (str_parse_u64(v, TURN_MAX_WORKERS, &n))
			return ERR_CONFIG;
		cfg->workers = (unsigned)n;
		return 0;
	case 'g':
		if (str_parse_u64(v, 1000, &n))
			return ERR_CONFIG;
		cfg->gather_us = (uint32_t)n;
		return 0;
	case 'q':
		if (str_parse_u64(v, 1000000, &n))
			return ERR_CONFIG;
		cfg->max_allocations_per_user = (uint32_t)n;
		return 0;
	default: return ERR_CONFIG;
	}
}

static int serve(const struct turn_config *cfg)
{
	struct turn *t;
	union turn_addr bound[TURN_MAX_ADDRS];
	char text[TURN_ADDR_TEXT];
	sigset_t set;
	int sig = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (turn_start(cfg, &t))
		return fail("cannot start");
	size_t n = turn_listening(t, bound, TURN_MAX_ADDRS);
	printf("ready");
	for (size_t i = 0; i < n; i++) {
		turn_addr_format(&bound[i], text);
		printf(" turn=%s", text);
	}
	printf("\n");
	fflush(stdout);
	do {
		sigwait(&set, &sig);
		print_stats(t);
	} while (sig == SIGUSR1);
	turn_stop(t);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"listen", 1, NULL, 'l'}, {"secret", 1, NULL, 's'},
		{"previous-secret", 1, NULL, 'o'}, {"realm", 1, NULL, 'r'}, {"loopback", 0, NULL, 'L'},
		{"lan", 0, NULL, 'N'}, {"unlimited", 0, NULL, 'U'}, {"ports", 1, NULL, 'p'}, {"external", 1, NULL, 'x'},
		{"deny", 1, NULL, 'd'}, {"workers", 1, NULL, 'w'}, {"user-quota", 1, NULL, 'q'},
		{"gather", 1, NULL, 'g'}, {"cert", 1, NULL, 'c'}, {"key", 1, NULL, 'k'}, {NULL, 0, NULL, 0}};
	const char *cert = NULL, *key = NULL;
	struct turn_config cfg;
	int c;
	turn_config_init(&cfg);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			cert = optarg;
		else if (c == 'k')
			key = optarg;
		else if (take_option(&cfg, c, str_of(optarg)))
			return fail("an option is unknown or malformed");
	}
	if (cert && key) {
		cfg.tls = context(TLS_server_method(), cert, key);
		cfg.dtls = context(DTLS_server_method(), cert, key);
	}
	int code = serve(&cfg);
	SSL_CTX_free(cfg.tls);
	SSL_CTX_free(cfg.dtls);
	return code;
}

/* The relay inside, configured from the options. */
#include "app/app.h"
#include "base/err.h"
#include "base/log.h"

#define TURN_DEFAULT_PORT 3478

static int wrong(struct buf *why, const char *option, const char *value, const char *form)
{
	buf_printf(why, "--%s: %s is not %s", option, value, form);
	return ERR_CONFIG;
}

/* Where HTTP is served, there the relay listens too: on its own port, or on one that the system chooses if HTTP does.
 */
static void listen_as_http(const struct app *a, struct turn_config *cfg)
{
	for (size_t i = 0; i < a->config.listen.n; i++) {
		union turn_addr *addr = &cfg->listen[cfg->n_listen];
		if (turn_addr_parse(str_of(a->config.listen.items[i]), addr) < 0)
			continue; /* localhost:8080: a name, which HTTP resolves to 127.0.0.1 */
		in_port_t *port = addr->any.sa_family == AF_INET6 ? &addr->v6.sin6_port : &addr->v4.sin_port;
		*port = *port && !a->is_dev ? htons(TURN_DEFAULT_PORT) : 0;
		cfg->n_listen++;
	}
}

static int listen_as_told(const struct app *a, struct turn_config *cfg, struct buf *why)
{
	const struct texts *listen = &a->config.turn_listen;
	for (size_t i = 0; i < listen->n; i++)
		if (turn_addr_parse(str_of(listen->items[i]), &cfg->listen[cfg->n_listen++]) < 0)
			return wrong(
				why, "turn-listen", listen->items[i], "an address such as 127.0.0.1:3478 or [::]:3478");
	return 0;
}

/* Ranges of peers; *n counts on from what is there. */
static int read_nets(const char *option, const struct texts *list, struct turn_net *nets, size_t *n, struct buf *why)
{
	for (size_t i = 0; i < list->n; i++)
		if (turn_net_parse(str_of(list->items[i]), &nets[(*n)++]) < 0)
			return wrong(
				why, option, list->items[i], "a range such as 10.0.0.0/8, fd00::/8 or 10.1.2.3:5432");
	return 0;
}

static int configure_peers(const struct app *a, struct turn_config *cfg, struct buf *why)
{
	const struct config *c = &a->config;
	cfg->lan = c->turn_lan;
	cfg->allow_loopback = c->turn_allow_loopback || a->is_dev;
	memcpy(cfg->deny, a->denied, a->n_denied * sizeof cfg->deny[0]);
	cfg->n_deny = a->n_denied;
	int err = read_nets("turn-deny", &c->turn_deny, cfg->deny, &cfg->n_deny, why);
	return err < 0 ? err : read_nets("turn-allow", &c->turn_allow, cfg->allow, &cfg->n_allow, why);
}

static void configure_bounds(const struct config *c, struct turn_config *cfg)
{
	cfg->workers = (unsigned)c->turn_workers;
	cfg->gather_us = (uint32_t)c->turn_gather_us;
	cfg->max_allocations = (uint32_t)c->turn_max_allocations;
	cfg->max_allocations_per_user = (uint32_t)c->turn_max_per_user;
	cfg->max_permissions = (uint32_t)c->turn_max_permissions;
	cfg->max_channels = (uint32_t)c->turn_max_channels;
	cfg->unauth_per_source_s = (uint32_t)c->turn_unauth_per_s;
	cfg->rate_allocation = (uint64_t)c->turn_rate_allocation;
	cfg->rate_user = (uint64_t)c->turn_rate_user;
	cfg->rate_server = (uint64_t)c->turn_rate_server;
}

static int configure(const struct app *a, struct turn_config *cfg, struct buf *why)
{
	const struct config *c = &a->config;
	turn_config_init(cfg);
	if (!c->turn_listen.n)
		listen_as_http(a, cfg);
	else if (listen_as_told(a, cfg, why) < 0)
		return ERR_CONFIG;
	if (turn_ports_parse(str_of(c->turn_relay_ports), &cfg->relay_port_min, &cfg->relay_port_max) < 0)
		return wrong(why, "turn-relay-ports", c->turn_relay_ports, "a range such as 49152-65535");
	for (size_t i = 0; i < c->turn_external.n; i++)
		if (turn_external_parse(str_of(c->turn_external.items[i]), &cfg->external[cfg->n_external++]) < 0)
			return wrong(why, "turn-external", c->turn_external.items[i], "of the form PUBLIC/PRIVATE");
	cfg->realm = str_of(c->turn_realm);
	cfg->secret = buf_str(&a->turn_secret);
	cfg->previous_secret = buf_str(&a->turn_previous);
	configure_bounds(c, cfg);
	return configure_peers(a, cfg, why);
}

bool app_turn_is_off(const struct app *a)
{
	return a->config.turn_listen.n == 1 && strcmp(a->config.turn_listen.items[0], "none") == 0;
}

int app_check_turn(const struct app *a, struct buf *why)
{
	struct turn_config cfg;
	return app_turn_is_off(a) ? 0 : configure(a, &cfg, why);
}

/* The relay's own port speaks TLS and DTLS too, with the certificate that is shown to those who ask for no name. */
static SSL_CTX *secure(const struct app *a, const SSL_METHOD *method, int min_version)
{
	SSL_CTX *ctx = a->tls ? SSL_CTX_new(method) : NULL;
	if (!ctx)
		return NULL;
	if (SSL_CTX_set_min_proto_version(ctx, min_version) == 1 &&
		SSL_CTX_use_certificate_chain_file(ctx, a->config.tls_certs.items[0]) == 1 &&
		SSL_CTX_use_PrivateKey_file(ctx, a->config.tls_keys.items[0], SSL_FILETYPE_PEM) == 1)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

int app_open_turn(struct app *a, struct buf *why)
{
	struct turn_config cfg;
	if (app_turn_is_off(a))
		return 0;
	app_deny_back_ends(a);
	if (configure(a, &cfg, why) < 0)
		return ERR_CONFIG;
	if (cfg.n_listen == 0)
		return 0;
	app_count_usage(a, &cfg);
	cfg.tls = secure(a, TLS_server_method(), TLS1_2_VERSION);
	cfg.dtls = secure(a, DTLS_server_method(), DTLS1_2_VERSION);
	int err = a->tls && (!cfg.tls || !cfg.dtls) ? ERR_NO_MEMORY : turn_start(&cfg, &a->turn);
	SSL_CTX_free(cfg.tls); /* the relay holds references of its own */
	SSL_CTX_free(cfg.dtls);
	if (err == ERR_IO)
		buf_printf(why, "the relay cannot use its address (the log above says which); choose another with "
				"--turn-listen, or --turn-listen none");
	else if (err < 0)
		buf_printf(why, "the relay cannot start: %s", err_text(err));
	return err;
}

static void reload_certificates(struct app *a)
{
	SSL_CTX *tls = secure(a, TLS_server_method(), TLS1_2_VERSION);
	SSL_CTX *dtls = secure(a, DTLS_server_method(), DTLS1_2_VERSION);
	if (!tls || !dtls || turn_set_tls(a->turn, tls, dtls) < 0)
		log_error("the relay's certificate stays as it was");
	SSL_CTX_free(tls);
	SSL_CTX_free(dtls);
}

void app_reload_turn(struct app *a)
{
	if (a->turn && a->tls)
		reload_certificates(a);
	if (app_reload_turn_secret(a) && a->turn)
		turn_set_secrets(a->turn, buf_str(&a->turn_secret), buf_str(&a->turn_previous));
}

bool app_turn_port(const struct app *a, uint16_t *port)
{
	union turn_addr addr;
	if (!a->turn || turn_listening(a->turn, &addr, 1) == 0)
		return false;
	*port = ntohs(addr.any.sa_family == AF_INET6 ? addr.v6.sin6_port : addr.v4.sin_port);
	return true;
}

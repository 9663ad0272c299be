/* TLS, who is believed about clients, and the relay behind the same port, configured from the options. */
#include "net/tls.h"
#include "app/app.h"
#include "base/err.h"
#include "base/log.h"

#define TURN_PROTOCOL "stun.turn" /* RFC 7443 §4 */

static int make(const struct app *a, struct tls **out, struct buf *why)
{
	const struct texts *certs = &a->config.tls_certs;
	const struct texts *keys = &a->config.tls_keys;
	struct tls_pair pairs[CONFIG_MAX_TEXTS];
	for (size_t i = 0; i < certs->n; i++)
		pairs[i] = (struct tls_pair){certs->items[i], keys->items[i]};
	struct tls_config config = {
		.pairs = pairs, .n_pairs = certs->n, .other_protocol = app_turn_is_off(a) ? NULL : TURN_PROTOCOL};
	return tls_new(&config, out, why);
}

int app_check_tls(const struct app *a, struct buf *why)
{
	size_t n_certs = a->config.tls_certs.n;
	size_t n_keys = a->config.tls_keys.n;
	struct tls *trial;
	if (n_certs != n_keys) {
		buf_printf(
			why, "--tls-cert and --tls-key go in pairs, but were given %zu and %zu times", n_certs, n_keys);
		return ERR_CONFIG;
	}
	if (n_certs == 0)
		return 0;
	int err = make(a, &trial, why);
	if (err == 0)
		tls_free(trial);
	return err;
}

int app_open_tls(struct app *a, struct buf *why)
{
	if (a->config.tls_certs.n == 0)
		return 0;
	int err = make(a, &a->tls, why);
	if (err == 0)
		tls_log_dates(a->tls);
	return err;
}

void app_reload_tls(struct app *a)
{
	struct buf why;
	if (!a->tls)
		return;
	buf_init(&why, 2000);
	int err = tls_reload(a->tls, &why);
	if (err < 0) {
		log_error("the certificates stay as they were", LOG_STR("why", buf_str(&why)), LOG_E(err));
	} else {
		log_info("certificates read again", LOG_I("n", a->config.tls_certs.n));
		tls_log_dates(a->tls);
	}
	buf_fini(&why);
}

int app_check_proxies(const struct app *a, struct buf *why)
{
	const struct texts *list = &a->config.trusted_proxies;
	struct addr_net net;
	for (size_t i = 0; i < list->n; i++) {
		if (addr_net_parse(str_of(list->items[i]), &net) == 0)
			continue;
		buf_printf(why, "--trust-proxy: %s is not an address or a range such as 10.0.0.0/8 or fd00::/8",
			list->items[i]);
		return ERR_CONFIG;
	}
	if (!a->config.proxy_protocol || list->n)
		return 0;
	buf_printf(why, "--proxy-protocol: say with --trust-proxy which proxies speak it");
	return ERR_CONFIG;
}

size_t app_trusted(const struct app *a, struct addr_net out[CONFIG_MAX_TEXTS])
{
	const struct texts *list = &a->config.trusted_proxies;
	for (size_t i = 0; i < list->n; i++)
		addr_net_parse(str_of(list->items[i]), &out[i]); /* checked before */
	return list->n;
}

/* --- TURN on the port of HTTPS --- */

static int on_guess(struct str first_bytes)
{
	switch (turn_guess_stream(first_bytes)) {
	case TURN_GUESS_YES: return 1;
	case TURN_GUESS_MORE: return ERR_AGAIN;
	default: return 0;
	}
}

static int on_take(void *arg, const struct http_stranger *stranger)
{
	struct app *a = arg;
	struct turn_stream stream = {stranger->fd, stranger->ssl, stranger->received, stranger->plain};
	return a->turn ? turn_adopt_stream(a->turn, &stream) : ERR_CLOSED;
}

void app_other_protocol(struct app *a, struct http_other *out)
{
	if (a->tls && !app_turn_is_off(a))
		*out = (struct http_other){on_guess, on_take, a};
}

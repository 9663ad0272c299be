/* REST, configured from the options. */
#include "app/app.h"
#include "base/err.h"

int app_check_ice(const struct app *a, struct buf *why)
{
	const struct texts *urls = &a->config.ice_servers;
	for (size_t i = 0; i < urls->n; i++) {
		if (api_is_ice_url(str_of(urls->items[i])))
			continue;
		buf_printf(why,
			"--ice-server: %s is not a URL such as stun:stun.example:3478 or "
			"turn:turn.example:3478?transport=udp",
			urls->items[i]);
		return ERR_CONFIG;
	}
	return 0;
}

static size_t count_sessions(const void *arg)
{
	const struct app *a = arg;
	return signal_n_connected(a->signal);
}

static bool stat_recordings(const void *arg, struct recordings_stats *out)
{
	const struct app *a = arg;
	if (a->recordings)
		recordings_stats(a->recordings, out);
	return a->recordings != NULL;
}

int app_open_api(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	struct api_config config = {
		.http = a->http,
		.loop = &a->loop,
		.data = c->data,
		.socket_path = c->socket_path,
		.calls = a->calls,
		.store = a->store,
		.keys = &a->keys,
		.ice = {.urls = c->ice_servers.items,
			.n_urls = c->ice_servers.n,
			.secret = buf_str(&a->turn_secret),
			.ttl_ms = c->turn_ttl_ms},
	};
	config.gauges = (struct api_gauges){&a->watchdog, a->turn, count_sessions, stat_recordings, a};
	(void)why;
	if (app_turn_port(a, &config.ice.own_port))
		config.ice.own_tls = a->tls != NULL;
	return api_new(&config, &a->api);
}

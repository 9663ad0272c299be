/* REST, configured from the options. */
#include "app/app.h"
#include "base/err.h"

int app_open_api(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	struct api_config config = {
		.http = a->http,
		.calls = a->calls,
		.store = a->store,
		.keys = &a->keys,
		.ice = {c->ice_servers.items, c->ice_servers.n, 0, buf_str(&a->turn_secret), c->turn_ttl_ms},
	};
	app_turn_port(a, &config.ice.own_port);
	int err = api_new(&config, &a->api);
	if (err == ERR_BAD_FIELD) {
		buf_printf(why, "--ice-server: each must be a stun:, turn: or turns: URL, as "
				"turn:turn.example:3478?transport=udp");
		err = ERR_CONFIG;
	}
	return err;
}

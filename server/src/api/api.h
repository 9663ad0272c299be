/* api: REST. Requests become call commands and reads of the store; answers are written as protocol/openapi.yaml says.
 */
#ifndef BELLWIRE_API_API_H
#define BELLWIRE_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct api;
struct recording_host;
struct recordings_stats;
struct calls;
struct http_server;
struct jwt_keys;
struct loop;
struct store;
struct turn;
struct watchdog;

/* What GET /api/webrtc/ice-servers hands out. */
struct api_ice {
	const char *const *urls; /* stun:, turn: and turns: URLs (RFC 7064, 7065); borrowed */
	size_t n_urls;
	uint16_t own_port; /* of the relay inside, under the name by which the client reached this server; 0: none */
	struct str secret; /* shared with the relays; borrowed */
	int64_t ttl_ms;	   /* how long credentials are valid */
	bool own_tls;	   /* it is behind the port of this server too, over TLS */
};

/* What GET /metrics tells beside what the other parts know. */
struct api_gauges {
	const struct watchdog *watchdog; /* borrowed; null: none */
	struct turn *turn;		 /* borrowed; null: none */
	size_t (*n_sessions)(const void *arg);
	bool (*recordings)(const void *arg, struct recordings_stats *out); /* false: none are kept */
	const void *arg;
};

struct api_config {
	struct http_server *http; /* borrowed, as the rest */
	struct loop *loop;
	const char *data;	 /* the folder whose disk must have room */
	const char *socket_path; /* where Socket.IO is served: pages that come from here ask for it */
	struct calls *calls;
	struct store *store;
	const struct jwt_keys *keys;
	struct api_ice ice;
	struct api_gauges gauges;
};

/* Whether it is what api_ice.urls takes: stun:, stuns:, turn: or turns: with something behind it. */
bool api_is_ice_url(struct str url);

/* Adds the routes under /api, /healthz, /readyz and /metrics. ERR_EXISTS, ERR_NO_MEMORY. */
int api_new(const struct api_config *config, struct api **out);

/* Another secret for coming credentials; borrowed. */
void api_set_ice_secret(struct api *api, struct str secret);

/* What the recordings ask the API for. Valid as long as the API. */
void api_recording_host(struct api *api, struct recording_host *out);

/* After the HTTP server has closed and the store has done all its jobs. */
void api_free(struct api *api);

#endif

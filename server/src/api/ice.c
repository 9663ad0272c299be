/* /api/webrtc/ice-servers: where a browser finds STUN and TURN, with credentials that expire. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "turn/turn.h"

#define HTTPS_PORT 443

/* The relay inside is named as the client named this server: Host without its port (RFC 9110 §7.2). */
struct ice_writer {
	struct json_writer w;
	const struct api_ice *ice;
	struct str host;
	uint64_t port;
};

static struct str host_of(const struct http_req *req, uint64_t *port)
{
	struct str host = http_req_header(req, "host");
	size_t colon = str_find(host, ':');
	if (host.len && host.ptr[0] == '[')
		colon = str_find(host, ']') + 1;
	*port = HTTPS_PORT;
	if (colon < host.len)
		str_parse_u64(str_n(host.ptr + colon + 1, host.len - colon - 1), UINT16_MAX, port);
	return str_n(host.ptr, colon <= host.len ? colon : 0);
}

static bool is_stun(struct str url)
{
	return str_starts_with(url, STR("stun:")) || str_starts_with(url, STR("stuns:"));
}

static bool is_turn(struct str url)
{
	return str_starts_with(url, STR("turn:")) || str_starts_with(url, STR("turns:"));
}

static void put_own(struct ice_writer *i, const char *scheme, uint64_t port, const char *query)
{
	char url[400];
	snprintf(url, sizeof url, "%s:%.*s:%u%s", scheme, STR_ARG(i->host), (unsigned)port, query);
	jw_str(&i->w, str_of(url));
}

/* The configured URLs of one kind, and the own relay's. */
static void put_urls(struct ice_writer *i, bool turn)
{
	jw_key(&i->w, "urls");
	jw_array(&i->w);
	if (i->ice->own_port && !turn)
		put_own(i, "stun", i->ice->own_port, "");
	if (i->ice->own_port && turn) {
		put_own(i, "turn", i->ice->own_port, "?transport=udp");
		put_own(i, "turn", i->ice->own_port, "?transport=tcp");
		if (i->ice->own_tls)
			put_own(i, "turns", i->port, "?transport=tcp");
	}
	for (size_t n = 0; n < i->ice->n_urls; n++)
		if (is_turn(str_of(i->ice->urls[n])) == turn)
			jw_str(&i->w, str_of(i->ice->urls[n]));
	jw_end_array(&i->w);
}

static bool any(const struct api_ice *ice, bool turn)
{
	for (size_t n = 0; n < ice->n_urls; n++)
		if (is_turn(str_of(ice->urls[n])) == turn)
			return true;
	return ice->own_port != 0;
}

static int put_turn(struct ice_writer *i, const char *user_id)
{
	struct turn_credentials credentials;
	int64_t expires_s = (clock_wall_ms() + i->ice->ttl_ms) / 1000;
	int err = turn_credentials_make(i->ice->secret, str_of(user_id), expires_s, &credentials);
	if (err < 0)
		return err;
	jw_object(&i->w);
	put_urls(i, true);
	jw_kz(&i->w, "username", credentials.username);
	jw_kz(&i->w, "credential", credentials.password);
	jw_kint(&i->w, "ttl", i->ice->ttl_ms / 1000);
	jw_end_object(&i->w);
	return 0;
}

static void on_ice_servers(struct http_req *req, void *arg)
{
	struct api *api = arg;
	struct jwt_claims claims;
	struct buf body;
	if (!api_authenticate(api, req, &claims))
		return;
	buf_init(&body, API_MAX_ANSWER);
	struct ice_writer i = {json_writer(&body), &api->config.ice, STR(""), 0};
	i.host = host_of(req, &i.port);
	int err = 0;
	jw_array(&i.w);
	if (any(i.ice, false)) {
		jw_object(&i.w);
		put_urls(&i, false);
		jw_end_object(&i.w);
	}
	if (any(i.ice, true))
		err = put_turn(&i, claims.user_id);
	jw_end_array(&i.w);
	if (err < 0)
		body.err = err;
	api_answer(req, 200, &body);
}

void api_set_ice_secret(struct api *api, struct str secret)
{
	api->config.ice.secret = secret;
}

bool api_is_ice_url(struct str url)
{
	return (is_stun(url) || is_turn(url)) && url.len < 300 && str_find(url, ':') + 1 < url.len && str_is_utf8(url);
}

const struct http_route api_ice_routes[] = {
	{.method = "GET", .pattern = "/api/webrtc/ice-servers", .handler = on_ice_servers},
	{0},
};

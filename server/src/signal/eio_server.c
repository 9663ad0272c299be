/* The front door of Engine.IO: each request is checked against the protocol's query parameters and sent to its session.
 */
#include "base/err.h"
#include "base/mem.h"
#include "signal/eio_inner.h"

/* Long enough for every value that we know. */
#define PARAM_SIZE 32

static const struct {
	const char *json;
	int status;
} refusals[] = {
	[EIO_UNKNOWN_TRANSPORT] = {"{\"code\":0,\"message\":\"Transport unknown\"}", 400},
	[EIO_UNKNOWN_SID] = {"{\"code\":1,\"message\":\"Session ID unknown\"}", 400},
	[EIO_BAD_HANDSHAKE_METHOD] = {"{\"code\":2,\"message\":\"Bad handshake method\"}", 400},
	[EIO_BAD_REQUEST] = {"{\"code\":3,\"message\":\"Bad request\"}", 400},
	[EIO_FORBIDDEN] = {"{\"code\":4,\"message\":\"Forbidden\"}", 403},
	[EIO_UNSUPPORTED_PROTOCOL] = {"{\"code\":5,\"message\":\"Unsupported protocol version\"}", 400},
};

void eio_refuse(struct http_req *req, enum eio_refusal why)
{
	http_respond_json(req, refusals[why].status, str_of(refusals[why].json));
}

/* "" when it is absent or nothing that we could know. */
static void get_param(struct http_req *req, const char *name, char out[PARAM_SIZE])
{
	if (http_req_query_get(req, name, out, PARAM_SIZE) < 0)
		out[0] = 0;
}

static struct eio_session *find(struct eio_server *server, const char *sid)
{
	struct map_node *node = map_get(&server->sessions, str_of(sid));
	return node ? CONTAINER_OF(node, struct eio_session, node) : NULL;
}

static void open_polling(struct eio_server *server, struct http_req *req)
{
	struct eio_session *s = eio_session_new(server, EIO_POLLING);
	if (!s) {
		http_respond_problem(req, ERR_OVERLOADED, NULL, NULL);
		return;
	}
	eio_session_start(s);
	eio_poll_get(s, req);
}

/* A request without a sid. */
static void handshake(struct eio_server *server, struct http_req *req, bool is_polling)
{
	char version[PARAM_SIZE];
	get_param(req, "EIO", version);
	if (!str_eq_z(http_req_method(req), "GET"))
		eio_refuse(req, EIO_BAD_HANDSHAKE_METHOD);
	else if (strcmp(version, "4") != 0)
		eio_refuse(req, EIO_UNSUPPORTED_PROTOCOL);
	else if (!is_polling && !http_req_is_websocket(req))
		eio_refuse(req, EIO_BAD_REQUEST);
	else if (server->closing || server->n_alive >= server->config.max_sessions)
		http_respond_problem(req, server->closing ? ERR_DRAINING : ERR_OVERLOADED, NULL, NULL);
	else if (is_polling)
		open_polling(server, req);
	else
		eio_ws_open(server, req);
}

/* A request of a session. */
static void carry_on(struct eio_session *s, struct http_req *req, bool is_polling)
{
	struct str method = http_req_method(req);
	if (!is_polling && http_req_is_websocket(req))
		eio_ws_upgrade(s, req);
	else if (!is_polling || s->transport != EIO_POLLING)
		eio_refuse(req, EIO_BAD_REQUEST);
	else if (str_eq_z(method, "GET"))
		eio_poll_get(s, req);
	else if (str_eq_z(method, "POST"))
		eio_poll_post(s, req);
	else
		eio_refuse(req, EIO_BAD_REQUEST);
}

static void on_request(struct http_req *req, void *arg)
{
	struct eio_server *server = arg;
	char transport[PARAM_SIZE], sid[PARAM_SIZE];
	get_param(req, "transport", transport);
	bool is_polling = strcmp(transport, "polling") == 0;
	if (!http_req_origin_allowed(req)) {
		eio_refuse(req, EIO_FORBIDDEN);
		return;
	}
	if (!is_polling && strcmp(transport, "websocket") != 0) {
		eio_refuse(req, EIO_UNKNOWN_TRANSPORT);
		return;
	}
	int err = http_req_query_get(req, "sid", sid, sizeof sid);
	if (err == ERR_NOT_FOUND || err == 0) {
		handshake(server, req, is_polling);
		return;
	}
	struct eio_session *s = err > 0 ? find(server, sid) : NULL;
	if (s)
		carry_on(s, req, is_polling);
	else
		eio_refuse(req, EIO_UNKNOWN_SID);
}

int eio_server_init(struct eio_server *s, const struct eio_config *config)
{
	*s = (struct eio_server){.config = *config, .ws_handlers = eio_ws_handlers};
	s->ws_handlers.max_message = config->max_payload;
	map_init(&s->sessions);
	struct http_route route = {
		.pattern = config->path, .handler = on_request, .arg = s, .max_body = config->max_payload};
	return http_route(config->http, &route);
}

static void check_closed(struct eio_server *s)
{
	if (s->on_closed && s->n_alive == 0) {
		void (*cb)(void *) = s->on_closed;
		s->on_closed = NULL;
		cb(s->on_closed_arg);
	}
}

void eio_server_close(struct eio_server *s, void (*cb)(void *arg), void *arg)
{
	s->closing = true;
	struct map_node *node = map_next(&s->sessions, NULL);
	while (node) {
		struct map_node *next = map_next(&s->sessions, node);
		eio_close(CONTAINER_OF(node, struct eio_session, node), "server stops");
		node = next;
	}
	s->on_closed = cb;
	s->on_closed_arg = arg;
	check_closed(s);
}

void eio_server_fini(struct eio_server *s)
{
	map_fini(&s->sessions);
}

void eio_session_release(struct eio_session *s)
{
	struct eio_server *server = s->server;
	if (!s->closed || !s->told || s->ws || s->probe || s->posted)
		return;
	buf_fini(&s->out);
	mem_free(s);
	server->n_alive--;
	check_closed(server);
}

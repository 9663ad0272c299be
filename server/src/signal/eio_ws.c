/* The WebSocket transport, and the way from polling to it:
 *
 *   client                    server
 *   WebSocket with the sid -> (a probe beside the polling transport)
 *   2probe                 ->
 *                          <- 3probe, and a noop to a poll that waits
 *   5                      -> (from now on the transport; polls of this sid are refused)
 */
#include "base/err.h"
#include "signal/eio_inner.h"

static void drop_probe(struct eio_session *s)
{
	timer_stop(s->server->config.loop, &s->probe_timer);
	s->probed = false;
	ws_close(s->probe, 1000, NULL); /* s->probe stays until its on_close */
}

static void on_upgrade_timeout(struct timer *t, void *arg)
{
	(void)t;
	drop_probe(arg);
}

static void complete_upgrade(struct eio_session *s)
{
	timer_stop(s->server->config.loop, &s->probe_timer);
	eio_poll_release(s);
	s->ws = s->probe;
	s->probe = NULL;
	s->probed = false;
	s->transport = EIO_WEBSOCKET;
	eio_session_flush_to_ws(s);
}

static void on_probe_packet(struct eio_session *s, const struct engineio_packet *p)
{
	if (p->type == ENGINEIO_PING && !s->probed && str_eq_z(p->data, "probe")) {
		struct str pong = STR("3probe");
		s->probed = true;
		ws_send(s->probe, WS_TEXT, &pong, 1);
		eio_poll_release(s);
	} else if (p->type == ENGINEIO_UPGRADE && s->probed) {
		complete_upgrade(s);
	} else {
		drop_probe(s);
	}
}

static void on_ws_message(struct ws *ws, enum ws_opcode opcode, struct str message, void *arg)
{
	struct eio_session *s = arg;
	const struct eio_handlers *h = &s->server->config.handlers;
	struct engineio_packet p;
	if (s->closed)
		return;
	if (opcode == WS_BINARY && ws == s->ws)
		h->on_message(s, true, message, h->arg);
	else if (opcode == WS_BINARY || engineio_parse(message, &p) < 0)
		ws == s->ws ? eio_close(s, "broken packet") : drop_probe(s);
	else if (ws == s->ws)
		eio_session_packet(s, &p);
	else
		on_probe_packet(s, &p);
}

static void on_ws_close(struct ws *ws, uint16_t code, void *arg)
{
	struct eio_session *s = arg;
	(void)code;
	if (ws == s->ws) {
		s->ws = NULL;
		eio_close(s, "WebSocket closed");
	} else if (ws == s->probe) {
		s->probe = NULL;
		if (!s->closed) {
			timer_stop(s->server->config.loop, &s->probe_timer);
			s->probed = false;
		}
	}
	eio_session_release(s);
}

const struct ws_handlers eio_ws_handlers = {.on_message = on_ws_message, .on_close = on_ws_close};

void eio_ws_open(struct eio_server *server, struct http_req *req)
{
	struct eio_session *s = eio_session_new(server, EIO_WEBSOCKET);
	if (!s) {
		http_respond_problem(req, ERR_OVERLOADED, NULL, NULL);
		return;
	}
	if (http_ws_accept(req, &server->ws_handlers, s, &s->ws) < 0) {
		s->ws = NULL;
		s->told = true; /* nobody has heard of it */
		eio_close(s, "WebSocket refused");
		return;
	}
	eio_session_start(s);
}

/* A WebSocket that is not wanted after its handshake. */
static void on_unwanted_message(struct ws *ws, enum ws_opcode opcode, struct str message, void *arg)
{
	(void)ws, (void)opcode, (void)message, (void)arg;
}

static void on_unwanted_close(struct ws *ws, uint16_t code, void *arg)
{
	(void)ws, (void)code, (void)arg;
}

static const struct ws_handlers unwanted = {.on_message = on_unwanted_message, .on_close = on_unwanted_close};

void eio_ws_upgrade(struct eio_session *s, struct http_req *req)
{
	struct ws *ws;
	bool wanted = s->transport == EIO_POLLING && !s->probe;
	if (http_ws_accept(req, wanted ? &s->server->ws_handlers : &unwanted, wanted ? s : NULL, &ws) < 0)
		return;
	if (!wanted) {
		ws_close(ws, 1000, NULL);
		return;
	}
	s->probe = ws;
	if (timer_start(s->server->config.loop, &s->probe_timer, EIO_UPGRADE_TIMEOUT_MS, on_upgrade_timeout, s) < 0)
		drop_probe(s);
}

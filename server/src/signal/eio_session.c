/* The life of an Engine.IO session: opened, kept awake by pings, messages in and out, closed. */
#include <assert.h>

#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "signal/eio_inner.h"

static void on_turn(struct post *p);
static void on_beat(struct timer *t, void *arg);

struct eio_session *eio_session_new(struct eio_server *server, enum eio_transport transport)
{
	struct eio_session *s = mem_new(sizeof *s);
	if (!s)
		return NULL;
	s->server = server;
	s->transport = transport;
	s->turn.run = on_turn;
	buf_init(&s->out, server->config.max_queue);
	id_token(s->sid, EIO_SID_LEN);
	if (timer_start(server->config.loop, &s->beat, server->config.ping_interval_ms, on_beat, s) < 0 ||
		map_put(&server->sessions, &s->node, str_of(s->sid)) < 0) {
		timer_stop(server->config.loop, &s->beat);
		mem_free(s);
		return NULL;
	}
	server->n_alive++;
	return s;
}

/* --- out --- */

static void send_packet(struct eio_session *s, enum engineio_type type, const struct str *parts, size_t n)
{
	const char digit = (char)('0' + (int)type);
	struct str framed[1 + EIO_MAX_PARTS] = {{&digit, 1}};
	assert(n <= EIO_MAX_PARTS);
	if (s->closed)
		return;
	if (s->transport == EIO_WEBSOCKET) {
		for (size_t i = 0; i < n; i++)
			framed[1 + i] = parts[i];
		/* A socket that takes nothing more is being closed by itself, and on_close tells us. */
		ws_send(s->ws, WS_TEXT, framed, n + 1);
		return;
	}
	engineio_put_text(&s->out, type, n ? parts[0] : STR(""));
	for (size_t i = 1; i < n; i++)
		buf_put(&s->out, parts[i]);
	if (!buf_ok(&s->out))
		eio_close(s, "too much waits for the next poll");
	else if (s->poll)
		eio_session_post(s);
}

void eio_send(struct eio_session *s, const struct str *parts, size_t n_parts)
{
	send_packet(s, ENGINEIO_MESSAGE, parts, n_parts);
}

void eio_send_binary(struct eio_session *s, struct str bytes)
{
	if (s->closed)
		return;
	if (s->transport == EIO_WEBSOCKET) {
		ws_send(s->ws, WS_BINARY, &bytes, 1);
		return;
	}
	engineio_put_binary(&s->out, bytes);
	if (!buf_ok(&s->out))
		eio_close(s, "too much waits for the next poll");
	else if (s->poll)
		eio_session_post(s);
}

static void flush_binary(struct eio_session *s, const struct engineio_packet *p)
{
	struct buf bytes;
	buf_init(&bytes, p->data.len);
	if (engineio_decode(p, &bytes) == 0)
		ws_send(s->ws, WS_BINARY, &(struct str){bytes.ptr, bytes.len}, 1);
	else
		eio_close(s, "no memory for the upgrade");
	buf_fini(&bytes);
}

void eio_session_flush_to_ws(struct eio_session *s)
{
	struct str rest = buf_str(&s->out);
	struct engineio_packet p;
	while (rest.len && !s->closed && engineio_next(&rest, &p) == 0) {
		if (p.base64)
			flush_binary(s, &p);
		else /* with its digit */
			ws_send(s->ws, WS_TEXT, &(struct str){p.data.ptr - 1, p.data.len + 1}, 1);
	}
	buf_fini(&s->out);
}

void eio_session_start(struct eio_session *s)
{
	const struct eio_config *c = &s->server->config;
	struct engineio_handshake h = {
		str_of(s->sid), s->transport == EIO_POLLING, c->ping_interval_ms, c->ping_timeout_ms, c->max_payload};
	struct buf json;
	buf_init(&json, 512);
	engineio_put_handshake(&json, &h);
	struct str data = buf_str(&json);
	if (buf_ok(&json))
		send_packet(s, ENGINEIO_OPEN, &data, 1);
	else
		eio_close(s, "no memory");
	buf_fini(&json);
	c->handlers.on_open(s, c->handlers.arg);
}

/* --- the heartbeat: a ping from us, a pong within the timeout --- */

static void beat_in(struct eio_session *s, int64_t delay_ms)
{
	if (timer_start(s->server->config.loop, &s->beat, delay_ms, on_beat, s) < 0)
		eio_close(s, "no memory");
}

/* How much later than its deadline the beat is handled now; -1 when it is not due, or so late that we have stalled:
 * that must not eat up the client's time to answer. */
static int64_t lateness(const struct eio_session *s)
{
	int64_t late_ms = loop_now_ms(s->server->config.loop) - s->beat.deadline_ms;
	int64_t half_ms = s->server->config.ping_timeout_ms / 2;
	int64_t most_ms = half_ms < EIO_LATE_MS ? half_ms : EIO_LATE_MS;
	return late_ms >= 0 && late_ms <= most_ms ? late_ms : -1;
}

static void on_beat(struct timer *t, void *arg)
{
	struct eio_session *s = arg;
	(void)t;
	if (s->awaits_pong) {
		eio_close(s, "no pong");
		return;
	}
	int64_t late_ms = lateness(s);
	s->awaits_pong = true;
	send_packet(s, ENGINEIO_PING, NULL, 0);
	if (!s->closed)
		beat_in(s, s->server->config.ping_timeout_ms - (late_ms > 0 ? late_ms : 0));
}

bool eio_session_is_over(const struct eio_session *s)
{
	return s->awaits_pong && lateness(s) >= 0;
}

static void on_pong(struct eio_session *s)
{
	s->awaits_pong = false;
	beat_in(s, s->server->config.ping_interval_ms);
}

/* --- in --- */

bool eio_session_packet(struct eio_session *s, const struct engineio_packet *p)
{
	const struct eio_handlers *h = &s->server->config.handlers;
	switch (p->type) {
	case ENGINEIO_MESSAGE: h->on_message(s, false, p->data, h->arg); break;
	case ENGINEIO_PONG: on_pong(s); break;
	case ENGINEIO_PING: eio_close(s, "pings are the server's"); break;
	case ENGINEIO_CLOSE:
		eio_poll_release(s); /* a noop: the client asked, it need not be told */
		eio_close(s, "closed by the client");
		break;
	case ENGINEIO_OPEN:
	case ENGINEIO_UPGRADE:
	case ENGINEIO_NOOP: break;
	}
	return !s->closed;
}

/* --- the end --- */

void eio_session_post(struct eio_session *s)
{
	if (s->posted)
		return;
	s->posted = true;
	loop_soon(s->server->config.loop, &s->turn);
}

static void on_turn(struct post *p)
{
	struct eio_session *s = CONTAINER_OF(p, struct eio_session, turn);
	const struct eio_handlers *h = &s->server->config.handlers;
	s->posted = false;
	if (!s->closed) {
		eio_poll_answer(s);
		return;
	}
	if (!s->told) {
		s->told = true;
		h->on_close(s, h->arg);
	}
	eio_session_release(s);
}

void eio_close(struct eio_session *s, const char *why)
{
	struct loop *loop = s->server->config.loop;
	if (s->closed)
		return;
	log_debug("engine session closed", LOG_S("sid", s->sid), LOG_S("why", why));
	if (s->transport == EIO_POLLING && s->poll) {
		buf_clear(&s->out);
		engineio_put_text(&s->out, ENGINEIO_CLOSE, STR(""));
		eio_poll_answer(s);
	}
	s->closed = true;
	map_remove(&s->server->sessions, &s->node);
	timer_stop(loop, &s->beat);
	timer_stop(loop, &s->probe_timer);
	timer_stop(loop, &s->poll_timer);
	buf_fini(&s->out);
	if (s->ws)
		ws_close(s->ws, 1000, NULL);
	if (s->probe)
		ws_close(s->probe, 1000, NULL);
	eio_session_post(s);
}

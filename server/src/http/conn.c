/* A connection's life: accepted, reading, waiting for answers, idle, closed. */
#include "http/conn.h"

#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* An answer may come before the whole body did; so much of the rest is read over to keep the connection. */
#define MAX_SKIP 65536

static void on_deadline(struct timer *t, void *arg);
static void on_kick(struct timer *t, void *arg);

static struct http_conn *conn_of(struct stream *s)
{
	return CONTAINER_OF(s, struct http_conn, stream);
}

void http_conn_deadline(struct http_conn *c, int64_t ms)
{
	if (timer_start(c->server->loop, &c->deadline, ms, on_deadline, c) != 0)
		stream_abort(&c->stream);
}

void http_conn_kick(struct http_conn *c)
{
	if (timer_start(c->server->loop, &c->kick, 0, on_kick, c) != 0)
		stream_abort(&c->stream);
}

void http_conn_update_reading(struct http_conn *c)
{
	bool held = c->state == CONN_BODY && c->req && c->req->reading && c->req->paused;
	if (c->pending.len || c->state == CONN_CLOSING || held)
		stream_read_stop(&c->stream);
	else
		stream_read_start(&c->stream);
}

/* The end of it: whoever works on the request is told, nothing more is sent. */
static void drop(struct http_conn *c)
{
	c->state = CONN_CLOSING;
	stream_abort(&c->stream);
	if (c->req)
		http_req_detach(c->req);
}

/* Nothing more is asked for: what was answered still goes out. */
static void quit(struct http_conn *c)
{
	c->state = CONN_CLOSING;
	stream_close(&c->stream);
}

/* What was read but cannot be looked at yet is kept, and reading stops until it is. */
static void keep_pending(struct http_conn *c, const unsigned char *bytes, size_t n)
{
	if (n == 0 || c->state == CONN_CLOSING)
		return;
	buf_put(&c->pending, str_n((const char *)bytes, n));
	if (!buf_ok(&c->pending))
		drop(c);
}

static void on_read(struct stream *s, unsigned char *bytes, size_t n)
{
	struct http_conn *c = conn_of(s);
	if (c->is_new && other_take(c, bytes, n))
		return;
	size_t used = c->pending.len ? 0 : http_intake(c, bytes, n);
	keep_pending(c, bytes + used, n - used);
	http_conn_update_reading(c);
}

static void on_kick(struct timer *t, void *arg)
{
	(void)t;
	struct http_conn *c = arg;
	unsigned char nothing = 0;
	struct buf taken = c->pending;
	buf_init(&c->pending, taken.max);
	size_t used = http_intake(c, taken.ptr ? (unsigned char *)taken.ptr : &nothing, taken.len);
	if (used < taken.len && c->state != CONN_CLOSING) {
		buf_consume(&taken, used);
		c->pending = taken;
	} else {
		buf_fini(&taken);
	}
	if ((c->state == CONN_IDLE || c->state == CONN_HEAD) && c->stream.ended && !c->pending.len)
		quit(c);
	http_conn_update_reading(c);
}

static void on_drain(struct stream *s)
{
	struct http_conn *c = conn_of(s);
	if (c->req && c->req->resp == RESP_STREAMING && c->req->on_drain)
		c->req->on_drain(c->req, c->req->drain_arg);
	else if (c->state == CONN_IDLE && c->pending.len)
		http_conn_kick(c);
}

/* Whether an answer may still be wanted by a peer that has finished sending. */
static bool may_wait(const struct http_conn *c)
{
	return c->req && c->req->body_whole && !c->req->on_gone;
}

static void on_end(struct stream *s, int err)
{
	struct http_conn *c = conn_of(s);
	if (err == ERR_OVERLOADED) {
		char peer[ADDR_TEXT_SIZE];
		log_warn("closed a peer that takes nothing", LOG_S("peer", addr_format(&c->peer, peer)),
			LOG_I("queued", stream_queued(s)));
	}
	if (err == 0 && may_wait(c))
		c->last = true;
	else if (err == 0 && c->state == CONN_IDLE)
		quit(c);
	else
		drop(c);
}

static void on_closed(struct stream *s)
{
	struct http_conn *c = conn_of(s);
	struct http_server *server = c->server;
	c->state = CONN_CLOSING;
	if (c->ws) {
		server->stats.websockets--;
		ws_gone(c->ws);
	}
	crowd_leave(c);
	if (c->req)
		http_req_detach(c->req);
	if (c->head)
		head_fini(c->head);
	mem_free(c->head);
	buf_fini(&c->pending);
	timer_stop(server->loop, &c->deadline);
	timer_stop(server->loop, &c->kick);
	list_remove(&c->link);
	mem_free(c);
	http_server_conn_gone(server);
}

/* Whom a proxy speaks for. What the client then says of proxies is the client's own word. */
static void on_source(struct stream *s, const struct addr *source)
{
	struct http_conn *c = conn_of(s);
	c->peer = *source;
	c->is_trusted = forwarded_trusts(c->server, source);
	if (crowd_enter(c) != 0)
		drop(c);
}

static const struct stream_cb stream_cb = {on_read, on_end, on_drain, on_closed, on_source};

/* What lies between the socket and HTTP, and whether there is room for one more of this address. */
static int prepare(struct http_conn *c)
{
	const struct http_config *config = &c->server->config;
	int err = 0;
	c->is_trusted = forwarded_trusts(c->server, &c->peer);
	if (!c->is_trusted)
		err = crowd_enter(c);
	else if (config->proxy_protocol)
		err = stream_expect_proxy(&c->stream);
	if (err == 0 && config->tls)
		err = stream_secure(&c->stream, config->tls);
	c->is_new = config->tls && config->other.take;
	return err;
}

void http_conn_new(struct http_server *s, int fd, const struct addr *peer)
{
	struct http_conn *c = mem_new(sizeof *c);
	if (!c) {
		close(fd);
		return;
	}
	int err = stream_open(&c->stream, &s->net, fd, &stream_cb);
	if (err == ERR_NO_MEMORY) {
		mem_free(c);
		return;
	}
	c->server = s;
	c->peer = *peer;
	buf_init(&c->pending, SIZE_MAX / 2);
	list_push(&s->conns, &c->link);
	s->n_conns++;
	s->stats.accepted++;
	if (!err)
		err = prepare(c);
	if (err) {
		drop(c);
		return;
	}
	stream_limit(&c->stream, s->config.max_queue_bytes, s->config.stall_ms);
	http_conn_deadline(c, s->config.head_ms);
	http_conn_update_reading(c);
}

bool http_conn_can_keep(const struct http_conn *c)
{
	const struct http_req *req = c->req;
	if (c->last || c->server->closing || c->stream.ended)
		return false;
	if (req->body_whole)
		return true;
	return req->framing.state == BODY_PLAIN && req->framing.left <= MAX_SKIP && !req->needs_continue;
}

void http_conn_answered(struct http_conn *c, bool keep)
{
	struct http_req *req = c->req;
	bool whole = req->body_whole;
	c->skip = req->framing;
	c->req = NULL;
	http_req_free(req);
	timer_stop(c->server->loop, &c->deadline);
	if (!keep) {
		quit(c);
		return;
	}
	c->state = whole ? CONN_IDLE : CONN_SKIP;
	http_conn_deadline(c, whole ? c->server->config.idle_ms : c->server->config.body_ms);
	if (c->feeding)
		return;
	if (c->pending.len)
		http_conn_kick(c);
	http_conn_update_reading(c);
}

/* Enough of a body came in this span, or it is we who hold it back. */
static void on_body_deadline(struct http_conn *c)
{
	bool ours = !c->req->reading || c->req->paused;
	if (!ours && c->body_bytes < c->server->config.min_body_bytes) {
		http_intake_fail_body(c, ERR_REQUEST_TIMEOUT);
		return;
	}
	c->body_bytes = 0;
	http_conn_deadline(c, c->server->config.body_ms);
}

static void on_deadline(struct timer *t, void *arg)
{
	(void)t;
	struct http_conn *c = arg;
	if (stream_is_late(&c->stream)) { /* it is we who let it wait */
		http_conn_deadline(c, c->server->config.head_ms);
		return;
	}
	switch (c->state) {
	case CONN_IDLE:
	case CONN_SKIP: quit(c); break;
	case CONN_HEAD: http_refuse(c, ERR_REQUEST_TIMEOUT); break;
	case CONN_BODY: on_body_deadline(c); break;
	case CONN_WEBSOCKET: ws_on_deadline(c->ws); break;
	case CONN_WORK:
	case CONN_CLOSING: break;
	}
}

void http_conn_shut(struct http_conn *c, bool now)
{
	if (c->state == CONN_WEBSOCKET && !now)
		ws_close(c->ws, 1001, "the server stops");
	else if (!now && stream_queued(&c->stream) && c->state == CONN_IDLE)
		quit(c);
	else if (now || c->state == CONN_IDLE || c->state == CONN_HEAD)
		drop(c);
	else
		c->last = true;
}

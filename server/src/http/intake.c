/* Bytes of a connection become requests: header, route, body, handler. */
#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"

struct input {
	unsigned char *bytes;
	size_t n;
	size_t at;
};

static struct str input_rest(const struct input *in)
{
	return str_n((const char *)in->bytes + in->at, in->n - in->at);
}

/* The first byte of a request. */
static bool begin_head(struct http_conn *c)
{
	struct http_head *h = mem_new(sizeof *h);
	if (!h) {
		http_refuse(c, ERR_NO_MEMORY);
		return false;
	}
	head_init(h, &c->server->head_limits);
	c->head = h;
	c->state = CONN_HEAD;
	http_conn_deadline(c, c->server->config.head_ms);
	return true;
}

static size_t max_body(const struct http_req *req)
{
	return req->route->max_body ? req->route->max_body : req->server->config.max_body_bytes;
}

static void send_continue(struct http_conn *c)
{
	if (!c->req->needs_continue)
		return;
	c->req->needs_continue = false;
	stream_send(&c->stream, &STR("HTTP/1.1 100 Continue\r\n\r\n"), 1);
}

static void begin_body(struct http_conn *c)
{
	c->state = CONN_BODY;
	c->body_bytes = 0;
	http_conn_deadline(c, c->server->config.body_ms);
}

/* The route is known: its handler now, or after the body. */
static void begin_route(struct http_conn *c, const struct route_match *m)
{
	struct http_req *req = c->req;
	const struct http_route *route = m->route;
	req->route = route;
	int err = http_req_set_params(req, m);
	if (err) {
		http_respond_problem(req, err, NULL, NULL);
	} else if (!route->handler) {
		http_respond_problem(req, ERR_NOT_FOUND, NULL, NULL);
	} else if (req->head->content_length > 0 && (uint64_t)req->head->content_length > max_body(req)) {
		http_respond_problem(req, ERR_PAYLOAD_TOO_LARGE, NULL, NULL);
	} else if (route->stream) {
		begin_body(c);
		route->handler(req, route->arg);
	} else if (req->body_whole) {
		route->handler(req, route->arg);
	} else {
		begin_body(c);
		req->reading = true;
		send_continue(c);
	}
}

static void refuse_method(struct http_req *req, const struct route_match *m)
{
	struct buf allow;
	buf_init(&allow, 256);
	router_allow(&req->server->router, m->pattern, &allow);
	http_resp_header(req, "Allow", buf_str(&allow));
	buf_fini(&allow);
	http_respond_problem(req, ERR_METHOD_NOT_ALLOWED, NULL, NULL);
}

/* A header is whole. */
static void begin_request(struct http_conn *c)
{
	struct http_req *req;
	timer_stop(c->server->loop, &c->deadline);
	if (http_req_new(c, c->head, &req) != 0) {
		http_refuse(c, ERR_NO_MEMORY);
		return;
	}
	c->head = NULL;
	c->req = req;
	c->state = CONN_WORK;
	c->last = !req->head->keep_alive;
	struct route_match m;
	router_find(&c->server->router, req->head->method, req->head->path, &m);
	if (str_eq_z(req->head->method, "OPTIONS") && !m.route)
		cors_answer_options(req, &m);
	else if (m.route)
		begin_route(c, &m);
	else if (m.pattern.ptr)
		refuse_method(req, &m);
	else
		http_respond_problem(req, ERR_NOT_FOUND, NULL, NULL);
}

static bool take_head(struct http_conn *c, struct input *in)
{
	size_t used;
	int got = head_feed(c->head, &c->server->head_limits, input_rest(in), &used);
	in->at += used;
	if (got < 0)
		http_refuse(c, got);
	else if (got > 0)
		begin_request(c);
	return got > 0;
}

void http_intake_fail_body(struct http_conn *c, int err)
{
	struct http_req *req = c->req;
	c->last = true;
	c->state = CONN_WORK;
	req->reading = false;
	if (req->body_cb)
		req->body_cb->on_abort(req, err, req->body_arg);
	else
		http_respond_problem(req, err, NULL, NULL);
}

static void end_body(struct http_conn *c)
{
	struct http_req *req = c->req;
	timer_stop(c->server->loop, &c->deadline);
	c->state = CONN_WORK;
	req->body_whole = true;
	req->reading = false;
	if (req->body_cb)
		req->body_cb->on_end(req, req->body_arg);
	else
		req->route->handler(req, req->route->arg);
}

static void deliver_piece(struct http_conn *c, struct str piece)
{
	struct http_req *req = c->req;
	req->n_body += piece.len;
	if (req->n_body > max_body(req)) {
		http_intake_fail_body(c, ERR_PAYLOAD_TOO_LARGE);
		return;
	}
	if (req->body_cb) {
		req->body_cb->on_data(req, piece, req->body_arg);
		return;
	}
	buf_put(&req->body, piece);
	if (!buf_ok(&req->body))
		http_intake_fail_body(c, ERR_NO_MEMORY);
}

/* False when there is nothing to be done before more bytes, or a resume. */
static bool take_body(struct http_conn *c, struct input *in)
{
	struct http_req *req = c->req;
	if (!req->reading || req->paused)
		return false;
	size_t used;
	struct str piece;
	int got = body_feed(&req->framing, input_rest(in), &used, &piece);
	in->at += used;
	c->body_bytes += used;
	if (got < 0)
		http_intake_fail_body(c, got);
	else if (piece.len)
		deliver_piece(c, piece);
	else if (got > 0)
		end_body(c);
	else
		return used > 0;
	return true;
}

/* The rest of a body that nobody waits for. */
static bool skip_body(struct http_conn *c, struct input *in)
{
	size_t used;
	struct str piece;
	int got = body_feed(&c->skip, input_rest(in), &used, &piece);
	in->at += used;
	if (got <= 0)
		return got == 0 && used > 0;
	c->state = CONN_IDLE;
	http_conn_deadline(c, c->server->config.idle_ms);
	return true;
}

/* One step; whether another may follow. */
static bool step(struct http_conn *c, struct input *in)
{
	bool empty = in->at == in->n;
	switch (c->state) {
	case CONN_IDLE: return !empty && stream_queued(&c->stream) == 0 && begin_head(c);
	case CONN_HEAD: return !empty && take_head(c, in);
	case CONN_BODY: return take_body(c, in);
	case CONN_SKIP: return skip_body(c, in);
	case CONN_WEBSOCKET:
		if (!empty)
			ws_take(c->ws, in->bytes + in->at, in->n - in->at);
		in->at = in->n;
		return false;
	case CONN_CLOSING: in->at = in->n; return false;
	case CONN_WORK: break;
	}
	return false;
}

size_t http_intake(struct http_conn *c, unsigned char *bytes, size_t n)
{
	struct input in = {bytes, n, 0};
	c->feeding = true;
	while (step(c, &in))
		;
	c->feeding = false;
	return in.at;
}

void http_req_read(struct http_req *req, const struct http_body_cb *cb, void *arg)
{
	struct http_conn *c = req->conn;
	req->body_cb = cb;
	req->body_arg = arg;
	if (!c) {
		cb->on_abort(req, ERR_CLOSED, arg);
		return;
	}
	req->reading = true;
	send_continue(c);
	if (!c->feeding)
		http_conn_kick(c);
}

void http_req_pause(struct http_req *req)
{
	req->paused = true;
	if (req->conn && !req->conn->feeding)
		http_conn_update_reading(req->conn);
}

void http_req_resume(struct http_req *req)
{
	if (!req->paused)
		return;
	req->paused = false;
	if (req->conn && !req->conn->feeding)
		http_conn_kick(req->conn);
}

/* HTTP, WebSockets and calls without sockets, parsers and rules. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/timer.h"

struct fake fake;

void fake_start(void)
{
	memset(&fake, 0, sizeof fake);
	assert_int_equal(loop_init(&fake.loop), 0);
	/* The heap of timers is there before a test takes memory away. */
	struct timer t = {0};
	assert_int_equal(timer_start(&fake.loop, &t, 1000, NULL, NULL), 0);
	timer_stop(&fake.loop, &t);
}

void fake_stop(void)
{
	loop_fini(&fake.loop);
	for (size_t i = 0; i < fake.n_reqs; i++) {
		assert_int_not_equal(fake.reqs[i]->status, 0); /* every request was answered */
		free(fake.reqs[i]);
	}
	for (size_t i = 0; i < fake.n_sockets; i++) {
		assert_true(fake.sockets[i]->closed);
		free(fake.sockets[i]);
	}
}

static void on_tick(struct timer *t, void *arg)
{
	(void)t;
	*(bool *)arg = true;
}

void fake_run(int64_t ms)
{
	bool over = false;
	struct timer t = {0};
	uv_update_time(&fake.loop.uv);
	assert_int_equal(timer_start(&fake.loop, &t, ms, on_tick, &over), 0);
	while (!over)
		uv_run(&fake.loop.uv, UV_RUN_ONCE);
	uv_run(&fake.loop.uv, UV_RUN_NOWAIT);
}

/* --- http --- */

int http_route(struct http_server *s, const struct http_route *route)
{
	(void)s;
	fake.routes[fake.n_routes++] = *route;
	return 0;
}

struct http_req *fake_request(const char *path, const struct http_req *req)
{
	struct http_req *copy = malloc(sizeof *copy);
	*copy = *req;
	fake.reqs[fake.n_reqs++] = copy;
	for (size_t i = 0; i < fake.n_routes; i++) {
		if (strcmp(fake.routes[i].pattern, path) == 0) {
			fake.routes[i].handler(copy, fake.routes[i].arg);
			return copy;
		}
	}
	fail_msg("no route %s", path);
	return NULL;
}

static struct http_req *request(const char *method, const char *query, const char *body)
{
	struct http_req req = {.body = str_of(body), .type = "text/plain;charset=UTF-8"};
	snprintf(req.method, sizeof req.method, "%s", method);
	snprintf(req.query, sizeof req.query, "%s", query);
	return fake_request(fake.routes[0].pattern, &req);
}

struct http_req *fake_get(const char *query)
{
	return request("GET", query, "");
}

struct http_req *fake_post(const char *query, const char *body)
{
	return request("POST", query, body);
}

void fake_gone(struct http_req *req)
{
	req->on_gone(req, req->on_gone_arg);
}

struct str http_req_method(const struct http_req *req)
{
	return str_of(req->method);
}

struct str http_req_body(const struct http_req *req)
{
	return req->body;
}

struct str http_req_header(const struct http_req *req, const char *name)
{
	assert_string_equal(name, "Content-Type");
	return str_of(req->type);
}

bool http_req_origin_allowed(const struct http_req *req)
{
	return !req->bad_origin;
}

bool http_req_is_websocket(const struct http_req *req)
{
	return req->wants_websocket;
}

int http_req_query_get(const struct http_req *req, const char *name, char *out, size_t size)
{
	struct str rest = str_of(req->query);
	while (rest.ptr) {
		struct str value = str_cut(&rest, '&');
		struct str key = str_cut(&value, '=');
		if (str_eq_z(key, name))
			return str_copy(out, size, value) < 0 ? ERR_TOO_LARGE : (int)value.len;
	}
	return ERR_NOT_FOUND;
}

void http_req_on_gone(struct http_req *req, void (*cb)(struct http_req *req, void *arg), void *arg)
{
	req->on_gone = cb;
	req->on_gone_arg = arg;
}

void http_respond(struct http_req *req, int status, const char *content_type, struct str body)
{
	(void)content_type;
	assert_int_equal(req->status, 0); /* only once */
	req->status = status;
	snprintf(req->answer, sizeof req->answer, "%.*s", STR_ARG(body));
}

void http_respond_json(struct http_req *req, int status, struct str json)
{
	http_respond(req, status, "application/json", json);
}

void http_respond_problem(struct http_req *req, int err, const char *detail, const char *field)
{
	(void)detail, (void)field;
	http_respond(req, err_http_status(err), "application/problem+json", str_of(err_code(err)));
}

/* --- WebSockets --- */

static void on_closed(struct post *p)
{
	struct ws *ws = CONTAINER_OF(p, struct ws, post);
	ws->closed = true;
	strcat(ws->got, "<closed>");
	ws->handlers->on_close(ws, 1000, ws->arg);
}

int http_ws_accept(struct http_req *req, const struct ws_handlers *h, void *arg, struct ws **out)
{
	struct ws *ws = calloc(1, sizeof *ws);
	ws->handlers = h;
	ws->arg = arg;
	ws->post.run = on_closed;
	fake.sockets[fake.n_sockets++] = ws;
	http_respond(req, 101, NULL, STR(""));
	req->ws = ws;
	*out = ws;
	return 0;
}

int ws_send(struct ws *ws, enum ws_opcode opcode, const struct str *parts, size_t n_parts)
{
	assert_in_range(n_parts, 1, WS_MAX_PARTS);
	if (ws->closing)
		return ERR_CLOSED;
	size_t at = strlen(ws->got);
	if (at)
		at += (size_t)sprintf(ws->got + at, "|");
	if (opcode == WS_BINARY)
		at += (size_t)sprintf(ws->got + at, "binary:");
	for (size_t i = 0; i < n_parts; i++) {
		assert_in_range(at + parts[i].len, 0, sizeof ws->got - 10);
		memcpy(ws->got + at, parts[i].ptr, parts[i].len);
		at += parts[i].len;
	}
	ws->got[at] = 0;
	return 0;
}

void ws_close(struct ws *ws, uint16_t code, const char *reason)
{
	(void)code, (void)reason;
	if (ws->closing)
		return;
	ws->closing = true;
	loop_post(&fake.loop, &ws->post);
}

struct ws *fake_ws(const char *query)
{
	struct http_req req = {.method = "GET", .wants_websocket = true};
	snprintf(req.query, sizeof req.query, "%s", query);
	struct http_req *made = fake_request(fake.routes[0].pattern, &req);
	return made->status == 101 ? made->ws : NULL;
}

void fake_ws_send(struct ws *ws, const char *text)
{
	/* A copy of exact size, so that reading past the end is seen. */
	char *copy = malloc(strlen(text) + 1);
	memcpy(copy, text, strlen(text));
	if (!ws->closing)
		ws->handlers->on_message(ws, WS_TEXT, str_n(copy, strlen(text)), ws->arg);
	free(copy);
}

void fake_ws_send_binary(struct ws *ws, struct str bytes)
{
	if (!ws->closing)
		ws->handlers->on_message(ws, WS_BINARY, bytes, ws->arg);
}

void fake_ws_break(struct ws *ws)
{
	ws_close(ws, 1006, NULL);
	fake_run(1);
}

const char *fake_ws_got(struct ws *ws)
{
	static char taken[sizeof ws->got];
	memcpy(taken, ws->got, sizeof taken);
	ws->got[0] = 0;
	return taken;
}

/* --- calls --- */

static void note(char sign, struct str id)
{
	char text[16];
	snprintf(text, sizeof text, "%c%.4s", sign, id.ptr);
	strcat(fake.sessions, text);
}

void calls_session_opened(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	note('+', session_id);
}

void calls_session_lost(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	note('?', session_id);
}

void calls_session_resumed(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	note('!', session_id);
}

void calls_session_gone(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	note('-', session_id);
}

void calls_submit(struct calls *c, const struct call_command *cmd, call_reply_cb cb, void *arg)
{
	(void)c;
	fake.n_commands++;
	fake.last = (struct fake_command){.cmd = *cmd, .cb = cb, .arg = arg};
	snprintf(fake.last.call_id, sizeof fake.last.call_id, "%.*s", STR_ARG(cmd->call_id));
	snprintf(fake.last.session_id, sizeof fake.last.session_id, "%.*s", STR_ARG(cmd->actor.session_id));
}

void fake_reply(int err)
{
	const struct call_reply reply = {.err = err, .status = 200, .field = err < 0 ? "callId" : NULL};
	assert_non_null(fake.last.cb);
	fake.last.cb(fake.last.arg, &reply);
	fake.last.cb = NULL;
}

int calls_route(const struct calls *c, struct str session_id, struct str to_leg, struct call_route *out)
{
	(void)c, (void)session_id;
	snprintf(fake.route_to, sizeof fake.route_to, "%.*s", STR_ARG(to_leg));
	*out = fake.route;
	return fake.route_err;
}

void calls_resync(struct calls *c, const struct call_resync *what)
{
	(void)c;
	size_t at = strlen(fake.resync);
	snprintf(fake.resync + at, sizeof fake.resync - at, "%.*s>%lld;", STR_ARG(what->call_id),
		(long long)what->after_seq);
	if (fake.resyncs_wait)
		fake.resync_waiting = *what;
	else
		what->done(what->arg, 0);
}

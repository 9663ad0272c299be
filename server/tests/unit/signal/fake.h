/* fake: the HTTP server and the call module, played by the test, so that signal is tested without either.
 *
 * Requests are made with fake_get and fake_post, and tell what they were answered; WebSockets with fake_ws. What is
 * sent to a WebSocket is noted as text, messages parted by '|'; after it was closed, the text ends in "<closed>".
 */
#ifndef BELLWIRE_TESTS_SIGNAL_FAKE_H
#define BELLWIRE_TESTS_SIGNAL_FAKE_H

#include "base/buf.h"
#include "call/call.h"
#include "check.h"
#include "http/http.h"
#include "loop/loop.h"

struct http_req {
	char method[8];
	char query[512];
	char type[64];
	struct str body;
	bool wants_websocket;
	bool bad_origin;
	int status; /* 0 until it is answered */
	char answer[4096];
	struct ws *ws; /* what it became */
	void (*on_gone)(struct http_req *req, void *arg);
	void *on_gone_arg;
};

struct ws {
	const struct ws_handlers *handlers;
	void *arg;
	bool closing;
	bool closed;
	char got[16384];
	struct post post;
};

struct fake_command {
	struct call_command cmd;
	char call_id[64];
	char session_id[64];
	call_reply_cb cb;
	void *arg;
};

struct fake {
	struct loop loop;
	struct http_route routes[4];
	size_t n_routes;
	struct http_req *reqs[64];
	size_t n_reqs;
	struct ws *sockets[64];
	size_t n_sockets;

	char sessions[1024]; /* "+id" opened, "?id" lost, "!id" resumed, "-id" gone, with ids cut to 4 characters */
	struct fake_command last; /* the last command submitted; cb null once it is answered */
	size_t n_commands;
	int route_err; /* what calls_route says */
	struct call_route route;
	char route_to[64];
	char resync[256];  /* "CALL>SEQ;" for each that was asked for */
	bool resyncs_wait; /* they are done at once otherwise */
	struct call_resync resync_waiting;
};
extern struct fake fake;

void fake_start(void);
void fake_stop(void);

struct http_req *fake_get(const char *query);
struct http_req *fake_post(const char *query, const char *body);
struct http_req *fake_request(const char *path, const struct http_req *req);
void fake_gone(struct http_req *req);

/* Connects a WebSocket; null when it was refused. */
struct ws *fake_ws(const char *query);
void fake_ws_send(struct ws *ws, const char *text);
void fake_ws_send_binary(struct ws *ws, struct str bytes);
void fake_ws_break(struct ws *ws);

/* Takes what the socket got so far. */
const char *fake_ws_got(struct ws *ws);

/* Lets the loop run for some time. */
void fake_run(int64_t ms);

/* Answers the last command. */
void fake_reply(int err);

#endif

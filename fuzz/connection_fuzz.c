/* A whole connection: HTTP, its upgrade to a WebSocket, Engine.IO, Socket.IO, the table of events, with the calls
 * played here. The bytes come in pieces; what goes out must be well-formed, and nothing may be left behind.
 *
 * Input: a byte that says how large the pieces are, then what the client sends. Twenty '@' stand for the session id
 * that the server has given last, so that polling can be reached. Tokens are signed with SECRET. */
#include "base/err.h"
#include "base/log.h"
#include "call/call.h"
#include "codec/jwt.h"
#include "fuzz.h"
#include "http/conn.h"
#include "signal/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 16384
#define SECRET "a-secret-of-the-fuzzer-with-more-than-32-bytes"
#define SID_LEN 20
#define PLACE "@@@@@@@@@@@@@@@@@@@@"

static struct loop loop;
static struct jwt_keys keys;
static char session[MODEL_SESSION_ID_SIZE]; /* the last one that was opened: messages are relayed to it */

/* --- calls: each command is answered at once, each leg is in a call with the sender --- */

void calls_session_opened(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	str_copy(session, sizeof session, session_id);
}

void calls_session_lost(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id, (void)session_id;
}

void calls_session_resumed(struct calls *c, struct str user_id, struct str session_id)
{
	calls_session_opened(c, user_id, session_id);
}

void calls_session_gone(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id, (void)session_id;
}

void calls_submit(struct calls *c, const struct call_command *cmd, call_reply_cb cb, void *arg)
{
	(void)c;
	bool good = cmd->call_id.len && cmd->call_id.ptr[0] != 'f';
	const struct call_reply reply = {.err = good ? 0 : ERR_CALL_NOT_FOUND, .status = 200};
	cb(arg, &reply);
}

int calls_route(const struct calls *c, struct str session_id, struct str to_leg, struct call_route *out)
{
	(void)c, (void)session_id;
	*out = (struct call_route){
		"11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "alice", session};
	return str_eq_z(to_leg, "nobody") ? ERR_LEG_NOT_FOUND : 0;
}

void calls_resync(struct calls *c, const struct call_resync *what)
{
	(void)c;
	what->done(what->arg, 0);
}

/* --- what comes out --- */

struct peer {
	struct http_server *server;
	int fd;
	struct buf got;
};

static void collect(struct peer *p)
{
	char bytes[65536];
	ssize_t n;
	while ((n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		buf_put(&p->got, str_n(bytes, (size_t)n));
}

/* One frame: final, not masked, of a known kind, its length in the shortest form, text in UTF-8 (RFC 6455 §5). Returns
 * its size; 0 when it is cut off by the connection's end. */
static size_t check_frame(struct str in, bool *closes)
{
	const unsigned char *b = (const unsigned char *)in.ptr;
	if (in.len < 2)
		return 0;
	size_t head = b[1] == 126 ? 4 : b[1] == 127 ? 10 : 2, len = head == 2 ? b[1] : 0;
	if (in.len < head)
		return 0;
	for (size_t i = 2; i < head; i++)
		len = len << 8 | b[i];
	bool known = b[0] == 0x81 || b[0] == 0x82 || b[0] == 0x88 || b[0] == 0x89 || b[0] == 0x8A;
	if (!known || (b[1] & 0x80) || (head == 4 && len < 126) || (head == 10 && len < 65536))
		abort();
	if (in.len - head < len)
		return 0;
	if (b[0] == 0x81 && !str_is_utf8(str_n(in.ptr + head, len)))
		abort();
	*closes = b[0] == 0x88;
	return head + len;
}

/* Everything after the upgrade is frames, and nothing follows a close frame. */
static void check_output(struct str got)
{
	static const char upgraded[] = "HTTP/1.1 101 ";
	const char *at = got.len ? memmem(got.ptr, got.len, upgraded, sizeof upgraded - 1) : NULL;
	const char *end = at ? memmem(at, got.len - (size_t)(at - got.ptr), "\r\n\r\n", 4) : NULL;
	if (got.len && memcmp(got.ptr, "HTTP/1.1 ", got.len < 9 ? got.len : 9) != 0)
		abort();
	if (!end)
		return;
	struct str rest = str_n(end + 4, got.len - (size_t)(end + 4 - got.ptr));
	bool closed = false;
	for (size_t used = 1; used && rest.len; rest = str_n(rest.ptr + used, rest.len - used)) {
		if (closed)
			abort();
		used = check_frame(rest, &closed);
	}
}

/* --- what goes in --- */

static struct http_conn *conn_of(const struct peer *p)
{
	struct list *first = p->server->conns.next;
	return first == &p->server->conns ? NULL : CONTAINER_OF(first, struct http_conn, link);
}

/* Writes the session's id over the places for it. */
static void fill_sid(const struct peer *p, char *bytes, size_t n)
{
	static const char before[] = "\"sid\":\"";
	const char *sid = p->got.len ? memmem(p->got.ptr, p->got.len, before, sizeof before - 1) : NULL;
	if (!sid || p->got.len - (size_t)(sid - p->got.ptr) < sizeof before - 1 + SID_LEN)
		return;
	for (char *at; (at = memmem(bytes, n, PLACE, SID_LEN));)
		memcpy(at, sid + sizeof before - 1, SID_LEN);
}

/* Gives one piece in a block of its own, so that a sanitizer sees the first byte read past it. False: no more is read.
 */
static bool give(struct peer *p, const char *bytes, size_t n)
{
	struct http_conn *c = conn_of(p);
	for (int i = 0; i < 4 && c && !c->stream.reading; i++) {
		uv_run(&loop.uv, UV_RUN_NOWAIT);
		c = conn_of(p);
	}
	if (!c || !c->stream.reading)
		return false;
	unsigned char *exact = malloc(n);
	if (!exact)
		abort();
	memcpy(exact, bytes, n);
	c->stream.cb->on_read(&c->stream, exact, n);
	free(exact);
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	collect(p);
	return true;
}

static void talk(struct peer *p, char *bytes, size_t n, size_t step)
{
	for (size_t at = 0; at < n; at += step) {
		fill_sid(p, bytes + at, n - at);
		if (!give(p, bytes + at, n - at < step ? n - at : step))
			return;
	}
}

/* --- a server for one connection --- */

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

static void run_until(const bool *done)
{
	while (!*done)
		uv_run(&loop.uv, UV_RUN_ONCE);
}

static struct signal *open_server(struct peer *p)
{
	struct addr any;
	struct signal *signal;
	int fds[2];
	if (addr_parse(STR("127.0.0.1:0"), &any) < 0)
		abort();
	const struct http_config http = {.listen = &any, .n_listen = 1, .drain_ms = 1};
	if (http_server_new(&loop, &http, NULL, &p->server) < 0)
		abort();
	const struct signal_config config = {
		.loop = &loop, .http = p->server, .keys = &keys, .resume_ms = 1, .max_payload = 8192};
	if (signal_new(&config, &signal) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	p->fd = fds[1];
	buf_init(&p->got, 1 << 24);
	http_conn_new(p->server, fds[0], &any);
	return signal;
}

static void close_server(struct peer *p, struct signal *signal)
{
	bool signal_closed = false, http_closed = false;
	struct http_conn *c = conn_of(p);
	if (c)
		stream_abort(&c->stream);
	signal_close(signal, on_closed, &signal_closed);
	run_until(&signal_closed);
	http_server_close(p->server, on_closed, &http_closed);
	run_until(&http_closed);
	signal_free(signal);
	close(p->fd);
	buf_fini(&p->got);
}

static void init(void)
{
	static bool is_ready;
	if (is_ready)
		return;
	is_ready = true;
	log_set_level(LOG_ERROR);
	if (loop_init(&loop) < 0 || jwt_keys_add_secret(&keys, STR(SECRET)) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char bytes[INPUT_SIZE];
	if (size < 2 || size > INPUT_SIZE)
		return 0;
	init();
	struct peer p;
	struct signal *signal = open_server(&p);
	memcpy(bytes, data + 1, size - 1);
	session[0] = 0;
	talk(&p, bytes, size - 1, data[0] ? data[0] * 4u : size);
	check_output(buf_str(&p.got));
	close_server(&p, signal);
	return 0;
}

/* A WebSocket's life: handshake, messages, closing handshake.
 *
 *   OPEN --ws_close, or a broken rule--> CLOSING --peer's close frame, 5 s, or the end--> DONE --> connection closed
 *     `----- peer's close frame (echoed) ------------------------------------------------^
 */
#include "http/websocket.h"

#include <assert.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/conn.h"

/* RFC 6455 §1.3 */
#define HANDSHAKE_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_BYTES 16
#define MAX_MESSAGE_DEFAULT (1u << 20)
#define CLOSE_MS 5000
#define CODE_ABNORMAL 1006 /* §7.4.1 */
#define REASON_MAX (WS_CONTROL_MAX - 2)

enum ws_state { WS_STATE_OPEN, WS_STATE_CLOSING, WS_STATE_DONE };

struct ws {
	struct http_conn *conn;	      /* borrowed: it owns us */
	const struct ws_handlers *on; /* borrowed */
	void *arg;
	struct ws_decoder decoder;
	enum ws_state state;
	uint16_t close_code; /* what on_close will say */
};

/* §4.2.2: proof that the handshake was understood. */
static void write_accept(struct str key, struct buf *out)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[32 + sizeof HANDSHAKE_GUID];
	assert(key.len < 32);
	memcpy(text, key.ptr, key.len);
	memcpy(text + key.len, HANDSHAKE_GUID, sizeof HANDSHAKE_GUID - 1);
	SHA1((const unsigned char *)text, key.len + sizeof HANDSHAKE_GUID - 1, digest);
	id_base64_encode(out, str_n((const char *)digest, sizeof digest));
}

static bool is_key(struct str key)
{
	unsigned char bytes[KEY_BYTES];
	return key.len == 24 && id_base64_decode(key, bytes, sizeof bytes) == KEY_BYTES;
}

/* §4.2.1: 0 when the handshake is right. */
static int check_handshake(struct http_req *req)
{
	if (!http_req_is_websocket(req)) {
		http_resp_header(req, "Upgrade", STR("websocket"));
		return ERR_UPGRADE_REQUIRED;
	}
	if (req->is_head || !str_eq_z(req->head->method, "GET") || req->head->http_1_0 ||
		req->head->content_length != 0)
		return ERR_BAD_REQUEST;
	if (!str_eq_z(http_req_header(req, "sec-websocket-version"), "13")) {
		http_resp_header(req, "Sec-WebSocket-Version", STR("13"));
		return ERR_UPGRADE_REQUIRED;
	}
	if (!is_key(http_req_header(req, "sec-websocket-key")))
		return ERR_BAD_REQUEST;
	return http_req_origin_allowed(req) ? 0 : ERR_ORIGIN_REFUSED;
}

static int send_handshake(struct http_req *req)
{
	struct buf out;
	buf_init(&out, 4096);
	buf_put(&out, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			  "Sec-WebSocket-Accept: "));
	write_accept(http_req_header(req, "sec-websocket-key"), &out);
	buf_put(&out, STR("\r\n\r\n"));
	struct str text = buf_str(&out);
	int err = buf_ok(&out) ? stream_send(&req->conn->stream, &text, 1) : out.err;
	buf_fini(&out);
	return err;
}

static int refuse(struct http_req *req, int err)
{
	http_respond_problem(req, err, NULL, NULL);
	return err;
}

int http_ws_accept(struct http_req *req, const struct ws_handlers *h, void *arg, struct ws **out)
{
	struct http_conn *c = req->conn;
	int err = c ? check_handshake(req) : ERR_CLOSED;
	if (err)
		return refuse(req, err);
	struct ws *ws = mem_new(sizeof *ws);
	if (!ws)
		return refuse(req, ERR_NO_MEMORY);
	err = send_handshake(req);
	if (err) {
		mem_free(ws);
		http_resp_abort(req);
		return err;
	}
	*ws = (struct ws){.conn = c, .on = h, .arg = arg};
	ws_decoder_init(&ws->decoder, h->max_message ? h->max_message : MAX_MESSAGE_DEFAULT);
	c->peer = req->peer;
	c->server->stats.websockets++;
	c->server->stats.by_class[1]++;
	http_conn_answered(c, true);
	timer_stop(c->server->loop, &c->deadline);
	c->ws = ws;
	c->state = CONN_WEBSOCKET;
	*out = ws;
	return 0;
}

/* Tells the owner, who forgets us; the connection frees us when it has closed. */
static void tell_closed(struct ws *ws, uint16_t code)
{
	if (ws->state == WS_STATE_DONE)
		return;
	ws->state = WS_STATE_DONE;
	ws->on->on_close(ws, code, ws->arg);
}

void ws_gone(struct ws *ws)
{
	struct ws_batch *b = &ws->conn->server->batch;
	if (b->to == ws)
		b->to = NULL;
	tell_closed(ws, CODE_ABNORMAL);
	ws_decoder_fini(&ws->decoder);
	mem_free(ws);
}

/* --- batches: under load a read holds several messages, most of them for the same peer --- */

static int batch_flush(struct ws_batch *b)
{
	struct str bytes = buf_str(&b->bytes);
	int err = b->to ? stream_send(&b->to->conn->stream, &bytes, 1) : 0;
	b->to = NULL;
	buf_clear(&b->bytes);
	return err;
}

/* What was to be sent could not be. */
static void break_off(struct ws *ws, int err)
{
	if (err == ERR_OVERLOADED) {
		char peer[ADDR_TEXT_SIZE];
		log_warn("closed a slow consumer", LOG_S("peer", addr_format(&ws->conn->peer, peer)),
			LOG_I("queued", ws_queued(ws)));
	}
	ws_abort(ws);
}

/* Sends what waits for another than ws (null: for anyone). */
static void batch_leave(struct ws_batch *b, const struct ws *ws)
{
	struct ws *to = b->to;
	int err = to && to != ws ? batch_flush(b) : 0;
	if (err)
		break_off(to, err);
}

/* Adds a frame to what waits, and sends it when it is the last for now. */
static int batch_put(struct ws_batch *b, struct ws *ws, const struct str *parts, size_t n_parts)
{
	b->to = ws;
	for (size_t i = 0; i < n_parts; i++)
		buf_put(&b->bytes, parts[i]);
	if (!buf_ok(&b->bytes))
		return b->bytes.err;
	return b->more ? 0 : batch_flush(b);
}

static int send_whole(struct ws *ws, const struct str *parts, size_t n_parts, size_t total)
{
	struct ws_batch *b = &ws->conn->server->batch;
	bool fits = total <= WS_BATCH_MAX - b->bytes.len;
	batch_leave(b, fits ? ws : NULL);
	if (fits && (b->more || b->to))
		return batch_put(b, ws, parts, n_parts);
	return stream_send(&ws->conn->stream, parts, n_parts);
}

static int send_frame(struct ws *ws, enum ws_opcode opcode, const struct str *parts, size_t n_parts)
{
	unsigned char head[WS_HEAD_MAX];
	struct str all[WS_MAX_PARTS + 1];
	size_t total = 0;
	assert(n_parts <= WS_MAX_PARTS);
	for (size_t i = 0; i < n_parts; i++) {
		all[i + 1] = parts[i];
		total += parts[i].len;
	}
	all[0] = str_n((const char *)head, ws_head_write(head, opcode, total));
	return send_whole(ws, all, n_parts + 1, total + all[0].len);
}

int ws_send(struct ws *ws, enum ws_opcode opcode, const struct str *parts, size_t n_parts)
{
	if (ws->state != WS_STATE_OPEN)
		return ERR_CLOSED;
	int err = send_frame(ws, opcode, parts, n_parts);
	if (err)
		break_off(ws, err);
	return err;
}

static void send_close(struct ws *ws, uint16_t code, struct str reason)
{
	char bytes[2] = {(char)(code >> 8), (char)(code & 0xFF)};
	struct str parts[] = {str_n(bytes, code == 1005 ? 0 : 2), reason};
	ws->conn->server->batch.more = false; /* nothing follows it */
	if (send_frame(ws, WS_CLOSE, parts, 2) != 0)
		stream_abort(&ws->conn->stream);
}

void ws_close(struct ws *ws, uint16_t code, const char *reason)
{
	if (ws->state != WS_STATE_OPEN)
		return;
	struct str text = str_of(reason ? reason : "");
	assert(text.len <= REASON_MAX);
	ws->state = WS_STATE_CLOSING;
	ws->close_code = code;
	send_close(ws, code, text);
	http_conn_deadline(ws->conn, CLOSE_MS);
}

void ws_on_deadline(struct ws *ws)
{
	struct http_conn *c = ws->conn;
	c->state = CONN_CLOSING;
	stream_abort(&c->stream);
	tell_closed(ws, ws->close_code);
}

void ws_abort(struct ws *ws)
{
	if (ws->state == WS_STATE_DONE)
		return;
	if (ws->state == WS_STATE_OPEN)
		ws->state = WS_STATE_CLOSING;
	ws->conn->state = CONN_CLOSING;
	stream_abort(&ws->conn->stream);
}

size_t ws_queued(const struct ws *ws)
{
	return stream_queued(&ws->conn->stream);
}

const struct addr *ws_peer(const struct ws *ws)
{
	return &ws->conn->peer;
}

/* Both sides have said it: what is queued still goes out. */
static void end(struct ws *ws, uint16_t code)
{
	struct http_conn *c = ws->conn;
	c->state = CONN_CLOSING;
	timer_stop(c->server->loop, &c->deadline);
	stream_close(&c->stream);
	tell_closed(ws, code);
}

static void on_peer_close(struct ws *ws, uint16_t code)
{
	if (ws->state == WS_STATE_OPEN)
		send_close(ws, code, STR(""));
	end(ws, ws->state == WS_STATE_OPEN ? code : ws->close_code);
}

static void on_event(struct ws *ws, const struct ws_event *e)
{
	if (e->opcode == WS_CLOSE)
		on_peer_close(ws, e->close_code);
	else if (ws->state != WS_STATE_OPEN)
		return;
	else if (e->opcode == WS_PING)
		(void)ws_send(ws, WS_PONG, &e->payload, 1);
	else if (e->opcode != WS_PONG)
		ws->on->on_message(ws, e->opcode, e->payload, ws->arg);
}

/* The peer broke a rule: say which, and close without waiting for its close frame (§7.1.7). */
static void fail(struct ws *ws, int err)
{
	uint16_t code = ws_close_code_of(err);
	log_info("websocket closed", LOG_E(err), LOG_I("code", code));
	if (ws->state == WS_STATE_OPEN)
		send_close(ws, code, STR(""));
	end(ws, code);
}

static void take_frames(struct ws *ws, unsigned char *bytes, size_t n)
{
	struct http_conn *c = ws->conn;
	size_t at = 0;
	for (;;) {
		struct ws_event e;
		size_t used;
		int got = ws_decoder_feed(&ws->decoder, bytes + at, n - at, &used, &e);
		at += used;
		if (got < 0)
			fail(ws, got);
		if (got <= 0)
			return;
		c->server->batch.more = at < n;
		on_event(ws, &e);
		if (c->state == CONN_CLOSING)
			return;
	}
}

void ws_take(struct ws *ws, unsigned char *bytes, size_t n)
{
	struct ws_batch *b = &ws->conn->server->batch;
	take_frames(ws, bytes, n);
	b->more = false;
	batch_leave(b, NULL);
}

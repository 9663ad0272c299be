/* Socket.IO on an Engine.IO session: which packet is allowed when, and who gets it. */
#include "signal/sio.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "codec/json_scan.h"

/* A packet whose attachments are still coming. */
struct sio_binary {
	struct sio_socket *socket; /* null when they are for an ack, which nobody waits for */
	struct buf payload;
	struct buf bytes; /* of all attachments, one after another */
	size_t ends[SOCKETIO_MAX_ATTACHMENTS];
	unsigned n_attachments;
	unsigned n_come;
	bool has_ack;
	uint64_t ack_id;
};

struct sio_conn {
	struct sio_server *server; /* borrowed */
	struct eio_session *eio;   /* borrowed: outlives this */
	struct timer connect_timer;
	struct sio_binary *binary; /* owned; null when none is coming */
	struct sio_socket sockets[SIO_MAX_NAMESPACES];
};

/* --- a connection's life --- */

static struct loop *loop_of(const struct sio_conn *c)
{
	return c->server->eio.config.loop;
}

static void on_connect_timeout(struct timer *t, void *arg)
{
	struct sio_conn *c = arg;
	(void)t;
	eio_close(c->eio, "in no namespace");
}

static void await_connect(struct sio_conn *c)
{
	if (timer_start(loop_of(c), &c->connect_timer, c->server->connect_timeout_ms, on_connect_timeout, c) < 0)
		eio_close(c->eio, "no memory");
}

static void on_open(struct eio_session *eio, void *arg)
{
	struct sio_conn *c = mem_new(sizeof *c);
	eio->user = c;
	if (!c) {
		eio_close(eio, "no memory");
		return;
	}
	c->server = arg;
	c->eio = eio;
	await_connect(c);
}

static void free_binary(struct sio_conn *c)
{
	if (!c->binary)
		return;
	buf_fini(&c->binary->payload);
	buf_fini(&c->binary->bytes);
	mem_free(c->binary);
	c->binary = NULL;
}

static void leave(struct sio_socket *so)
{
	struct sio_conn *c = so->conn;
	so->conn = NULL;
	so->user = NULL;
	for (size_t i = 0; i < c->server->n_namespaces; i++)
		if (c->sockets[i].conn)
			return;
	await_connect(c);
}

static void on_close(struct eio_session *eio, void *arg)
{
	struct sio_conn *c = eio->user;
	(void)arg;
	if (!c)
		return;
	for (size_t i = 0; i < c->server->n_namespaces; i++) {
		if (c->sockets[i].conn)
			c->sockets[i].ns->on_disconnect(&c->sockets[i], false);
	}
	timer_stop(loop_of(c), &c->connect_timer);
	free_binary(c);
	mem_free(c);
	eio->user = NULL;
}

/* --- out --- */

static void send_packet(struct sio_conn *c, const struct socketio_packet *p)
{
	char head[SOCKETIO_HEAD_SIZE];
	const struct str parts[] = {socketio_head(p, head), p->payload};
	eio_send(c->eio, parts, p->payload.len ? 2 : 1);
}

void sio_send(struct sio_socket *so, const struct str *parts, size_t n_parts)
{
	eio_send(so->conn->eio, parts, n_parts);
}

void sio_send_binary(struct sio_socket *so, struct str bytes)
{
	eio_send_binary(so->conn->eio, bytes);
}

void sio_ack(struct sio_socket *so, uint64_t ack_id, struct str arguments)
{
	const struct socketio_packet p = {.type = SOCKETIO_ACK,
		.name_space = str_of(so->ns->name),
		.has_ack_id = true,
		.ack_id = ack_id,
		.payload = arguments};
	send_packet(so->conn, &p);
}

void sio_disconnect(struct sio_socket *so)
{
	const struct socketio_packet p = {.type = SOCKETIO_DISCONNECT, .name_space = str_of(so->ns->name)};
	send_packet(so->conn, &p);
	leave(so);
}

void sio_break(struct sio_socket *so, const char *why)
{
	eio_close(so->conn->eio, why);
}

/* --- in --- */

static void send_refusal(struct sio_conn *c, struct str name_space, struct str refusal)
{
	const struct socketio_packet p = {.type = SOCKETIO_CONNECT_ERROR, .name_space = name_space, .payload = refusal};
	send_packet(c, &p);
}

void sio_accept(struct sio_socket *so)
{
	char json[SIO_SID_LEN + 16];
	int n = snprintf(json, sizeof json, "{\"sid\":\"%s\"}", so->sid);
	const struct socketio_packet p = {
		.type = SOCKETIO_CONNECT, .name_space = str_of(so->ns->name), .payload = str_n(json, (size_t)n)};
	timer_stop(loop_of(so->conn), &so->conn->connect_timer);
	send_packet(so->conn, &p);
}

void sio_refuse(struct sio_socket *so, struct str refusal)
{
	send_refusal(so->conn, str_of(so->ns->name), refusal);
	so->conn = NULL;
}

static void connect_socket(struct sio_conn *c, struct sio_socket *so, const struct sio_namespace *ns, struct str auth)
{
	*so = (struct sio_socket){.conn = c, .ns = ns, .serial = ++c->server->next_serial};
	id_token(so->sid, SIO_SID_LEN);
	ns->on_connect(so, auth);
}

/* The index of a namespace; n_namespaces when there is none. */
static size_t find_namespace(const struct sio_server *s, struct str name)
{
	size_t i = 0;
	while (i < s->n_namespaces && !str_eq_z(name, s->namespaces[i].name))
		i++;
	return i;
}

static void on_connect_packet(struct sio_conn *c, const struct socketio_packet *p, size_t i)
{
	struct json_scan json = json_scan(p->payload);
	if (p->payload.len && !(json_scan_value(&json, NULL) && json_scan_done(&json)))
		eio_close(c->eio, "broken JSON");
	else if (i < c->server->n_namespaces)
		connect_socket(c, &c->sockets[i], &c->server->namespaces[i], p->payload);
	else if (p->name_space.len > SOCKETIO_MAX_NAMESPACE)
		eio_close(c->eio, "long namespace");
	else
		send_refusal(c, p->name_space, STR("{\"message\":\"Invalid namespace\"}"));
}

static void on_disconnect_packet(struct sio_socket *so)
{
	so->ns->on_disconnect(so, true);
	leave(so);
}

static void finish_binary(struct sio_conn *c)
{
	struct sio_binary *b = c->binary;
	struct str attachments[SOCKETIO_MAX_ATTACHMENTS];
	c->binary = NULL;
	for (unsigned i = 0; i < b->n_attachments; i++) {
		size_t start = i ? b->ends[i - 1] : 0;
		attachments[i] = b->bytes.ptr ? str_n(b->bytes.ptr + start, b->ends[i] - start) : STR("");
	}
	const struct sio_event e = {buf_str(&b->payload), b->has_ack, b->ack_id, b->n_attachments, attachments};
	if (b->socket && b->socket->conn)
		b->socket->ns->on_event(b->socket, &e);
	buf_fini(&b->payload);
	buf_fini(&b->bytes);
	mem_free(b);
}

static void begin_binary(struct sio_conn *c, struct sio_socket *so, const struct socketio_packet *p)
{
	size_t max = c->server->eio.config.max_payload;
	struct sio_binary *b = mem_new(sizeof *b);
	if (!b) {
		eio_close(c->eio, "no memory");
		return;
	}
	*b = (struct sio_binary){.socket = p->type == SOCKETIO_BINARY_EVENT ? so : NULL,
		.n_attachments = p->n_attachments,
		.has_ack = p->has_ack_id,
		.ack_id = p->ack_id};
	buf_init(&b->payload, max);
	buf_init(&b->bytes, max);
	buf_put(&b->payload, p->payload);
	c->binary = b;
	if (!buf_ok(&b->payload))
		eio_close(c->eio, "no memory");
	else if (b->n_attachments == 0)
		finish_binary(c);
}

static void on_binary(struct sio_conn *c, struct str bytes)
{
	struct sio_binary *b = c->binary;
	if (!b) {
		eio_close(c->eio, "binary without a packet");
		return;
	}
	if (b->socket && b->socket->ns->keeps_attachments)
		buf_put(&b->bytes, bytes);
	b->ends[b->n_come++] = b->bytes.len;
	if (!buf_ok(&b->bytes))
		eio_close(c->eio, "attachments too large");
	else if (b->n_come == b->n_attachments)
		finish_binary(c);
}

/* A packet of a namespace that the connection is in. */
static void on_socket_packet(struct sio_conn *c, struct sio_socket *so, const struct socketio_packet *p)
{
	const struct sio_event e = {.payload = p->payload, .has_ack = p->has_ack_id, .ack_id = p->ack_id};
	switch (p->type) {
	case SOCKETIO_EVENT: so->ns->on_event(so, &e); break;
	case SOCKETIO_DISCONNECT: on_disconnect_packet(so); break;
	case SOCKETIO_ACK: break; /* we ask for none */
	case SOCKETIO_BINARY_EVENT:
	case SOCKETIO_BINARY_ACK: begin_binary(c, so, p); break;
	case SOCKETIO_CONNECT:
	case SOCKETIO_CONNECT_ERROR: eio_close(c->eio, "packet out of place"); break;
	}
}

static void on_message(struct eio_session *eio, bool binary, struct str data, void *arg)
{
	struct sio_conn *c = eio->user;
	struct socketio_packet p;
	(void)arg;
	if (binary) {
		on_binary(c, data);
		return;
	}
	if (c->binary || socketio_parse(data, &p) < 0) {
		eio_close(eio, "broken Socket.IO packet");
		return;
	}
	size_t i = find_namespace(c->server, p.name_space);
	bool connected = i < c->server->n_namespaces && c->sockets[i].conn;
	if (connected)
		on_socket_packet(c, &c->sockets[i], &p);
	else if (p.type == SOCKETIO_CONNECT)
		on_connect_packet(c, &p, i);
	else
		eio_close(eio, "event before CONNECT");
}

/* --- the server --- */

int sio_server_init(struct sio_server *s, struct eio_config *config, const struct sio_namespace *namespaces, size_t n)
{
	assert(n <= SIO_MAX_NAMESPACES);
	s->namespaces = namespaces;
	s->n_namespaces = n;
	config->handlers =
		(struct eio_handlers){.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = s};
	return eio_server_init(&s->eio, config);
}

void sio_server_close(struct sio_server *s, void (*cb)(void *arg), void *arg)
{
	eio_server_close(&s->eio, cb, arg);
}

void sio_server_fini(struct sio_server *s)
{
	eio_server_fini(&s->eio);
}

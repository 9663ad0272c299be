/* The handlers that the two protocols' conformance suites expect of a server: everything comes back. */
#include "base/err.h"
#include "codec/envelope.h"
#include "signal/session.h"

/* --- Engine.IO: messages come back as they were --- */

static void on_open(struct eio_session *s, void *arg)
{
	(void)s, (void)arg;
}

static void on_message(struct eio_session *s, bool binary, struct str data, void *arg)
{
	(void)arg;
	if (binary)
		eio_send_binary(s, data);
	else
		eio_send(s, &data, 1);
}

static void on_close(struct eio_session *s, void *arg)
{
	(void)s, (void)arg;
}

const struct eio_handlers echo_eio_handlers = {.on_open = on_open, .on_message = on_message, .on_close = on_close};

/* --- Socket.IO: "auth" on connect, "message" -> "message-back", "message-with-ack" -> an ack with its arguments --- */

static void send_text(struct sio_socket *so, const struct socketio_packet *packet, struct str front, struct str rest)
{
	char head[SOCKETIO_HEAD_SIZE];
	const struct str parts[] = {socketio_head(packet, head), front, rest};
	sio_send(so, parts, 3);
}

static void echo_connect(struct sio_socket *so, struct str auth)
{
	const struct socketio_packet p = {.type = SOCKETIO_EVENT, .name_space = str_of(so->ns->name)};
	const struct str parts[] = {STR("[\"auth\","), auth.len ? auth : STR("{}"), STR("]")};
	char head[SOCKETIO_HEAD_SIZE];
	const struct str all[] = {socketio_head(&p, head), parts[0], parts[1], parts[2]};
	sio_accept(so);
	sio_send(so, all, 4);
}

/* What follows the event's name, from its comma or the closing bracket on. */
static struct str after_name(struct str payload, struct str name)
{
	const char *rest = name.ptr + name.len + 1;
	return str_n(rest, (size_t)(payload.ptr + payload.len - rest));
}

static void echo_event(struct sio_socket *so, const struct sio_event *e)
{
	struct envelope envelope;
	if (envelope_scan(e->payload, &envelope) == ERR_PROTOCOL) {
		sio_break(so, "event is no JSON");
		return;
	}
	struct str rest = after_name(e->payload, envelope.event);
	struct socketio_packet p = {.name_space = str_of(so->ns->name), .n_attachments = e->n_attachments};
	if (str_eq_z(envelope.event, "message")) {
		p.type = e->n_attachments ? SOCKETIO_BINARY_EVENT : SOCKETIO_EVENT;
		send_text(so, &p, STR("[\"message-back\""), rest);
	} else if (str_eq_z(envelope.event, "message-with-ack") && e->has_ack) {
		p.type = e->n_attachments ? SOCKETIO_BINARY_ACK : SOCKETIO_ACK;
		p.has_ack_id = true;
		p.ack_id = e->ack_id;
		size_t comma = str_find(rest, ','); /* right at the front, but for white space */
		if (envelope.n_arguments)
			rest = str_n(rest.ptr + comma + 1, rest.len - comma - 1);
		send_text(so, &p, STR("["), rest);
	} else {
		return;
	}
	for (unsigned i = 0; i < e->n_attachments; i++)
		sio_send_binary(so, e->attachments[i]);
}

static void echo_disconnect(struct sio_socket *so, bool by_client)
{
	(void)so, (void)by_client;
}

#define ECHO_NAMESPACE(n)                                                                                              \
	{                                                                                                              \
		.name = (n), .keeps_attachments = true, .on_connect = echo_connect, .on_event = echo_event,            \
		.on_disconnect = echo_disconnect                                                                       \
	}

const struct sio_namespace echo_namespaces[2] = {ECHO_NAMESPACE("/"), ECHO_NAMESPACE("/custom")};

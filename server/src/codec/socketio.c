/* Socket.IO 5 packets: a head read by hand, the JSON left for whoever wants it. */
#include "codec/socketio.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static bool is_digit(struct str s)
{
	return s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9';
}

static struct str skip(struct str s, size_t n)
{
	return str_n(s.ptr + n, s.len - n);
}

/* Takes the digits off the front of *rest. False when there are none or they are more than max. */
static bool take_number(struct str *rest, uint64_t max, uint64_t *out)
{
	size_t n = 0;
	while (is_digit(skip(*rest, n)))
		n++;
	if (str_parse_u64(str_n(rest->ptr, n), max, out) < 0)
		return false;
	*rest = skip(*rest, n);
	return true;
}

static bool take_attachments(struct str *rest, struct socketio_packet *out)
{
	uint64_t n;
	if (out->type != SOCKETIO_BINARY_EVENT && out->type != SOCKETIO_BINARY_ACK)
		return true;
	if (!take_number(rest, SOCKETIO_MAX_ATTACHMENTS, &n) || rest->len == 0 || rest->ptr[0] != '-')
		return false;
	out->n_attachments = (unsigned)n;
	*rest = skip(*rest, 1);
	return true;
}

/* A namespace ends at a comma or with the packet. */
static void take_namespace(struct str *rest, struct socketio_packet *out)
{
	out->name_space = STR("/");
	if (rest->len == 0 || rest->ptr[0] != '/')
		return;
	size_t n = str_find(*rest, ',');
	out->name_space = str_n(rest->ptr, n);
	*rest = skip(*rest, n < rest->len ? n + 1 : n);
}

static bool payload_fits(const struct socketio_packet *p)
{
	char first = p->payload.len ? p->payload.ptr[0] : 0;
	switch (p->type) {
	case SOCKETIO_CONNECT: return !first || first == '{';
	case SOCKETIO_DISCONNECT: return !first;
	case SOCKETIO_CONNECT_ERROR: return first == '{' || first == '"';
	default: return first == '[';
	}
}

int socketio_parse(struct str text, struct socketio_packet *out)
{
	*out = (struct socketio_packet){0};
	if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '0' + SOCKETIO_BINARY_ACK)
		return ERR_PROTOCOL;
	out->type = (enum socketio_type)(text.ptr[0] - '0');
	struct str rest = skip(text, 1);
	if (!take_attachments(&rest, out))
		return ERR_PROTOCOL;
	take_namespace(&rest, out);
	if (memchr(out->name_space.ptr, 0, out->name_space.len))
		return ERR_PROTOCOL;
	if (is_digit(rest)) {
		if (!take_number(&rest, SOCKETIO_MAX_ACK_ID, &out->ack_id))
			return ERR_PROTOCOL;
		out->has_ack_id = true;
	}
	out->payload = rest;
	bool is_ack = out->type == SOCKETIO_ACK || out->type == SOCKETIO_BINARY_ACK;
	if (is_ack && !out->has_ack_id)
		return ERR_PROTOCOL;
	return payload_fits(out) ? 0 : ERR_PROTOCOL;
}

struct str socketio_head(const struct socketio_packet *packet, char out[SOCKETIO_HEAD_SIZE])
{
	bool binary = packet->type == SOCKETIO_BINARY_EVENT || packet->type == SOCKETIO_BINARY_ACK;
	bool named = !str_eq_z(packet->name_space, "/");
	char attachments[8] = "", ack_id[24] = "";
	assert(binary || packet->n_attachments == 0);
	assert(packet->name_space.len <= SOCKETIO_MAX_NAMESPACE);
	if (binary)
		snprintf(attachments, sizeof attachments, "%u-", packet->n_attachments % 100);
	if (packet->has_ack_id)
		snprintf(ack_id, sizeof ack_id, "%llu", (unsigned long long)packet->ack_id);
	int n = snprintf(out, SOCKETIO_HEAD_SIZE, "%c%s%.*s%s%s", '0' + (int)packet->type, attachments,
		named ? (int)packet->name_space.len : 0, packet->name_space.ptr, named ? "," : "", ack_id);
	return str_n(out, (size_t)n);
}

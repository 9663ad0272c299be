/* Engine.IO 4 packets: a digit and the rest. */
#include "codec/engineio.h"

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"

int engineio_parse(struct str text, struct engineio_packet *out)
{
	if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '0' + ENGINEIO_NOOP)
		return ERR_PROTOCOL;
	*out = (struct engineio_packet){
		.type = (enum engineio_type)(text.ptr[0] - '0'), .data = str_n(text.ptr + 1, text.len - 1)};
	return 0;
}

int engineio_next(struct str *rest, struct engineio_packet *out)
{
	struct str one = str_cut(rest, ENGINEIO_SEPARATOR);
	if (one.len == 0 || one.ptr[0] != 'b')
		return engineio_parse(one, out);
	*out = (struct engineio_packet){ENGINEIO_MESSAGE, true, str_n(one.ptr + 1, one.len - 1)};
	return 0;
}

int engineio_decode(const struct engineio_packet *packet, struct buf *out)
{
	size_t most = packet->data.len / 4 * 3;
	if (most == 0)
		return packet->data.len ? ERR_PROTOCOL : 0;
	char *room = buf_reserve(out, most);
	if (!room)
		return out->err;
	int n = id_base64_decode(packet->data, room, most);
	if (n < 0)
		return ERR_PROTOCOL;
	buf_commit(out, (size_t)n);
	return 0;
}

static void put_separator(struct buf *body)
{
	if (body->len)
		buf_put_c(body, ENGINEIO_SEPARATOR);
}

void engineio_put_text(struct buf *body, enum engineio_type type, struct str data)
{
	put_separator(body);
	buf_put_c(body, (char)('0' + (int)type));
	buf_put(body, data);
}

void engineio_put_binary(struct buf *body, struct str bytes)
{
	put_separator(body);
	buf_put_c(body, 'b');
	id_base64_encode(body, bytes);
}

void engineio_put_handshake(struct buf *out, const struct engineio_handshake *h)
{
	struct json_writer w = json_writer(out);
	jw_object(&w);
	jw_kstr(&w, "sid", h->sid);
	jw_kraw(&w, "upgrades", h->can_upgrade ? STR("[\"websocket\"]") : STR("[]"));
	jw_kint(&w, "pingInterval", h->ping_interval_ms);
	jw_kint(&w, "pingTimeout", h->ping_timeout_ms);
	jw_kint(&w, "maxPayload", (int64_t)h->max_payload);
	jw_end_object(&w);
}

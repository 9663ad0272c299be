/* WebSocket frames in and out: a header of a few bytes, a masked payload, and the rules on how they may follow. */
#include "codec/ws_frame.h"

#include "base/err.h"
#include "base/mem.h"

/* §5.2: the first two bytes. */
#define BIT_FIN 0x80
#define BITS_RESERVED 0x70
#define BITS_OPCODE 0x0F
#define BIT_MASK 0x80
#define BITS_LENGTH 0x7F
#define LENGTH_16 126
#define LENGTH_64 127

/* §7.4.1 */
#define CODE_PROTOCOL 1002
#define CODE_NO_STATUS 1005
#define CODE_BAD_TEXT 1007
#define CODE_TOO_BIG 1009
#define CODE_INTERNAL 1011

size_t ws_head_write(unsigned char out[WS_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_len)
{
	size_t n_length = payload_len < LENGTH_16 ? 0 : payload_len <= UINT16_MAX ? 2 : 8;
	out[0] = (unsigned char)(BIT_FIN | (unsigned)opcode);
	out[1] = n_length == 0 ? (unsigned char)payload_len : n_length == 2 ? LENGTH_16 : LENGTH_64;
	for (size_t i = 0; i < n_length; i++)
		out[2 + i] = (unsigned char)(payload_len >> (8 * (n_length - 1 - i)));
	return 2 + n_length;
}

bool ws_close_code_valid(unsigned code)
{
	return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

uint16_t ws_close_code_of(int err)
{
	switch (err) {
	case ERR_PROTOCOL: return CODE_PROTOCOL;
	case ERR_BAD_FIELD: return CODE_BAD_TEXT;
	case ERR_TOO_LARGE: return CODE_TOO_BIG;
	default: return CODE_INTERNAL;
	}
}

/* RFC 3629 §4: the first byte says how many follow, and narrows what the second may be. */
static bool utf8_first(struct ws_utf8 *u, unsigned char c)
{
	if (c < 0x80)
		return true;
	u->low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
	u->high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
	u->need = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
	return c >= 0xC2 && c <= 0xF4;
}

/* How many of these bytes, in eights, are ASCII: most text is nothing else. */
static size_t ascii_run(const unsigned char *bytes, size_t n)
{
	size_t i = 0;
	for (uint64_t word; n - i >= sizeof word; i += sizeof word) {
		memcpy(&word, bytes + i, sizeof word);
		if (word & 0x8080808080808080ULL)
			break;
	}
	return i;
}

bool ws_utf8_feed(struct ws_utf8 *u, const unsigned char *bytes, size_t n)
{
	for (size_t i = u->need ? 0 : ascii_run(bytes, n); i < n; i++) {
		if (u->need == 0) {
			if (!utf8_first(u, bytes[i]))
				return false;
			continue;
		}
		if (bytes[i] < u->low || bytes[i] > u->high)
			return false;
		u->low = 0x80;
		u->high = 0xBF;
		u->need--;
	}
	return true;
}

void ws_decoder_init(struct ws_decoder *d, size_t max_message)
{
	*d = (struct ws_decoder){0};
	buf_init(&d->message, max_message);
}

void ws_decoder_fini(struct ws_decoder *d)
{
	mem_free(d->control);
	buf_fini(&d->message);
}

static bool is_control(unsigned opcode)
{
	return opcode >= WS_CLOSE;
}

/* How long the header is that begins with these (at least two) bytes. */
static size_t head_size(const uint8_t *head)
{
	unsigned length = head[1] & BITS_LENGTH;
	return 2 + (length == LENGTH_16 ? 2u : length == LENGTH_64 ? 8u : 0u) + 4;
}

/* The rules that the first two bytes must keep, wherever they come (§5.2, §5.4, §5.5). */
static bool head_starts_well(const struct ws_decoder *d)
{
	unsigned opcode = d->head[0] & BITS_OPCODE;
	bool fin = d->head[0] & BIT_FIN;
	if ((d->head[0] & BITS_RESERVED) || !(d->head[1] & BIT_MASK))
		return false;
	if (is_control(opcode))
		return opcode <= WS_PONG && fin && (d->head[1] & BITS_LENGTH) <= WS_CONTROL_MAX;
	if (opcode == WS_CONTINUATION)
		return d->message_type != 0;
	return opcode <= WS_BINARY && d->message_type == 0;
}

/* The payload's length; false when it is not in the shortest form, or above 63 bits. */
static bool head_length(const uint8_t *head, uint64_t *out)
{
	unsigned length = head[1] & BITS_LENGTH;
	if (length < LENGTH_16) {
		*out = length;
		return true;
	}
	size_t n = length == LENGTH_16 ? 2 : 8;
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | head[2 + i];
	*out = value;
	return n == 2 ? value >= LENGTH_16 : value > UINT16_MAX && value <= INT64_MAX;
}

/* A whole header has come: enter its payload. */
static int begin_payload(struct ws_decoder *d)
{
	if (!head_length(d->head, &d->payload_left))
		return ERR_PROTOCOL;
	d->opcode = d->head[0] & BITS_OPCODE;
	d->fin = d->head[0] & BIT_FIN;
	memcpy(d->mask, d->head + d->n_head - 4, 4);
	d->mask_at = 0;
	d->n_head = 0;
	d->n_control = 0;
	d->in_payload = true;
	if (is_control(d->opcode)) {
		d->control = mem_new(WS_CONTROL_MAX);
		return d->control ? 0 : ERR_NO_MEMORY;
	}
	if (d->payload_left > d->message.max - d->message.len)
		return ERR_TOO_LARGE;
	if (d->opcode != WS_CONTINUATION) {
		d->message_type = d->opcode;
		d->utf8 = (struct ws_utf8){0};
	}
	return 0;
}

/* Collects the header; 1 when it is whole. */
static int feed_head(struct ws_decoder *d, const unsigned char *bytes, size_t n, size_t *used)
{
	while (*used < n) {
		d->head[d->n_head++] = bytes[(*used)++];
		if (d->n_head == 2 && !head_starts_well(d))
			return ERR_PROTOCOL;
		if (d->n_head >= 2 && d->n_head == head_size(d->head)) {
			int err = begin_payload(d);
			return err ? err : 1;
		}
	}
	return 0;
}

/* §5.3, eight bytes at a time once the mask stands at its beginning. */
static void unmask(struct ws_decoder *d, unsigned char *bytes, size_t n)
{
	size_t i = 0;
	for (; i < n && d->mask_at; i++, d->mask_at = (d->mask_at + 1) & 3)
		bytes[i] ^= d->mask[d->mask_at];
	uint64_t mask8;
	memcpy(&mask8, d->mask, 4);
	memcpy((char *)&mask8 + 4, d->mask, 4);
	for (; n - i >= 8; i += 8) {
		uint64_t word;
		memcpy(&word, bytes + i, 8);
		word ^= mask8;
		memcpy(bytes + i, &word, 8);
	}
	for (; i < n; i++, d->mask_at = (d->mask_at + 1) & 3)
		bytes[i] ^= d->mask[d->mask_at];
}

/* §5.5.1: nothing, or a code and a reason in UTF-8. */
static int end_close(struct ws_decoder *d, struct ws_event *out)
{
	struct str payload = {(const char *)d->control, d->n_control};
	*out = (struct ws_event){WS_CLOSE, {NULL, 0}, CODE_NO_STATUS};
	if (payload.len == 0)
		return 1;
	if (payload.len == 1)
		return ERR_PROTOCOL;
	out->close_code = (uint16_t)(d->control[0] << 8 | d->control[1]);
	out->payload = str_n(payload.ptr + 2, payload.len - 2);
	if (!ws_close_code_valid(out->close_code))
		return ERR_PROTOCOL;
	return str_is_utf8(out->payload) ? 1 : ERR_BAD_FIELD;
}

static int end_control(struct ws_decoder *d, struct ws_event *out)
{
	if (d->opcode == WS_CLOSE)
		return end_close(d, out);
	*out = (struct ws_event){(enum ws_opcode)d->opcode, {(const char *)d->control, d->n_control}, 0};
	return 1;
}

/* The last frame of a message has come; `last` is its payload if nothing was kept before it. */
static int end_message(struct ws_decoder *d, struct str last, struct ws_event *out)
{
	if (d->message_type == WS_TEXT && d->utf8.need)
		return ERR_BAD_FIELD;
	*out = (struct ws_event){(enum ws_opcode)d->message_type, d->message.len ? buf_str(&d->message) : last, 0};
	d->message_type = 0;
	return 1;
}

/* Takes what is there of the payload; 1 when an event came of it. */
static int feed_payload(struct ws_decoder *d, unsigned char *bytes, size_t n, struct ws_event *out)
{
	unmask(d, bytes, n);
	d->payload_left -= n;
	bool ends = d->payload_left == 0;
	d->in_payload = !ends;
	if (is_control(d->opcode)) {
		if (n)
			memcpy(d->control + d->n_control, bytes, n);
		d->n_control = (uint8_t)(d->n_control + n);
		return ends ? end_control(d, out) : 0;
	}
	if (d->message_type == WS_TEXT && !ws_utf8_feed(&d->utf8, bytes, n))
		return ERR_BAD_FIELD;
	bool whole = ends && d->fin;
	struct str piece = {(const char *)bytes, n};
	if (!whole || d->message.len)
		buf_put(&d->message, piece);
	if (!buf_ok(&d->message))
		return d->message.err;
	return whole ? end_message(d, piece, out) : 0;
}

/* What the last event showed is no longer needed: an idle socket holds no memory for messages. */
static void drop_shown(struct ws_decoder *d)
{
	if (d->message_type == 0 && d->message.ptr)
		buf_fini(&d->message);
	if (d->control && !d->in_payload) {
		mem_free(d->control);
		d->control = NULL;
	}
}

int ws_decoder_feed(struct ws_decoder *d, unsigned char *bytes, size_t n, size_t *used, struct ws_event *out)
{
	*used = 0;
	drop_shown(d);
	for (;;) {
		if (!d->in_payload) {
			int got = feed_head(d, bytes, n, used);
			if (got <= 0)
				return got;
		}
		size_t take = n - *used < d->payload_left ? n - *used : (size_t)d->payload_left;
		if (take == 0 && d->payload_left)
			return 0;
		unsigned char *payload = bytes + *used;
		*used += take;
		int got = feed_payload(d, payload, take, out);
		if (got)
			return got;
	}
}

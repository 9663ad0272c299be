/* ws_frame: WebSocket frames and messages as bytes (RFC 6455 §5), the server's side: what comes in is masked, what goes
 * out is not. No extensions. */
#ifndef BELLWIRE_CODEC_WS_FRAME_H
#define BELLWIRE_CODEC_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* §5.2 */
enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xA,
};

/* §5.5: the payload of a control frame. */
#define WS_CONTROL_MAX 125

/* A header without a mask: 2 bytes, and up to 8 for the length. */
#define WS_HEAD_MAX 10

/* Writes the header of one unmasked, final frame into out and returns its length. Lengths in the shortest form. */
size_t ws_head_write(unsigned char out[WS_HEAD_MAX], enum ws_opcode opcode, uint64_t payload_len);

/* §7.4: whether a peer may send this code in a close frame (1000–1003, 1007–1014, 3000–4999). */
bool ws_close_code_valid(unsigned code);

/* The code to close with for what ws_decoder_feed returned: 1002, 1007, 1009 or 1011. */
uint16_t ws_close_code_of(int err);

/* Is the text so far the beginning of well-formed UTF-8, however it is cut? Start with {0}. */
struct ws_utf8 {
	uint8_t need;	   /* continuation bytes that are still missing */
	uint8_t low, high; /* what the next one may be */
};
bool ws_utf8_feed(struct ws_utf8 *u, const unsigned char *bytes, size_t n);

struct ws_decoder {
	struct buf message;  /* owned; what came of a message that is not whole yet */
	struct ws_utf8 utf8; /* of the text message that comes in */
	uint64_t payload_left;
	uint8_t head[WS_HEAD_MAX + 4];
	uint8_t n_head;
	bool in_payload;
	bool fin;
	uint8_t opcode;	      /* of the frame */
	uint8_t message_type; /* WS_TEXT or WS_BINARY while a message is coming in fragments, else 0 */
	uint8_t mask[4];
	uint8_t mask_at;
	uint8_t n_control;
	unsigned char *control; /* owned; while a control frame is coming in or shown */
};

/* What came in: a whole message, or a control frame. */
struct ws_event {
	enum ws_opcode opcode; /* never WS_CONTINUATION */
	struct str payload;    /* borrowed from the input or the decoder, until the next feed */
	uint16_t close_code;   /* WS_CLOSE: 1005 when the frame has none; payload is then the reason */
};

void ws_decoder_init(struct ws_decoder *d, size_t max_message);
void ws_decoder_fini(struct ws_decoder *d);

/* Takes bytes (they are unmasked where they are) and stops after the first event: 1 and *out; 0 when all were used
 * without one. *used tells how many bytes were taken. A failure ends the connection: ERR_PROTOCOL for a broken rule,
 * ERR_BAD_FIELD for text that is not UTF-8, ERR_TOO_LARGE, ERR_NO_MEMORY. */
int ws_decoder_feed(struct ws_decoder *d, unsigned char *bytes, size_t n, size_t *used, struct ws_event *out);

#endif

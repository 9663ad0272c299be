/* WebSocket frames: whatever comes, however it is cut, the same events and the same refusal come of it. */
#include "base/err.h"
#include "codec/ws_frame.h"
#include "fuzz.h"

#include <stdlib.h>

#define MAX_MESSAGE 4096
#define INPUT_SIZE 65536

/* Decodes pieces of `step` bytes; what came of them goes to `seen`. Returns the refusal, or 0. */
static int decode(const uint8_t *data, size_t size, size_t step, struct buf *seen)
{
	static unsigned char copy[INPUT_SIZE];
	struct ws_decoder d;
	int got = 0;
	memcpy(copy, data, size);
	ws_decoder_init(&d, MAX_MESSAGE);
	for (size_t at = 0; at < size && got >= 0; at += step) {
		size_t n = size - at < step ? size - at : step;
		size_t in = 0;
		do {
			struct ws_event e;
			size_t used;
			got = ws_decoder_feed(&d, copy + at + in, n - in, &used, &e);
			in += used;
			if (got <= 0)
				break;
			if (e.opcode == WS_TEXT && !str_is_utf8(e.payload))
				abort();
			buf_printf(
				seen, "%d %d %zu:", e.opcode, e.opcode == WS_CLOSE ? e.close_code : 0, e.payload.len);
			buf_put(seen, e.payload);
		} while (in <= n);
		if (got == 0 && in != n)
			abort();
	}
	ws_decoder_fini(&d);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > INPUT_SIZE)
		return 0;
	struct buf whole, cut;
	buf_init(&whole, 16 * INPUT_SIZE);
	buf_init(&cut, 16 * INPUT_SIZE);
	int err_whole = decode(data + 1, size - 1, size, &whole);
	int err_cut = decode(data + 1, size - 1, 1 + data[0] % 16, &cut);
	if (err_whole != err_cut || !str_eq(buf_str(&whole), buf_str(&cut)))
		abort();
	buf_fini(&whole);
	buf_fini(&cut);
	return 0;
}

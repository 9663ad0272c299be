/* Engine.IO polling bodies: every packet of a body lies inside it, and binary ones decode or are refused. */
#include "codec/engineio.h"
#include "fuzz.h"

#include <assert.h>

#define MAX_DECODED (1024 * 1024)

static void decode(const struct engineio_packet *packet)
{
	struct buf out;
	buf_init(&out, MAX_DECODED);
	if (engineio_decode(packet, &out) == 0)
		assert(out.len <= packet->data.len);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = {(const char *)data, size};
	struct str rest = body;
	struct engineio_packet packet;
	while (rest.ptr && engineio_next(&rest, &packet) == 0) {
		assert(!packet.data.len ||
			(packet.data.ptr >= body.ptr && packet.data.ptr + packet.data.len <= body.ptr + body.len));
		if (packet.base64)
			decode(&packet);
	}
	return 0;
}

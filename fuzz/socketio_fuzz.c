/* Socket.IO packets: whatever parses has parts that lie inside the input, and a head that reads back the same. */
#include "codec/socketio.h"
#include "fuzz.h"

#include <assert.h>
#include <string.h>

static void part_lies_in(struct str part, struct str whole)
{
	if (part.len && part.ptr != whole.ptr && strncmp(part.ptr, "/", part.len) != 0)
		assert(part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void head_reads_back(const struct socketio_packet *packet)
{
	char space[SOCKETIO_HEAD_SIZE];
	struct socketio_packet again;
	struct socketio_packet bare = *packet;
	bare.payload = (struct str){0};
	struct str head = socketio_head(&bare, space);
	if (socketio_parse(head, &again) != 0)
		return; /* kinds that cannot go without a payload */
	assert(again.type == packet->type && again.n_attachments == packet->n_attachments);
	assert(again.has_ack_id == packet->has_ack_id && (!again.has_ack_id || again.ack_id == packet->ack_id));
	assert(again.name_space.len == packet->name_space.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct socketio_packet packet;
	if (socketio_parse(text, &packet) != 0)
		return 0;
	part_lies_in(packet.payload, text);
	part_lies_in(packet.name_space, text);
	if (packet.name_space.len <= SOCKETIO_MAX_NAMESPACE)
		head_reads_back(&packet);
	return 0;
}

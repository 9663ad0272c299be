/* A fingerprint of what a call is created with, so that the same id with another body can be refused. */
#include "call/decide.h"

/* FNV-1a: it must be the same after a restart and on every node, which the maps' keyed hash is not. Whoever makes two
 * bodies collide fools only themselves. */
static uint64_t add(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ b[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t add_str(uint64_t hash, struct str s)
{
	uint64_t len = s.len;
	return add(add(hash, &len, sizeof len), s.ptr, s.len);
}

#define FNV_START 0xcbf29ce484222325u

uint64_t call_body_hash(const struct call_create *create, struct str actor_id)
{
	const int64_t numbers[] = {
		create->type, create->has_mode ? (int64_t)create->mode + 1 : 0, create->no_ring, create->ring_ms};
	uint64_t people = 0;
	for (size_t i = 0; i < create->n_participants; i++)
		people += add_str(FNV_START, create->participants[i]);
	uint64_t hash = add_str(FNV_START, actor_id);
	hash = add_str(hash, create->id);
	hash = add_str(hash, create->channel_id);
	hash = add_str(hash, create->metadata);
	hash = add(hash, numbers, sizeof numbers);
	if (create->has_record_policy)
		hash = add_str(hash, str_of(record_policy_word(create->record_policy)));
	return add(hash, &people, sizeof people);
}

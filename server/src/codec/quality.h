/* quality: samples of a connection's quality, read from the wire and kept in a few bytes each.
 *
 * A block is what is stored of one leg for a while: records of one sample each, as differences to the sample before it
 * of the same peer, so that what did not change costs nothing. All numbers are LEB128, signed ones zigzag:
 *
 *   block  := version (1) record*
 *   record := peer [uuid of 16 bytes, when peer is new] tenths mask delta*
 *
 * peer is an index in order of appearance; tenths is the time in tenths of a second since the record before (the first:
 * since the block's start), signed; mask has a bit for each field that follows. A field is 0 when unknown, else 1 + its
 * value (of a RATE: 1 + its step).
 */
#ifndef BELLWIRE_CODEC_QUALITY_H
#define BELLWIRE_CODEC_QUALITY_H

#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "codec/quality.def"

#define QUALITY_ENUM(name, wire, max, kind) QUALITY_FIELD_##name,
enum quality_field { QUALITY_FIELDS(QUALITY_ENUM) QUALITY_N_FIELDS };
#undef QUALITY_ENUM

#define QUALITY_PEERS_MAX 64	      /* in one block */
#define QUALITY_BLOCK_MS 120000	      /* how long a block takes samples */
#define QUALITY_BLOCK_MAX (16 * 1024) /* bytes, after which a new one is begun */
#define QUALITY_UNKNOWN (-1)

struct quality_sample {
	int64_t at; /* wall time in ms; a block keeps tenths of a second */
	char peer_id[ID_UUID_SIZE];
	int32_t values[QUALITY_N_FIELDS]; /* QUALITY_UNKNOWN, or 0…the field's largest */
};

const char *quality_field_name(enum quality_field f);

/* One sample as it comes over the wire: [age in ms, value, value, …] in the order of the fields; null or nothing at the
 * end = unknown. at = now - age. ERR_BAD_FIELD when it is something else; values above a field's largest are cut to it.
 */
int quality_read_sample(const json_t *array, int64_t now, struct quality_sample *out);

/* Reading a block. Everything in it is checked: what is damaged ends the reading with ERR_PROTOCOL. */
struct quality_reader {
	struct str rest;
	int64_t at;
	size_t n_peers;
	char peer_ids[QUALITY_PEERS_MAX][ID_UUID_SIZE];
	int32_t last[QUALITY_PEERS_MAX][QUALITY_N_FIELDS]; /* as stored */
};

/* ERR_VERSION when a newer bellwire wrote it. */
int quality_read_begin(struct quality_reader *r, struct str block, int64_t start);

/* 1 with the next sample, 0 at the end. */
int quality_read_next(struct quality_reader *r, struct quality_sample *out);

/* Appends to a block that r has read to its end; an empty one is begun with quality_write_begin. ERR_TOO_LARGE: more
 * peers than a block has room for. */
void quality_write_begin(struct quality_reader *r, struct buf *block, int64_t start);
int quality_write(struct quality_reader *r, struct buf *block, const struct quality_sample *sample);

#endif

/* build: small WebM files written by hand, and what the server would make of them, as bytes. */
#ifndef BELLWIRE_TESTS_RECORDING_BUILD_H
#define BELLWIRE_TESTS_RECORDING_BUILD_H

#include "base/buf.h"
#include "recording/ebml.h"
#include "recording/webm.h"

#define UNKNOWN_SIZE UINT64_MAX

/* A header: the id, and the size in `width` bytes (UNKNOWN_SIZE: all ones). */
void build_header(struct buf *b, uint32_t id, uint64_t size, unsigned width);
void build_element(struct buf *b, uint32_t id, struct str body);
void build_uint(struct buf *b, uint32_t id, uint64_t value);

/* Of a block: n bytes behind its track, time and flags. */
struct block {
	uint64_t track;
	int16_t time;
	bool is_key;
	size_t n;
};
void build_block(struct buf *b, const struct block *block);

/* EBML header, a segment of unknown length, Info (duration 0: none) and Tracks: 1 is video, 2 is audio. */
void build_head(struct buf *b, double duration);
/* A cluster's header, of unknown length, and its time; returns where it begins. */
int64_t build_cluster(struct buf *b, uint64_t time);
/* A file of n clusters of a second: a key frame and nine others, and sound between. cues: n of them, what is due. */
void build_live(struct buf *b, size_t n, struct webm_cue *cues);

/* Reads b; every read that it makes must lie within. */
struct webm_source build_source(const struct buf *b);

/* As the server lays it out: head, gap, the bytes up to where they end (with what is corrected in them), index. */
void build_finished(const struct buf *b, const struct webm *w, struct buf *out);

#endif

/* webm: a live WebM read for what it lacks, and the head and index that make it one with a duration and a seek bar.
 *
 * A browser's recorder writes a header, tracks and clusters of unknown length, and never comes back to fill in a
 * duration or an index. The bytes of an upload are stored behind a gap of WEBM_GAP bytes, so that a new head can be put
 * before them and the index (Cues) after them without moving anything:
 *
 *   0        new head        Void         WEBM_GAP + first_cluster        WEBM_GAP + end
 *   | EBML Segment SeekHead Info Tracks | … old header … | clusters … | Cues |
 *
 * Matroska: RFC 9559; EBML: RFC 8794. Memory is bounded whatever the input.
 */
#ifndef BELLWIRE_RECORDING_WEBM_H
#define BELLWIRE_RECORDING_WEBM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define WEBM_GAP 16384
#define WEBM_MAX_CUES 32768

/* Where the bytes come from: n bytes from `at` on, fewer only at the end; or an ERR_*. */
struct webm_source {
	int64_t (*read)(void *arg, int64_t at, void *into, size_t n);
	void *arg;
	int64_t size;
};

struct webm_cue {
	uint64_t time; /* in units of the scale */
	uint64_t track;
	int64_t cluster; /* offset in the source */
};

#define WEBM_MAX_STALE 8

/* An element among the clusters that tells where others stand, which is true no more. */
struct webm_stale {
	int64_t at;	   /* of its header */
	uint64_t n_header; /* bytes of it */
	uint64_t size;	   /* behind it */
};

struct webm {
	struct buf ebml;   /* the EBML header as it came */
	struct buf info;   /* what Info holds, without a Duration */
	struct buf tracks; /* the Tracks element as it came */
	uint64_t scale;	   /* nanoseconds of a unit */
	bool is_cut;	   /* it ended in the middle of something */
	bool is_open;	   /* has clusters of unknown length, which a segment of known length may not hold */
	bool has_video;
	uint64_t video_track;
	bool has_block;
	double told_duration; /* what Info says; 0 */
	uint64_t last_time;   /* of the last block */
	uint64_t last_step;   /* between the last two */
	int64_t first_cluster;
	int64_t end; /* of the last element that is whole */

	/* A cluster of known length that the cut has shortened; size_at 0: none. */
	int64_t size_at;
	uint8_t size_width;
	uint64_t size_value;

	struct webm_stale stale[WEBM_MAX_STALE];
	size_t n_stale;

	struct webm_cue *cues; /* owned */
	size_t n_cues;
	size_t cap_cues;
	uint64_t cue_step; /* units between two, rising as there get too many */
};

/* ERR_PROTOCOL: no WebM, or nothing in it that could be played; ERR_NO_MEMORY; an error of the source's.
 * Free with webm_fini whatever came. */
int webm_scan(const struct webm_source *source, struct webm *out);
void webm_fini(struct webm *w);

/* The same of a source that is still coming in: more as often as one likes, each time with what there is by then, and
 * the end once. It comes to what webm_scan of the whole would. */
struct webm_scan *webm_scan_new(void); /* null: no memory */
void webm_scan_free(struct webm_scan *s);
/* 0, or an error: then it is to be freed, and says nothing of what the whole will be. */
int webm_scan_more(struct webm_scan *s, const struct webm_source *source);
/* Errors and out as of webm_scan. */
int webm_scan_end(struct webm_scan *s, const struct webm_source *source, struct webm *out);
size_t webm_scan_size(const struct webm_scan *s); /* bytes of memory that it holds */

int64_t webm_duration_ms(const struct webm *w);

/* The new head, up to and with the header of the Void that reaches to WEBM_GAP + first_cluster; and the index, to stand
 * at WEBM_GAP + end. ERR_TOO_LARGE: the head does not fit into the gap. */
int webm_write(const struct webm *w, struct buf *head, struct buf *index);

/* size_value as a length of size_width bytes. */
void webm_format_size(const struct webm *w, uint8_t out[8]);

/* The header that makes a stale element a Void; returns its length, at most that of the old header. */
size_t webm_format_void(const struct webm_stale *stale, uint8_t out[16]);

#endif

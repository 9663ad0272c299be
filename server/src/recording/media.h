/* media: what an upload is by its first bytes, and how long an MP4 or an Ogg lasts. Pure but for reading. */
#ifndef BELLWIRE_RECORDING_MEDIA_H
#define BELLWIRE_RECORDING_MEDIA_H

#include "base/str.h"
#include "recording/webm.h"

enum media_kind { MEDIA_UNKNOWN, MEDIA_WEBM, MEDIA_OGG, MEDIA_MP4 };

#define MEDIA_MAGIC 8 /* bytes that tell */

/* By EBML's, Ogg's or ISO media's magic bytes (ftyp). Fewer than MEDIA_MAGIC bytes: MEDIA_UNKNOWN and 0 when they could
 * still become one. ERR_NOT_MEDIA. */
int media_sniff(struct str first, enum media_kind *out);

/* What it is served as; `declared` (by the client, may be empty) only tells sound from pictures. */
const char *media_type(enum media_kind kind, struct str declared);

/* Milliseconds; 0 when it cannot be told. Reads little. */
int64_t media_mp4_duration_ms(const struct webm_source *source);
int64_t media_ogg_duration_ms(const struct webm_source *source);

#endif

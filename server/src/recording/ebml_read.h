/* ebml_read: elements and numbers out of a source of bytes, through a window. Private to recording/.
 *
 * Nothing is read beyond the source's end; what cannot be had there counts as absent. RFC 8794.
 */
#ifndef BELLWIRE_RECORDING_EBML_READ_H
#define BELLWIRE_RECORDING_EBML_READ_H

#include "recording/webm.h"

#define EBML_UNKNOWN UINT64_MAX

struct ebml_reader {
	const struct webm_source *source; /* borrowed */
	unsigned char *window;		  /* owned */
	int64_t window_at;
	size_t window_n;
	size_t reach; /* bytes of the next read: more from one to the next, as long as nothing is skipped */
	int err;      /* of the source */
};

struct ebml_element {
	uint32_t id;
	uint64_t size; /* EBML_UNKNOWN: until something that is no child */
	int64_t start; /* of its header */
	int64_t size_at;
	uint8_t size_width;
	int64_t body;
};

/* ERR_NO_MEMORY; free with ebml_reader_fini in any case. */
int ebml_reader_init(struct ebml_reader *r, const struct webm_source *source);
void ebml_reader_fini(struct ebml_reader *r);

/* At least n bytes at `at` (65536 at most), until the next call; null when there are not so many. */
const unsigned char *ebml_peek(struct ebml_reader *r, int64_t at, size_t n);

/* A number of variable width without its marker (RFC 8794 §4); returns its width, 0: none there. */
uint8_t ebml_read_vint(struct ebml_reader *r, int64_t at, uint64_t *out);

/* The header at `at`. False at the end, or where nothing can be read. */
bool ebml_read_header(struct ebml_reader *r, int64_t at, struct ebml_element *e);

/* Whether all of it stands before `end`. */
bool ebml_fits(const struct ebml_element *e, int64_t end);

/* Its value; 0 when it is no such number. */
uint64_t ebml_read_uint(struct ebml_reader *r, const struct ebml_element *e);
double ebml_read_float(struct ebml_reader *r, const struct ebml_element *e);

#endif

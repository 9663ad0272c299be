/* append: the bytes of one request on their way into an upload. Private to append.c, which keeps it, on the loop, and
 * append_disk.c, which works for it on other threads while is_writing, or when all is over.
 */
#ifndef BELLWIRE_RECORDING_APPEND_H
#define BELLWIRE_RECORDING_APPEND_H

#include <openssl/evp.h>

#include "recording/inner.h"

struct append {
	struct work work;
	struct recordings *r;	 /* borrowed */
	struct upload *u;	 /* borrowed */
	struct upload_meta meta; /* as it was when the work at hand began: all that the pool may look at */
	struct append_config config;
	struct multipart *form; /* owned; null: the body is the upload */
	bool in_recording;	/* the part at hand is the one */
	bool had_recording;
	struct buf fill;
	struct buf flight;
	size_t fill_at;	     /* bytes that make it worth writing */
	EVP_MD_CTX *md;	     /* owned; null: no checksum */
	struct tally *tally; /* owned; upload.tally, while it is written; null */
	int fd;		     /* owned; -1 until the first write */
	int64_t start;
	int64_t n_taken;
	int64_t n_written;
	int64_t n_synced;
	bool is_writing; /* or waits for a writer */
	bool is_paused;
	bool is_over; /* nothing more comes */
	bool drop;    /* nothing of it is kept */
	int err;
};

/* Writes the flight behind what is written already. Errors of dir.c. */
int append_write(struct work *w);
/* All is written: it is checked, and made to last, or taken back. ERR_CHECKSUM, errors of dir.c; drop tells of both. */
int append_settle(struct work *w);

#endif

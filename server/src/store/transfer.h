/* transfer: a whole database copied while nobody serves it (SQLite to PostgreSQL), and an SQLite file copied while
 * somebody does. For commands of their own: they block. */
#ifndef BELLWIRE_STORE_TRANSFER_H
#define BELLWIRE_STORE_TRANSFER_H

#include "base/buf.h"

struct transfer_config {
	const char *from;	  /* path of the SQLite file */
	const char *to;		  /* postgres://… */
	const char *password;	  /* as in store_config */
	const char *members_view; /* as in store_config */
	/* Now and then: rows of this table that are done, of how many; done 0 when it begins. May be null. */
	void (*progress)(void *arg, const char *table, int64_t done, int64_t total);
	void *arg;
};

struct transfer_result {
	int64_t rows;	   /* in all tables, those of an earlier attempt included */
	int64_t copied;	   /* this time */
	int64_t unseen;	   /* calls that the host's tables do not show, since it has not their channel or people */
	uint64_t checksum; /* of all rows, the same on both sides */
};

/* Copies every row in steps that are kept when it is interrupted: done again, it goes on where it was. Then counts and
 * checksums of both sides are compared. ERR_CONFLICT when a bellwire serves either side, ERR_CONFIG when the goal holds
 * calls that came from elsewhere, ERR_STORE and so on, always with one line in *why. */
int store_transfer(const struct transfer_config *config, struct transfer_result *out, struct buf *why);

/* Copies the SQLite file at `path`, which a running server may use, to a new file: a consistent state of it.
 * ERR_EXISTS, ERR_CONFIG, ERR_STORE with one line in *why. */
int store_copy_file(const char *path, const char *to, struct buf *why);

#endif

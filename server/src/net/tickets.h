/* tickets: the keys that session tickets are sealed with (RFC 5077 §4). They rotate, and are never written anywhere. */
#ifndef BELLWIRE_NET_TICKETS_H
#define BELLWIRE_NET_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#define TICKETS_KEYS 3	      /* the one that seals, and those that still open */
#define TICKETS_ROTATE_S 3600 /* a stolen key opens what was sealed in this time */

/* How long a ticket is good for: as long as its key is sure to be known. */
#define TICKETS_LIFETIME_S ((TICKETS_KEYS - 1) * TICKETS_ROTATE_S)

#define TICKETS_NAME_SIZE 16
#define TICKETS_SECRET_SIZE 32

struct ticket_key {
	unsigned char name[TICKETS_NAME_SIZE]; /* travels with the ticket */
	unsigned char cipher[TICKETS_SECRET_SIZE];
	unsigned char mac[TICKETS_SECRET_SIZE];
	int64_t made_at; /* monotonic ms */
	bool usable;
};

struct tickets {
	struct ticket_key keys[TICKETS_KEYS]; /* newest first */
};

/* The key to seal with at `now` (monotonic ms), made anew when it is due; null when there is no randomness. */
const struct ticket_key *tickets_current(struct tickets *t, int64_t now);

/* The key that a ticket names; null when it is unknown or too old. */
const struct ticket_key *tickets_find(struct tickets *t, const unsigned char name[TICKETS_NAME_SIZE], int64_t now);

void tickets_wipe(struct tickets *t);

#endif

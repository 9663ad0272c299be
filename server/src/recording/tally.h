/* tally: what is known of the first n bytes of an upload: their SHA-256, and what of a WebM they hold. A restart
 * forgets it; then both are found out in the end. Private to recording/.
 */
#ifndef BELLWIRE_RECORDING_TALLY_H
#define BELLWIRE_RECORDING_TALLY_H

#include "recording/inner.h"

struct tally;

/* Of nothing yet; null: no memory. Freed on the loop; null is allowed there. */
struct tally *tally_new(void);
void tally_free(struct recordings *r, struct tally *t);

/* Whether there is one, and of n bytes. */
bool tally_is_of(const struct tally *t, int64_t n);

/* For the pool: bytes that come behind. ERR_NO_MEMORY: it is of no use any more. */
int tally_add(struct tally *t, struct str bytes);
/* For the pool: what was added stands in the file behind base, and is looked at when it has become much. */
void tally_look(struct tally *t, int fd, int64_t base);

/* On the loop: its memory is counted anew, and given back where all together would take too much. */
void tally_count(struct recordings *r, struct tally *t);

/* The end of it: ERR_NO_MEMORY. */
int tally_sum(struct tally *t, char out[RECORDING_SHA_SIZE]);
struct webm_scan *tally_take_scan(struct tally *t); /* the caller's now; null: none */

#endif

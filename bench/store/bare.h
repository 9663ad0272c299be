/* bare: SQLite without a store around it, as the measure of what the store's writing costs.
 *
 * The rows are those that the store itself wrote for the same change sets, read back from its file; so both sides write
 * the same, whatever columns the tables get.
 */
#ifndef BELLWIRE_BENCH_BARE_H
#define BELLWIRE_BENCH_BARE_H

#include <stddef.h>

#include "store/model.h"

struct change_set;
struct bare;

/* What the store wrote for these sets into the database at path, which nobody writes any more. Ends the process when it
 * cannot be read. */
struct bare *bare_learn(const char *path, struct change_set *const *sets, size_t n);
void bare_free(struct bare *b);

/* Opens another database that has the tables, in the store's mode and with its promises. */
void bare_open(struct bare *b, const char *path);

/* Writes the rows of all sets, `batch` sets a transaction. */
void bare_write(struct bare *b, size_t batch);

/* Closes it, and ends the process when any table differs from the one that was learned. */
void bare_close(struct bare *b);

#endif

/* still: a world without chance, for targets whose code asks for the time or for random bytes.
 *
 * Linked into a program it takes the place of the system's: the clocks stand until they are moved on, random bytes are
 * the same for every input. So an input takes the same way each time, an edge that is met is an edge that it reaches,
 * and nothing waits for a timer. */
#ifndef BELLWIRE_STILL_H
#define BELLWIRE_STILL_H

#include <stdint.h>

/* At the start of an input: random bytes begin anew, and wall time is STILL_WALL_MS again. */
void still_begin(void);

/* Both clocks are so much later from now on. */
void still_pass(int64_t ms);

#define STILL_WALL_MS 1790000000000LL

#endif

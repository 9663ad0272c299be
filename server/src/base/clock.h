/* clock: two clocks that must not be mixed up.
 *
 * Durations and timers run on the monotonic clock; what is stored or shown is wall time, in milliseconds since the Unix
 * epoch. Modules that decide take `now` as an argument instead of asking.
 */
#ifndef BELLWIRE_BASE_CLOCK_H
#define BELLWIRE_BASE_CLOCK_H

#include <stdint.h>

#include "base/str.h"

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void); /* the same clock, for what is shorter */
int64_t clock_wall_ms(void);

/* "2026-11-23T10:15:30.123Z" and a NUL. */
#define CLOCK_TEXT_SIZE 25

/* RFC 3339 in UTC with milliseconds. wall_ms from year 0 to 9999. */
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* RFC 3339 with any offset and up to nine digits of fraction (cut to ms). ERR_BAD_FIELD when it is something else. */
int clock_parse(struct str text, int64_t *out_wall_ms);

#endif

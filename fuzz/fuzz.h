/* fuzz: what every target defines; libFuzzer calls it, or replay_main.c does. */
#ifndef BELLWIRE_FUZZ_H
#define BELLWIRE_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Takes any bytes, and must neither crash nor leak nor break a promise of the header that it tests. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

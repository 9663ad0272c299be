/* mem: the one way to memory from the heap.
 *
 * Everything allocates here, so that a test can make the 1st, 2nd, 3rd… allocation fail and see that nothing breaks.
 */
#ifndef BELLWIRE_BASE_MEM_H
#define BELLWIRE_BASE_MEM_H

#include <stddef.h>

#include "base/str.h"

/* Zeroed memory, or null. Free it with mem_free. n must be above 0. */
void *mem_new(size_t n);

/* As realloc: null leaves the old block as it was. What is added is not zeroed. */
void *mem_resize(void *ptr, size_t n);

/* Room for one more behind n items of `size` bytes, in a block that holds *cap of them: the same block, or one twice as
 * large (`first` items to begin with). Null leaves all as it was. What is added is not zeroed. */
void *mem_grow(void *items, size_t n, size_t *cap, size_t size, size_t first);

/* A NUL-terminated copy, or null. */
char *mem_dup(struct str s);

/* Null is allowed. */
void mem_free(void *ptr);

/* For tests: lets `n` more allocations succeed on this thread and fails every one after that; negative turns it off. */
void mem_fail_after(long n);

/* For tests: allocations made on this thread since mem_fail_after was last called. */
long mem_count(void);

#endif

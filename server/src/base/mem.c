/* The heap, with a fault switch for tests. */
#include "base/mem.h"

#include <stdlib.h>

static _Thread_local long fail_after = -1;
static _Thread_local long n_done;

static int refused(void)
{
	n_done++;
	return fail_after >= 0 && n_done > fail_after;
}

void *mem_new(size_t n)
{
	return refused() ? NULL : calloc(1, n);
}

void *mem_resize(void *ptr, size_t n)
{
	return refused() ? NULL : realloc(ptr, n);
}

void *mem_grow(void *items, size_t n, size_t *cap, size_t size, size_t first)
{
	if (n < *cap)
		return items;
	size_t wider = *cap ? 2 * *cap : first;
	void *grown = mem_resize(items, wider * size);
	if (grown)
		*cap = wider;
	return grown;
}

char *mem_dup(struct str s)
{
	char *copy = mem_new(s.len + 1);
	if (copy && s.len)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

void mem_free(void *ptr)
{
	free(ptr);
}

void mem_fail_after(long n)
{
	fail_after = n;
	n_done = 0;
}

long mem_count(void)
{
	return n_done;
}

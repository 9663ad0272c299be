/* The PROXY header: what is read of it never goes past its end, and comes out the same however much follows. */
#include "base/err.h"
#include "fuzz.h"
#include "net/proxy.h"

#include <stdlib.h>
#include <string.h>

/* The same bytes in a block of exactly their size, so that a sanitizer sees the first byte read past them. */
static int parse(const uint8_t *data, size_t size, size_t *used, struct addr *source)
{
	char *exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	memcpy(exact, data, size);
	int got = proxy_parse(str_n(exact, size), used, source);
	free(exact);
	return got;
}

/* Whoever reads only a part of a good header waits for the rest. */
static void check_prefixes(const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i += 1 + i / 16) {
		size_t used;
		struct addr source;
		if (parse(data, i, &used, &source) != ERR_AGAIN)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t used = 0, alone = 0;
	struct addr source = {0}, again = {0};
	int got = parse(data, size, &used, &source);
	if (got != PROXY_LOCAL && got != PROXY_SPEAKS) {
		if (got != ERR_AGAIN && got != ERR_PROTOCOL)
			abort();
		if (got == ERR_AGAIN && size >= PROXY_MAX_HEADER)
			abort();
		return 0;
	}
	if (used == 0 || used > size || used > PROXY_MAX_HEADER)
		abort();
	if (parse(data, used, &alone, &again) != got || alone != used)
		abort();
	if (got == PROXY_SPEAKS && memcmp(&source, &again, sizeof source) != 0)
		abort();
	if (got == PROXY_SPEAKS && source.any.sa_family != AF_INET && source.any.sa_family != AF_INET6)
		abort();
	check_prefixes(data, used);
	return 0;
}

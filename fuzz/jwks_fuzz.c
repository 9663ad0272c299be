/* A set of public keys: whatever is read, a made-up signature is good for none of its keys. */
#include "base/buf.h"
#include "base/err.h"
#include "codec/jwks.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwks *set;
	struct buf why;
	char signature[JWKS_MAX_RSA_BITS / 8] = {1};
	buf_init(&why, 1024);
	int err = jwks_read(str_n((const char *)data, size), &set, &why);
	if (err == 0) {
		if (jwks_count(set) == 0 || jwks_count(set) > JWKS_MAX_KEYS)
			abort();
		for (size_t len = 64; len <= sizeof signature; len *= 2)
			for (int alg = JWKS_RS256; alg <= JWKS_ES256; alg++)
				if (jwks_verify(set, &(struct jwks_signed){(enum jwks_alg)alg, str_n(NULL, 0),
							     STR("text"), str_n(signature, len)}) == 0)
					abort();
		jwks_free(set);
	} else if (why.len == 0) {
		abort();
	}
	buf_fini(&why);
	return 0;
}

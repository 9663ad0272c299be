/* Hashes and HMAC over OpenSSL's digests. */
#include "codec/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

#include "base/err.h"
#include "base/id.h"

#define BLOCK_SIZE 64 /* of all three */

/* Looked up once: OpenSSL's HMAC() asks its providers anew each time, which costs more than the sums themselves. */
static struct {
	pthread_once_t once;
	EVP_MD *kinds[HMAC_SHA256 + 1];
} digests = {.once = PTHREAD_ONCE_INIT};

static void fetch_digests(void)
{
	digests.kinds[HMAC_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
	digests.kinds[HMAC_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	digests.kinds[HMAC_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
}

size_t hmac_size(enum hmac_kind kind)
{
	return kind == HMAC_MD5 ? 16 : kind == HMAC_SHA1 ? 20 : 32;
}

int hmac_hash(enum hmac_kind kind, const struct str *parts, size_t n, uint8_t *out)
{
	pthread_once(&digests.once, fetch_digests);
	const EVP_MD *md = digests.kinds[kind];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = md && ctx && EVP_DigestInit_ex(ctx, md, NULL);
	for (size_t i = 0; ok && i < n; i++)
		ok = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	if (!ok)
		id_random(out, hmac_size(kind));
	return ok ? 0 : ERR_NO_MEMORY;
}

int hmac_sum(enum hmac_kind kind, struct str key, struct str text, uint8_t *out)
{
	uint8_t inner[BLOCK_SIZE] = {0}, outer[BLOCK_SIZE], sum[HMAC_MAX_SIZE];
	int err = 0;
	if (key.len > sizeof inner)
		err = hmac_hash(kind, &key, 1, inner);
	else if (key.len)
		memcpy(inner, key.ptr, key.len);
	for (size_t i = 0; i < sizeof inner; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	struct str first[] = {str_n((const char *)inner, sizeof inner), text};
	struct str second[] = {str_n((const char *)outer, sizeof outer), str_n((const char *)sum, hmac_size(kind))};
	if (!err)
		err = hmac_hash(kind, first, 2, sum);
	if (!err)
		err = hmac_hash(kind, second, 2, out);
	if (err)
		id_random(out, hmac_size(kind));
	OPENSSL_cleanse(inner, sizeof inner);
	OPENSSL_cleanse(outer, sizeof outer);
	return err;
}

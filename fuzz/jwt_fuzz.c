/* Tokens: whatever is let in was signed by us, and says what it must. */
#include "codec/jwt.h"
#include "fuzz.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/id.h"

#define SECRET "a secret for fuzzing of more than 32 bytes"
#define NOW_MS 1700000000000LL

static struct jwt_keys keys;

static void claims_hold(const struct jwt_claims *c)
{
	assert(c->user_id[0] && str_is_utf8(str_of(c->user_id)) && str_is_utf8(str_of(c->name)));
	assert(c->expires_at_ms > NOW_MS);
	assert(!c->avatar_url[0] || str_starts_with(str_of(c->avatar_url), STR("http")));
}

/* What is let in, we could have signed ourselves. */
static void signs_again(const struct jwt_claims *c)
{
	struct buf token;
	struct jwt_claims again;
	buf_init(&token, JWT_MAX_TOKEN);
	if (jwt_sign(c, &keys, NOW_MS, &token) == 0)
		assert(jwt_verify(buf_str(&token), &keys, NOW_MS, &again) == 0 && !strcmp(c->user_id, again.user_id));
	buf_fini(&token);
}

/* The input up to a NUL is a header, the rest claims; both with a good signature, so that the fuzzer gets past it. */
static void verify_signed(struct str header, struct str payload)
{
	struct buf b;
	struct jwt_claims claims;
	unsigned char mac[JWT_MAC_SIZE];
	unsigned len = sizeof mac;
	buf_init(&b, 64 * 1024);
	id_base64url_encode(&b, header);
	buf_put_c(&b, '.');
	id_base64url_encode(&b, payload);
	if (buf_ok(&b)) {
		HMAC(EVP_sha256(), SECRET, sizeof SECRET - 1, (const unsigned char *)b.ptr, b.len, mac, &len);
		buf_put_c(&b, '.');
		id_base64url_encode(&b, str_n((const char *)mac, sizeof mac));
		if (jwt_verify(buf_str(&b), &keys, NOW_MS, &claims) == 0) {
			claims_hold(&claims);
			signs_again(&claims);
		}
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct jwt_claims claims;
	if (keys.n == 0)
		jwt_keys_add_secret(&keys, STR(SECRET));
	if (jwt_verify(text, &keys, NOW_MS, &claims) == 0)
		claims_hold(&claims);
	size_t nul = str_find(text, 0);
	if (nul < size)
		verify_signed(str_n(text.ptr, nul), str_n(text.ptr + nul + 1, size - nul - 1));
	return 0;
}

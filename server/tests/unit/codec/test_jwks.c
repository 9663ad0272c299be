/* Public keys: a published vector, what is passed over in a set, which key is taken. */
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "check.h"
#include "codec/jwks.h"

/* RFC 7515, appendix A.3. */
#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define TEXT                                                                                                           \
	"eyJhbGciOiJFUzI1NiJ9."                                                                                        \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* RFC 7515, appendix A.2. */
#define N                                                                                                              \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-"           \
	"yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"          \
	"KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"          \
	"h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"

#define EC(more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "\"" more "}"
#define RSA(more) "{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAB\"" more "}"

static int read_set(const char *keys, struct jwks **out)
{
	struct buf json, why;
	buf_init(&json, 20000);
	buf_init(&why, 1000);
	buf_printf(&json, "{\"keys\":[%s]}", keys);
	int err = jwks_read(buf_str(&json), out, &why);
	assert_true(err == 0 || err == ERR_NO_MEMORY || why.len > 0);
	buf_fini(&json);
	buf_fini(&why);
	return err;
}

static int verify(const struct jwks *set, enum jwks_alg alg, const char *kid, const char *text)
{
	char signature[64];
	assert_int_equal(id_base64url_decode(STR(SIGNATURE), signature, sizeof signature), 64);
	return jwks_verify(set, &(struct jwks_signed){alg, kid ? str_of(kid) : str_n(NULL, 0), str_of(text),
					str_n(signature, sizeof signature)});
}

static void the_published_vector_verifies(void **state)
{
	(void)state;
	struct jwks *set;
	assert_int_equal(read_set(EC(",\"kid\":\"1\""), &set), 0);
	assert_int_equal(verify(set, JWKS_ES256, "1", TEXT), 0);
	assert_int_equal(verify(set, JWKS_ES256, NULL, TEXT), 0);
	assert_int_equal(verify(set, JWKS_ES256, "1", TEXT "A"), ERR_TOKEN_INVALID);
	assert_int_equal(verify(set, JWKS_ES256, "2", TEXT), ERR_NOT_FOUND);
	assert_int_equal(verify(set, JWKS_RS256, "1", TEXT), ERR_NOT_FOUND);
	const struct jwks_signed empty = {JWKS_ES256, STR("1"), STR(TEXT), STR("")};
	assert_int_equal(jwks_verify(set, &empty), ERR_TOKEN_INVALID);
	jwks_free(set);
}

static void keys_that_cannot_be_used_are_passed_over(void **state)
{
	(void)state;
	static const char *const unusable[] = {
		"",
		"1,null,\"x\",[]",
		EC(",\"use\":\"enc\""),
		EC(",\"key_ops\":[\"sign\"]"),
		EC(",\"key_ops\":\"verify\""),
		EC(",\"d\":\"AQ\""),
		EC(",\"alg\":\"RS256\""),
		EC(",\"alg\":\"ES384\""),
		EC(",\"alg\":\"none\""),
		EC(",\"kid\":7"),
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X "\",\"y\":\"" Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" Y "\",\"y\":\"" X "\"}", /* not on the curve */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X "\",\"y\":\"" Y "AA\"}",
		"{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X "\"}",
		"{\"kty\":\"RSA\",\"n\":\"" X "\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"Aw\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N "\",\"e\":\"AQAC\"}",
		"{\"kty\":\"RSA\",\"n\":\"" N N N "\",\"e\":\"AQAB\"}",
		RSA(",\"alg\":\"ES256\""),
		RSA(",\"alg\":\"HS256\""),
	};
	struct jwks *set;
	for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++)
		if (read_set(unusable[i], &set) != ERR_CONFIG)
			fail_msg("taken: %s", unusable[i]);
	assert_int_equal(read_set(RSA("") "," EC(",\"key_ops\":[\"verify\"],\"use\":\"sig\""), &set), 0);
	assert_int_equal(jwks_count(set), 2);
	jwks_free(set);
	struct buf why;
	buf_init(&why, 1000);
	assert_int_equal(jwks_read(STR("[]"), &set, &why), ERR_CONFIG);
	assert_int_equal(jwks_read(STR("{}"), &set, &why), ERR_CONFIG);
	assert_int_equal(jwks_read(STR("{\"keys\":{}}"), &set, &why), ERR_CONFIG);
	buf_fini(&why);
}

/* The first of two that cannot be told apart stays; without a kid there must be no choice. */
static void which_key_is_meant_is_never_a_guess(void **state)
{
	(void)state;
	struct jwks *set;
	assert_int_equal(read_set(EC(",\"kid\":\"1\"") "," EC(",\"kid\":\"1\"") "," RSA(",\"kid\":\"1\""), &set), 0);
	assert_int_equal(jwks_count(set), 2);
	assert_int_equal(verify(set, JWKS_ES256, NULL, TEXT), 0);
	assert_int_equal(verify(set, JWKS_PS256, "1", TEXT), ERR_NOT_FOUND);
	jwks_free(set);
	assert_int_equal(read_set(EC(",\"kid\":\"1\"") "," EC(",\"kid\":\"2\""), &set), 0);
	assert_int_equal(verify(set, JWKS_ES256, NULL, TEXT), ERR_NOT_FOUND);
	assert_int_equal(verify(set, JWKS_ES256, "2", TEXT), 0);
	jwks_free(set);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	struct jwks *set;
	int err = ERR_NO_MEMORY;
	for (long n = 0; err != 0; n++) {
		assert_true(n < 50);
		mem_fail_after(n);
		struct buf why;
		buf_init(&why, 1000);
		err = jwks_read(STR("{\"keys\":[" EC("") "]}"), &set, &why);
		mem_fail_after(-1);
		buf_fini(&why);
	}
	jwks_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vector_verifies),
		cmocka_unit_test(keys_that_cannot_be_used_are_passed_over),
		cmocka_unit_test(which_key_is_meant_is_never_a_guess),
		cmocka_unit_test(no_memory_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

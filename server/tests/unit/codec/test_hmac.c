/* Hashes and sums under a key: the vectors of RFC 2202 and RFC 4231, keys of every length, texts in parts. */
#include "check.h"
#include "codec/hmac.h"

#include <stdio.h>

static const char *hex(const uint8_t *bytes, size_t n)
{
	static char text[2 * HMAC_MAX_SIZE + 1];
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

static const char *sum(enum hmac_kind kind, struct str key, const char *text)
{
	uint8_t out[HMAC_MAX_SIZE];
	assert_int_equal(hmac_sum(kind, key, str_of(text), out), 0);
	return hex(out, hmac_size(kind));
}

static struct str key_of(char byte, size_t n)
{
	static char key[256];
	memset(key, byte, n);
	return str_n(key, n);
}

static void test_vectors(void **state)
{
	(void)state;
	const char *what = "what do ya want for nothing?";
	assert_string_equal(sum(HMAC_MD5, key_of(0x0b, 16), "Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
	assert_string_equal(sum(HMAC_MD5, STR("Jefe"), what), "750c783e6ab0b503eaa86e310a5db738");
	assert_string_equal(sum(HMAC_SHA1, key_of(0x0b, 20), "Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
	assert_string_equal(sum(HMAC_SHA1, STR("Jefe"), what), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	assert_string_equal(sum(HMAC_SHA256, key_of(0x0b, 20), "Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	assert_string_equal(sum(HMAC_SHA256, STR("Jefe"), what),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_long_keys(void **state)
{
	(void)state;
	const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
	assert_string_equal(sum(HMAC_MD5, key_of((char)0xaa, 80), text), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
	assert_string_equal(sum(HMAC_SHA1, key_of((char)0xaa, 80), text), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
	assert_string_equal(sum(HMAC_SHA256, key_of((char)0xaa, 131), text),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* A key as long as a block is taken as it is; one of nothing is allowed, as is a text of nothing. */
static void test_edges(void **state)
{
	(void)state;
	assert_string_equal(sum(HMAC_SHA256, key_of('k', 64), "text"),
		"0414bb1d8c0c4556cdb2028727b16610ae377b1a194b6db1f853d4297f2329bc");
	assert_string_equal(sum(HMAC_SHA256, key_of('k', 65), "text"),
		"5b69580123e3d7e788b7e8352ac37a3247b911c5ec0837147b74109a6382d3f5");
	assert_string_equal(sum(HMAC_SHA256, str_n(NULL, 0), ""),
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_parts_are_one_text(void **state)
{
	(void)state;
	uint8_t out[HMAC_MAX_SIZE];
	const struct str parts[] = {STR("a"), str_n(NULL, 0), STR("bc")};
	assert_int_equal(hmac_hash(HMAC_MD5, parts, 3, out), 0);
	assert_string_equal(hex(out, 16), "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(hmac_hash(HMAC_SHA1, parts, 3, out), 0);
	assert_string_equal(hex(out, 20), "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(hmac_hash(HMAC_SHA256, parts, 3, out), 0);
	assert_string_equal(hex(out, 32), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_parts_are_one_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

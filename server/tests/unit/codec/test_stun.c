/* STUN messages: the vectors of RFC 5769 and RFC 8489 appendix B, and bytes that lie. */
#include "base/err.h"
#include "base/id.h"
#include "check.h"
#include "codec/stun.h"

/* RFC 5769 §2.1 */
static const uint8_t sample_request[] =
	"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x10STUN test client"
	"\x00\x24\x00\x04\x6e\x00\x01\xff"
	"\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36"
	"\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20"
	"\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2"
	"\x80\x28\x00\x04\xe5\x7a\x3b\xcf";

/* RFC 5769 §2.2 */
static const uint8_t sample_ipv4[] =
	"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x0btest vector "
	"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"
	"\x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7"
	"\x80\x28\x00\x04\xc0\x7d\x4c\x96";

/* RFC 5769 §2.3 */
static const uint8_t sample_ipv6[] =
	"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
	"\x80\x22\x00\x0btest vector "
	"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"
	"\x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41"
	"\x80\x28\x00\x04\xc8\xfb\x0b\x4c";

/* RFC 5769 §2.4 */
static const uint8_t sample_long_term[] =
	"\x00\x01\x00\x60\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"
	"\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9\x00\x00"
	"\x00\x15\x00\x1c"
	"f//499k954d6OL34oL9FSTvy64sA"
	"\x00\x14\x00\x0b"
	"example.org\x00"
	"\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e\x02\xb8\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

/* RFC 8489 appendix B.1 as corrected by erratum 6268 */
static const uint8_t sample_userhash[] =
	"\x00\x01\x00\x90\x21\x12\xa4\x42\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"
	"\x00\x1e\x00\x20\x4a\x3c\xf3\x8f\xef\x69\x92\xbd\xa9\x52\xc6\x78\x04\x17\xda\x0f"
	"\x24\x81\x94\x15\x56\x9e\x60\xb2\x05\xc4\x6e\x41\x40\x7f\x17\x04"
	"\x00\x15\x00\x29"
	"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA\x00\x00\x00"
	"\x00\x14\x00\x0b"
	"example.org\x00"
	"\x00\x1d\x00\x04\x00\x02\x00\x00"
	"\x00\x1c\x00\x20\xb5\xc7\xbf\x00\x5b\x6c\x52\xa2\x1c\x51\xc5\xe8\x92\xf8\x19\x24"
	"\x13\x62\x96\xcb\x92\x7c\x43\x14\x93\x09\x27\x8c\xc6\x51\x8e\x65";

#define MATRIX "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
#define SHORT_TERM STR("VOkJxbRl1RmTxUk/WvJxBt")
#define KEY(k) str_n((const char *)(k), sizeof(k))

/* Literals end with a NUL that is not part of the message. */
#define DECODE(sample, m) assert_int_equal(stun_decode((sample), sizeof(sample) - 1, (m)), 0)

static void rfc5769_request(void **state)
{
	(void)state;
	struct stun_msg m;
	DECODE(sample_request, &m);
	assert_int_equal(m.class, STUN_REQUEST);
	assert_int_equal(m.method, STUN_BINDING);
	check_str(stun_find_str(&m, STUN_USERNAME), "evtj:h6vY");
	check_str(stun_find_str(&m, STUN_SOFTWARE), "STUN test client");
	assert_true(stun_check_sha1(&m, SHORT_TERM));
	assert_false(stun_check_sha1(&m, STR("VOkJxbRl1RmTxUk/WvJxBT")));
	assert_false(stun_check_sha256(&m, SHORT_TERM, 16));
}

static void rfc5769_responses(void **state)
{
	(void)state;
	struct stun_msg m;
	struct stun_addr addr;
	DECODE(sample_ipv4, &m);
	assert_int_equal(m.class, STUN_SUCCESS);
	assert_true(stun_check_sha1(&m, SHORT_TERM));
	assert_int_equal(stun_get_xor_addr(&m, stun_find(&m, STUN_XOR_MAPPED_ADDRESS), &addr), 0);
	assert_int_equal(addr.family, STUN_IPV4);
	assert_int_equal(addr.port, 32853);
	assert_memory_equal(addr.ip, "\xc0\x00\x02\x01", 4);

	DECODE(sample_ipv6, &m);
	assert_true(stun_check_sha1(&m, SHORT_TERM));
	assert_int_equal(stun_get_xor_addr(&m, stun_find(&m, STUN_XOR_MAPPED_ADDRESS), &addr), 0);
	assert_int_equal(addr.family, STUN_IPV6);
	assert_int_equal(addr.port, 32853);
	assert_memory_equal(addr.ip, "\x20\x01\x0d\xb8\x12\x34\x56\x78\x00\x11\x22\x33\x44\x55\x66\x77", 16);
}

static void rfc5769_long_term(void **state)
{
	(void)state;
	struct stun_msg m;
	uint8_t key[16];
	DECODE(sample_long_term, &m);
	stun_key_md5(STR(MATRIX), STR("example.org"), STR("TheMatrIX"), key);
	assert_true(stun_check_sha1(&m, KEY(key)));
	stun_key_md5(STR(MATRIX), STR("example.org"), STR("TheMatrix"), key);
	assert_false(stun_check_sha1(&m, KEY(key)));
}

static void rfc8489_userhash_and_sha256(void **state)
{
	(void)state;
	struct stun_msg m;
	uint8_t key[32], hash[32];
	uint16_t algorithms[2];
	DECODE(sample_userhash, &m);
	stun_userhash(STR(MATRIX), STR("example.org"), hash);
	assert_memory_equal(stun_find(&m, STUN_USERHASH)->value, hash, 32);
	assert_int_equal(stun_get_algorithms(stun_find(&m, STUN_PASSWORD_ALGORITHM), algorithms, 2), 1);
	assert_int_equal(algorithms[0], STUN_SHA256);
	stun_key_sha256(STR(MATRIX), STR("example.org"), STR("TheMatrIX"), key);
	assert_true(stun_check_sha256(&m, KEY(key), 32));
	key[0] ^= 1;
	assert_false(stun_check_sha256(&m, KEY(key), 16));
}

/* The same bytes come out when the vector is written from its parts. */
static void writing_gives_the_vectors(void **state)
{
	(void)state;
	uint8_t mem[256], key[32];
	struct stun_writer w;
	struct stun_addr addr = {.family = STUN_IPV6, .port = 32853};
	memcpy(addr.ip, "\x20\x01\x0d\xb8\x12\x34\x56\x78\x00\x11\x22\x33\x44\x55\x66\x77", 16);
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_SUCCESS, STUN_BINDING, sample_ipv6 + 8);
	stun_put(&w, STUN_SOFTWARE, STR("test vector"));
	mem[w.len - 1] = ' '; /* the vector pads with a space */
	stun_put_xor_addr(&w, STUN_XOR_MAPPED_ADDRESS, &addr);
	stun_put_sha1(&w, SHORT_TERM);
	stun_put_fingerprint(&w);
	assert_int_equal(stun_size(&w), sizeof sample_ipv6 - 1);
	assert_memory_equal(mem, sample_ipv6, w.len);

	stun_key_sha256(STR(MATRIX), STR("example.org"), STR("TheMatrIX"), key);
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_REQUEST, STUN_BINDING, sample_userhash + 8);
	stun_put(&w, STUN_USERHASH, str_n((const char *)sample_userhash + 24, 32));
	stun_put(&w, STUN_NONCE, STR("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"));
	stun_put(&w, STUN_REALM, STR("example.org"));
	stun_put_u32(&w, STUN_PASSWORD_ALGORITHM, STUN_SHA256 << 16);
	stun_put_sha256(&w, KEY(key), 32);
	assert_int_equal(stun_size(&w), sizeof sample_userhash - 1);
	assert_memory_equal(mem, sample_userhash, w.len);
}

static void types_are_interleaved(void **state)
{
	(void)state;
	uint8_t mem[64], txid[12] = {0};
	struct stun_writer w;
	struct stun_msg m;
	for (unsigned class = 0; class < 4; class ++)
		for (uint16_t method = 0; method < 0x1000; method++) {
			stun_begin(&w, mem, sizeof mem);
			stun_put_header(&w, (enum stun_class) class, method, txid);
			assert_int_equal(stun_decode(mem, w.len, &m), 0);
			assert_int_equal(m.class, class);
			assert_int_equal(m.method, method);
		}
	/* RFC 8489 §5: a binding error response is 0x0111. */
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_ERROR, STUN_BINDING, txid);
	assert_memory_equal(mem, "\x01\x11\x00\x00\x21\x12\xa4\x42", 8);
}

static void lengths_that_lie_are_refused(void **state)
{
	(void)state;
	struct stun_msg m;
	uint8_t copy[sizeof sample_request];
	for (size_t len = 0; len < sizeof sample_request - 1; len++)
		assert_int_equal(stun_decode(sample_request, len, &m), ERR_PROTOCOL);
	for (size_t at = 0; at < sizeof sample_request - 1; at++) {
		/* Any change of a byte breaks the cookie, a length, or the fingerprint, but for the fingerprint's type.
		 */
		if (at / 2 == (sizeof copy - 1 - 8) / 2)
			continue;
		memcpy(copy, sample_request, sizeof copy);
		copy[at] ^= 0x40;
		assert_int_equal(stun_decode(copy, sizeof copy - 1, &m), ERR_PROTOCOL);
	}
	uint8_t long_attr[24] = "\x00\x01\x00\x04\x21\x12\xa4\x42";
	memcpy(long_attr + 20, "\x00\x06\x00\x01", 4);
	assert_int_equal(stun_decode(long_attr, sizeof long_attr, &m), ERR_PROTOCOL);
	memcpy(long_attr + 20, "\x00\x06\xff\xff", 4);
	assert_int_equal(stun_decode(long_attr, sizeof long_attr, &m), ERR_PROTOCOL);
}

static void attributes_are_bounded(void **state)
{
	(void)state;
	uint8_t mem[512], txid[12] = {0};
	struct stun_writer w;
	struct stun_msg m;
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_REQUEST, STUN_BINDING, txid);
	for (int i = 0; i < STUN_MAX_ATTRS; i++)
		stun_put(&w, STUN_SOFTWARE, STR(""));
	assert_int_equal(stun_decode(mem, w.len, &m), 0);
	stun_put(&w, STUN_SOFTWARE, STR(""));
	assert_int_equal(stun_decode(mem, w.len, &m), ERR_TOO_LARGE);

	stun_begin(&w, mem, 27);
	stun_put_header(&w, STUN_REQUEST, STUN_BINDING, txid);
	stun_put_u32(&w, STUN_LIFETIME, 1);
	stun_put_fingerprint(&w);
	assert_int_equal(stun_size(&w), ERR_TOO_LARGE);
}

/* What follows integrity does not count, and of two the first does. */
static void smuggled_attributes_do_not_count(void **state)
{
	(void)state;
	uint8_t mem[256], txid[12] = {0};
	struct stun_writer w;
	struct stun_msg m;
	uint32_t lifetime;
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_REQUEST, STUN_REFRESH, txid);
	stun_put_u32(&w, STUN_LIFETIME, 600);
	stun_put_u32(&w, STUN_LIFETIME, 3600);
	stun_put_sha1(&w, STR("key"));
	stun_put_u32(&w, STUN_CHANNEL_NUMBER, 7);
	assert_int_equal(stun_decode(mem, w.len, &m), 0);
	assert_null(stun_find(&m, STUN_CHANNEL_NUMBER));
	assert_int_equal(stun_get_u32(stun_find(&m, STUN_LIFETIME), &lifetime), 0);
	assert_int_equal(lifetime, 600);
	assert_true(stun_check_sha1(&m, STR("key")));
}

static void both_integrities_and_short_ones(void **state)
{
	(void)state;
	uint8_t mem[256], txid[12] = {1};
	for (size_t size = 12; size <= 36; size += 2) {
		struct stun_writer w;
		struct stun_msg m;
		stun_begin(&w, mem, sizeof mem);
		stun_put_header(&w, STUN_REQUEST, STUN_REFRESH, txid);
		stun_put_sha1(&w, STR("key"));
		stun_put_sha256(&w, STR("key"), size > 32 ? 32 : size);
		if (size > 32)
			mem[w.len - 33]++;
		stun_put_fingerprint(&w);
		if (stun_decode(mem, w.len, &m))
			continue;
		assert_true(stun_check_sha1(&m, STR("key")));
		assert_int_equal(stun_check_sha256(&m, STR("key"), 16), size >= 16 && size <= 32 && size % 4 == 0);
		assert_int_equal(stun_check_sha256(&m, STR("key"), 32), size == 32);
	}
}

static void unknown_attributes_are_named(void **state)
{
	(void)state;
	static const uint16_t known[] = {STUN_LIFETIME, 0};
	uint8_t mem[256], txid[12] = {0};
	struct stun_writer w;
	struct stun_msg m;
	uint16_t found[4];
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_REQUEST, STUN_REFRESH, txid);
	stun_put_u32(&w, STUN_LIFETIME, 600);
	stun_put_u32(&w, 0x7001, 1);
	stun_put_u32(&w, 0x8001, 1);
	stun_put_u32(&w, 0x0042, 1);
	assert_int_equal(stun_decode(mem, w.len, &m), 0);
	assert_int_equal(stun_unknown(&m, known, found, 4), 2);
	assert_int_equal(found[0], 0x7001);
	assert_int_equal(found[1], 0x0042);
	assert_int_equal(stun_unknown(&m, known, found, 1), 1);
}

static void errors_and_algorithms(void **state)
{
	(void)state;
	static const uint16_t both[] = {STUN_SHA256, STUN_MD5};
	uint8_t mem[128], txid[12] = {0};
	struct stun_writer w;
	struct stun_msg m;
	unsigned code;
	uint16_t algorithms[2];
	struct str reason;
	stun_begin(&w, mem, sizeof mem);
	stun_put_header(&w, STUN_ERROR, STUN_ALLOCATE, txid);
	stun_put_error(&w, 438, STR("Stale"));
	stun_put_algorithms(&w, both, 2);
	stun_put(&w, STUN_PASSWORD_ALGORITHM, STR("\x00\x02\x00\x09\x01\x02"));
	assert_int_equal(stun_decode(mem, w.len, &m), 0);
	assert_int_equal(stun_get_error(stun_find(&m, STUN_ERROR_CODE), &code, &reason), 0);
	assert_int_equal(code, 438);
	check_str(reason, "Stale");
	assert_int_equal(stun_get_algorithms(stun_find(&m, STUN_PASSWORD_ALGORITHMS), algorithms, 2), 2);
	assert_int_equal(algorithms[0], STUN_SHA256);
	assert_int_equal(stun_get_algorithms(stun_find(&m, STUN_PASSWORD_ALGORITHMS), algorithms, 1), ERR_BAD_FIELD);
	assert_int_equal(stun_get_algorithms(stun_find(&m, STUN_PASSWORD_ALGORITHM), algorithms, 2), ERR_BAD_FIELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5769_request),
		cmocka_unit_test(rfc5769_responses),
		cmocka_unit_test(rfc5769_long_term),
		cmocka_unit_test(rfc8489_userhash_and_sha256),
		cmocka_unit_test(writing_gives_the_vectors),
		cmocka_unit_test(types_are_interleaved),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(attributes_are_bounded),
		cmocka_unit_test(smuggled_attributes_do_not_count),
		cmocka_unit_test(both_integrities_and_short_ones),
		cmocka_unit_test(unknown_attributes_are_named),
		cmocka_unit_test(errors_and_algorithms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

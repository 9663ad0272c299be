/* Tokens: the good ones, and a corpus of hostile ones. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "check.h"
#include "codec/jwt.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define OTHER "another secret of at least 32 bytes!"
#define NOW_MS 1700000000000LL
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define EXP "\"exp\":1700003600"
#define ALICE "{\"sub\":\"alice\"," EXP "}"

static struct jwt_keys keys_of(const char *first, const char *second)
{
	struct jwt_keys keys;
	jwt_keys_init(&keys);
	assert_int_equal(jwt_keys_add_secret(&keys, str_of(first)), 0);
	if (second)
		assert_int_equal(jwt_keys_add_secret(&keys, str_of(second)), 0);
	return keys;
}

static void put_signature(struct buf *b, const char *secret)
{
	unsigned char mac[JWT_MAC_SIZE];
	unsigned len = sizeof mac;
	assert_non_null(HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)b->ptr, b->len, mac, &len));
	buf_put_c(b, '.');
	id_base64url_encode(b, str_n((char *)mac, sizeof mac));
}

static void make(struct buf *b, const char *header, const char *payload, const char *secret)
{
	buf_clear(b);
	id_base64url_encode(b, str_of(header));
	buf_put_c(b, '.');
	id_base64url_encode(b, str_of(payload));
	if (secret)
		put_signature(b, secret);
}

static int verify(struct str token, const struct jwt_keys *keys, struct jwt_claims *out)
{
	return jwt_verify(token, keys, NOW_MS, out);
}

static void good_tokens_tell_who(void **state)
{
	(void)state;
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct jwt_claims c;
	struct buf b;
	buf_init(&b, 20000);
	make(&b, HS256,
		"{\"sub\":\"alice\",\"name\":\"Al\xC3\xA9\",\"avatarUrl\":\"https://a.example/p?x=1\"," EXP
		",\"nbf\":1700000060,\"iat\":1700000060,\"scope\":\"calls server\",\"moderator\":true,\"aud\":[\"x\"]}",
		SECRET);
	assert_int_equal(verify(buf_str(&b), &keys, &c), 0);
	assert_string_equal(c.user_id, "alice");
	assert_string_equal(c.name, "Al\xC3\xA9");
	assert_string_equal(c.avatar_url, "https://a.example/p?x=1");
	assert_true(c.is_server && c.is_moderator);
	assert_true(c.expires_at_ms == 1700003600000LL);

	static const char *const headers[] = {
		"{\"alg\":\"HS256\"}", "{\"alg\":\"HS256\",\"typ\":\"jwt\",\"kid\":\"1\"}"};
	for (size_t i = 0; i < 2; i++) {
		make(&b, headers[i], ALICE, SECRET);
		assert_int_equal(verify(buf_str(&b), &keys, &c), 0);
		assert_false(c.is_server || c.is_moderator || c.name[0] || c.avatar_url[0]);
	}
	make(&b, HS256, "{\"sub\":\"a\",\"scope\":\"servers serve\"," EXP "}", SECRET);
	assert_int_equal(verify(buf_str(&b), &keys, &c), 0);
	assert_false(c.is_server);
	buf_fini(&b);
}

static void signed_tokens_verify(void **state)
{
	(void)state;
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct jwt_claims in = {.user_id = "b\"o\\b",
		.name = "Bob",
		.avatar_url = "http://x.example/",
		.is_server = true,
		.is_moderator = true,
		.expires_at_ms = NOW_MS + 60000};
	struct jwt_claims out;
	struct buf b;
	buf_init(&b, 2000);
	assert_int_equal(jwt_sign(&in, &keys, NOW_MS, &b), 0);
	assert_int_equal(verify(buf_str(&b), &keys, &out), 0);
	assert_string_equal(out.user_id, in.user_id);
	assert_string_equal(out.avatar_url, in.avatar_url);
	assert_true(out.is_server && out.is_moderator && out.expires_at_ms == in.expires_at_ms);
	assert_int_equal(jwt_verify(buf_str(&b), &keys, in.expires_at_ms - 1, &out), 0);
	assert_int_equal(jwt_verify(buf_str(&b), &keys, in.expires_at_ms, &out), ERR_TOKEN_EXPIRED);

	in.expires_at_ms = NOW_MS;
	assert_int_equal(jwt_sign(&in, &keys, NOW_MS, &b), ERR_BAD_FIELD);
	in = (struct jwt_claims){.expires_at_ms = NOW_MS + 1};
	assert_int_equal(jwt_sign(&in, &keys, NOW_MS, &b), ERR_BAD_FIELD);
	buf_fini(&b);
}

static void secrets_are_long_and_replaceable(void **state)
{
	(void)state;
	static const char huge[JWT_MAX_SECRET + 1];
	struct jwt_keys keys;
	struct jwt_claims c;
	struct buf b;
	jwt_keys_init(&keys);
	assert_int_equal(jwt_keys_add_secret(&keys, STR("0123456789abcdef0123456789abcde")), ERR_CONFIG);
	assert_int_equal(jwt_keys_add_secret(&keys, str_n(huge, sizeof huge)), ERR_CONFIG);
	assert_int_equal(keys.n, 0);
	buf_init(&b, 2000);
	make(&b, HS256, ALICE, OTHER);
	keys = keys_of(SECRET, NULL);
	assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
	keys = keys_of(SECRET, OTHER);
	assert_int_equal(verify(buf_str(&b), &keys, &c), 0);
	for (int i = 2; i < JWT_MAX_KEYS; i++)
		assert_int_equal(jwt_keys_add_secret(&keys, STR(OTHER)), 0);
	assert_int_equal(jwt_keys_add_secret(&keys, STR(OTHER)), ERR_CONFIG);

	unsigned char one[JWT_MAC_SIZE], two[JWT_MAC_SIZE];
	assert_int_equal(jwt_keys_mac(&keys, STR("resume|a|b"), one), 0);
	assert_int_equal(jwt_keys_mac(&keys, STR("resume|a|c"), two), 0);
	assert_memory_not_equal(one, two, sizeof one);
	jwt_keys_fini(&keys);
	assert_int_equal(keys.keys[0].secret[0], 0);
	buf_fini(&b);
}

#define P(claims) "{" claims "}"
#define ID "\"sub\":\"alice\""

/* Everything here is refused. Where nothing else is said the signature is good: the rest must do it. */
static const struct hostile {
	const char *header;
	const char *payload;
	const char *secret; /* null: no signature part */
	int err;
} hostile[] = {
	/* the algorithm is ours to choose */
	{"{\"alg\":\"none\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"None\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":null}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":256}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":[\"HS256\"]}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"hs256\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256 \"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS384\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS512\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"RS256\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"ES256\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"PS256\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"EdDSA\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"typ\":\"JWT\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"alg\":\"none\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	/* headers that bring a key or change the rules */
	{"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"crit\":[]}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"b64\":false}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"jku\":\"https://evil.example/k\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"x5u\":\"https://evil.example/c\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"x5c\":[\"AAAA\"]}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"zip\":\"DEF\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"kid\":1}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"typ\":\"JWE\"}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\",\"typ\":7}", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"[\"HS256\"]", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"", ALICE, SECRET, ERR_TOKEN_INVALID},
	{"{\"alg\":\"HS256\"", ALICE, SECRET, ERR_TOKEN_INVALID},
	/* signatures */
	{HS256, ALICE, OTHER, ERR_TOKEN_INVALID},
	{HS256, ALICE, "", ERR_TOKEN_INVALID},
	{HS256, ALICE, NULL, ERR_TOKEN_INVALID},
	/* times */
	{HS256, P(ID), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":1699999999"), SECRET, ERR_TOKEN_EXPIRED},
	{HS256, P(ID ",\"exp\":1700000000"), SECRET, ERR_TOKEN_EXPIRED},
	{HS256, P(ID ",\"exp\":0"), SECRET, ERR_TOKEN_EXPIRED},
	{HS256, P(ID ",\"exp\":-1"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":null"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":\"1700003600\""), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":1700003600.5"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":1.7e12"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":true"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":[1700003600]"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":253402300800"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":9223372036854775807"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":99999999999999999999999"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"exp\":1,\"exp\":1700003600"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID "," EXP ",\"nbf\":1700000061"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID "," EXP ",\"nbf\":\"0\""), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID "," EXP ",\"nbf\":1.5"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID "," EXP ",\"iat\":1700000061"), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID "," EXP ",\"iat\":{}"), SECRET, ERR_TOKEN_INVALID},
	/* who */
	{HS256, P(EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":7," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":null," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":[\"alice\"]," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"alice\",\"sub\":\"bob\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"alice\",\"s\\u0075b\":\"bob\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"al\\u0000ice\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"al\\nice\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"al\x7fice\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"al\\u0085ice\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"al\xff\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P("\"sub\":\"\\ud800\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"name\":7," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"name\":\"a\\u001bb\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"avatarUrl\":\"javascript:alert(1)\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"avatarUrl\":\"data:text/html,x\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"avatarUrl\":\"//evil.example/\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"avatarUrl\":\"https://\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"avatarUrl\":\"https://x\\\" onload=\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"scope\":[\"server\"]," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"moderator\":\"true\"," EXP), SECRET, ERR_TOKEN_INVALID},
	{HS256, P(ID ",\"moderator\":1," EXP), SECRET, ERR_TOKEN_INVALID},
	/* payloads that are no claims */
	{HS256, "", SECRET, ERR_TOKEN_INVALID},
	{HS256, "\"alice\"", SECRET, ERR_TOKEN_INVALID},
	{HS256, "[]", SECRET, ERR_TOKEN_INVALID},
	{HS256, ALICE "{}", SECRET, ERR_TOKEN_INVALID},
	{HS256,
		"{\"sub\":\"alice\",\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]," EXP
		"}",
		SECRET, ERR_TOKEN_INVALID},
};

static void hostile_tokens_are_refused(void **state)
{
	(void)state;
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct buf b;
	buf_init(&b, 20000);
	assert_true(sizeof hostile / sizeof *hostile >= 60);
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		struct jwt_claims c, untouched;
		memset(&c, 0x5a, sizeof c);
		untouched = c;
		make(&b, hostile[i].header, hostile[i].payload, hostile[i].secret);
		int err = verify(buf_str(&b), &keys, &c);
		if (err != hostile[i].err)
			fail_msg("%s: %s.%s", err_name(err), hostile[i].header, hostile[i].payload);
		assert_memory_equal(&c, &untouched, sizeof c);
	}
	buf_fini(&b);
}

/* A good token with one thing about its text changed. */
static void tokens_have_one_spelling(void **state)
{
	(void)state;
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct jwt_claims c;
	struct buf good, b;
	buf_init(&good, 20000);
	buf_init(&b, 20000);
	make(&good, HS256, ALICE, SECRET);
	assert_int_equal(verify(buf_str(&good), &keys, &c), 0);
	size_t dot = str_find(buf_str(&good), '.');

	static const char *const affixes[] = {" ", "=", "==", ".", "\n", "A", "."};
	for (size_t i = 0; i < sizeof affixes / sizeof *affixes; i++) {
		buf_clear(&b);
		buf_put(&b, buf_str(&good));
		buf_put(&b, str_of(affixes[i]));
		assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
		buf_clear(&b);
		buf_put(&b, str_of(affixes[i]));
		buf_put(&b, buf_str(&good));
		assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
	}
	/* Any one character changed: also the last, whose two lowest bits say nothing. */
	for (size_t i = 0; i < good.len; i++) {
		buf_clear(&b);
		buf_put(&b, buf_str(&good));
		b.ptr[i] = b.ptr[i] == 'B' ? 'A' : 'B';
		assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
		b.ptr[i] = (char)(good.ptr[i] ^ 1);
		assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
		/* Any shorter one. */
		assert_int_not_equal(verify(str_n(good.ptr, i), &keys, &c), 0);
	}
	assert_int_equal(verify(STR(""), &keys, &c), ERR_TOKEN_MISSING);
	assert_int_equal(verify(STR(".."), &keys, &c), ERR_TOKEN_INVALID);
	assert_int_equal(verify(str_n(good.ptr + dot, good.len - dot), &keys, &c), ERR_TOKEN_INVALID);

	/* Signed well, but too long; and a NUL in the middle. */
	static char filler[JWT_MAX_TOKEN];
	memset(filler, 'x', sizeof filler - 1);
	struct buf payload;
	buf_init(&payload, 2 * JWT_MAX_TOKEN);
	buf_printf(&payload, "{" ID "," EXP ",\"x\":\"%s\"}", filler);
	buf_put_c(&payload, 0);
	make(&b, HS256, payload.ptr, SECRET);
	assert_int_equal(verify(buf_str(&b), &keys, &c), ERR_TOKEN_INVALID);
	buf_fini(&payload);
	buf_fini(&b);
	buf_fini(&good);
}

static void long_fields_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *before;
		size_t max;
		const char *after;
	} fields[] = {{"{\"sub\":\"", JWT_MAX_USER_ID, "\"," EXP "}"},
		{"{" ID ",\"name\":\"", JWT_MAX_NAME, "\"," EXP "}"},
		{"{" ID ",\"avatarUrl\":\"https://", JWT_MAX_AVATAR_URL - 8, "\"," EXP "}"}};
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct jwt_claims c;
	char text[JWT_MAX_AVATAR_URL + 2];
	struct buf payload, b;
	buf_init(&payload, 2000);
	buf_init(&b, 4000);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		for (size_t n = fields[i].max; n <= fields[i].max + 1; n++) {
			memset(text, 'x', n);
			text[n] = 0;
			buf_clear(&payload);
			buf_printf(&payload, "%s%s%s%c", fields[i].before, text, fields[i].after, 0);
			make(&b, HS256, payload.ptr, SECRET);
			assert_int_equal(verify(buf_str(&b), &keys, &c), n > fields[i].max ? ERR_TOKEN_INVALID : 0);
		}
	}
	buf_fini(&payload);
	buf_fini(&b);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	struct jwt_keys keys = keys_of(SECRET, NULL);
	struct jwt_claims c = {.user_id = "alice", .expires_at_ms = NOW_MS + 1000};
	int err = ERR_NO_MEMORY;
	for (long n = 0; err == ERR_NO_MEMORY; n++) {
		struct buf b;
		buf_init(&b, 2000);
		assert_true(n < 100);
		mem_fail_after(n);
		err = jwt_sign(&c, &keys, NOW_MS, &b);
		mem_fail_after(-1);
		buf_fini(&b);
	}
	assert_int_equal(err, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tokens_tell_who),
		cmocka_unit_test(signed_tokens_verify),
		cmocka_unit_test(secrets_are_long_and_replaceable),
		cmocka_unit_test(hostile_tokens_are_refused),
		cmocka_unit_test(tokens_have_one_spelling),
		cmocka_unit_test(long_fields_are_refused),
		cmocka_unit_test(no_memory_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

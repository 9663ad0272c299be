/* Engine.IO 4: packets, polling bodies, the handshake. */
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "check.h"
#include "codec/engineio.h"

static void packets_are_a_digit_and_data(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum engineio_type type;
		const char *data;
	} good[] = {{"0{}", ENGINEIO_OPEN, "{}"}, {"1", ENGINEIO_CLOSE, ""}, {"2probe", ENGINEIO_PING, "probe"},
		{"3probe", ENGINEIO_PONG, "probe"}, {"4hello", ENGINEIO_MESSAGE, "hello"}, {"4", ENGINEIO_MESSAGE, ""},
		{"4\x1e", ENGINEIO_MESSAGE, "\x1e"}, {"5", ENGINEIO_UPGRADE, ""}, {"6", ENGINEIO_NOOP, ""}};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct engineio_packet p;
		assert_int_equal(engineio_parse(str_of(good[i].text), &p), 0);
		assert_int_equal(p.type, good[i].type);
		assert_false(p.base64);
		check_str(p.data, good[i].data);
	}
	static const char *const bad[] = {"", "7", "9x", "abc", "bAQID", " 4x", "\x1e", "/", ":"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct engineio_packet p;
		assert_int_equal(engineio_parse(str_of(bad[i]), &p), ERR_PROTOCOL);
	}
}

static void bodies_are_parted_by_the_record_separator(void **state)
{
	(void)state;
	struct str rest = STR("4test1\x1e"
			      "2\x1e"
			      "bAQIDBA==");
	struct engineio_packet p;
	assert_int_equal(engineio_next(&rest, &p), 0);
	check_str(p.data, "test1");
	assert_non_null(rest.ptr);
	assert_int_equal(engineio_next(&rest, &p), 0);
	assert_int_equal(p.type, ENGINEIO_PING);
	assert_int_equal(engineio_next(&rest, &p), 0);
	assert_true(p.base64);
	assert_null(rest.ptr);
	struct buf b;
	buf_init(&b, 100);
	assert_int_equal(engineio_decode(&p, &b), 0);
	check_str(buf_str(&b), "\x01\x02\x03\x04");
	buf_fini(&b);
}

static void broken_bodies_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "abc", "4a\x1e",
		"\x1e"
		"4a",
		"4a\x1e\x1e"
		"4b",
		"4a\x1e"
		"8"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct str rest = str_of(bad[i]);
		struct engineio_packet p;
		int err = 0;
		while (rest.ptr && err == 0)
			err = engineio_next(&rest, &p);
		assert_int_equal(err, ERR_PROTOCOL);
	}
	static const char *const not_base64[] = {"bA", "bAQ=", "bAQID=", "b!!!!", "bAQIDBB==", "bAQID BA=="};
	for (size_t i = 0; i < sizeof not_base64 / sizeof *not_base64; i++) {
		struct str rest = str_of(not_base64[i]);
		struct engineio_packet p;
		struct buf b;
		buf_init(&b, 100);
		assert_int_equal(engineio_next(&rest, &p), 0);
		assert_int_equal(engineio_decode(&p, &b), ERR_PROTOCOL);
		buf_fini(&b);
	}
	struct engineio_packet empty = {ENGINEIO_MESSAGE, true, STR("")};
	struct buf b;
	buf_init(&b, 100);
	assert_int_equal(engineio_decode(&empty, &b), 0);
	assert_int_equal(b.len, 0);
	buf_init(&b, 2);
	empty.data = STR("AQIDBA==");
	assert_int_equal(engineio_decode(&empty, &b), ERR_TOO_LARGE);
	buf_fini(&b);
}

static void written_bodies_read_back(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 100);
	engineio_put_text(&b, ENGINEIO_MESSAGE, STR("hello"));
	engineio_put_text(&b, ENGINEIO_PING, STR(""));
	engineio_put_binary(&b, STR("\x01\x02\x03\x04"));
	check_str(buf_str(&b), "4hello\x1e"
			       "2\x1e"
			       "bAQIDBA==");
	buf_fini(&b);
}

static void the_handshake_has_its_five_members(void **state)
{
	(void)state;
	struct engineio_handshake h = {STR("abc"), true, 25000, 20000, 1000000};
	struct buf b;
	buf_init(&b, 200);
	engineio_put_handshake(&b, &h);
	check_str(buf_str(&b), "{\"sid\":\"abc\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
			       "\"pingTimeout\":20000,\"maxPayload\":1000000}");
	buf_clear(&b);
	h.can_upgrade = false;
	engineio_put_handshake(&b, &h);
	json_t *read;
	assert_int_equal(json_read_object(buf_str(&b), &read), 0);
	assert_int_equal(json_array_size(json_object_get(read, "upgrades")), 0);
	json_decref(read);
	buf_fini(&b);
}

static void no_memory_is_told(void **state)
{
	(void)state;
	struct engineio_packet p = {ENGINEIO_MESSAGE, true, STR("AQIDBA==")};
	struct buf b;
	buf_init(&b, 100);
	mem_fail_after(0);
	assert_int_equal(engineio_decode(&p, &b), ERR_NO_MEMORY);
	buf_clear(&b);
	engineio_put_text(&b, ENGINEIO_MESSAGE, STR("x"));
	mem_fail_after(-1);
	assert_int_equal(b.err, ERR_NO_MEMORY);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_a_digit_and_data),
		cmocka_unit_test(bodies_are_parted_by_the_record_separator),
		cmocka_unit_test(broken_bodies_are_refused),
		cmocka_unit_test(written_bodies_read_back),
		cmocka_unit_test(the_handshake_has_its_five_members),
		cmocka_unit_test(no_memory_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

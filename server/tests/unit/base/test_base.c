/* The words of the language: errors, strings, buffers, maps, ids, clocks, JSON. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "check.h"

static void errors_have_code_status_and_text(void **state)
{
	(void)state;
	assert_string_equal(err_code(ERR_CALL_ENDED), "call_ended");
	assert_int_equal(err_http_status(ERR_CALL_ENDED), 409);
	assert_true(err_retryable(ERR_STORE));
	assert_string_equal(err_code(-9999), "internal");
	assert_string_equal(err_name(0), "ERR_OK");
}

static void strings_are_cut_and_parsed(void **state)
{
	(void)state;
	struct str rest = STR("a,,b");
	check_str(str_cut(&rest, ','), "a");
	check_str(str_cut(&rest, ','), "");
	check_str(str_cut(&rest, ','), "b");
	assert_null(rest.ptr);

	uint64_t n;
	assert_int_equal(str_parse_u64(STR("18446744073709551615"), UINT64_MAX, &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(str_parse_u64(STR("18446744073709551616"), UINT64_MAX, &n), ERR_BAD_FIELD);
	assert_int_equal(str_parse_u64(STR(""), 10, &n), ERR_BAD_FIELD);
	assert_int_equal(str_parse_u64(STR("+1"), 10, &n), ERR_BAD_FIELD);
	assert_int_equal(str_parse_u64(STR("11"), 10, &n), ERR_BAD_FIELD);

	int64_t ms;
	assert_int_equal(str_parse_duration_ms(STR("300ms"), &ms), 0);
	assert_int_equal(ms, 300);
	assert_int_equal(str_parse_duration_ms(STR("1h"), &ms), 0);
	assert_int_equal(ms, 3600000);
	assert_int_equal(str_parse_duration_ms(STR("5"), &ms), 0);
	assert_int_equal(ms, 5000);
	assert_int_equal(str_parse_duration_ms(STR("5 s"), &ms), ERR_BAD_FIELD);
	assert_int_equal(str_parse_duration_ms(STR("ms"), &ms), ERR_BAD_FIELD);

	char small[4];
	assert_int_equal(str_copy(small, sizeof small, STR("abc")), 0);
	assert_int_equal(str_copy(small, sizeof small, STR("abcd")), ERR_TOO_LARGE);
	assert_int_equal(str_copy(small, sizeof small, STR("a\0b")), ERR_TOO_LARGE);
	assert_int_equal(str_distance(STR("lisen"), STR("listen")), 1);
}

static void utf8_is_strict(void **state)
{
	(void)state;
	assert_true(str_is_utf8(STR("h\xC3\xA9llo \xF0\x9F\x93\x9E")));
	assert_false(str_is_utf8(STR("\xC0\x80")));
	assert_false(str_is_utf8(STR("\xED\xA0\x80")));
	assert_false(str_is_utf8(STR("\xF4\x90\x80\x80")));
	assert_false(str_is_utf8(STR("\xE2\x82")));
	assert_false(str_is_utf8(STR("\xE0\x80\xAF")));
}

static void buffers_stop_at_their_limit(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	buf_put(&b, STR("12345"));
	buf_put(&b, STR("67890"));
	assert_true(buf_ok(&b));
	buf_put_c(&b, '!');
	assert_int_equal(b.err, ERR_TOO_LARGE);
	check_str(buf_str(&b), "1234567890");
	buf_clear(&b);
	buf_printf(&b, "%d", 42);
	buf_consume(&b, 1);
	check_str(buf_str(&b), "2");
	size_t len;
	char *taken = buf_take(&b, &len);
	assert_string_equal(taken, "2");
	mem_free(taken);

	buf_init(&b, 1000);
	mem_fail_after(0);
	buf_put(&b, STR("x"));
	mem_fail_after(-1);
	assert_int_equal(b.err, ERR_NO_MEMORY);
	buf_fini(&b);
}

struct word {
	struct map_node node;
	char text[8];
};

static void maps_find_what_was_put(void **state)
{
	(void)state;
	enum { N = 500 };
	static struct word words[N];
	struct map m;
	map_init(&m);
	for (int i = 0; i < N; i++) {
		snprintf(words[i].text, sizeof words[i].text, "w%d", i);
		assert_int_equal(map_put(&m, &words[i].node, str_of(words[i].text)), 0);
	}
	struct word twice = {.text = "w7"};
	assert_int_equal(map_put(&m, &twice.node, str_of(twice.text)), ERR_EXISTS);
	for (int i = 0; i < N; i += 2)
		map_remove(&m, &words[i].node);
	assert_null(map_get(&m, STR("w4")));
	assert_ptr_equal(map_get(&m, STR("w5")), &words[5].node);
	size_t n = 0;
	for (struct map_node *at = map_next(&m, NULL); at; at = map_next(&m, at))
		n++;
	assert_int_equal(n, N / 2);
	map_fini(&m);
}

static void ids_and_base64(void **state)
{
	(void)state;
	char a[ID_UUID_SIZE], b[ID_UUID_SIZE];
	id_uuid7(1700000000000, a);
	id_uuid7(1700000000001, b);
	assert_true(id_is_uuid(str_of(a)));
	assert_true(strcmp(a, b) < 0);
	assert_int_equal(a[14], '7');
	assert_false(id_is_uuid(STR("0190A1B2-0000-7000-8000-000000000000")));

	static const char *const cases[][2] = {
		{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
	for (size_t i = 0; i < 5; i++) { /* RFC 4648 §10 */
		struct buf out;
		char back[16];
		buf_init(&out, 100);
		id_base64_encode(&out, str_of(cases[i][0]));
		check_str(buf_str(&out), cases[i][1]);
		int n = id_base64_decode(str_of(cases[i][1]), back, sizeof back);
		assert_int_equal(n, strlen(cases[i][0]));
		buf_fini(&out);
	}
	char out[16];
	assert_int_equal(id_base64url_decode(STR("Zh"), out, sizeof out), ERR_BAD_FIELD);
	assert_int_equal(id_base64url_decode(STR("Zg=="), out, sizeof out), ERR_BAD_FIELD);
	assert_int_equal(id_base64url_decode(STR("Z"), out, sizeof out), ERR_BAD_FIELD);
}

static void times_are_written_and_read(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_SIZE];
	int64_t ms;
	clock_format(1700000000123, text);
	assert_string_equal(text, "2023-11-14T22:13:20.123Z");
	assert_int_equal(clock_parse(str_of(text), &ms), 0);
	assert_true(ms == 1700000000123);
	assert_int_equal(clock_parse(STR("2023-11-15T00:13:20+02:00"), &ms), 0);
	assert_true(ms == 1700000000000);
	assert_int_equal(clock_parse(STR("2023-02-30T00:00:00Z"), &ms), ERR_BAD_FIELD);
	assert_int_equal(clock_parse(STR("2023-11-14"), &ms), ERR_BAD_FIELD);
}

static void json_is_strict_and_bounded(void **state)
{
	(void)state;
	json_t *doc;
	assert_int_equal(json_read(STR("{\"a\":1,\"a\":2}"), &doc), ERR_BAD_JSON);
	assert_int_equal(json_read(STR("\"\\u0000\""), &doc), ERR_BAD_JSON);
	assert_int_equal(json_read(STR("\"\xff\""), &doc), ERR_BAD_JSON);
	assert_int_equal(json_read_object(STR("[]"), &doc), ERR_BAD_JSON);
	char deep[81];
	memset(deep, '[', 40);
	memset(deep + 40, ']', 40);
	assert_int_equal(json_read(str_n(deep, 80), &doc), ERR_BAD_JSON);
	assert_int_equal(json_read(str_n(deep + 10, 60), &doc), 0);
	json_decref(doc);

	struct buf out;
	buf_init(&out, 1000);
	struct json_writer w = json_writer(&out);
	jw_object(&w);
	jw_kz(&w, "s", "a\"\n\x01");
	jw_kint(&w, "n", INT64_MIN);
	jw_key(&w, "list");
	jw_array(&w);
	jw_bool(&w, true);
	jw_null(&w);
	jw_end_array(&w);
	jw_kstr(&w, "bad", STR("\xff!"));
	jw_end_object(&w);
	check_str(buf_str(&out), "{\"s\":\"a\\\"\\n\\u0001\",\"n\":-9223372036854775808,\"list\":[true,null],"
				 "\"bad\":\"\xEF\xBF\xBD!\"}");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_code_status_and_text),
		cmocka_unit_test(strings_are_cut_and_parsed),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(buffers_stop_at_their_limit),
		cmocka_unit_test(maps_find_what_was_put),
		cmocka_unit_test(ids_and_base64),
		cmocka_unit_test(times_are_written_and_read),
		cmocka_unit_test(json_is_strict_and_bounded),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

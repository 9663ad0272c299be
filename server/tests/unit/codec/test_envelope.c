/* Events scanned without a tree: what is well-formed, what is found, what is passed on. */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "check.h"
#include "codec/envelope.h"
#include "codec/json_scan.h"

static void members_are_found(void **state)
{
	(void)state;
	struct envelope e;
	struct str text;
	assert_int_equal(envelope_scan(STR(" [ \"call.offer\" , { \"to\" : \"LEG\" , \"offer\":{\"sdp\":\"v=0\\r\\n\"},"
					   "\"n\":-1.5e3} , 7, [] ] "),
				 &e),
		0);
	check_str(e.event, "call.offer");
	assert_true(e.is_object);
	assert_int_equal(e.n_arguments, 3);
	assert_int_equal(e.n_members, 3);
	check_str(envelope_get(&e, "offer"), "{\"sdp\":\"v=0\\r\\n\"}");
	check_str(envelope_get(&e, "n"), "-1.5e3");
	assert_null(envelope_get(&e, "sdp").ptr);
	assert_true(envelope_get_text(&e, "to", &text));
	check_str(text, "LEG");
	assert_false(envelope_get_text(&e, "offer", &text));
	assert_false(envelope_get_text(&e, "none", &text));

	assert_int_equal(envelope_scan(STR("[\"x\"]"), &e), 0);
	assert_false(e.is_object);
	assert_null(e.argument.ptr);
	assert_int_equal(envelope_scan(STR("[\"x\", null]"), &e), 0);
	check_str(e.argument, "null");
	assert_int_equal(envelope_scan(STR("[\"\",{}]"), &e), 0);
	check_str(e.event, "");
	assert_true(e.is_object);
}

static void what_is_no_event_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "[", "[]", "{}", "[1]", "[\"a\"", "[\"a\",]", "[\"a\" \"b\"]", "[\"a\"]x",
		"[\"a\",{]", "[\"a\",{\"b\"}]", "[\"a\",{\"b\":}]", "[\"a\",{\"b\":1,}]", "[\"a\",{b:1}]",
		"[\"a\",{'b':1}]", "[\"a\",01]", "[\"a\",1.]", "[\"a\",.5]", "[\"a\",+1]", "[\"a\",-]", "[\"a\",1e]",
		"[\"a\",1e999]", "[\"a\",NaN]", "[\"a\",nul]", "[\"a\",truefalse]", "[\"a\",\"\t\"]", "[\"a\",\"\\x\"]",
		"[\"a\",\"\\u12\"]", "[\"a\",\"\\u0000\"]", "[\"a\",\"\\ud800\"]", "[\"a\",\"\\udc00\"]",
		"[\"a\",\"\\ud800\\u0041\"]", "[\"a\",\"\xff\"]", "[\"a\",\"\xed\xa0\x80\"]", "[\"a\",\"\xc0\x80\"]",
		"[\"a\",\"\xe2\x82\"]", "[\"a\",\"b]", "[\"a\",\"\\", "[\"a\\", "[\"a\",//x\n1]", "[,\"a\"]",
		"\xef\xbb\xbf[\"a\"]", "[\"a\",11111111111111111111111111111111111111111]"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct envelope e;
		if (envelope_scan(str_of(bad[i]), &e) != ERR_PROTOCOL)
			fail_msg("taken: %s", bad[i]);
	}
}

/* One that a fuzzer found: the tree parser took it once. */
static void nul_is_refused(void **state)
{
	(void)state;
	struct envelope e;
	json_t *tree;
	assert_int_equal(envelope_scan(STR("[\"a\",7\0]"), &e), ERR_PROTOCOL);
	assert_int_equal(json_read(STR("[\"a\",7\0]"), &tree), ERR_BAD_JSON);
}

static void second_spellings_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"[\"a\",{\"fr\\u006fm\":1}]", "[\"a\",{\"to\":1,\"to\":2}]", "[\"a\\n\",{}]"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct envelope e;
		assert_int_equal(envelope_scan(str_of(bad[i]), &e), ERR_BAD_EVENT);
	}
	struct buf b;
	struct envelope e;
	buf_init(&b, 10000);
	for (int n = ENVELOPE_MAX_MEMBERS; n <= ENVELOPE_MAX_MEMBERS + 1; n++) {
		buf_clear(&b);
		buf_put(&b, STR("[\"a\",{\"k0\":0"));
		for (int i = 1; i < n; i++)
			buf_printf(&b, ",\"k%d\":%d", i, i);
		buf_put(&b, STR("}]"));
		assert_int_equal(envelope_scan(buf_str(&b), &e), n > ENVELOPE_MAX_MEMBERS ? ERR_BAD_EVENT : 0);
	}
	buf_fini(&b);
}

/* The nesting limit is the one of base/json.h, counted from the outer array. */
static void nesting_is_limited(void **state)
{
	(void)state;
	for (int depth = JSON_MAX_NESTING - 1; depth <= JSON_MAX_NESTING + 1; depth++) {
		for (int object = 0; object < 2; object++) {
			struct buf b;
			struct envelope e;
			json_t *tree;
			int inner = depth - 1 - object;
			buf_init(&b, 1000);
			buf_put(&b, object ? STR("[\"a\",{\"k\":") : STR("[\"a\","));
			for (int i = 0; i < inner; i++)
				buf_put_c(&b, '[');
			for (int i = 0; i < inner; i++)
				buf_put_c(&b, ']');
			buf_put(&b, object ? STR("}]") : STR("]"));
			bool deep = depth > JSON_MAX_NESTING;
			assert_int_equal(envelope_scan(buf_str(&b), &e), deep ? ERR_PROTOCOL : 0);
			assert_int_equal(json_read(buf_str(&b), &tree), deep ? ERR_BAD_JSON : 0);
			json_decref(tree);
			buf_fini(&b);
		}
	}
}

/* A million brackets must neither be followed nor copied. */
static void bombs_cost_nothing(void **state)
{
	(void)state;
	static char bomb[1000000];
	struct envelope e;
	memset(bomb, '[', sizeof bomb);
	memcpy(bomb, "[\"a\",", 5);
	mem_fail_after(0);
	assert_int_equal(envelope_scan(str_n(bomb, sizeof bomb), &e), ERR_PROTOCOL);
	assert_int_equal(mem_count(), 0);
	mem_fail_after(-1);
}

static struct str joined(struct buf *b, const char *payload)
{
	struct envelope e;
	struct envelope_stamp stamp = {STR("\"L1\""), STR("\"al\\\"ice\""), STR("\"C1\"")};
	struct envelope_relayed r;
	assert_int_equal(envelope_scan(str_of(payload), &e), 0);
	assert_int_equal(envelope_relay(&e, STR("2/webrtc,"), &stamp, &r), 0);
	assert_in_range(r.n_parts, 2, ENVELOPE_MAX_PARTS);
	buf_clear(b);
	for (size_t i = 0; i < r.n_parts; i++)
		buf_put(b, r.parts[i]);
	return buf_str(b);
}

static void relayed_events_are_stamped(void **state)
{
	(void)state;
#define HEAD "2/webrtc,[\"call.offer\",{\"from\":\"L1\",\"userId\":\"al\\\"ice\",\"callId\":\"C1\""
	static const char *const cases[][2] = {
		{"[\"call.offer\",{\"to\":\"L2\",\"offer\":{\"sdp\":\"x\"}}]", HEAD ",\"offer\":{\"sdp\":\"x\"}}]"},
		{"[\"call.offer\",{\"offer\":1,\"to\":\"L2\"}]", HEAD ",\"offer\":1}]"},
		{"[\"call.offer\",{ \"a\" : [1, 2] , \"from\":\"evil\",\"userId\":3,\"callId\":{},\"b\":null}]",
			HEAD ",\"a\" : [1, 2],\"b\":null}]"},
		{"[\"call.offer\",{\"a\":1,\"to\":1,\"b\":2,\"from\":1,\"c\":3,\"userId\":1,\"d\":4,\"callId\":1,\"e\" "
		 ":5 , \"f\":6}]",
			HEAD ",\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\" :5 , \"f\":6}]"},
		{"[\"call.offer\",{}]", HEAD "}]"},
		{"[\"call.offer\",{\"to\":\"L2\"},\"more\"]", HEAD "}]"},
		{"[\"call.offer\",{\"\xC3\xA9\":\"\xF0\x9F\x93\x9E\"}]", HEAD ",\"\xC3\xA9\":\"\xF0\x9F\x93\x9E\"}]"},
	};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str got = joined(&b, cases[i][0]);
		json_t *tree;
		check_str(got, cases[i][1]);
		got = str_n(got.ptr + strlen("2/webrtc,"), got.len - strlen("2/webrtc,"));
		assert_int_equal(json_read(got, &tree), 0);
		json_decref(tree);
	}
	static char long_id[ENVELOPE_HEAD_SIZE];
	struct envelope e;
	struct envelope_relayed r;
	struct envelope_stamp stamp = {STR("\"a\""), str_n(long_id, sizeof long_id - 40), STR("\"c\"")};
	memset(long_id, 'x', sizeof long_id);
	assert_int_equal(envelope_scan(STR("[\"call.offer\",{\"x\":1}]"), &e), 0);
	assert_int_equal(envelope_relay(&e, STR("2/webrtc,"), &stamp, &r), ERR_TOO_LARGE);
	buf_fini(&b);
}

/* The two readers must agree about every text: here about each text one byte away from a good one. */
static void agrees_with_the_tree_parser(void **state)
{
	(void)state;
	static const char text[] = "[\"a\",{\"b\":[1.5e2,-0,true],\"c\":\"\\u00e9\\ud83d\\ude00\xC3\xA9\",\"d\":null}]";
	char changed[sizeof text];
	for (size_t at = 0; at < sizeof text - 1; at++) {
		for (int c = 0; c < 256; c++) {
			memcpy(changed, text, sizeof text);
			changed[at] = (char)c;
			struct json_scan s = json_scan(str_n(changed, sizeof text - 1));
			bool scanned = json_scan_value(&s, NULL) && json_scan_done(&s);
			json_t *tree = json_loadb(changed, sizeof text - 1, JSON_DECODE_ANY, NULL);
			if (scanned != (tree != NULL))
				fail_msg("scanner %d, tree %d: %s", scanned, tree != NULL, changed);
			json_decref(tree);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(nul_is_refused),
		cmocka_unit_test(second_spellings_are_refused),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(bombs_cost_nothing),
		cmocka_unit_test(relayed_events_are_stamped),
		cmocka_unit_test(agrees_with_the_tree_parser),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

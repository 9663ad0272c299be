/* Socket.IO 5: every form of a packet that the protocol's document shows, and forms that it forbids. */
#include "base/buf.h"
#include "base/err.h"
#include "check.h"
#include "codec/socketio.h"

struct good {
	const char *text;
	enum socketio_type type;
	unsigned n_attachments;
	const char *name_space;
	long long ack_id; /* -1: none */
	const char *payload;
};

static const struct good good[] = {
	{"0", SOCKETIO_CONNECT, 0, "/", -1, ""},
	{"0{\"token\":\"123\"}", SOCKETIO_CONNECT, 0, "/", -1, "{\"token\":\"123\"}"},
	{"0/admin,", SOCKETIO_CONNECT, 0, "/admin", -1, ""},
	{"0/admin", SOCKETIO_CONNECT, 0, "/admin", -1, ""},
	{"0/admin,{\"a\":1}", SOCKETIO_CONNECT, 0, "/admin", -1, "{\"a\":1}"},
	{"0/admin?x=1,{}", SOCKETIO_CONNECT, 0, "/admin?x=1", -1, "{}"},
	{"1", SOCKETIO_DISCONNECT, 0, "/", -1, ""},
	{"1/admin,", SOCKETIO_DISCONNECT, 0, "/admin", -1, ""},
	{"2[\"foo\"]", SOCKETIO_EVENT, 0, "/", -1, "[\"foo\"]"},
	{"2/admin,[\"bar\"]", SOCKETIO_EVENT, 0, "/admin", -1, "[\"bar\"]"},
	{"212[\"foo\"]", SOCKETIO_EVENT, 0, "/", 12, "[\"foo\"]"},
	{"2/admin,13[\"foo\"]", SOCKETIO_EVENT, 0, "/admin", 13, "[\"foo\"]"},
	{"20[\"foo\"]", SOCKETIO_EVENT, 0, "/", 0, "[\"foo\"]"},
	{"29007199254740991[\"a\"]", SOCKETIO_EVENT, 0, "/", 9007199254740991LL, "[\"a\"]"},
	{"312[]", SOCKETIO_ACK, 0, "/", 12, "[]"},
	{"3/admin,13[\"bar\"]", SOCKETIO_ACK, 0, "/admin", 13, "[\"bar\"]"},
	{"4{\"message\":\"no\"}", SOCKETIO_CONNECT_ERROR, 0, "/", -1, "{\"message\":\"no\"}"},
	{"4/x,\"no\"", SOCKETIO_CONNECT_ERROR, 0, "/x", -1, "\"no\""},
	{"51-[\"baz\",{}]", SOCKETIO_BINARY_EVENT, 1, "/", -1, "[\"baz\",{}]"},
	{"52-/admin,[\"baz\"]", SOCKETIO_BINARY_EVENT, 2, "/admin", -1, "[\"baz\"]"},
	{"51-14[\"foo\"]", SOCKETIO_BINARY_EVENT, 1, "/", 14, "[\"foo\"]"},
	{"50-[\"foo\"]", SOCKETIO_BINARY_EVENT, 0, "/", -1, "[\"foo\"]"},
	{"510-[\"foo\"]", SOCKETIO_BINARY_EVENT, 10, "/", -1, "[\"foo\"]"},
	{"61-/admin,15[\"bar\"]", SOCKETIO_BINARY_ACK, 1, "/admin", 15, "[\"bar\"]"},
};

static const char *const bad[] = {"", "7", "abc", "-1", "2", "2{}", "2\"foo\"", "21", "2abc[\"foo\"]", "2/admin",
	"2/admin,", "2 [\"foo\"]", "29007199254740992[\"a\"]", "299999999999999999999999[\"a\"]", "0[]", "0\"x\"",
	"0null", "1{}", "1[]", "1/admin,{}", "3[]", "312", "312{}", "4", "4[]", "5[\"x\"]", "5-[\"x\"]", "51[\"x\"]",
	"5x-[\"x\"]", "511-[\"x\"]", "599999999999-[\"x\"]", "51-", "51", "5", "61-[\"x\"]", "6-1[\"x\"]",
	"51.5-[\"x\"]"};

static void good_packets_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct socketio_packet p;
		assert_int_equal(socketio_parse(str_of(good[i].text), &p), 0);
		assert_int_equal(p.type, good[i].type);
		assert_int_equal(p.n_attachments, good[i].n_attachments);
		check_str(p.name_space, good[i].name_space);
		assert_int_equal(p.has_ack_id, good[i].ack_id >= 0);
		if (p.has_ack_id)
			assert_int_equal(p.ack_id, good[i].ack_id);
		check_str(p.payload, good[i].payload);
	}
}

static void bad_packets_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct socketio_packet p;
		if (socketio_parse(str_of(bad[i]), &p) != ERR_PROTOCOL)
			fail_msg("taken: %s", bad[i]);
	}
}

static void heads_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct socketio_packet p, again;
		char head[SOCKETIO_HEAD_SIZE];
		struct buf b;
		buf_init(&b, 200);
		assert_int_equal(socketio_parse(str_of(good[i].text), &p), 0);
		buf_put(&b, socketio_head(&p, head));
		buf_put(&b, p.payload);
		assert_true(buf_ok(&b));
		assert_int_equal(socketio_parse(buf_str(&b), &again), 0);
		assert_int_equal(again.type, p.type);
		assert_true(str_eq(again.name_space, p.name_space) && str_eq(again.payload, p.payload));
		assert_true(again.ack_id == p.ack_id && again.n_attachments == p.n_attachments);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_packets_are_taken_apart),
		cmocka_unit_test(bad_packets_are_refused),
		cmocka_unit_test(heads_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

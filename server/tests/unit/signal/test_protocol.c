/* Engine.IO 4 and Socket.IO 5 to the letter: the two protocols' documents as cases, against the echo handlers. */
#include "base/mem.h"
#include "fake.h"
#include "signal/signal.h"

#define POLL "EIO=4&transport=polling"
#define SOCKET "EIO=4&transport=websocket"

static struct signal *sig;
static char sid_query[128];
static bool closed;

static int start(void **state)
{
	(void)state;
	fake_start();
	const struct signal_config config = {.loop = &fake.loop,
		.ping_interval_ms = 150,
		.ping_timeout_ms = 100,
		.connect_timeout_ms = 400,
		.max_queue = 4000,
		.max_connections = 20,
		.protocol_echo = true};
	assert_int_equal(signal_new(&config, &sig), 0);
	struct http_route io = fake.routes[0];
	fake.routes[0] = fake.routes[1]; /* most cases are Engine.IO's */
	fake.routes[1] = io;
	return 0;
}

static void on_closed(void *arg)
{
	(void)arg;
	closed = true;
}

static int stop(void **state)
{
	(void)state;
	closed = false;
	signal_close(sig, on_closed, NULL);
	while (!closed)
		fake_run(1);
	signal_free(sig);
	fake_stop();
	return 0;
}

/* The query of a session of this transport, from the handshake's text. */
static const char *query_of(const char *handshake, const char *query)
{
	const char *at = strstr(handshake, "\"sid\":\"");
	assert_non_null(at);
	snprintf(sid_query, sizeof sid_query, "%s&sid=%.20s", query, at + 7);
	return sid_query;
}

static const char *open_polling(void)
{
	return query_of(fake_get(POLL)->answer, POLL);
}

static void check_answer(const struct http_req *req, int status, const char *answer)
{
	assert_int_equal(req->status, status);
	assert_string_equal(req->answer, answer);
}

#define UNKNOWN_TRANSPORT "{\"code\":0,\"message\":\"Transport unknown\"}"
#define UNKNOWN_SID "{\"code\":1,\"message\":\"Session ID unknown\"}"
#define BAD_METHOD "{\"code\":2,\"message\":\"Bad handshake method\"}"
#define BAD_REQUEST "{\"code\":3,\"message\":\"Bad request\"}"
#define UNSUPPORTED "{\"code\":5,\"message\":\"Unsupported protocol version\"}"

static void bad_handshakes_get_the_known_errors(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		const char *query;
		bool wants_websocket;
		const char *answer;
	} cases[] = {
		{"GET", "", false, UNKNOWN_TRANSPORT},
		{"GET", "EIO=4", false, UNKNOWN_TRANSPORT},
		{"GET", "EIO=4&transport=abc", false, UNKNOWN_TRANSPORT},
		{"GET", "EIO=4&transport=constructor", false, UNKNOWN_TRANSPORT},
		{"GET", "EIO=4&transport=a-transport-with-a-name-that-is-far-too-long", false, UNKNOWN_TRANSPORT},
		{"GET", "transport=polling", false, UNSUPPORTED},
		{"GET", "EIO=abc&transport=polling", false, UNSUPPORTED},
		{"GET", "EIO=3&transport=polling", false, UNSUPPORTED},
		{"GET", "EIO=3&transport=websocket", true, UNSUPPORTED},
		{"GET", "EIO=4&transport=websocket", false, BAD_REQUEST},
		{"POST", "EIO=4&transport=polling", false, BAD_METHOD},
		{"PUT", "EIO=4&transport=polling", false, BAD_METHOD},
		{"GET", "EIO=4&transport=polling&sid=abc", false, UNKNOWN_SID},
		{"GET", "EIO=4&transport=polling&sid=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false,
			UNKNOWN_SID},
		{"POST", "EIO=4&transport=polling&sid=abc", false, UNKNOWN_SID},
		{"GET", "EIO=4&transport=websocket&sid=abc", true, UNKNOWN_SID},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_req req = {.wants_websocket = cases[i].wants_websocket};
		snprintf(req.method, sizeof req.method, "%s", cases[i].method);
		snprintf(req.query, sizeof req.query, "%s", cases[i].query);
		check_answer(fake_request("/engine.io/", &req), 400, cases[i].answer);
	}
	struct http_req req = {.method = "GET", .query = POLL, .bad_origin = true};
	check_answer(fake_request("/engine.io/", &req), 403, "{\"code\":4,\"message\":\"Forbidden\"}");
}

static void a_handshake_tells_its_five_members(void **state)
{
	(void)state;
	const char *rest =
		"\",\"upgrades\":[\"websocket\"],\"pingInterval\":150,\"pingTimeout\":100,\"maxPayload\":1000000}";
	struct http_req *req = fake_get(POLL "&t=abc");
	assert_int_equal(req->status, 200);
	assert_memory_equal(req->answer, "0{\"sid\":\"", 9);
	assert_string_equal(req->answer + 9 + 20, rest);
	struct ws *ws = fake_ws(SOCKET);
	assert_non_null(strstr(fake_ws_got(ws), "\"upgrades\":[]"));
}

static void polled_messages_come_back(void **state)
{
	(void)state;
	const char *q = open_polling();
	check_answer(fake_post(q, "4hello"), 200, "ok");
	check_answer(fake_get(q), 200, "4hello");
	check_answer(fake_post(q, "4test1\x1e"
				  "4test2\x1e"
				  "4test3"),
		200, "ok");
	check_answer(fake_get(q), 200,
		"4test1\x1e"
		"4test2\x1e"
		"4test3");
	check_answer(fake_post(q, "4hello\x1e"
				  "bAQIDBA=="),
		200, "ok");
	check_answer(fake_get(q), 200,
		"4hello\x1e"
		"bAQIDBA==");
	/* A poll that waits gets all that comes in one turn. */
	struct http_req *poll = fake_get(q);
	assert_int_equal(poll->status, 0);
	check_answer(fake_post(q, "4a\x1e"
				  "4b"),
		200, "ok");
	fake_run(1);
	check_answer(poll, 200,
		"4a\x1e"
		"4b");
}

static void broken_posts_end_the_session(void **state)
{
	(void)state;
	static const char *const bodies[] = {"abc", "", "4a\x1e", "7", "bAQ", "2", "4\xff", "0{}x\x1e\x39"};
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		const char *q = open_polling();
		check_answer(fake_post(q, bodies[i]), 400, BAD_REQUEST);
		check_answer(fake_get(q), 400, UNKNOWN_SID);
	}
	const char *q = open_polling();
	struct http_req req = {.method = "POST", .type = "application/octet-stream", .body = STR("4a")};
	snprintf(req.query, sizeof req.query, "%s", q);
	check_answer(fake_request("/engine.io/", &req), 400, BAD_REQUEST);
	q = open_polling();
	struct http_req put = {.method = "PUT"};
	snprintf(put.query, sizeof put.query, "%s", q);
	check_answer(fake_request("/engine.io/", &put), 400, BAD_REQUEST);
	check_answer(fake_post(q, "4x"), 200, "ok");
}

static void a_second_poll_ends_the_session(void **state)
{
	(void)state;
	const char *q = open_polling();
	struct http_req *first = fake_get(q);
	struct http_req *second = fake_get(q);
	check_answer(first, 200, "1");
	check_answer(second, 400, BAD_REQUEST);
	check_answer(fake_get(q), 400, UNKNOWN_SID);
}

static void an_aborted_poll_ends_the_session(void **state)
{
	(void)state;
	const char *q = open_polling();
	fake_gone(fake_get(q));
	check_answer(fake_get(q), 400, UNKNOWN_SID);
}

static void pings_come_and_pongs_are_waited_for(void **state)
{
	(void)state;
	const char *q = open_polling();
	for (int i = 0; i < 3; i++) {
		struct http_req *poll = fake_get(q);
		fake_run(120);
		assert_int_equal(poll->status, 0);
		fake_run(50);
		check_answer(poll, 200, "2");
		check_answer(fake_post(q, "3"), 200, "ok");
	}
	fake_run(150 + 100 - 40);
	check_answer(fake_get(q), 200, "2");
	fake_run(60);
	check_answer(fake_get(q), 400, UNKNOWN_SID);

	struct ws *ws = fake_ws(SOCKET);
	fake_ws_got(ws);
	for (int i = 0; i < 3; i++) {
		fake_run(170);
		assert_string_equal(fake_ws_got(ws), "2");
		fake_ws_send(ws, "3");
	}
	fake_run(200);
	assert_string_equal(fake_ws_got(ws), "2");
	fake_run(60);
	assert_string_equal(fake_ws_got(ws), "<closed>");
}

static void clients_may_close(void **state)
{
	(void)state;
	const char *q = open_polling();
	struct http_req *poll = fake_get(q);
	check_answer(fake_post(q, "1"), 200, "ok");
	check_answer(poll, 200, "6");
	check_answer(fake_get(q), 400, UNKNOWN_SID);
	struct ws *ws = fake_ws(SOCKET);
	fake_ws_send(ws, "1");
	fake_run(1);
	assert_non_null(strstr(fake_ws_got(ws), "<closed>"));
}

static void websocket_messages_come_back(void **state)
{
	(void)state;
	struct ws *ws = fake_ws(SOCKET);
	fake_ws_got(ws);
	fake_ws_send(ws, "4hello");
	fake_ws_send_binary(ws, STR("abc"));
	assert_string_equal(fake_ws_got(ws), "4hello|binary:abc");
	static const char *const broken[] = {"abc", "", "2", "9"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		ws = fake_ws(SOCKET);
		fake_ws_got(ws);
		fake_ws_send(ws, broken[i]);
		fake_run(1);
		assert_string_equal(fake_ws_got(ws), "<closed>");
	}
}

static void sessions_move_to_a_websocket(void **state)
{
	(void)state;
	char poll_query[128], ws_query[128];
	const char *opened = fake_get(POLL)->answer;
	strcpy(poll_query, query_of(opened, POLL));
	strcpy(ws_query, query_of(opened, SOCKET));

	struct http_req *poll = fake_get(poll_query);
	struct ws *ws = fake_ws(ws_query);
	fake_ws_send(ws, "2probe");
	assert_string_equal(fake_ws_got(ws), "3probe");
	check_answer(poll, 200, "6");
	/* Polls go on until the upgrade, but none is kept waiting. */
	poll = fake_get(poll_query);
	assert_int_equal(poll->status, 0);
	fake_run(30);
	check_answer(poll, 200, "6");
	check_answer(fake_post(poll_query, "4early\x1e"
					   "bAQID"),
		200, "ok");
	/* Another WebSocket of the same session is let in and closed at once. */
	struct ws *other = fake_ws(ws_query);
	fake_run(1);
	assert_string_equal(fake_ws_got(other), "<closed>");

	fake_ws_send(ws, "5");
	assert_string_equal(fake_ws_got(ws), "4early|binary:\x01\x02\x03");
	check_answer(fake_get(poll_query), 400, BAD_REQUEST);
	check_answer(fake_post(poll_query, "4x"), 400, BAD_REQUEST);
	other = fake_ws(ws_query);
	fake_run(1);
	assert_string_equal(fake_ws_got(other), "<closed>");
	fake_ws_send(ws, "4hello");
	assert_string_equal(fake_ws_got(ws), "4hello");
	fake_run(150);
	assert_string_equal(fake_ws_got(ws), "2");
	fake_ws_break(ws);
}

static void a_waiting_poll_is_let_go_by_the_upgrade(void **state)
{
	(void)state;
	char poll_query[128], ws_query[128];
	const char *opened = fake_get(POLL)->answer;
	strcpy(poll_query, query_of(opened, POLL));
	strcpy(ws_query, query_of(opened, SOCKET));
	struct ws *ws = fake_ws(ws_query);
	fake_ws_send(ws, "2probe");
	struct http_req *poll = fake_get(poll_query);
	fake_ws_send(ws, "5");
	check_answer(poll, 200, "6");
}

static void a_broken_probe_leaves_polling_alone(void **state)
{
	(void)state;
	static const char *const broken[] = {"2", "2prob", "5", "4hello", "abc", "1"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		const char *opened = fake_get(POLL)->answer;
		struct ws *ws = fake_ws(query_of(opened, SOCKET));
		fake_ws_send(ws, broken[i]);
		fake_run(1);
		assert_string_equal(fake_ws_got(ws), "<closed>");
		const char *q = query_of(opened, POLL);
		check_answer(fake_post(q, "4still"), 200, "ok");
		check_answer(fake_get(q), 200, "4still");
	}
}

static void a_queue_that_nobody_polls_is_bounded(void **state)
{
	(void)state;
	static char body[3001] = "4";
	memset(body + 1, 'x', sizeof body - 2);
	const char *q = open_polling();
	check_answer(fake_post(q, body), 200, "ok");
	check_answer(fake_post(q, body), 400, BAD_REQUEST);
	check_answer(fake_get(q), 400, UNKNOWN_SID);
}

static void sessions_are_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_int_equal(fake_get(POLL)->status, 200);
	check_answer(fake_get(POLL), 503, "overloaded");
	assert_null(fake_ws(SOCKET));
	fake_run(280);
	assert_int_equal(fake_get(POLL)->status, 200);
}

/* --- Socket.IO --- */

static struct ws *io_socket(void)
{
	struct http_req req = {.method = "GET", .query = SOCKET, .wants_websocket = true};
	struct ws *ws = fake_request("/socket.io/", &req)->ws;
	assert_non_null(ws);
	fake_ws_got(ws);
	return ws;
}

static struct ws *io_connected(void)
{
	struct ws *ws = io_socket();
	fake_ws_send(ws, "40");
	fake_ws_got(ws);
	return ws;
}

/* Compares with a pattern in which '?' stands for the 20 characters of a sid. */
static void check_got(struct ws *ws, const char *pattern)
{
	const char *got = fake_ws_got(ws), *at = got;
	for (const char *p = pattern; *p; p++) {
		if (*p == '?' && strlen(at) >= 20)
			at += 20;
		else if (*p == *at)
			at++;
		else
			fail_msg("got %s, not %s", got, pattern);
	}
	assert_int_equal(*at, 0);
}

static void namespaces_are_connected(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"40", "40{\"sid\":\"?\"}|42[\"auth\",{}]"},
		{"40{\"token\":\"123\"}", "40{\"sid\":\"?\"}|42[\"auth\",{\"token\":\"123\"}]"},
		{"40/custom,", "40/custom,{\"sid\":\"?\"}|42/custom,[\"auth\",{}]"},
		{"40/custom", "40/custom,{\"sid\":\"?\"}|42/custom,[\"auth\",{}]"},
		{"40/custom,{\"token\":\"abc\"}", "40/custom,{\"sid\":\"?\"}|42/custom,[\"auth\",{\"token\":\"abc\"}]"},
		{"40/random", "44/random,{\"message\":\"Invalid namespace\"}"},
		{"40/random,{\"a\":1}", "44/random,{\"message\":\"Invalid namespace\"}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ws *ws = io_socket();
		fake_ws_send(ws, cases[i][0]);
		check_got(ws, cases[i][1]);
	}
}

static void packets_out_of_place_end_the_connection(void **state)
{
	(void)state;
	static const char *const before_connect[] = {
		"4abc", "42[\"message\"]", "41", "43[]", "431[]", "44{}", "451-[\"a\"]", "40{bad}", "40[]", "4", "47"};
	for (size_t i = 0; i < sizeof before_connect / sizeof *before_connect; i++) {
		struct ws *ws = io_socket();
		fake_ws_send(ws, before_connect[i]);
		fake_run(1);
		check_got(ws, "<closed>");
	}
	static const char *const after_connect[] = {"40", "4abc", "42{}", "42abc[\"message-with-ack\",1]", "42[1]x",
		"42[", "42/custom,[\"message\"]", "44{\"message\":\"x\"}", "4511-[\"message\"]"};
	for (size_t i = 0; i < sizeof after_connect / sizeof *after_connect; i++) {
		struct ws *ws = io_connected();
		fake_ws_send(ws, after_connect[i]);
		fake_run(1);
		check_got(ws, "<closed>");
	}
	struct ws *ws = io_connected();
	fake_ws_send_binary(ws, STR("abc")); /* nobody announced it */
	fake_run(1);
	check_got(ws, "<closed>");
	ws = io_connected();
	fake_ws_send(ws, "451-[\"message\",{\"_placeholder\":true,\"num\":0}]");
	fake_ws_send(ws, "42[\"message\"]"); /* the attachment was due */
	fake_run(1);
	check_got(ws, "<closed>");
}

static void events_and_acks_come_back(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"42[\"message\",1,\"2\",{\"3\":[true]}]", "42[\"message-back\",1,\"2\",{\"3\":[true]}]"},
		{"42[\"message\"]", "42[\"message-back\"]"},
		{"42456[\"message-with-ack\",1,\"2\",{\"3\":[false]}]", "43456[1,\"2\",{\"3\":[false]}]"},
		{"420[\"message-with-ack\"]", "430[]"},
		{"42[\"unknown\",1]", ""},
		{"4312[\"nobody asked\"]", ""},
	};
	struct ws *ws = io_connected();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fake_ws_send(ws, cases[i][0]);
		assert_string_equal(fake_ws_got(ws), cases[i][1]);
	}
}

static void attachments_come_back(void **state)
{
	(void)state;
	struct ws *ws = io_connected();
	fake_ws_send(ws, "452-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
	fake_ws_send_binary(ws, STR("123"));
	assert_string_equal(fake_ws_got(ws), "");
	fake_ws_send_binary(ws, STR("456"));
	check_got(ws, "452-[\"message-back\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]"
		      "|binary:123|binary:456");
	fake_ws_send(ws,
		"452-789[\"message-with-ack\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
	fake_ws_send_binary(ws, STR("1"));
	fake_ws_send_binary(ws, STR(""));
	check_got(ws, "462-789[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]|binary:1|binary:");
	fake_ws_send(ws, "450-[\"message\"]");
	assert_string_equal(fake_ws_got(ws), "42[\"message-back\"]");
	fake_ws_send(ws, "4510-[\"half\"]"); /* left open when the connection ends */
	fake_ws_send_binary(ws, STR("1"));
}

static void one_namespace_is_left_alone(void **state)
{
	(void)state;
	struct ws *ws = io_connected();
	fake_ws_send(ws, "40/custom");
	fake_ws_got(ws);
	fake_ws_send(ws, "41/custom");
	fake_ws_send(ws, "42[\"message\",\"to the main one\"]");
	assert_string_equal(fake_ws_got(ws), "42[\"message-back\",\"to the main one\"]");
	fake_ws_send(ws, "40/custom");
	check_got(ws, "40/custom,{\"sid\":\"?\"}|42/custom,[\"auth\",{}]");
}

static void silent_connections_are_closed(void **state)
{
	(void)state;
	struct ws *silent = io_socket(), *left = io_connected(), *good = io_connected();
	fake_ws_send(left, "41");
	for (int i = 0; i < 3; i++) {
		fake_run(165);
		fake_ws_send(silent, "3");
		fake_ws_send(left, "3");
		fake_ws_send(good, "3");
	}
	assert_non_null(strstr(fake_ws_got(silent), "<closed>"));
	assert_non_null(strstr(fake_ws_got(left), "<closed>"));
	assert_null(strstr(fake_ws_got(good), "<closed>"));
}

/* Each allocation fails once: nothing breaks, and every request is answered. */
static void no_memory_breaks_nothing(void **state)
{
	(void)state;
	for (long n = 0; n < 12; n++) {
		mem_fail_after(n);
		struct http_req *opened = fake_get(POLL);
		if (opened->status == 200 && opened->answer[0] == '0') {
			const char *q = query_of(opened->answer, POLL);
			fake_post(q, "4hello\x1e"
				     "bAQID");
			fake_get(q);
		}
		struct http_req req = {.method = "GET", .query = SOCKET, .wants_websocket = true};
		struct ws *ws = fake_request("/socket.io/", &req)->ws;
		if (ws) {
			fake_ws_send(ws, "40");
			fake_ws_send(ws, "452-[\"message\",1]");
			fake_ws_send_binary(ws, STR("123"));
			fake_ws_send_binary(ws, STR("456"));
		}
		mem_fail_after(-1);
		fake_run(260);
	}
	assert_int_equal(fake_get(POLL)->status, 200);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bad_handshakes_get_the_known_errors),
		CASE(a_handshake_tells_its_five_members),
		CASE(polled_messages_come_back),
		CASE(broken_posts_end_the_session),
		CASE(a_second_poll_ends_the_session),
		CASE(an_aborted_poll_ends_the_session),
		CASE(pings_come_and_pongs_are_waited_for),
		CASE(clients_may_close),
		CASE(websocket_messages_come_back),
		CASE(sessions_move_to_a_websocket),
		CASE(a_waiting_poll_is_let_go_by_the_upgrade),
		CASE(a_broken_probe_leaves_polling_alone),
		CASE(a_queue_that_nobody_polls_is_bounded),
		CASE(sessions_are_bounded),
		CASE(namespaces_are_connected),
		CASE(packets_out_of_place_end_the_connection),
		CASE(events_and_acks_come_back),
		CASE(attachments_come_back),
		CASE(one_namespace_is_left_alone),
		CASE(silent_connections_are_closed),
		CASE(no_memory_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* WebSockets over a socket: handshake, messages, closing in every way, slow peers. */
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "host.h"

#define UPGRADE "GET /ws HTTP/1.1\r\nHost: a.example:80\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static struct host host;
static struct ws *socket_now;
static struct ws *other; /* hears "both" too */
static int n_closed;
static int close_code;

static void on_message(struct ws *ws, enum ws_opcode opcode, struct str message, void *arg)
{
	(void)arg;
	if (other && str_eq_z(message, "both"))
		ws_send(other, opcode, &message, 1);
	if (str_eq_z(message, "close"))
		ws_close(ws, 4001, "as asked");
	else if (str_eq_z(message, "abort"))
		ws_abort(ws);
	else
		ws_send(ws, opcode, &message, 1);
}

static void on_close(struct ws *ws, uint16_t code, void *arg)
{
	(void)ws;
	(void)arg;
	n_closed++;
	close_code = code;
	socket_now = NULL;
}

static const struct ws_handlers handlers = {on_message, on_close, 1000};

static void on_request(struct http_req *req, void *arg)
{
	(void)arg;
	http_ws_accept(req, &handlers, NULL, &socket_now);
}

static int start(void **state)
{
	(void)state;
	static const char *const origins[] = {"https://app.example"};
	n_closed = close_code = 0;
	host_start(&host,
		(struct http_config){.origins = origins, .n_origins = 1, .max_queue_bytes = 200000, .drain_ms = 200});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/ws", .handler = on_request});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	host_stop(&host);
	assert_null(socket_now);
	return 0;
}

static void handshakes(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		int status;
		const char *field;
	} cases[] = {
		{UPGRADE KEY VERSION "\r\n", 101, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"},
		{UPGRADE KEY VERSION "Origin: https://app.example\r\n\r\n", 101, "101"},
		{UPGRADE KEY VERSION "Origin: http://a.example:80\r\n\r\n", 101, "101"},
		{UPGRADE KEY VERSION "Origin: https://evil.example\r\n\r\n", 403, "origin_refused"},
		{UPGRADE KEY VERSION "Origin: null\r\n\r\n", 403, "origin_refused"},
		{UPGRADE KEY VERSION "Origin: http://a.example\r\n\r\n", 403, "origin_refused"},
		{UPGRADE KEY "Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version: 13\r\n"},
		{UPGRADE KEY "\r\n", 426, "Sec-WebSocket-Version: 13\r\n"},
		{UPGRADE VERSION "\r\n", 400, ""},
		{UPGRADE "Sec-WebSocket-Key: short\r\n" VERSION "\r\n", 400, ""},
		{UPGRADE KEY KEY VERSION "\r\n", 400, ""},
		{UPGRADE KEY VERSION "Content-Length: 3\r\n\r\nabc", 400, ""},
		{"GET /ws HTTP/1.1\r\nHost: a\r\n" KEY VERSION "\r\n", 426, "Upgrade: websocket\r\n"},
		{"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION "\r\n", 426, ""},
		{"HEAD /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY VERSION "\r\n",
			400, ""},
		{"GET /ws HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY VERSION "\r\n", 400,
			""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = host_exchange(&host, str_of(cases[i].request), 4000);
		assert_int_equal(host_status(got), cases[i].status);
		assert_non_null(strstr(got, cases[i].field));
	}
}

/* A masked frame with mask 0: its bytes as they are. */
static struct str frame(unsigned first, struct str payload)
{
	static char out[4096];
	size_t n = 0;
	out[n++] = (char)first;
	if (payload.len < 126) {
		out[n++] = (char)(0x80 | payload.len);
	} else {
		out[n++] = (char)(0x80 | 126);
		out[n++] = (char)(payload.len >> 8);
		out[n++] = (char)payload.len;
	}
	memset(out + n, 0, 4);
	memcpy(out + n + 4, payload.ptr, payload.len);
	return str_n(out, n + 4 + payload.len);
}

static int open_socket(struct buf *got)
{
	buf_init(got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR(UPGRADE KEY VERSION "\r\n")));
	assert_true(host_read(&host, fd, "\r\n\r\n", got));
	assert_non_null(socket_now);
	buf_clear(got);
	return fd;
}

/* Sends bytes, reads all until the end, and compares what came and what the owner heard. */
static void check_ends(struct str bytes, const char *want, size_t n_want, int code)
{
	struct buf got;
	int fd = open_socket(&got);
	n_closed = 0;
	assert_true(host_send(&host, fd, bytes));
	assert_true(host_read(&host, fd, NULL, &got));
	assert_int_equal(got.len, n_want);
	assert_memory_equal(got.ptr, want, n_want);
	close(fd);
	host_run(&host, 5);
	assert_int_equal(n_closed, 1);
	assert_int_equal(close_code, code);
	buf_fini(&got);
}

static void messages_go_both_ways(void **state)
{
	(void)state;
	struct buf got;
	int fd = open_socket(&got);
	assert_true(host_send(&host, fd, frame(0x01, STR("Hel"))));
	assert_true(host_send(&host, fd, frame(0x89, STR("now"))));
	assert_true(host_read(&host, fd, "\x8A\x03now", &got));
	assert_true(host_send(&host, fd, frame(0x80, STR("lo"))));
	assert_true(host_read(&host, fd, "\x81\x05Hello", &got));
	struct str parts[] = {STR("a"), STR(""), STR("bc")};
	assert_int_equal(ws_send(socket_now, WS_BINARY, parts, 3), 0);
	assert_true(host_read(&host, fd,
		"\x82\x03"
		"abc",
		&got));
	close(fd);
	host_run(&host, 5);
	assert_int_equal(n_closed, 1);
	assert_int_equal(close_code, 1006);
	buf_fini(&got);
}

static void a_frame_behind_the_handshake_is_not_lost(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR(UPGRADE KEY VERSION "\r\n\x81\x82\0\0\0\0hi")));
	assert_true(host_read(&host, fd, "\r\n\r\n\x81\x02hi", &got));
	close(fd);
	host_run(&host, 5);
	buf_fini(&got);
}

static void sockets_close_with_their_codes(void **state)
{
	(void)state;
	static char text[1001];
	memset(text, 'x', sizeof text);
	check_ends(frame(0x88, STR("\x03\xE8"
				   "bye")),
		"\x88\x02\x03\xE8", 4, 1000);
	check_ends(frame(0x88, STR("")), "\x88\0", 2, 1005);
	check_ends(frame(0x83, STR("")), "\x88\x02\x03\xEA", 4, 1002);
	check_ends(frame(0x81, STR("\xC0\x80")), "\x88\x02\x03\xEF", 4, 1007);
	check_ends(frame(0x81, str_n(text, sizeof text)), "\x88\x02\x03\xF1", 4, 1009);
	check_ends(STR("\x81\x01z"), "\x88\x02\x03\xEA", 4, 1002);
	check_ends(frame(0x81, STR("abort")), "", 0, 1006);
}

/* Several text frames in one write. */
static struct str frames(const char *const *texts, size_t n, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < n; i++)
		buf_put(out, frame(0x81, str_of(texts[i])));
	return buf_str(out);
}

static void what_one_read_brings_is_answered_in_order(void **state)
{
	(void)state;
	struct buf in;
	buf_init(&in, 1 << 20);
	frames((const char *const[]){"a", "b"}, 2, &in);
	buf_put(&in, frame(0x88, STR("\x03\xE8")));
	check_ends(buf_str(&in), "\x81\1a\x81\1b\x88\2\x03\xE8", 10, 1000);
	frames((const char *const[]){"a", "b"}, 2, &in);
	buf_put(&in, frame(0x83, STR("")));
	check_ends(buf_str(&in), "\x81\1a\x81\1b\x88\2\x03\xEA", 10, 1002);
	frames((const char *const[]){"a", "close", "lost"}, 3, &in);
	buf_put(&in, frame(0x88, STR("\x03\xE8")));
	check_ends(buf_str(&in),
		"\x81\1a\x88\x0A\x0F\xA1"
		"as asked",
		15, 4001);
	check_ends(frames((const char *const[]){"a", "abort", "lost"}, 3, &in), "", 0, 1006);
	buf_fini(&in);
}

static void one_read_may_speak_to_several(void **state)
{
	(void)state;
	struct buf in, first, second;
	buf_init(&in, 1 << 20);
	int fd1 = open_socket(&first);
	other = socket_now;
	int fd2 = open_socket(&second);
	frames((const char *const[]){"both", "x", "both", "y"}, 4, &in);
	buf_put(&in, str_n(in.ptr, 7)); /* and the beginning of one more */
	assert_true(host_send(&host, fd2, buf_str(&in)));
	assert_true(host_read(&host, fd1, "\x81\4both\x81\4both", &first));
	assert_true(host_read(&host, fd2, "\x81\4both\x81\1x\x81\4both\x81\1y", &second));
	frames((const char *const[]){"both", "abort", "both"}, 3, &in);
	assert_true(host_send(&host, fd2, str_n(in.ptr + 7, in.len - 7)));
	assert_true(host_read(&host, fd1, "\x81\4both\x81\4both\x81\4both", &first));
	other = NULL;
	close(fd1);
	close(fd2);
	host_run(&host, 5);
	assert_int_equal(n_closed, 2);
	buf_fini(&in);
	buf_fini(&first);
	buf_fini(&second);
}

static void our_close_waits_for_the_peers(void **state)
{
	(void)state;
	struct buf got;
	int fd = open_socket(&got);
	assert_true(host_send(&host, fd, frame(0x81, STR("close"))));
	assert_true(host_read(&host, fd, "as asked", &got));
	assert_int_equal(n_closed, 0);
	assert_int_equal(ws_send(socket_now, WS_TEXT, &STR("x"), 1), ERR_CLOSED);
	assert_true(host_send(&host, fd, frame(0x81, STR("ignored"))));
	assert_true(host_send(&host, fd, frame(0x88, STR("\x0F\xA1"))));
	assert_true(host_read(&host, fd, NULL, &got));
	assert_null(strstr(got.ptr, "ignored"));
	assert_int_equal(n_closed, 1);
	assert_int_equal(close_code, 4001);
	close(fd);
	host_run(&host, 5);
	buf_fini(&got);
}

static void a_slow_consumer_is_closed(void **state)
{
	(void)state;
	static const char zeros[60000];
	struct buf got;
	int fd = open_socket(&got);
	int err = 0;
	for (int i = 0; i < 1000 && !err; i++) {
		err = ws_send(socket_now, WS_BINARY, &(struct str){zeros, sizeof zeros}, 1);
		assert_true(ws_queued(socket_now) <= 200000 + sizeof zeros);
	}
	assert_int_equal(err, ERR_OVERLOADED);
	assert_int_equal(n_closed, 0);
	host_run(&host, 20);
	assert_int_equal(n_closed, 1);
	assert_int_equal(close_code, 1006);
	close(fd);
	buf_fini(&got);
}

static void stopping_says_going_away(void **state)
{
	(void)state;
	struct buf got;
	int fd = open_socket(&got);
	http_server_close(host.server, NULL, NULL);
	assert_true(host_read(&host, fd, "the server stops", &got));
	assert_memory_equal(got.ptr, "\x88\x12\x03\xE9", 4);
	assert_true(host_read(&host, fd, NULL, &got)); /* after drain_ms */
	close(fd);
	assert_int_equal(n_closed, 1);
	host_run(&host, 20);
	loop_fini(&host.loop);
	buf_fini(&got);
}

static void without_memory_a_socket_fails_alone(void **state)
{
	(void)state;
	for (long n = 0; n < 40; n++) {
		int fd = host_connect(&host);
		host_run(&host, 1);
		mem_fail_after(n);
		host_send(&host, fd, STR(UPGRADE KEY VERSION "\r\n"));
		host_run(&host, 1);
		host_send(&host, fd, frame(0x01, STR("Hello")));
		host_send(&host, fd, frame(0x80, STR(" there")));
		host_run(&host, 1);
		mem_fail_after(-1);
		close(fd);
		host_run(&host, 3);
		assert_null(socket_now);
		assert_int_equal(http_server_n_connections(host.server), 0);
	}
	n_closed = 0;
	messages_go_both_ways(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(handshakes, start, stop),
		cmocka_unit_test_setup_teardown(messages_go_both_ways, start, stop),
		cmocka_unit_test_setup_teardown(a_frame_behind_the_handshake_is_not_lost, start, stop),
		cmocka_unit_test_setup_teardown(sockets_close_with_their_codes, start, stop),
		cmocka_unit_test_setup_teardown(what_one_read_brings_is_answered_in_order, start, stop),
		cmocka_unit_test_setup_teardown(one_read_may_speak_to_several, start, stop),
		cmocka_unit_test_setup_teardown(our_close_waits_for_the_peers, start, stop),
		cmocka_unit_test_setup_teardown(a_slow_consumer_is_closed, start, stop),
		cmocka_unit_test_setup(stopping_says_going_away, start),
		cmocka_unit_test_setup_teardown(without_memory_a_socket_fails_alone, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

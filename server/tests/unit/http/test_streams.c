/* Bodies and answers in pieces: back-pressure both ways, peers that go, servers that stop. */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "check.h"
#include "host.h"

#define H "Host: a\r\n"
#define BIG (8u << 20)

static struct host host;
static struct http_req *held;
static size_t n_taken;
static size_t n_written;
static int ended;
static int aborted;
static int gone;

static void on_data(struct http_req *req, struct str bytes, void *arg)
{
	(void)arg;
	n_taken += bytes.len;
	http_req_pause(req);
}

static void on_body_end(struct http_req *req, void *arg)
{
	(void)arg;
	ended++;
	held = NULL;
	http_respond(req, 201, NULL, STR(""));
}

static void on_abort(struct http_req *req, int err, void *arg)
{
	(void)arg;
	aborted = err;
	held = NULL;
	http_respond_problem(req, err, NULL, NULL);
}

static const struct http_body_cb body_cb = {on_data, on_body_end, on_abort};

static void on_upload(struct http_req *req, void *arg)
{
	(void)arg;
	held = req;
	http_req_read(req, &body_cb, NULL);
}

static void on_refused_upload(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond_problem(req, ERR_FORBIDDEN, NULL, NULL);
}

static void on_gone(struct http_req *req, void *arg)
{
	(void)req;
	(void)arg;
	gone++;
}

static void on_wait(struct http_req *req, void *arg)
{
	(void)arg;
	held = req;
	http_req_on_gone(req, on_gone, NULL);
}

static void write_more(struct http_req *req, void *arg)
{
	static const char zeros[50000];
	(void)arg;
	while (n_written < BIG) {
		size_t n = BIG - n_written < sizeof zeros ? BIG - n_written : sizeof zeros;
		int err = http_resp_write(req, str_n(zeros, n));
		if (err == ERR_CLOSED)
			break;
		n_written += n;
		if (err == ERR_AGAIN)
			return;
	}
	ended++;
	http_resp_end(req);
}

static void on_download(struct http_req *req, void *arg)
{
	n_written = 0;
	http_resp_begin(req, 200, "application/octet-stream", arg ? (int64_t)BIG : -1);
	http_resp_on_drain(req, write_more, NULL);
	write_more(req, NULL);
}

static int start(void **state)
{
	(void)state;
	held = NULL;
	n_taken = n_written = 0;
	ended = aborted = gone = 0;
	host_start(&host, (struct http_config){.stall_ms = 300, .body_ms = 2000, .drain_ms = 300});
	http_route(host.server,
		&(struct http_route){
			.method = "POST", .pattern = "/up", .handler = on_upload, .stream = true, .max_body = BIG});
	http_route(host.server, &(struct http_route){.method = "POST",
					.pattern = "/no",
					.handler = on_refused_upload,
					.stream = true,
					.max_body = BIG});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/wait", .handler = on_wait});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/chunks", .handler = on_download});
	http_route(host.server,
		&(struct http_route){.method = "GET", .pattern = "/plain", .handler = on_download, .arg = &host});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	host_stop(&host);
	return 0;
}

/* Sends n zeros as far as they go in ms; returns how many went. */
static size_t push(int fd, size_t n, int ms)
{
	static const char zeros[65536];
	size_t sent = 0;
	for (int i = 0; i < ms && sent < n; i++) {
		ssize_t now;
		while (sent < n && (now = send(fd, zeros, n - sent < sizeof zeros ? n - sent : sizeof zeros,
					    MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
			sent += (size_t)now;
		host_run(&host, 1);
	}
	return sent;
}

static void a_paused_body_holds_the_peer_back(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("POST /up HTTP/1.1\r\n" H "Content-Length: 8388608\r\n\r\n")));
	size_t sent = push(fd, BIG, 200);
	assert_true(sent < BIG);
	assert_true(n_taken <= 65536);
	while (sent < BIG) {
		size_t before = n_taken;
		assert_non_null(held);
		http_req_resume(held);
		sent += push(fd, BIG - sent, 1);
		host_run(&host, 1);
		assert_true(n_taken - before <= 65536);
	}
	for (int i = 0; i < 2000 && held; i++) {
		http_req_resume(held);
		host_run(&host, 1);
	}
	assert_int_equal(n_taken, BIG);
	assert_int_equal(ended, 1);
	assert_true(host_read(&host, fd, "201 Created", &got));
	/* the connection goes on */
	assert_true(host_send(&host, fd, STR("POST /up HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n")));
	buf_clear(&got);
	assert_true(host_read(&host, fd, "201 Created", &got));
	close(fd);
	buf_fini(&got);
}

static void a_body_that_breaks_off_is_aborted(void **state)
{
	(void)state;
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("POST /up HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\nabc")));
	host_run(&host, 5);
	http_req_resume(held);
	close(fd);
	host_run(&host, 20);
	assert_int_equal(aborted, ERR_CLOSED);
	assert_null(held);
	assert_int_equal(http_server_n_connections(host.server), 0);
}

static void an_early_answer_does_not_wait_for_the_body(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("POST /no HTTP/1.1\r\n" H "Content-Length: 8000000\r\n\r\nabc")));
	push(fd, 500000, 20);
	assert_true(host_read(&host, fd, NULL, &got) || got.len);
	assert_int_equal(host_status(got.ptr), 403);
	close(fd);
	buf_clear(&got);
	/* a short rest is read over, and the connection goes on */
	fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("POST /no HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nab")));
	assert_true(host_read(&host, fd, "forbidden", &got));
	assert_true(host_send(&host, fd, STR("cdePOST /up HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n")));
	assert_true(host_read(&host, fd, "201 Created", &got));
	close(fd);
	buf_fini(&got);
}

static void who_waits_hears_that_the_peer_has_gone(void **state)
{
	(void)state;
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("GET /wait HTTP/1.1\r\n" H "\r\n")));
	host_run(&host, 5);
	assert_non_null(held);
	close(fd);
	host_run(&host, 10);
	assert_int_equal(gone, 1);
	assert_int_equal(http_server_n_connections(host.server), 0);
	http_resp_header(held, "X-Late", STR("yes"));
	http_respond_json(held, 200, STR("{}"));
}

static void check_download(const char *request, const char *head, size_t want)
{
	struct buf got;
	buf_init(&got, 2 * BIG);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, str_of(request)));
	host_run(&host, 50);
	assert_true(n_written < BIG);
	assert_true(host_read(&host, fd, NULL, &got));
	assert_int_equal(n_written, BIG);
	assert_non_null(strstr(got.ptr, head));
	const char *body = strstr(got.ptr, "\r\n\r\n");
	assert_int_equal(got.len - (size_t)(body + 4 - got.ptr), want);
	close(fd);
	buf_fini(&got);
}

static void answers_in_pieces_wait_for_the_peer(void **state)
{
	(void)state;
	/* 167 chunks of 50000 ("c350") and one of 38608 ("96d0"), each with 8 bytes around it, and 5 at the end */
	check_download("GET /chunks HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "Transfer-Encoding: chunked\r\n",
		BIG + 168 * 8 + 5);
	check_download("GET /plain HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "Content-Length: 8388608\r\n", BIG);
	check_download("GET /chunks HTTP/1.0\r\n\r\n", "Connection: close\r\n", BIG);
}

static void a_peer_that_takes_nothing_is_left(void **state)
{
	(void)state;
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("GET /plain HTTP/1.1\r\n" H "\r\n")));
	host_run(&host, 1000);
	assert_int_equal(http_server_n_connections(host.server), 0);
	assert_int_equal(ended, 1);
	close(fd);
}

static void on_big(struct http_req *req, void *arg)
{
	char *big = calloc(1, BIG);
	(void)arg;
	http_respond(req, 200, "application/octet-stream", str_n(big, BIG));
	free(big);
}

/* A peer that has sent all it wants to may be slow to read what it asked for. */
static void a_half_closed_peer_gets_its_answer(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 2 * BIG);
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/big", .handler = on_big});
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("GET /big HTTP/1.1\r\n" H "\r\n")));
	host_run(&host, 20);
	shutdown(fd, SHUT_WR);
	host_run(&host, 20);
	assert_true(host_read(&host, fd, NULL, &got));
	assert_true(got.len > BIG);
	close(fd);
	buf_fini(&got);
}

static void stopping_lets_answers_end(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 1 << 20);
	int idle = host_connect(&host);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, STR("GET /wait HTTP/1.1\r\n" H "\r\n")));
	host_run(&host, 5);
	http_server_close(host.server, NULL, NULL);
	host_run(&host, 5);
	http_respond_json(held, 200, STR("{\"late\":true}"));
	assert_true(host_read(&host, fd, "late", &got));
	assert_non_null(strstr(got.ptr, "Connection: close\r\n"));
	assert_true(host_read(&host, idle, NULL, &got));
	close(fd);
	close(idle);
	host_run(&host, 20);
	loop_fini(&host.loop);
	buf_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_paused_body_holds_the_peer_back, start, stop),
		cmocka_unit_test_setup_teardown(a_body_that_breaks_off_is_aborted, start, stop),
		cmocka_unit_test_setup_teardown(an_early_answer_does_not_wait_for_the_body, start, stop),
		cmocka_unit_test_setup_teardown(who_waits_hears_that_the_peer_has_gone, start, stop),
		cmocka_unit_test_setup_teardown(answers_in_pieces_wait_for_the_peer, start, stop),
		cmocka_unit_test_setup_teardown(a_peer_that_takes_nothing_is_left, start, stop),
		cmocka_unit_test_setup_teardown(a_half_closed_peer_gets_its_answer, start, stop),
		cmocka_unit_test_setup(stopping_lets_answers_end, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

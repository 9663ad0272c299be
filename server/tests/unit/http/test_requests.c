/* Raw requests against a server: what is taken, what is refused and how, whole and in pieces. */
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "host.h"

static struct host host;

static void on_echo(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond(req, 200, "application/octet-stream", http_req_body(req));
}

static void on_item(struct http_req *req, void *arg)
{
	char text[64] = "-";
	(void)arg;
	int n = http_req_query_get(req, "q", text, sizeof text);
	struct str id = http_req_param(req, "id");
	char out[256];
	snprintf(out, sizeof out, "id=%.*s q=%s n=%d", STR_ARG(id), n < 0 ? err_code(n) : text, n);
	http_respond(req, 200, "text/plain", str_of(out));
}

static int start(void **state)
{
	(void)state;
	static const char *const origins[] = {"https://app.example"};
	host_start(&host, (struct http_config){.origins = origins,
				  .n_origins = 1,
				  .max_body_bytes = 1000,
				  .head_ms = 400,
				  .body_ms = 400,
				  .min_body_bytes = 50,
				  .idle_ms = 200});
	http_route(host.server, &(struct http_route){.method = "POST", .pattern = "/echo", .handler = on_echo});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/echo", .handler = on_echo});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/items/:id", .handler = on_item});
	http_route(host.server, &(struct http_route){.pattern = "/api/*rest"});
	return 0;
}

static int stop(void **state)
{
	(void)state;
	host_stop(&host);
	return 0;
}

struct vector {
	const char *request;
	int status;
};

#define H "Host: a\r\n"

static const struct vector vectors[] = {
	/* taken */
	{"GET /echo HTTP/1.1\r\n" H "\r\n", 200},
	{"\r\nGET /echo HTTP/1.1\r\n" H "\r\n", 200},
	{"HEAD /echo HTTP/1.1\r\n" H "\r\n", 200},
	{"GET /echo HTTP/1.0\r\n\r\n", 200},
	{"GET http://a/echo HTTP/1.1\r\n" H "\r\n", 200},
	{"GET /echo?a=b HTTP/1.1\r\nHost:a\r\nX:\t y \r\nEmpty:\r\n\r\n", 200},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", 200},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 200},
	{"POST /echo HTTP/1.1\r\n" H "\r\n", 200},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n00\r\nTrailer: x\r\n\r\n", 200},
	{"OPTIONS * HTTP/1.1\r\n" H "\r\n", 204},
	{"OPTIONS /echo HTTP/1.1\r\n" H "\r\n", 204},
	/* known, but not here */
	{"GET /nothing HTTP/1.1\r\n" H "\r\n", 404},
	{"GET /api/nothing HTTP/1.1\r\n" H "\r\n", 404},
	{"DELETE /echo HTTP/1.1\r\n" H "\r\n", 405},
	{"BREW /echo HTTP/1.1\r\n" H "\r\n", 501},
	{"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 501},
	{"TRACE /echo HTTP/1.1\r\n" H "\r\n", 501},
	{"GET /echo HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n", 413},
	{"GET /items/%zz HTTP/1.1\r\n" H "\r\n", 400},
	{"GET /items/%00 HTTP/1.1\r\n" H "\r\n", 400},
	{"GET /items/%ff HTTP/1.1\r\n" H "\r\n", 400},
	/* versions */
	{"GET /echo HTTP/2.0\r\n" H "\r\n", 505},
	{"GET /echo HTTP/1.2\r\n" H "\r\n", 505},
	{"GET /echo HTTP/0.9\r\n" H "\r\n", 400},
	{"GET /echo\r\n\r\n", 400},
	{"GET /echo http/1.1\r\n" H "\r\n", 400},
	{"GET /echo HTTP/1.1 \r\n" H "\r\n", 400},
	/* Host */
	{"GET /echo HTTP/1.1\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "Host: a\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
	{"GET http://b/echo HTTP/1.1\r\n" H "\r\n", 400},
	{"GET ftp://a/echo HTTP/1.1\r\n" H "\r\n", 400},
	{"GET echo HTTP/1.1\r\n" H "\r\n", 400},
	{"GET * HTTP/1.1\r\n" H "\r\n", 400},
	{"GET /e\x80 HTTP/1.1\r\n" H "\r\n", 400},
	{"GET /e#f HTTP/1.1\r\n" H "\r\n", 400},
	/* lines */
	{"GET /echo HTTP/1.1\n" H "\r\n", 400},
	{"GET /echo HTTP/1.1\r\nHost: a\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n Host: a\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\nHost : a\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "X y: a\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H ": a\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "X\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "X: \x01\r\n\r\n", 400},
	{"\x16\x03\x01\x02", 400},
	{"\n\nGET /echo HTTP/1.1\r\n" H "\r\n", 400},
	/* lengths and codings */
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX: \n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3E9\r\n", 413},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\rXabc\r\n0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\rX0\r\n\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\rX", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\rX\r\n", 400},
	{"POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n T: x\r\n\r\n", 400},
	{"GET /echo HTTP/1.1\r\n" H "Authorization: a\r\nAuthorization: b\r\n\r\n", 400},
};

/* A chunk of 1001 bytes needs its bytes before it is too much. */
static const char *fill(const char *request)
{
	static char text[4000];
	snprintf(text, sizeof text, "%s", request);
	size_t n = strlen(text);
	if (n > 5 && strcmp(text + n - 5, "3E9\r\n") == 0)
		memset(text + n, 'x', 1001);
	return text;
}

static void each_request_gets_its_status(void **state)
{
	(void)state;
	static const size_t steps[] = {4000, 1, 7};
	for (size_t s = 0; s < 3; s++) {
		for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
			const char *request = fill(vectors[i].request);
			int got = host_status(host_exchange(&host, str_of(request), steps[s]));
			if (got != vectors[i].status)
				print_error("step %zu: %d for vector %zu: %s\n", steps[s], got, i, request);
			assert_int_equal(got, vectors[i].status);
		}
	}
}

static void limits_have_their_own_answers(void **state)
{
	(void)state;
	static char text[40000];
	strcpy(text, "GET /");
	memset(text + 5, 'a', 9000);
	strcpy(text + 9005, " HTTP/1.1\r\n" H "\r\n");
	assert_int_equal(host_status(host_exchange(&host, str_of(text), 40000)), 414);
	strcpy(text, "GET /echo HTTP/1.1\r\n" H "X: ");
	size_t n = strlen(text);
	memset(text + n, 'a', 16400);
	strcpy(text + n + 16400, "\r\n\r\n");
	assert_int_equal(host_status(host_exchange(&host, str_of(text), 40000)), 431);
	strcpy(text, "GET /echo HTTP/1.1\r\n" H);
	for (int i = 0; i < 100; i++)
		strcat(text, "A: b\r\n");
	strcat(text, "\r\n");
	assert_int_equal(host_status(host_exchange(&host, str_of(text), 40000)), 431);
	strcpy(text, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;");
	n = strlen(text);
	memset(text + n, 'a', 5000);
	strcpy(text + n + 5000, "\r\nx\r\n0\r\n\r\n");
	assert_int_equal(host_status(host_exchange(&host, str_of(text), 40000)), 400);
}

static void requests_follow_each_other(void **state)
{
	(void)state;
	const char *got = host_exchange(&host,
		STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nfirst"
		    "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n"
		    "POST /nothing HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nskip"
		    "GET /items/7 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"
		    "GET /items/8 HTTP/1.1\r\n" H "\r\n"),
		4000);
	const char *first = strstr(got, "\r\n\r\nfirst");
	const char *second = first ? strstr(first, "\r\n\r\nsecond") : NULL;
	const char *third = second ? strstr(second, "404 Not Found") : NULL;
	assert_non_null(third);
	assert_non_null(strstr(third, "id=7"));
	assert_null(strstr(third, "id=8"));
}

static void a_refused_request_ends_the_connection(void **state)
{
	(void)state;
	const char *got =
		host_exchange(&host, STR("GET /echo HTTP/1.1\r\n\r\nGET /items/8 HTTP/1.1\r\n" H "\r\n"), 4000);
	assert_int_equal(host_status(got), 400);
	assert_non_null(strstr(got, "Connection: close\r\n"));
	assert_non_null(strstr(got, "application/problem+json"));
	assert_non_null(strstr(got, "\"code\":\"bad_request\""));
	assert_null(strstr(got, "id=8"));
}

static void answers_carry_their_fields(void **state)
{
	(void)state;
	const char *got = host_exchange(&host, STR("GET /items/7 HTTP/1.1\r\n" H "\r\n"), 4000);
	assert_non_null(strstr(got, "\r\nDate: "));
	assert_non_null(strstr(got, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(got, "\r\nCache-Control: no-store\r\n"));
	assert_null(strstr(got, "\r\nServer:"));
	got = host_exchange(&host, STR("HEAD /items/7 HTTP/1.1\r\n" H "\r\n"), 4000);
	assert_non_null(strstr(got, "\r\nContent-Length: "));
	assert_null(strstr(got, "id=7"));
	got = host_exchange(&host, STR("DELETE /echo HTTP/1.1\r\n" H "\r\n"), 4000);
	assert_non_null(strstr(got, "\r\nAllow: "));
	assert_non_null(strstr(got, "POST, "));
	assert_non_null(strstr(got, "GET, HEAD, "));
}

static void parameters_are_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *target;
		const char *want;
	} cases[] = {
		{"/items/a%20b%2Fc?q=1%2B1+x&r=2", "id=a b/c q=1+1 x n=5"},
		{"/items/7?q=", "id=7 q= n=0"},
		{"/items/7?q", "id=7 q= n=0"},
		{"/items/7", "q=not_found"},
		{"/items/7?Q=1", "q=not_found"},
		{"/items/7?q=%", "q=bad_field"},
		{"/items/7?q=%4", "q=bad_field"},
		{"/items/7?q=%C3%28", "q=bad_field"},
		{"/items/7?q=a%00b", "q=bad_field"},
		{"/items/7?q=1&q=2", "q=bad_field"},
		{"/items/7?q=0123456789012345678901234567890123456789012345678901234567890123", "q=internal"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char request[400];
		snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" H "\r\n", cases[i].target);
		assert_non_null(strstr(host_exchange(&host, str_of(request), 4000), cases[i].want));
	}
}

static void origins_are_exact(void **state)
{
	(void)state;
	const char *got =
		host_exchange(&host, STR("GET /echo HTTP/1.1\r\n" H "Origin: https://app.example\r\n\r\n"), 4000);
	assert_non_null(strstr(got, "Access-Control-Allow-Origin: https://app.example\r\n"));
	assert_non_null(strstr(got, "Vary: Origin\r\n"));
	got = host_exchange(&host, STR("GET /echo HTTP/1.1\r\n" H "Origin: https://app.example.evil\r\n\r\n"), 4000);
	assert_int_equal(host_status(got), 200);
	assert_null(strstr(got, "Access-Control-Allow"));
	got = host_exchange(&host,
		STR("OPTIONS /echo HTTP/1.1\r\n" H
		    "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"),
		4000);
	assert_int_equal(host_status(got), 204);
	assert_non_null(strstr(got, "Access-Control-Allow-Methods: "));
	assert_non_null(strstr(got, "Authorization"));
	got = host_exchange(&host,
		STR("OPTIONS /echo HTTP/1.1\r\n" H "Origin: null\r\nAccess-Control-Request-Method: POST\r\n\r\n"),
		4000);
	assert_int_equal(host_status(got), 403);
}

static void an_expectation_is_met_before_the_body(void **state)
{
	(void)state;
	struct buf got;
	buf_init(&got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(
		&host, fd, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")));
	assert_true(host_read(&host, fd, "100 Continue\r\n\r\n", &got));
	assert_null(strstr(got.ptr, "200 OK"));
	assert_true(host_send(&host, fd, STR("body")));
	assert_true(host_read(&host, fd, "\r\n\r\nbody", &got));
	close(fd);
	/* too large: no 100, and the connection ends, since the body may or may not follow */
	buf_clear(&got);
	fd = host_connect(&host);
	assert_true(host_send(
		&host, fd, STR("POST /echo HTTP/1.1\r\n" H "Content-Length: 4000\r\nExpect: 100-continue\r\n\r\n")));
	assert_true(host_read(&host, fd, NULL, &got));
	assert_int_equal(host_status(got.ptr), 413);
	close(fd);
	buf_fini(&got);
}

/* Sends the beginning of something and expects to be told off, or left, in time. */
static void check_slow(const char *beginning, int want)
{
	struct buf got;
	buf_init(&got, 1 << 20);
	int fd = host_connect(&host);
	assert_true(host_send(&host, fd, str_of(beginning)));
	assert_true(host_read(&host, fd, NULL, &got));
	assert_int_equal(host_status(got.ptr), want);
	close(fd);
	buf_fini(&got);
}

static void the_slow_are_told_and_left(void **state)
{
	(void)state;
	check_slow("", 0);
	check_slow("GET /echo HTTP/1.1\r\nHo", 408);
	check_slow("POST /echo HTTP/1.1\r\n" H "Content-Length: 10\r\n\r\nab", 408);
	check_slow("GET /echo HTTP/1.1\r\n" H "\r\n", 200);
}

static void without_memory_a_request_fails_alone(void **state)
{
	(void)state;
	static const struct str request = {"POST /items/x HTTP/1.1\r\n" H
					   "Content-Length: 3\r\n\r\nabcPOST /echo HTTP/1.1\r\n" H
					   "Content-Length: 3\r\n\r\nabcGET /items/%41 HTTP/1.1\r\n" H "\r\n",
		0};
	struct str text = str_of(request.ptr);
	bool passed = false;
	for (long n = 0; n < 200 && !passed; n++) {
		int fd = host_connect(&host);
		struct buf got;
		buf_init(&got, 1 << 20);
		buf_reserve(&got, 200000);
		mem_fail_after(n);
		host_send(&host, fd, text);
		host_run(&host, 3);
		mem_fail_after(-1);
		close(fd);
		host_run(&host, 1);
		buf_fini(&got);
		const char *after = host_exchange(&host, text, 4000);
		assert_non_null(strstr(after, "id=A"));
		passed = n > 60;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_gets_its_status),
		cmocka_unit_test(limits_have_their_own_answers),
		cmocka_unit_test(requests_follow_each_other),
		cmocka_unit_test(a_refused_request_ends_the_connection),
		cmocka_unit_test(answers_carry_their_fields),
		cmocka_unit_test(parameters_are_decoded),
		cmocka_unit_test(origins_are_exact),
		cmocka_unit_test(an_expectation_is_met_before_the_body),
		cmocka_unit_test(the_slow_are_told_and_left),
		cmocka_unit_test(without_memory_a_request_fails_alone),
	};
	return cmocka_run_group_tests(tests, start, stop);
}

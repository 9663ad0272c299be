/* Whom a request comes from: proxies that are believed, chains of them, and clients that lie. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "host.h"

static struct host host;

static void on_peer(struct http_req *req, void *arg)
{
	char peer[ADDR_TEXT_SIZE];
	char text[100];
	(void)arg;
	addr_format_host(http_req_peer(req), peer);
	snprintf(text, sizeof text, "peer=%s %s;", peer, http_req_is_https(req) ? "https" : "http");
	http_respond(req, 200, "text/plain", str_of(text));
}

static void on_local(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond(req, 200, "text/plain", http_req_host_is_loopback(req) ? STR("local;") : STR("other;"));
}

static void begin(const char *trusted, bool proxy_protocol)
{
	struct addr_net nets[2];
	size_t n = trusted ? 2 : 0;
	if (trusted) {
		assert_int_equal(addr_net_parse(str_of(trusted), &nets[0]), 0);
		assert_int_equal(addr_net_parse(STR("10.0.0.0/8"), &nets[1]), 0);
	}
	host_start(&host, (struct http_config){.trusted = nets,
				  .n_trusted = n,
				  .proxy_protocol = proxy_protocol,
				  .max_per_address = 2,
				  .head_ms = 300});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/peer", .handler = on_peer});
	http_route(host.server, &(struct http_route){.method = "GET", .pattern = "/local", .handler = on_local});
}

static const char *ask(const char *fields)
{
	char request[600];
	snprintf(request, sizeof request, "GET /peer HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	return host_exchange(&host, str_of(request), 4000);
}

static void a_trusted_proxy_is_believed(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		const char *want;
	} cases[] = {
		{"", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: 192.0.2.1\r\n", "peer=192.0.2.1 http;"},
		{"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "peer=192.0.2.1 https;"},
		{"X-Forwarded-Proto: http\r\nX-Forwarded-For: 192.0.2.1:99\r\n", "peer=192.0.2.1 http;"},
		{"X-Forwarded-For: 2001:db8::1\r\n", "peer=2001:db8::1 http;"},
		{"X-Forwarded-For: [2001:db8::1]\r\n", "peer=2001:db8::1 http;"},
		{"X-Forwarded-For: [2001:db8::1]:443\r\n", "peer=2001:db8::1 http;"},
		/* the last that is no proxy; what stands before it may be a lie */
		{"X-Forwarded-For: 1.1.1.1, 192.0.2.1\r\n", "peer=192.0.2.1 http;"},
		{"X-Forwarded-For: 1.1.1.1, 192.0.2.1, 10.1.2.3\r\n", "peer=192.0.2.1 http;"},
		{"X-Forwarded-For: 1.1.1.1,192.0.2.1\r\nX-Forwarded-For: 10.1.2.3\r\n", "peer=192.0.2.1 http;"},
		{"X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "peer=10.0.0.1 http;"},
		{"X-Forwarded-Proto: https, http\r\n", "peer=127.0.0.1 http;"},
		/* what is no address ends the search */
		{"X-Forwarded-For: 192.0.2.1, unknown\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: 192.0.2.1, unknown, 10.0.0.9\r\n", "peer=10.0.0.9 http;"},
		{"X-Forwarded-For: \r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: ,\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: 192.0.2.1:\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: 192.0.2.256\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: [2001:db8::1\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: [\r\n", "peer=127.0.0.1 http;"},
		{"X-Forwarded-For: 2001:db8::1%eth0/../../../../../../../../../../../../../../../../../../../../a\r\n",
			"peer=127.0.0.1 http;"},
	};
	begin("127.0.0.1", false);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = ask(cases[i].fields);
		if (!strstr(got, cases[i].want))
			print_error("%s: %s\n", cases[i].fields, got);
		assert_non_null(strstr(got, cases[i].want));
	}
	host_stop(&host);
}

static void nobody_else_is(void **state)
{
	(void)state;
	static const char *const trusted[] = {NULL, "127.0.0.2"};
	for (size_t i = 0; i < 2; i++) {
		begin(trusted[i], false);
		const char *got = ask("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n");
		assert_non_null(strstr(got, "peer=127.0.0.1 http;"));
		host_stop(&host);
	}
}

static const char v4[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\2\1\xC6\x33\x64\1\0\x50\1\xBB";

/* A PROXY header and a request behind it. */
static const char *ask_with_header(const char *header, size_t n, size_t step)
{
	static char text[4000];
	static const char request[] =
		"GET /peer HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 9.9.9.9\r\nConnection: close\r\n\r\n";
	memcpy(text, header, n);
	memcpy(text + n, request, sizeof request - 1);
	return host_exchange(&host, str_n(text, n + sizeof request - 1), step);
}

static void a_header_before_all_else(void **state)
{
	(void)state;
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\x00\0\3abc";
	static const char v6[] = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x27\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\7"
				 "\x20\1\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\1\0\x50\1\xBB\4\0\0";
	begin("127.0.0.1", true);
	for (size_t step = 1; step < 40; step += 13) {
		assert_non_null(strstr(ask_with_header(v4, sizeof v4 - 1, step), "peer=192.0.2.1 http;"));
		assert_non_null(strstr(ask_with_header(v6, sizeof v6 - 1, step), "peer=2001:db8::7 http;"));
		/* the proxy itself: still believed in what it says of its clients */
		assert_non_null(strstr(ask_with_header(local, sizeof local - 1, step), "peer=9.9.9.9 http;"));
	}
	/* without one, or with a broken one, not a byte comes back */
	assert_int_equal(strlen(ask("")), 0);
	char broken[sizeof v4];
	for (size_t i = 0; i < 15; i++) {
		memcpy(broken, v4, sizeof v4);
		broken[i] ^= 0x42;
		if (i != 13) /* another family: the proxy speaks for no address of the internet */
			assert_int_equal(strlen(ask_with_header(broken, sizeof v4 - 1, 4000)), 0);
	}
	host_stop(&host);
	/* from others it is a bad request */
	begin("127.0.0.2", true);
	assert_int_equal(host_status(ask_with_header(v4, sizeof v4 - 1, 4000)), 400);
	host_stop(&host);
}

static void one_address_has_so_many_connections(void **state)
{
	(void)state;
	struct http_stats stats;
	begin(NULL, false);
	int first = host_connect(&host);
	int second = host_connect(&host);
	host_run(&host, 5);
	assert_int_equal(strlen(ask("")), 0);
	http_server_stats(host.server, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.connections, 2);
	close(first);
	host_run(&host, 5);
	assert_int_equal(host_status(ask("")), 200);
	close(second);
	host_stop(&host);
	/* behind a proxy it is the client that counts, not the proxy */
	begin("127.0.0.1", true);
	int fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = host_connect(&host);
		assert_true(host_send(&host, fds[i], str_n(v4, sizeof v4 - 1)));
		host_run(&host, 5);
	}
	http_server_stats(host.server, &stats);
	assert_int_equal(stats.refused, 1);
	assert_int_equal(stats.connections, 2);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	host_stop(&host);
}

/* The name that the client used; without one, in HTTP/1.0, it is nobody's. */
static void this_machine_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		const char *want;
	} cases[] = {{"Host: localhost\r\n", "local;"}, {"Host: LocalHost:80\r\n", "local;"},
		{"Host: 127.1.2.3:80\r\n", "local;"}, {"Host: [::1]\r\n", "local;"}, {"Host: a\r\n", "other;"},
		{"Host: localhost.example\r\n", "other;"}, {"", "other;"}};
	begin("127.0.0.1", false);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char request[100];
		snprintf(request, sizeof request, "GET /local HTTP/1.0\r\n%s\r\n", cases[i].host);
		assert_non_null(strstr(host_exchange(&host, str_of(request), 4000), cases[i].want));
	}
	host_stop(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trusted_proxy_is_believed),
		cmocka_unit_test(nobody_else_is),
		cmocka_unit_test(a_header_before_all_else),
		cmocka_unit_test(this_machine_by_name),
		cmocka_unit_test(one_address_has_so_many_connections),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

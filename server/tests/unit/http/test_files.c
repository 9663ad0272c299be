/* Static files out of a folder made for the test. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "check.h"
#include "host.h"

#define BIG 300000

static struct host host;
static char root[64];
static char secret[64];

static void write_file(const char *name, const char *text, size_t n)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", root, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static void make_link(const char *to, const char *name)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", root, name);
	assert_int_equal(symlink(to, path), 0);
}

static int start(void **state)
{
	(void)state;
	static char big[BIG];
	char path[200];
	memset(big, 'b', sizeof big);
	strcpy(root, "/tmp/bellwire-files-XXXXXX");
	strcpy(secret, "/tmp/bellwire-secret-XXXXXX");
	assert_non_null(mkdtemp(root));
	int fd = mkstemp(secret);
	assert_true(fd >= 0 && write(fd, "secret", 6) == 6);
	close(fd);
	snprintf(path, sizeof path, "%s/assets", root);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("index.html", "<p>home", 7);
	write_file("hello.txt", "0123456789", 10);
	write_file("empty.txt", "", 0);
	write_file(".hidden", "hidden", 6);
	write_file("big.bin", big, sizeof big);
	write_file("assets/app-Ab3dEf9h.js", "plain();", 8);
	write_file("assets/app-Ab3dEf9h.js.br", "BR", 2);
	write_file("assets/app-Ab3dEf9h.js.gz", "GZ", 2);
	make_link(secret, "link.txt");
	make_link("/tmp", "out");
	host_start(&host, (struct http_config){0});
	return http_files(
		host.server, &(struct http_files_config){.root = root, .pattern = "/*path", .fallback = "index.html"});
}

static int stop(void **state)
{
	(void)state;
	char command[200];
	host_stop(&host);
	unlink(secret);
	snprintf(command, sizeof command, "rm -r '%s'", root);
	return system(command);
}

static const char *get(const char *target, const char *fields)
{
	char request[1000];
	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", target, fields);
	return host_exchange(&host, str_of(request), 4000);
}

static const char *body_of(const char *answer)
{
	const char *blank = strstr(answer, "\r\n\r\n");
	return blank ? blank + 4 : "";
}

static void check_file(const char *target, const char *fields, int status, const char *body)
{
	const char *got = get(target, fields);
	assert_int_equal(host_status(got), status);
	if (body)
		assert_string_equal(body_of(got), body);
}

static void files_are_found(void **state)
{
	(void)state;
	check_file("/hello.txt", "", 200, "0123456789");
	check_file("/", "", 200, "<p>home");
	check_file("/empty.txt", "", 200, "");
	check_file("/hello%2Etxt", "", 200, "0123456789");
	check_file("/big.bin", "", 200, NULL);
	assert_int_equal(strlen(body_of(get("/big.bin", ""))), BIG);
	assert_non_null(strstr(get("/hello.txt", ""), "Content-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(get("/", ""), "Content-Security-Policy: "));
	assert_non_null(strstr(get("/", ""), "Cache-Control: no-cache\r\n"));
	const char *got = host_exchange(&host, STR("HEAD /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n"), 4000);
	assert_non_null(strstr(got, "Content-Length: 10\r\n"));
	assert_string_equal(body_of(got), "");
	assert_int_equal(host_status(host_exchange(&host, STR("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), 4000)), 405);
}

static void nothing_is_served_from_outside(void **state)
{
	(void)state;
	static const char *const targets[] = {"/link.txt", "/out/", "/..%2f..%2fetc/passwd", "/../etc/passwd",
		"/assets/../hello.txt", "/.hidden", "/assets/..%2fhello.txt", "//etc/passwd", "/hello.txt/",
		"/hello.txt/x", "/assets", "/nothing"};
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
		check_file(targets[i], "", 404, NULL);
	char target[200];
	snprintf(target, sizeof target, "/out/%s", secret + 5);
	check_file(target, "", 404, NULL);
}

static void pages_without_a_file_get_the_fallback(void **state)
{
	(void)state;
	check_file("/call/7", "Accept: text/html,*/*\r\n", 200, "<p>home");
	check_file("/call/7", "Accept: application/json\r\n", 404, NULL);
}

static void unchanged_files_are_not_sent_again(void **state)
{
	(void)state;
	char fields[200], etag[100], date[100];
	const char *got = get("/hello.txt", "");
	assert_int_equal(sscanf(strstr(got, "ETag: "), "ETag: %99[^\r]", etag), 1);
	assert_int_equal(sscanf(strstr(got, "Last-Modified: "), "Last-Modified: %99[^\r]", date), 1);
	snprintf(fields, sizeof fields, "If-None-Match: \"x\", W/%s\r\n", etag);
	check_file("/hello.txt", fields, 304, "");
	assert_null(strstr(get("/hello.txt", fields), "Content-Length"));
	check_file("/hello.txt", "If-None-Match: \"x\"\r\n", 200, "0123456789");
	snprintf(fields, sizeof fields, "If-Modified-Since: %s\r\n", date);
	check_file("/hello.txt", fields, 304, "");
	snprintf(fields, sizeof fields, "Range: bytes=2-3\r\nIf-Range: %s\r\n", etag);
	check_file("/hello.txt", fields, 206, "23");
	check_file("/hello.txt", "Range: bytes=2-3\r\nIf-Range: \"x\"\r\n", 200, "0123456789");
}

static void ranges_are_cut_out(void **state)
{
	(void)state;
	check_file("/hello.txt", "Range: bytes=2-4\r\n", 206, "234");
	check_file("/hello.txt", "Range: bytes=-2\r\n", 206, "89");
	assert_non_null(strstr(get("/hello.txt", "Range: bytes=8-99\r\n"), "Content-Range: bytes 8-9/10\r\n"));
	check_file("/hello.txt", "Range: bytes=0-1,4-5\r\n", 200, "0123456789");
	check_file("/hello.txt", "Range: bytes=10-\r\n", 416, NULL);
	assert_non_null(strstr(get("/hello.txt", "Range: bytes=10-\r\n"), "Content-Range: bytes */10\r\n"));
	assert_int_equal(strlen(body_of(get("/big.bin", "Range: bytes=100000-250000\r\n"))), 150001);
}

static void compressed_siblings_are_preferred(void **state)
{
	(void)state;
	const char *name = "/assets/app-Ab3dEf9h.js";
	check_file(name, "", 200, "plain();");
	check_file(name, "Accept-Encoding: gzip, br\r\n", 200, "BR");
	check_file(name, "Accept-Encoding: gzip\r\n", 200, "GZ");
	check_file(name, "Accept-Encoding: br;q=0\r\n", 200, "plain();");
	check_file(name, "Accept-Encoding: br\r\nRange: bytes=0-1\r\n", 206, "pl");
	const char *got = get(name, "Accept-Encoding: br\r\n");
	assert_non_null(strstr(got, "Content-Encoding: br\r\n"));
	assert_non_null(strstr(got, "Vary: Accept-Encoding\r\n"));
	assert_non_null(strstr(got, "immutable"));
	assert_non_null(strstr(got, "text/javascript"));
}

static void a_folder_that_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(
		http_files(host.server, &(struct http_files_config){.root = "/nonexistent", .pattern = "/x/*path"}),
		ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found),
		cmocka_unit_test(nothing_is_served_from_outside),
		cmocka_unit_test(pages_without_a_file_get_the_fallback),
		cmocka_unit_test(unchanged_files_are_not_sent_again),
		cmocka_unit_test(ranges_are_cut_out),
		cmocka_unit_test(compressed_siblings_are_preferred),
		cmocka_unit_test(a_folder_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, start, stop);
}

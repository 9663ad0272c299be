/* Which route a path belongs to, and the pure helpers of files. */
#include "base/err.h"
#include "check.h"
#include "http/file_meta.h"
#include "http/router.h"

static const char *const patterns[] = {
	"/*path", "/a/:x", "/a/b", "/a/:x/c", "/a/b/:y/*rest", "/", "/api/*rest", "/api/calls", "/d/"};

static void add_all(struct router *r)
{
	router_init(r);
	for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
		assert_int_equal(router_add(r, &(struct http_route){.method = "GET", .pattern = patterns[i]}), 0);
	assert_int_equal(router_add(r, &(struct http_route){.method = "POST", .pattern = "/a/:x"}), 0);
}

static void the_most_specific_pattern_wins(void **state)
{
	(void)state;
	static const struct {
		const char *path, *pattern, *params;
	} cases[] = {
		{"/", "/", ""},
		{"/a/b", "/a/b", ""},
		{"/a/z", "/a/:x", "x=z "},
		{"/a/z/c", "/a/:x/c", "x=z "},
		{"/a/b/c", "/a/:x/c", "x=b "},
		{"/a/b/1/", "/a/b/:y/*rest", "y=1 rest= "},
		{"/a/b/1/2/3", "/a/b/:y/*rest", "y=1 rest=2/3 "},
		{"/a/", "/*path", "path=a/ "},
		{"/a", "/*path", "path=a "},
		{"/api/calls", "/api/calls", ""},
		{"/api/calls/", "/api/*rest", "rest=calls/ "},
		{"/api/", "/api/*rest", "rest= "},
		{"/d/", "/d/", ""},
		{"/d", "/*path", "path=d "},
	};
	struct router r;
	add_all(&r);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct route_match m;
		struct buf params;
		buf_init(&params, 1000);
		router_find(&r, STR("HEAD"), str_of(cases[i].path), &m);
		assert_non_null(m.route);
		assert_string_equal(m.route->pattern, cases[i].pattern);
		for (size_t k = 0; k < m.n_params; k++)
			buf_printf(&params, "%.*s=%.*s ", STR_ARG(m.params[k].name), STR_ARG(m.params[k].raw));
		check_str(buf_str(&params), cases[i].params);
		buf_fini(&params);
	}
	router_fini(&r);
}

static void other_methods_are_known_by_their_pattern(void **state)
{
	(void)state;
	struct router r;
	struct route_match m;
	struct buf allow;
	add_all(&r);
	router_find(&r, STR("DELETE"), STR("/a/q"), &m);
	assert_null(m.route);
	check_str(m.pattern, "/a/:x");
	buf_init(&allow, 1000);
	router_allow(&r, m.pattern, &allow);
	check_str(buf_str(&allow), "GET, HEAD, POST, OPTIONS");
	buf_fini(&allow);
	assert_int_equal(router_add(&r, &(struct http_route){.method = "POST", .pattern = "/a/:x"}), ERR_EXISTS);
	router_fini(&r);
}

static void ranges_of_files(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int err;
		int64_t first, n;
	} cases[] = {
		{"bytes=0-0", 0, 0, 1},
		{"bytes=0-", 0, 0, 100},
		{"bytes=90-200", 0, 90, 10},
		{"bytes=-10", 0, 90, 10},
		{"bytes=-200", 0, 0, 100},
		{"bytes=100-", ERR_BAD_RANGE, 0, 0},
		{"bytes=-0", ERR_BAD_RANGE, 0, 0},
		{"bytes=5-4", ERR_NOT_FOUND, 0, 0},
		{"bytes=0-1,3-4", ERR_NOT_FOUND, 0, 0},
		{"bytes=-", ERR_NOT_FOUND, 0, 0},
		{"bytes=a-b", ERR_NOT_FOUND, 0, 0},
		{"lines=0-1", ERR_NOT_FOUND, 0, 0},
		{"bytes=", ERR_NOT_FOUND, 0, 0},
		{"bytes=99999999999999999999-", ERR_NOT_FOUND, 0, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t first = 0, n = 0;
		assert_int_equal(file_range(str_of(cases[i].text), 100, &first, &n), cases[i].err);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(n, cases[i].n);
	}
}

static void names_and_codings_of_files(void **state)
{
	(void)state;
	assert_true(file_is_hashed(STR("assets/index-B4x9Qz1k.js")));
	assert_false(file_is_hashed(STR("index-B4x9Qz1k.js")));
	assert_false(file_is_hashed(STR("assets/index.js")));
	assert_false(file_is_hashed(STR("assets/x")));
	assert_true(file_path_ok(STR("")));
	assert_true(file_path_ok(STR("a/b.html")));
	assert_true(file_path_ok(STR("a/")));
	static const char *const bad[] = {"/a", "a//b", "../a", "a/..", ".git/config", "a/.b", "."};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(file_path_ok(str_of(bad[i])));
	assert_true(file_takes_coding(STR("gzip, br"), "br"));
	assert_true(file_takes_coding(STR("gzip;q=0.5"), "gzip"));
	assert_true(file_takes_coding(STR("*"), "br"));
	assert_false(file_takes_coding(STR("br;q=0"), "br"));
	assert_false(file_takes_coding(STR("br;q=0.000, *"), "br"));
	assert_false(file_takes_coding(STR("gzip"), "br"));
	assert_true(file_etag_listed(STR("\"a\", W/\"b\""), "\"b\""));
	assert_true(file_etag_listed(STR("*"), "\"b\""));
	assert_false(file_etag_listed(STR("b"), "\"b\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_specific_pattern_wins),
		cmocka_unit_test(other_methods_are_known_by_their_pattern),
		cmocka_unit_test(ranges_of_files),
		cmocka_unit_test(names_and_codings_of_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The address policy of outgoing requests; the rest is proved against real servers (tests/fetch). */
#include "base/err.h"
#include "check.h"
#include "fetch/fetch.h"

static void check_allowed(const char *text, bool want)
{
	struct addr a;
	assert_int_equal(addr_parse(str_of(text), &a), 0);
	if (fetch_allow_public(&a, NULL) != want)
		fail_msg("%s", text);
}

static void test_public_only(void **state)
{
	(void)state;
	check_allowed("8.8.8.8:443", true);
	check_allowed("[2606:4700::1]:443", true);
	static const char *const refused[] = {"127.0.0.1:80", "10.1.2.3:80", "172.16.0.1:80", "192.168.1.1:80",
		"169.254.169.254:80", "0.0.0.0:80", "100.64.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "[::1]:80",
		"[::]:80", "[fe80::1]:80", "[fc00::1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80",
		"[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[::127.0.0.1]:80", "[ff02::1]:80"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		check_allowed(refused[i], false);
}

struct once {
	struct loop loop;
	struct fetcher *f;
	int err;
	int n_done;
};

static void on_closed(void *arg)
{
	loop_stop(&((struct once *)arg)->loop);
}

static void on_done(struct fetch *r, const struct fetch_result *result, void *arg)
{
	struct once *o = arg;
	(void)r;
	o->err = result->err;
	o->n_done++;
	fetcher_close(o->f, on_closed, o);
}

static int run(const char *url)
{
	static const struct fetch_cb cb = {.on_done = on_done};
	struct once o = {0};
	assert_int_equal(loop_init(&o.loop), 0);
	assert_int_equal(fetcher_new(&o.loop, &(struct fetch_config){0}, &o.f), 0);
	assert_int_equal(fetch_start(o.f, &(struct fetch_request){.url = url, .cb = &cb, .arg = &o}, NULL), 0);
	loop_run(&o.loop);
	loop_fini(&o.loop);
	assert_int_equal(o.n_done, 1);
	return o.err;
}

static void test_refused_at_once(void **state)
{
	(void)state;
	assert_int_equal(run("https://127.0.0.1:9/"), ERR_FORBIDDEN);
	assert_int_equal(run("https://localhost:9/"), ERR_FORBIDDEN);
	assert_int_equal(run("https://[::ffff:127.0.0.1]:9/"), ERR_FORBIDDEN);
	assert_int_equal(run("https://2130706433:9/"), ERR_FORBIDDEN);
	assert_int_equal(run("http://example.org/"), ERR_BAD_FIELD);
	assert_int_equal(run("file:///etc/passwd"), ERR_BAD_FIELD);
	assert_int_equal(run("https://user:pass@example.org/"), ERR_BAD_FIELD);
	assert_int_equal(run("nonsense:"), ERR_BAD_FIELD);
	assert_int_equal(run(""), ERR_BAD_FIELD);
}

static void test_closed_with_requests(void **state)
{
	static const struct fetch_cb cb = {.on_done = on_done};
	struct once o = {0};
	(void)state;
	assert_int_equal(loop_init(&o.loop), 0);
	assert_int_equal(fetcher_new(&o.loop, &(struct fetch_config){0}, &o.f), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			fetch_start(o.f, &(struct fetch_request){.url = "https://127.0.0.1:9/", .cb = &cb, .arg = &o},
				NULL),
			0);
	fetcher_close(o.f, on_closed, &o);
	loop_run(&o.loop);
	loop_fini(&o.loop);
	assert_int_equal(o.n_done, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public_only),
		cmocka_unit_test(test_refused_at_once),
		cmocka_unit_test(test_closed_with_requests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Addresses as text and back. */
#include "base/err.h"
#include "check.h"
#include "net/addr.h"

static void what_is_parsed_is_written_the_same(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"127.0.0.1:8080", "[::1]:0", "0.0.0.0:65535", "[2001:db8::1]:443", "[::]:3478"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct addr a, again;
		char out[ADDR_TEXT_SIZE];
		assert_int_equal(addr_parse(str_of(texts[i]), &a), 0);
		assert_string_equal(addr_format(&a, out), texts[i]);
		assert_int_equal(addr_from_sockaddr(&a.any, &again), 0);
		assert_true(addr_eq(&a, &again));
		addr_set_port(&again, (uint16_t)(addr_port(&a) ^ 1));
		assert_false(addr_eq(&a, &again));
	}
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
		"::1:80", "[::1]", "[::1]80", "[::1:80", "[]:80", "example.org:80", "1.2.3:4", "127.0.0.1:80x",
		"[127.0.0.1]:80", "]:1", "["};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct addr a;
		assert_int_equal(addr_parse(str_of(texts[i]), &a), ERR_BAD_FIELD);
	}
}

static void loopback_is_known_in_every_spelling(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool loopback;
	} cases[] = {{"127.0.0.1:1", true}, {"127.9.9.9:1", true}, {"localhost:1", true}, {"[::1]:1", true},
		{"[::ffff:127.0.0.1]:1", true}, {"[::ffff:10.0.0.1]:1", false}, {"10.0.0.1:1", false},
		{"[::2]:1", false}, {"128.0.0.1:1", false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct addr a;
		assert_int_equal(addr_parse(str_of(cases[i].text), &a), 0);
		assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
	}
}

static void mapped_addresses_are_written_as_ipv4(void **state)
{
	(void)state;
	struct addr a;
	char out[ADDR_TEXT_SIZE];
	assert_int_equal(addr_parse(STR("[::ffff:10.0.0.1]:7"), &a), 0);
	assert_string_equal(addr_format(&a, out), "10.0.0.1:7");
	assert_string_equal(addr_format_host(&a, out), "10.0.0.1");
}

static void ranges(void **state)
{
	(void)state;
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1:1", "11.0.0.1:1"},
		{"192.0.2.128/25", "192.0.2.129:1", "192.0.2.127:1"},
		{"192.0.2.1", "192.0.2.1:1", "192.0.2.2:1"},
		{"0.0.0.0/0", "[::ffff:1.2.3.4]:1", "[2001:db8::1]:1"},
		{"10.0.0.0/8", "[::ffff:10.1.1.1]:1", "[::10.1.1.1]:1"},
		{"fd00::/8", "[fdff::1]:1", "[fe00::1]:1"},
		{"2001:db8::/33", "[2001:db8:7fff::1]:1", "[2001:db8:8000::1]:1"},
		{"::1", "[::1]:1", "127.0.0.1:1"},
		{"::/0", "[::1]:1", "127.0.0.1:1"},
	};
	static const char *const bad[] = {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "fd00::1/8", "a/8", "::/129",
		"10.0.0.0/-1", "10.0.0.0/8/8", "[::1]", "10.0.0.0:80"};
	struct addr_net net;
	struct addr a;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(addr_net_parse(str_of(cases[i].net), &net), 0);
		assert_int_equal(addr_parse(str_of(cases[i].in), &a), 0);
		assert_true(addr_net_has(&net, &a));
		assert_int_equal(addr_parse(str_of(cases[i].out), &a), 0);
		assert_false(addr_net_has(&net, &a));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(addr_net_parse(str_of(bad[i]), &net), ERR_BAD_FIELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_parsed_is_written_the_same),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(loopback_is_known_in_every_spelling),
		cmocka_unit_test(mapped_addresses_are_written_as_ipv4),
		cmocka_unit_test(ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

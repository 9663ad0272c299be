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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_parsed_is_written_the_same),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(loopback_is_known_in_every_spelling),
		cmocka_unit_test(mapped_addresses_are_written_as_ipv4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Ticket keys: how long one seals, how long it opens, and that no two are alike. */
#include <string.h>

#include "check.h"
#include "net/tickets.h"

#define HOUR (TICKETS_ROTATE_S * (int64_t)1000)

static void a_key_seals_for_an_hour(void **state)
{
	(void)state;
	struct tickets t = {0};
	const struct ticket_key *key = tickets_current(&t, 5000);
	unsigned char name[TICKETS_NAME_SIZE];
	memcpy(name, key->name, sizeof name);
	assert_memory_equal(tickets_current(&t, 4999 + HOUR)->name, name, sizeof name);
	key = tickets_current(&t, 5000 + HOUR);
	assert_memory_not_equal(key->name, name, sizeof name);
	assert_memory_not_equal(key->cipher, t.keys[1].cipher, sizeof key->cipher);
	assert_memory_equal(t.keys[1].name, name, sizeof name);
}

static void it_opens_as_long_as_its_tickets_live(void **state)
{
	(void)state;
	struct tickets t = {0};
	unsigned char name[TICKETS_NAME_SIZE];
	memcpy(name, tickets_current(&t, 0)->name, sizeof name);
	/* sealed at the last moment, opened at the end of its life */
	int64_t end = HOUR - 1 + TICKETS_LIFETIME_S * (int64_t)1000;
	tickets_current(&t, HOUR);
	assert_non_null(tickets_find(&t, name, HOUR));
	tickets_current(&t, 2 * HOUR);
	assert_non_null(tickets_find(&t, name, end));
	tickets_current(&t, 3 * HOUR);
	assert_null(tickets_find(&t, name, 3 * HOUR));
}

/* With no new handshakes for long, nothing rotates: age alone must do. */
static void an_old_key_opens_nothing(void **state)
{
	(void)state;
	struct tickets t = {0};
	unsigned char name[TICKETS_NAME_SIZE];
	memcpy(name, tickets_current(&t, 0)->name, sizeof name);
	assert_null(tickets_find(&t, name, 3 * HOUR));
	assert_null(tickets_find(&t, name, 0));
	unsigned char zeros[TICKETS_NAME_SIZE] = {0};
	assert_null(tickets_find(&t, zeros, 0));
	tickets_wipe(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_seals_for_an_hour),
		cmocka_unit_test(it_opens_as_long_as_its_tickets_live),
		cmocka_unit_test(an_old_key_opens_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

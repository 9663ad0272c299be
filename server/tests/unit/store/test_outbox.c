/* The outbox: events in the order of their commits, how far the delivery has come, dead letters. */
#include "store/outbox.h"

#include "base/err.h"
#include "check.h"
#include "fixture.h"

static struct fixture f;
static const char *const two[] = {"alice", "bob"};

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

/* A call with n events of which the host is told. */
static void make_call(uint64_t n_id, int n_more)
{
	char id[ID_UUID_SIZE], channel[32];
	format_id(id, n_id);
	snprintf(channel, sizeof channel, "room%d", (int)n_id);
	assert_int_equal(commit(&f, create_set(id, channel, CALL_GROUP, two, 2, 1000)), 0);
	for (int i = 0; i < n_more; i++) {
		struct call *c = read_call(&f, id);
		struct change_set *cs = next_set(c, "participant.joined", 2000 + i);
		cs->events[0].is_webhook = true;
		assert_int_equal(commit(&f, cs), 0);
		call_free(c);
	}
}

static int64_t delivery(void)
{
	struct store_read_delivery q = {0};
	assert_int_equal(DO(&f, store_read_delivery, &q), 0);
	return q.after_id;
}

static void put(int64_t after_id, const struct outbox_failure *failures, size_t n)
{
	struct store_put_delivery q = {.after_id = after_id, .failures = failures, .n_failures = n};
	assert_int_equal(DO(&f, store_put_delivery, &q), 0);
}

static void events_come_in_pages(void **state)
{
	struct store_read_outbox q = {.limit = 3};
	int64_t last = 0;
	size_t n = 0;
	(void)state;
	make_call(1, 2);
	make_call(2, 3);
	do {
		assert_int_equal(DO(&f, store_read_outbox, &q), 0);
		for (size_t i = 0; i < q.n_events; i++) {
			assert_true(q.events[i].id > last);
			assert_true(q.events[i].stored.event.is_webhook);
			assert_string_equal(q.events[i].stored.event.type, "participant.joined");
			last = q.events[i].id;
		}
		n += q.n_events;
		q.after_id = last;
		outbox_events_free(q.events, q.n_events);
	} while (q.has_more);
	assert_int_equal(n, 5);
}

static void a_delivery_begins_now_and_never_goes_back(void **state)
{
	(void)state;
	make_call(1, 2);
	int64_t now = delivery();
	assert_true(now >= 3);
	put(now, NULL, 0);
	make_call(2, 2);
	assert_int_equal(delivery(), now);
	put(now + 2, NULL, 0);
	put(now + 1, NULL, 0);
	fixture_close(&f);
	fixture_reopen(&f);
	assert_int_equal(delivery(), now + 2);
}

static void dead_letters_are_kept_with_their_events(void **state)
{
	struct outbox_failure failures[2] = {
		{.event_id = 2, .at = 5000, .attempts = 10, .status = 500, .error = "HTTP 500"},
		{.event_id = 3, .at = 5001, .attempts = 4, .status = 0, .error = "not connected"},
	};
	struct store_list_failures q = {.limit = 1};
	(void)state;
	make_call(1, 2);
	put(3, failures, 2);
	put(3, failures, 1); /* told twice, after a crash */
	assert_int_equal(DO(&f, store_list_failures, &q), 0);
	assert_int_equal(q.n_failures, 1);
	assert_true(q.has_more);
	assert_int_equal(q.failures[0].failure.status, 500);
	assert_string_equal(q.failures[0].failure.error, "HTTP 500");
	assert_string_equal(q.failures[0].event.stored.event.type, "participant.joined");
	failed_events_free(q.failures, q.n_failures);
	q.after_id = 2;
	assert_int_equal(DO(&f, store_list_failures, &q), 0);
	assert_int_equal(q.n_failures, 1);
	assert_false(q.has_more);
	assert_int_equal(q.failures[0].failure.event_id, 3);
	failed_events_free(q.failures, q.n_failures);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void a_watcher_hears_of_commits(void **state)
{
	int n = 0;
	(void)state;
	store_watch_outbox(f.store, count, &n);
	make_call(1, 2);
	assert_true(n >= 1);
	store_watch_outbox(f.store, NULL, NULL);
	n = 0;
	make_call(2, 1);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(events_come_in_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(a_delivery_begins_now_and_never_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(dead_letters_are_kept_with_their_events, setup, teardown),
		cmocka_unit_test_setup_teardown(a_watcher_hears_of_commits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

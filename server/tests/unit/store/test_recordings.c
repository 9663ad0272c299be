/* Recordings: written with their event or not at all, found, listed in their order, deleted. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"
#include "store/recording.h"

static struct fixture f;
static char call_id[ID_UUID_SIZE];

static int setup(void **state)
{
	static const char *const two[] = {"alice", "bob"};
	(void)state;
	fixture_open(&f);
	format_id(call_id, 1);
	assert_int_equal(commit(&f, create_set(call_id, "room", CALL_DIRECT, two, 2, 1000)), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

static struct recording make(uint64_t n, const char *of_call)
{
	struct recording r = {
		.file_size = 5000000000, .duration_ms = 61234, .is_cut = true, .started_at = 1, .ended_at = 2};
	format_id(r.id, n);
	strcpy(r.call_id, of_call);
	strcpy(r.user_id, "alice");
	snprintf(r.url, sizeof r.url, "/api/recordings/%s", r.id);
	strcpy(r.media_type, "video/webm");
	strcpy(r.file_name, "böse/../name.webm");
	memset(r.sha256, 'a', 64);
	memset(r.upload_sha256, 'b', 64);
	r.created_at = (int64_t)n * 10;
	return r;
}

static int put(struct recording r)
{
	struct call *c = read_call(&f, call_id);
	struct change_set *cs = next_set(c, "recording.ready", 2000);
	cs->recording = mem_new(sizeof r);
	*cs->recording = r;
	call_free(c);
	return commit(&f, cs);
}

static void comes_back_with_its_event(void **state)
{
	(void)state;
	struct recording r = make(7, call_id);
	struct store_read_recording q = {0};
	memcpy(q.id, r.id, sizeof q.id);
	assert_int_equal(DO(&f, store_read_recording, &q), 0);
	assert_false(q.found);
	assert_int_equal(put(r), 0);
	assert_int_equal(DO(&f, store_read_recording, &q), 0);
	assert_true(q.found);
	assert_memory_equal(&q.recording, &r, sizeof r);
}

static void is_written_once_or_not_at_all(void **state)
{
	(void)state;
	assert_int_equal(put(make(7, call_id)), 0);
	int64_t events = ask(f.path, "SELECT count(*) FROM call_events");
	assert_int_equal(put(make(7, call_id)), ERR_CONFLICT);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM call_events"), events);
	store_inject(f.store, STORE_FAULT_FAIL, 1);
	assert_int_equal(put(make(8, call_id)), ERR_STORE);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM call_recordings"), 1);
}

static size_t list(struct store_list_recordings *q)
{
	assert_int_equal(DO(&f, store_list_recordings, q), 0);
	size_t n = q->n_recordings;
	if (n)
		memcpy(q->after_id, q->recordings[n - 1].id, sizeof q->after_id);
	mem_free(q->recordings);
	return n;
}

static void is_listed_in_pages(void **state)
{
	(void)state;
	char other[ID_UUID_SIZE];
	format_id(other, 2);
	for (uint64_t n = 10; n < 15; n++)
		assert_int_equal(put(make(n, n == 12 ? other : call_id)), 0);
	struct store_list_recordings of_call = {.limit = 3};
	memcpy(of_call.call_id, call_id, sizeof call_id);
	assert_int_equal(list(&of_call), 3);
	assert_true(of_call.has_more);
	assert_int_equal(list(&of_call), 1);
	assert_false(of_call.has_more);
	assert_int_equal(list(&(struct store_list_recordings){.limit = 100}), 5);
	assert_int_equal(list(&(struct store_list_recordings){.limit = 100, .created_before = 120}), 2);
}

static void is_deleted_once(void **state)
{
	(void)state;
	struct recording r = make(7, call_id);
	struct store_delete_recording q = {0};
	memcpy(q.id, r.id, sizeof q.id);
	assert_int_equal(put(r), 0);
	assert_int_equal(DO(&f, store_delete_recording, &q), 0);
	assert_true(q.found);
	assert_int_equal(DO(&f, store_delete_recording, &q), 0);
	assert_false(q.found);
	assert_int_equal(list(&(struct store_list_recordings){.limit = 100}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back_with_its_event, setup, teardown),
		cmocka_unit_test_setup_teardown(is_written_once_or_not_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(is_listed_in_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(is_deleted_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

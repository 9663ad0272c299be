/* The 1st, 2nd, 3rd… allocation of every read fails: an error each time and nothing left behind, until all is well. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"
#include "store/backend.h"

static struct fixture f;
static struct backend *backend;
static struct backend_reader *reader;
static char call_id[ID_UUID_SIZE];

static int setup(void **state)
{
	(void)state;
	static const char *const users[] = {"ann", "ben", "cleo", "dan", "eve"};
	static const char members[][MODEL_USER_ID_SIZE] = {"ann", "ben", "cleo", "dan", "eve"};
	fixture_open(&f);
	format_id(call_id, 1);
	struct change_set *cs = create_set(call_id, "room", CALL_GROUP, users, 5, 1000);
	cs->call->legs = mem_new(sizeof *cs->call->legs);
	cs->call->n_legs = 1;
	format_id(cs->call->legs[0].id, 2);
	cs->reply = (struct store_reply){.user_id = "ann", .key = "k", .expires_at = 5000};
	assert_int_equal(commit(&f, cs), 0);
	struct store_put_channel put = {.id = "room", .members = members, .n_members = 5};
	assert_int_equal(DO(&f, store_put_channel, &put), 0);
	fixture_close(&f);

	struct store_config config = {.url = f.path, .loop = &f.loop};
	struct buf why;
	buf_init(&why, 1000);
	assert_int_equal(sqlite_ops.open(&config, str_of(f.path), &backend, &why), 0);
	assert_int_equal(sqlite_ops.reader_open(backend, &reader), 0);
	buf_fini(&why);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sqlite_ops.reader_close(reader);
	sqlite_ops.close(backend);
	fixture_fini(&f);
	return 0;
}

/* Reads with ever more allocations allowed; afterwards the question is answered, and after each failure it held
 * nothing (the sanitizer's build would tell). */
static void sweep(struct store_job *job, int kind)
{
	job->kind = (int)kind;
	for (long n = 0;; n++) {
		assert_true(n < 1000);
		mem_fail_after(n);
		sqlite_ops.read(reader, job);
		mem_fail_after(-1);
		if (job->err == 0)
			break;
		assert_int_equal(job->err, ERR_NO_MEMORY);
	}
}

static void reading_a_call(void **state)
{
	(void)state;
	struct store_read_call q = {0};
	strcpy(q.id, call_id);
	sweep(&q.job, JOB_READ_CALL);
	assert_int_equal(q.call->n_participants, 5);
	assert_int_equal(q.call->n_legs, 1);
	call_free(q.call);
}

static void reading_a_history(void **state)
{
	(void)state;
	struct store_read_history q = {.viewer_id = "ann", .limit = 5};
	q.call_type = q.status = q.outcome = q.direction = STORE_ANY;
	sweep(&q.job, JOB_READ_HISTORY);
	assert_int_equal(q.n_calls, 1);
	history_free(q.calls, q.n_calls);
}

static void reading_events(void **state)
{
	(void)state;
	struct store_read_events q = {.limit = 5};
	strcpy(q.call_id, call_id);
	sweep(&q.job, JOB_READ_EVENTS);
	assert_int_equal(q.n_events, 1);
	stored_events_free(q.events, q.n_events);
}

static void reading_a_reply(void **state)
{
	(void)state;
	struct store_read_reply q = {.user_id = "ann", .key = "k"};
	sweep(&q.job, JOB_READ_REPLY);
	assert_string_equal(q.body, "");
	mem_free(q.body);
}

static void reading_people(void **state)
{
	(void)state;
	static const char asked[][MODEL_USER_ID_SIZE] = {"ben", "zoe"};
	struct store_read_people all = {.channel_id = "room"};
	struct store_read_people some = {.channel_id = "room", .user_ids = asked, .n_user_ids = 2};
	struct store_read_channel channel = {.id = "room"};
	sweep(&all.job, JOB_READ_PEOPLE);
	sweep(&some.job, JOB_READ_PEOPLE);
	sweep(&channel.job, JOB_READ_CHANNEL);
	assert_int_equal(all.n_people, 5);
	assert_int_equal(some.n_people, 2);
	assert_int_equal(channel.n_members, 5);
	mem_free(all.people);
	mem_free(some.people);
	mem_free(channel.members);
}

static int keep_none(void *arg, struct call *call)
{
	(void)arg;
	call_free(call);
	return 0;
}

static void loading_what_lives(void **state)
{
	(void)state;
	int err;
	long n = 0;
	do {
		mem_fail_after(n++);
		err = sqlite_ops.load_live(backend, keep_none, NULL);
		mem_fail_after(-1);
		assert_true(err == 0 || err == ERR_NO_MEMORY);
	} while (err < 0);
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading_a_call),
		cmocka_unit_test(reading_a_history),
		cmocka_unit_test(reading_events),
		cmocka_unit_test(reading_a_reply),
		cmocka_unit_test(reading_people),
		cmocka_unit_test(loading_what_lives),
	};
	return cmocka_run_group_tests_name("store memory", tests, setup, teardown);
}

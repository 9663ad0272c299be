/* The flight recorder kept: samples and notes of legs, what an hour costs, the overview, and forgetting. */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"
#include "store/flight.h"

#define START 1750000000000LL
#define CALL_A "018f0000-0000-7000-8000-00000000000a"
#define CALL_B "018f0000-0000-7000-8000-00000000000b"

static const char *const peers[] = {"018f0000-0000-7000-8000-0000000000f1", "018f0000-0000-7000-8000-0000000000f2",
	"018f0000-0000-7000-8000-0000000000f3"};

static int setup(void **state)
{
	static struct fixture f;
	fixture_open(&f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(*state);
	return 0;
}

/* A small random walk: what getStats gives from one look to the next. */
static int32_t wander(int i, int f, int32_t around, int32_t by)
{
	uint32_t x = (uint32_t)i * 2654435761u + (uint32_t)f * 40503u;
	x ^= x >> 15;
	x *= 2246822519u;
	return around + (int32_t)(x >> 8) % (by + 1) - by / 2;
}

static struct quality_sample sample_of(int i, const char *peer, int32_t level)
{
	static const int32_t around[QUALITY_N_FIELDS] = {
		1, 92, 88, 48, 32, 4, 6, 3, 1400, 5, 9, 30, 0, 720, 32, 3, 1300, 4, 30, 720, 5, 2500, 0, 3, 3, 3, 60};
	static const int32_t by[QUALITY_N_FIELDS] = {
		0, 2, 4, 10, 4, 8, 6, 6, 400, 8, 8, 2, 0, 0, 4, 6, 400, 6, 2, 0, 6, 300, 0, 0, 0, 0, 20};
	struct quality_sample s = {.at = START + i * 2000LL};
	str_copy(s.peer_id, sizeof s.peer_id, str_of(peer));
	for (int f = 0; f < QUALITY_N_FIELDS; f++)
		s.values[f] = by[f] ? wander(i, f, around[f], by[f]) : around[f];
	s.values[QUALITY_FIELD_LEVEL] = level;
	return s;
}

static void batch_of(struct flight_batch *b, const char *call, const char *leg, const char *user)
{
	*b = (struct flight_batch){0};
	str_copy(b->call_id, sizeof b->call_id, str_of(call));
	str_copy(b->leg_id, sizeof b->leg_id, str_of(leg));
	str_copy(b->user_id, sizeof b->user_id, str_of(user));
}

static int put(struct fixture *f, struct flight_batch *b)
{
	struct store_put_flight q = {0};
	list_init(&q.batches);
	list_push(&q.batches, &b->link);
	return DO(f, store_put_flight, &q);
}

/* An hour of samples to so many peers, in batches of five. */
static void put_hour(struct fixture *f, const char *leg, int n_peers)
{
	struct quality_sample samples[15];
	struct flight_batch b;
	batch_of(&b, CALL_A, leg, "alice");
	b.samples = samples;
	for (int i = 0; i < 1800; i += 5) {
		b.n_samples = 0;
		for (int k = 0; k < 5; k++)
			for (int p = 0; p < n_peers; p++)
				samples[b.n_samples++] = sample_of(i + k, peers[p], i < 900 ? 1 : 4);
		assert_int_equal(put(f, &b), 0);
	}
}

static size_t count_samples(const struct flight_leg *leg)
{
	struct quality_reader r;
	struct quality_sample s;
	size_t n = 0;
	for (size_t i = 0; i < leg->n_blocks; i++) {
		struct str block = str_n(leg->blocks[i].data, leg->blocks[i].len);
		assert_int_equal(quality_read_begin(&r, block, leg->blocks[i].start), 0);
		int got;
		while ((got = quality_read_next(&r, &s)) == 1)
			n++;
		assert_int_equal(got, 0);
	}
	return n;
}

static void an_hour_is_found_again_and_costs_little(void **state)
{
	struct fixture *f = *state;
	struct store_read_flight q = {.call_id = CALL_A};
	put_hour(f, "018f0000-0000-7000-8000-0000000000e1", 1);
	put_hour(f, "018f0000-0000-7000-8000-0000000000e3", 3);
	assert_int_equal(DO(f, store_read_flight, &q), 0);
	assert_int_equal(q.n_legs, 2);
	assert_int_equal(count_samples(&q.legs[0]), 1800);
	assert_int_equal(count_samples(&q.legs[1]), 5400);
	assert_string_equal(q.legs[0].user_id, "alice");
	flight_free(&q);

	fixture_close(f);
	for (int leg = 1; leg <= 2; leg++) {
		char sql[200];
		snprintf(sql, sizeof sql,
			"SELECT sum(length(b.data) + 24) FROM quality_legs l JOIN quality_blocks b ON %s"
			" WHERE l.id = %d",
			f->is_pg ? "b.leg_id = l.leg_id" : "b.leg = l.id", leg);
		int64_t bytes = ask(f->path, sql);
		print_message("an hour to %d peers: %lld bytes\n", leg == 1 ? 1 : 3, (long long)bytes);
		assert_in_range(bytes, 10000, 150000);
	}
	fixture_reopen(f);
}

static void notes_come_back_by_time(void **state)
{
	struct fixture *f = *state;
	struct flight_note notes[2] = {{.at = START + 5, .type = "ice", .data = "{\"state\":\"failed\"}"},
		{.at = START + 2, .type = "mic", .data = "{}"}};
	struct flight_batch b;
	batch_of(&b, CALL_A, "018f0000-0000-7000-8000-0000000000e1", "alice");
	b.notes = notes;
	b.n_notes = 2;
	assert_int_equal(put(f, &b), 0);
	struct store_read_flight q = {.call_id = CALL_A, .only_notes = true};
	assert_int_equal(DO(f, store_read_flight, &q), 0);
	assert_int_equal(q.n_legs, 0);
	assert_int_equal(q.n_notes, 2);
	assert_string_equal(q.notes[0].type, "mic");
	assert_string_equal(q.notes[1].data, "{\"state\":\"failed\"}");
	assert_string_equal(q.notes[1].user_id, "alice");
	flight_free(&q);
	struct store_read_flight other = {.call_id = CALL_B};
	assert_int_equal(DO(f, store_read_flight, &other), 0);
	assert_int_equal(other.n_legs + other.n_notes, 0);
}

static void the_overview_counts_and_finds_the_worst(void **state)
{
	struct fixture *f = *state;
	static const char *const users[] = {"alice", "bob"};
	struct quality_sample samples[2] = {sample_of(0, peers[0], 4), sample_of(1, peers[0], 1)};
	struct flight_batch b;
	assert_int_equal(commit(f, create_set(CALL_A, "c1", CALL_DIRECT, users, 2, START)), 0);
	batch_of(&b, CALL_A, "018f0000-0000-7000-8000-0000000000e1", "alice");
	b.samples = samples;
	b.n_samples = 2;
	assert_int_equal(put(f, &b), 0);
	batch_of(&b, CALL_B, "018f0000-0000-7000-8000-0000000000e2", "bob");
	b.samples = samples;
	b.n_samples = 1;
	assert_int_equal(put(f, &b), 0);

	struct store_read_overview q = {.since = START - 3600000, .until = START + 3600000, .bucket_ms = 3600000};
	assert_int_equal(DO(f, store_read_overview, &q), 0);
	assert_int_equal(q.n_buckets, 2);
	assert_int_equal(q.buckets[1].calls, 1);
	assert_int_equal(q.buckets[1].answered, 0);
	assert_int_equal(q.buckets[1].levels[4], 2);
	assert_int_equal(q.buckets[1].levels[1], 1);
	assert_int_equal(q.n_worst, 2);
	assert_string_equal(q.worst[0].call_id, CALL_B);
	mem_free(q.buckets);
}

static void what_is_old_is_forgotten(void **state)
{
	struct fixture *f = *state;
	put_hour(f, "018f0000-0000-7000-8000-0000000000e1", 1);
	fixture_close(f);
	struct store_config config = {.url = f->path, .loop = &f->loop, .flight_keep_ms = 1, .tidy_every_ms = 20};
	struct buf why;
	buf_init(&why, 100);
	assert_int_equal(store_open(&config, &f->store, &why), 0);
	struct store_read_flight q = {.call_id = CALL_A};
	for (int64_t until = clock_mono_ms() + 5000; clock_mono_ms() < until;) {
		assert_int_equal(DO(f, store_read_flight, &q), 0);
		size_t n = q.n_legs;
		flight_free(&q);
		if (n == 0)
			break;
	}
	assert_int_equal(q.n_legs, 0);
	fixture_close(f);
	assert_int_equal(ask(f->path, "SELECT count(*) FROM quality_blocks"), 0);
	fixture_reopen(f);
	buf_fini(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_hour_is_found_again_and_costs_little, setup, teardown),
		cmocka_unit_test_setup_teardown(notes_come_back_by_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_overview_counts_and_finds_the_worst, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_old_is_forgotten, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A million random steps through a world of calls, with fixed seeds; every sentence of the invariants holds at each. */
#include <stdio.h>

#include "check.h"
#include "world.h"

#define SEEDS 20
#define STEPS_PER_SEED 50000

static struct world totals;

static void walk(uint64_t seed)
{
	static struct world w;
	world_init(&w, seed);
	for (int i = 0; i < STEPS_PER_SEED; i++)
		if (!world_step(&w))
			fail_msg("seed %llu: %s", (unsigned long long)seed, w.broken);
	if (!world_end(&w))
		fail_msg("seed %llu at the end: %s", (unsigned long long)seed, w.broken);
	totals.n_steps += w.n_steps;
	totals.n_decisions += w.n_decisions;
	totals.n_calls += w.n_calls;
	totals.n_merged += w.n_merged;
	for (int i = 0; i < END_REASON_COUNT; i++)
		totals.n_reasons[i] += w.n_reasons[i];
	world_fini(&w);
}

static void test_walk(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		walk(seed);
	printf("%llu steps, %llu decisions, %llu calls, %llu merged;", (unsigned long long)totals.n_steps,
		(unsigned long long)totals.n_decisions, (unsigned long long)totals.n_calls,
		(unsigned long long)totals.n_merged);
	for (int i = END_NONE + 1; i < END_REASON_COUNT; i++)
		printf(" %s %llu", end_reason_word((enum end_reason)i), (unsigned long long)totals.n_reasons[i]);
	printf("\n");
}

/* A walk that never comes to some end says nothing about it. */
static void test_walk_went_everywhere(void **state)
{
	(void)state;
	assert_true(totals.n_steps >= 1000000);
	for (int i = END_NONE + 1; i < END_REASON_COUNT; i++)
		assert_true(totals.n_reasons[i] > 0);
	assert_true(totals.n_merged > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk), cmocka_unit_test(test_walk_went_everywhere)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

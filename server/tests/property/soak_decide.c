/* The random walk with new seeds, for as long as asked: soak_decide [--seed N] [--seconds N], or SOAK_SECONDS. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "check.h"
#include "world.h"

#define STEPS_PER_SEED 50000

static struct {
	uint64_t first_seed;
	uint64_t seconds;
} asked;

static struct world totals;
static uint64_t n_seeds;

static void walk(uint64_t seed)
{
	static struct world w;
	bool ok = true;
	world_init(&w, seed);
	for (int i = 0; ok && i < STEPS_PER_SEED; i++)
		ok = world_step(&w);
	ok = ok && world_end(&w);
	if (!ok)
		fail_msg("seed %llu: %s", (unsigned long long)seed, w.broken);
	totals.n_steps += w.n_steps;
	totals.n_decisions += w.n_decisions;
	totals.n_calls += w.n_calls;
	world_fini(&w);
}

static void test_new_seeds(void **state)
{
	int64_t until = clock_mono_ms() + 1000 * (int64_t)asked.seconds;
	(void)state;
	do {
		walk(asked.first_seed + n_seeds++);
	} while (clock_mono_ms() < until);
}

static uint64_t option(int argc, char **argv, const char *name, uint64_t otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return strtoull(argv[i + 1], NULL, 10);
	return otherwise;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_new_seeds)};
	const char *seconds = getenv("SOAK_SECONDS");
	asked.first_seed = option(argc, argv, "--seed", (uint64_t)time(NULL) * 1000);
	asked.seconds = option(argc, argv, "--seconds", seconds ? strtoull(seconds, NULL, 10) : 60);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%llu seeds from %llu on, %llu steps, %llu decisions, %llu calls: %s\n", (unsigned long long)n_seeds,
		(unsigned long long)asked.first_seed, (unsigned long long)totals.n_steps,
		(unsigned long long)totals.n_decisions, (unsigned long long)totals.n_calls,
		failed ? "something is not true" : "all sentences true");
	return failed;
}

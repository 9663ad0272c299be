/* The random walk with new seeds, for as long as asked: soak_decide [--seed N] [--seconds N]. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "world.h"

#define STEPS_PER_SEED 50000

static bool walk(uint64_t seed, struct world *totals)
{
	static struct world w;
	bool ok = true;
	world_init(&w, seed);
	for (int i = 0; ok && i < STEPS_PER_SEED; i++)
		ok = world_step(&w);
	ok = ok && world_end(&w);
	if (!ok)
		printf("seed %llu: %s\n", (unsigned long long)seed, w.broken);
	totals->n_steps += w.n_steps;
	totals->n_decisions += w.n_decisions;
	totals->n_calls += w.n_calls;
	world_fini(&w);
	return ok;
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
	static struct world totals;
	uint64_t first = option(argc, argv, "--seed", (uint64_t)time(NULL) * 1000);
	int64_t until = clock_mono_ms() + 1000 * (int64_t)option(argc, argv, "--seconds", 60);
	uint64_t seed = first;
	printf("first seed %llu\n", (unsigned long long)first);
	do {
		if (!walk(seed++, &totals))
			return 1;
	} while (clock_mono_ms() < until);
	printf("%llu seeds, %llu steps, %llu decisions, %llu calls: all sentences true\n",
		(unsigned long long)(seed - first), (unsigned long long)totals.n_steps,
		(unsigned long long)totals.n_decisions, (unsigned long long)totals.n_calls);
	return 0;
}

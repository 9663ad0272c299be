/* Acknowledged creations a second: 64 callers that each wait for their answer, and one alone. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "store_bench.h"

#define CALLERS_MAX 64
#define SAMPLES_MAX 2000000
#define SECONDS 5

struct caller {
	struct change_set *cs;
	double since;
};

static struct {
	struct bench b;
	struct caller callers[CALLERS_MAX];
	uint64_t n;
	size_t n_waiting;
	double until;
	double *samples;
	size_t n_samples;
} run;

static void submit(struct caller *c);

static void on_done(struct store_job *job, int err)
{
	struct caller *c = job->arg;
	if (err < 0) {
		fprintf(stderr, "commit: %s\n", err_name(err));
		exit(1);
	}
	double now = bench_now();
	if (run.n_samples < SAMPLES_MAX)
		run.samples[run.n_samples++] = now - c->since;
	bench_discard(c->cs);
	run.n_waiting--;
	if (now < run.until)
		submit(c);
	else if (run.n_waiting == 0)
		loop_stop(&run.b.loop);
}

static void submit(struct caller *c)
{
	c->cs = bench_create(run.n++, clock_wall_ms());
	c->cs->job.done = on_done;
	c->cs->job.arg = c;
	c->since = bench_now();
	run.n_waiting++;
	store_commit(run.b.store, c->cs);
}

/* Returns creations a second, and the 99th percentile of their waiting. */
static double measure(const char *folder, size_t n_callers, double *p99)
{
	run.n = run.n_samples = 0;
	bench_open(&run.b, folder, "creations.db");
	double begin = bench_now();
	run.until = begin + SECONDS;
	for (size_t i = 0; i < n_callers; i++)
		submit(&run.callers[i]);
	loop_run(&run.b.loop);
	double took = bench_now() - begin;
	bench_close(&run.b);
	*p99 = bench_percentile(run.samples, run.n_samples, 0.99);
	return (double)run.n / took;
}

void bench_creations(const char *folder)
{
	double p99, p99_alone;
	run.samples = malloc(SAMPLES_MAX * sizeof *run.samples);
	if (!run.samples)
		exit(1);
	double alone = measure(folder, 1, &p99_alone);
	double many = measure(folder, CALLERS_MAX, &p99);
	bench_say("store: acknowledged creations, 64 callers", many, "1/s", ">= 6000");
	bench_say("store: acknowledged creations, one caller", alone, "1/s", "");
	bench_say("store: 64 callers against one", many / alone, "x", ">= 4");
	bench_say("store: creation p99, 64 callers", p99 * 1000, "ms", "< 50");
	bench_say("store: creation p99, one caller", p99_alone * 1000, "ms", "");
	free(run.samples);
}

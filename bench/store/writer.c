/* The store's writing thread beside bare SQLite: the same rows, in the same batches, with the same promises. */
#include <stdio.h>
#include <stdlib.h>

#include "bare.h"
#include "store_bench.h"

#define BATCH 64
#define N_BATCHES 600
#define N_SETS (BATCH * N_BATCHES)
#define ROUNDS 5

static struct change_set *sets[N_SETS];
static size_t n_waiting;

static void make_sets(void)
{
	for (size_t i = 0; i < N_SETS; i++)
		sets[i] = bench_create(i, 1700000000000 + (int64_t)i / 10);
}

static void discard_sets(void)
{
	for (size_t i = 0; i < N_SETS; i++)
		bench_discard(sets[i]);
}

/* --- the store --- */

static void on_done(struct store_job *job, int err)
{
	if (err < 0)
		exit(1);
	if (--n_waiting == 0)
		loop_stop(job->arg);
}

static void commit_all(struct bench *b)
{
	for (size_t i = 0; i < N_SETS;) {
		for (n_waiting = 0; n_waiting < BATCH; n_waiting++, i++) {
			sets[i]->job.done = on_done;
			sets[i]->job.arg = &b->loop;
			store_commit(b->store, sets[i]);
		}
		loop_run(&b->loop);
	}
}

static double through_store(const char *folder)
{
	struct bench b;
	bench_open(&b, folder, "writer.db");
	double cpu = bench_other_threads_cpu();
	commit_all(&b);
	cpu = bench_other_threads_cpu() - cpu;
	bench_close(&b);
	return cpu;
}

/* --- bare SQLite --- */

static void write_all(void *bare)
{
	bare_write(bare, BATCH);
}

/* On a thread of its own, as the store's. The tables are the store's, too. */
static double through_bare(const char *folder, struct bare *bare)
{
	struct bench b;
	uv_thread_t thread;
	bench_open(&b, folder, "bare.db");
	bench_shut(&b); /* it has made the tables */
	bare_open(bare, b.path);
	double cpu = bench_other_threads_cpu();
	uv_thread_create(&thread, write_all, bare);
	uv_thread_join(&thread);
	cpu = bench_other_threads_cpu() - cpu;
	bare_close(bare);
	bench_remove(&b);
	return cpu;
}

void bench_writer(const char *folder)
{
	double store[ROUNDS], bare[ROUNDS], ratio[ROUNDS];
	struct bench first;
	make_sets();
	bench_open(&first, folder, "learned.db");
	commit_all(&first);
	bench_shut(&first);
	struct bare *rows = bare_learn(first.path, sets, N_SETS);
	for (int i = 0; i < ROUNDS; i++) { /* in turns, so that both meet the same machine */
		store[i] = through_store(folder);
		bare[i] = through_bare(folder, rows);
		ratio[i] = store[i] / bare[i];
	}
	bare_free(rows);
	bench_remove(&first);
	discard_sets();
	bench_say("store: writer's CPU per creation", bench_percentile(store, ROUNDS, 0.5) / N_SETS * 1e6, "us", "");
	bench_say(
		"store: bare SQLite's CPU per creation", bench_percentile(bare, ROUNDS, 0.5) / N_SETS * 1e6, "us", "");
	bench_say("store: writer against bare SQLite", bench_percentile(ratio, ROUNDS, 0.5), "x", "<= 1.25");
}

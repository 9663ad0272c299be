/* store_bench: what its parts share. */
#ifndef BELLWIRE_BENCH_STORE_H
#define BELLWIRE_BENCH_STORE_H

#include "store/store.h"

#define BENCH_FIRST_MS 1700000000000 /* when the first call of a long history began */

struct bench {
	char path[240];
	struct loop loop;
	struct store *store;
};

void bench_open(struct bench *b, const char *folder, const char *name);
void bench_shut(struct bench *b);
void bench_close(struct bench *b); /* and removes its files */
void bench_remove(const struct bench *b);

struct change_set *bench_create(uint64_t n, int64_t at);
void bench_discard(struct change_set *cs);

double bench_now(void);		      /* seconds, monotonic */
double bench_other_threads_cpu(void); /* seconds, of all threads but this one */
double bench_percentile(double *values, size_t n, double share);
void bench_say(const char *name, double value, const char *unit, const char *goal);

void bench_creations(const char *folder);
void bench_writer(const char *folder);
void bench_history(const char *folder);

/* Leaves FOLDER/history.db: a million calls (or BENCH_HISTORY) of ann in the channel general, a second apart. */
void bench_fill(const char *folder);

#endif

/* The store over PostgreSQL: acknowledged creations by callers that each wait for their answer, and pages of a history.
 *
 * postgres_bench creations URL CONNECTIONS CALLERS SECONDS   prints {"perSecond", "p99ms", "refused"}
 * postgres_bench pages URL CHANNEL USER FIRST_MS N_CALLS     prints {"name", "p99ms"}, a line for each kind of page */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store_bench.h"

#define CALLERS_MAX 256
#define SAMPLES_MAX 1000000
#define PAGE 50
#define N_READS 1000

static struct bench b;
static double samples[SAMPLES_MAX];
static size_t n_samples;

static void open_store(const char *url, unsigned n_connections)
{
	struct buf why;
	struct store_config config = {.url = url, .loop = &b.loop, .n_connections = n_connections};
	buf_init(&why, 1000);
	if (loop_init(&b.loop) < 0 || store_open(&config, &b.store, &why) < 0) {
		fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
		exit(1);
	}
}

static void on_closed(void *arg)
{
	loop_stop(arg);
}

static void close_store(void)
{
	store_close(b.store, on_closed, &b.loop);
	loop_run(&b.loop);
	loop_fini(&b.loop);
}

/* --- creations --- */

static struct caller {
	struct change_set *cs;
	double since;
} callers[CALLERS_MAX];
static double until;
static uint64_t n_made;
static size_t n_waiting, n_refused;

static void submit(struct caller *c);

static void on_created(struct store_job *job, int err)
{
	struct caller *c = job->arg;
	double now = bench_now();
	if (err < 0)
		n_refused++; /* the machine had something else to do for a second */
	else if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = now - c->since;
	bench_discard(c->cs);
	n_waiting--;
	if (now < until)
		submit(c);
	else if (n_waiting == 0)
		loop_stop(&b.loop);
}

static void submit(struct caller *c)
{
	c->cs = bench_create(n_made++, clock_wall_ms());
	c->cs->job.done = on_created;
	c->cs->job.arg = c;
	c->since = bench_now();
	n_waiting++;
	store_commit(b.store, c->cs);
}

static void creations(char **argv)
{
	size_t n_callers = (size_t)atoi(argv[2]);
	open_store(argv[0], (unsigned)atoi(argv[1]));
	double begin = bench_now();
	until = begin + atoi(argv[3]);
	for (size_t i = 0; i < n_callers && i < CALLERS_MAX; i++)
		submit(&callers[i]);
	loop_run(&b.loop);
	double took = bench_now() - begin;
	close_store();
	printf("{\"perSecond\":%.0f,\"p99ms\":%.2f,\"refused\":%zu}\n", (double)n_samples / took,
		1000 * bench_percentile(samples, n_samples, 0.99), n_refused);
}

/* --- pages --- */

static void on_page(struct store_job *job, int err)
{
	if (err < 0) {
		fprintf(stderr, "page: %s\n", err_name(err));
		exit(1);
	}
	loop_stop(job->arg);
}

static double read_page(struct store_read_history *q, int64_t before_ms)
{
	q->limit = PAGE;
	q->call_type = q->status = q->outcome = q->direction = STORE_ANY;
	q->after = (struct history_cursor){.started_at = before_ms};
	q->job = (struct store_job){.done = on_page, .arg = &b.loop};
	double begin = bench_now();
	store_read_history(b.store, q);
	loop_run(&b.loop);
	double took = bench_now() - begin;
	if (q->n_calls != PAGE || q->calls[0]->n_participants < 2) {
		fprintf(stderr, "the wrong page\n");
		exit(1);
	}
	history_free(q->calls, q->n_calls);
	return took;
}

static void measure(struct store_read_history *q, const char *name, int64_t from, int64_t step)
{
	for (int i = 0; i < N_READS; i++)
		samples[i] = read_page(q, from - i * step);
	printf("{\"name\":\"%s\",\"p99ms\":%.2f}\n", name, 1000 * bench_percentile(samples, N_READS, 0.99));
}

static void pages(char **argv)
{
	int64_t first = atoll(argv[3]), n = atoll(argv[4]);
	struct store_read_history channel = {0}, user = {0};
	str_copy(channel.channel_id, sizeof channel.channel_id, str_of(argv[1]));
	str_copy(channel.viewer_id, sizeof channel.viewer_id, str_of(argv[2]));
	str_copy(user.viewer_id, sizeof user.viewer_id, str_of(argv[2]));
	open_store(argv[0], 4);
	read_page(&user, 0); /* connects */
	measure(&channel, "first pages of a channel's history", first + n * 1000, 50000);
	measure(&channel, "late pages of a channel's history", first + n * 500, 3000);
	measure(&user, "first pages of a user's history", first + n * 1000, 50000);
	measure(&user, "late pages of a user's history", first + n * 500, 3000);
	close_store();
}

int main(int argc, char **argv)
{
	log_set_level(LOG_WARN);
	if (argc == 6 && strcmp(argv[1], "creations") == 0) {
		creations(argv + 2);
	} else if (argc == 7 && strcmp(argv[1], "pages") == 0) {
		pages(argv + 2);
	} else {
		fprintf(stderr, "usage: postgres_bench creations URL CONNECTIONS CALLERS SECONDS\n"
				"       postgres_bench pages URL CHANNEL USER FIRST_MS N_CALLS\n");
		return 2;
	}
	return 0;
}

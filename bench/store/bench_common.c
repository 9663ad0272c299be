/* What the store's measuring programs share: time, percentiles, a store to measure and calls to put in. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "store_bench.h"

/* --- measuring --- */

double bench_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(int who)
{
	struct rusage u;
	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

double bench_other_threads_cpu(void)
{
	return seconds_of(RUSAGE_SELF) - seconds_of(RUSAGE_THREAD);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_percentile(double *values, size_t n, double share)
{
	if (n == 0)
		return NAN;
	qsort(values, n, sizeof *values, by_size);
	return values[(size_t)((double)(n - 1) * share)];
}

void bench_say(const char *name, double value, const char *unit, const char *goal)
{
	printf("{\"name\":\"%s\",\"value\":%.4g,\"unit\":\"%s\",\"goal\":\"%s\"}\n", name, value, unit, goal);
	fflush(stdout);
}

/* --- a store and what goes in --- */

void bench_open(struct bench *b, const char *folder, const char *name)
{
	struct buf why;
	snprintf(b->path, sizeof b->path, "%s/%s", folder, name);
	bench_remove(b);
	buf_init(&why, 1000);
	if (loop_init(&b->loop) < 0)
		exit(1);
	struct store_config config = {.url = b->path, .loop = &b->loop};
	if (store_open(&config, &b->store, &why) < 0) {
		fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&why)));
		exit(1);
	}
}

static void on_closed(void *arg)
{
	loop_stop(arg);
}

void bench_shut(struct bench *b)
{
	store_close(b->store, on_closed, &b->loop);
	loop_run(&b->loop);
	loop_fini(&b->loop);
}

void bench_close(struct bench *b)
{
	bench_shut(b);
	bench_remove(b);
}

void bench_remove(const struct bench *b)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		char path[256];
		snprintf(path, sizeof path, "%s%s", b->path, suffixes[i]);
		unlink(path);
	}
}

static void set_event(struct call_event *e, int64_t seq, int64_t at, const char *type)
{
	static const char payload[] =
		"{\"callId\":\"018f0000-0000-7000-8000-000000000000\",\"seq\":1,\"ts\":\"2026-11-23T10:15:30.123Z\","
		"\"channelId\":\"general\",\"callType\":\"video\",\"mode\":\"direct\",\"initiator\":\"alice\","
		"\"initiatorName\":\"Alice\",\"ringExpiresAt\":\"2026-11-23T10:16:30.123Z\",\"msLeft\":60000,"
		"\"participants\":[\"alice\",\"bob\"],\"metadata\":{}}";
	*e = (struct call_event){.seq = seq, .at = at, .type = type, .audience = TO_CALLEES, .actor_id = "alice"};
	e->payload = mem_dup(str_of(payload));
}

/* As a POST /api/calls makes it: a call, two people, two events. */
struct change_set *bench_create(uint64_t n, int64_t at)
{
	struct change_set *cs = mem_new(sizeof *cs);
	struct call *c = call_new(2);
	id_uuid7(at, cs->command_id);
	id_uuid7(at, c->id);
	cs->at = at;
	cs->call = c;
	snprintf(c->channel_id, sizeof c->channel_id, "channel-%llu", (unsigned long long)(n % 1000));
	snprintf(cs->owner, sizeof cs->owner, "pair:caller-%llu", (unsigned long long)n);
	c->type = CALL_VIDEO;
	c->started_at = c->last_seen_at = at;
	c->ring_expires_at = at + 60000;
	for (size_t i = 0; i < 2; i++) {
		struct participant *p = &c->participants[i];
		snprintf(p->user.id, sizeof p->user.id, "user-%llu", (unsigned long long)(2 * n + i));
		strcpy(p->user.name, "Some Name");
		p->role = i ? ROLE_CALLEE : ROLE_CALLER;
		p->state = i ? PART_RINGING : PART_JOINED;
		p->invited_at = at;
	}
	memcpy(c->started_by, c->participants[0].user.id, sizeof c->started_by);
	cs->events = mem_new(2 * sizeof *cs->events);
	cs->n_events = 2;
	set_event(&cs->events[0], 1, at, "call.created");
	set_event(&cs->events[1], 2, at, "call.incoming");
	c->seq = 2;
	return cs;
}

void bench_discard(struct change_set *cs)
{
	change_set_fini(cs);
	mem_free(cs);
}

/* kill -9 in a storm of commits: what was acknowledged is there afterwards, and everything that is there is whole. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"

#define N_SUBMITTERS 16

static const char *const users[] = {"alice", "bob", "carol"};

struct submitter {
	struct change_set *cs;
	uint64_t n; /* of the call at work */
};

static struct {
	struct fixture f;
	struct submitter submitters[N_SUBMITTERS];
	uint64_t next;
	int report; /* pipe to the parent: the number of each acknowledged call */
} child;

static void submit(struct submitter *s);

/* write(2) on a pipe survives the writer's death, which is what acknowledged means. */
static void on_done(struct store_job *job, int err)
{
	struct submitter *s = job->arg;
	if (err == 0 && write(child.report, &s->n, sizeof s->n) != sizeof s->n)
		_exit(1);
	change_set_fini(s->cs);
	mem_free(s->cs);
	submit(s);
}

static void submit(struct submitter *s)
{
	char id[ID_UUID_SIZE], channel[32];
	s->n = child.next++;
	format_id(id, s->n);
	snprintf(channel, sizeof channel, "room%llu", (unsigned long long)s->n);
	s->cs = create_set(id, channel, CALL_GROUP, users, 3, clock_wall_ms()); /* old commands are forgotten */
	s->cs->job.done = on_done;
	s->cs->job.arg = s;
	store_commit(child.f.store, s->cs);
}

static _Noreturn void storm(const struct fixture *f, int report, uint64_t first)
{
	child.f = *f;
	loop_init(&child.f.loop);
	fixture_reopen(&child.f);
	child.report = report;
	child.next = first;
	for (int i = 0; i < N_SUBMITTERS; i++)
		submit(&child.submitters[i]);
	loop_run(&child.f.loop);
	_exit(1);
}

/* Kills the child once it has reported `enough`; returns how many reports came in all. */
static size_t read_reports(int from, pid_t pid, size_t enough, uint64_t *out, size_t size)
{
	size_t n = 0;
	while (n < size && read(from, &out[n], sizeof *out) == sizeof *out)
		if (++n == enough)
			kill(pid, SIGKILL);
	return n;
}

static void check_acknowledged(struct fixture *f, const uint64_t *acked, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char id[ID_UUID_SIZE];
		format_id(id, acked[i]);
		struct call *c = read_call(f, id);
		if (!c)
			fail_msg("call %s was acknowledged and is lost", id);
		assert_int_equal(c->n_participants, 3);
		call_free(c);
	}
}

static void check_whole(const char *path)
{
	check_integrity(path);
	assert_int_equal(ask(path, "SELECT count(*) FROM calls c WHERE 3 <> (SELECT count(*) FROM call_participants p "
				   "WHERE p.call_id = c.id) OR seq <> (SELECT max(seq) FROM call_events e WHERE "
				   "e.call_id = c.id)"),
		0);
	assert_int_equal(ask(path, "SELECT (SELECT count(*) FROM calls) - (SELECT count(*) FROM commands)"), 0);
}

#define REPORTS_MAX 100000

static void nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	struct fixture f;
	fixture_open(&f);
	fixture_close(&f);
	uint64_t *acked = mem_new(REPORTS_MAX * sizeof *acked);
	size_t n = 0;
	for (int round = 0; round < 25; round++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(ends[0]);
			storm(&f, ends[1], (uint64_t)round * 1000000);
		}
		close(ends[1]);
		n += read_reports(ends[0], pid, 50 + (size_t)rand() % 1000, acked + n, REPORTS_MAX - n);
		close(ends[0]);
		int status;
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	fixture_reopen(&f);
	check_acknowledged(&f, acked, n);
	check_whole(f.path);
	print_message("25 kills, %zu acknowledged calls, none lost\n", n);
	mem_free(acked);
	fixture_fini(&f);
}

/* The control: a process that says so before the commit is found out. */
static int die_at(const struct fixture *f, enum store_fault fault)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct fixture mine = *f;
		loop_init(&mine.loop);
		fixture_reopen(&mine);
		store_inject(mine.store, fault, 1);
		char id[ID_UUID_SIZE];
		format_id(id, (uint64_t)fault);
		commit(&mine, create_set(id, "room", CALL_GROUP, users, 3, 1000));
		_exit(0);
	}
	int status;
	waitpid(pid, &status, 0);
	return status;
}

static void death_around_a_commit(void **state)
{
	(void)state;
	struct fixture f;
	fixture_open(&f);
	fixture_close(&f);
	assert_int_equal(WTERMSIG(die_at(&f, STORE_FAULT_DIE_BEFORE)), SIGKILL);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM calls"), 0);
	assert_int_equal(WTERMSIG(die_at(&f, STORE_FAULT_DIE_AFTER)), SIGKILL);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM calls"), 1);
	fixture_reopen(&f);
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(death_around_a_commit),
	};
	return cmocka_run_group_tests_name("store crashes", tests, NULL, NULL);
}

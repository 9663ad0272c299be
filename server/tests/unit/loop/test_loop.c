/* Timers in their order, posts from other threads, work on pools. */
#include "check.h"
#include "loop/loop.h"
#include "loop/pool.h"

struct trace {
	char text[32];
	struct timer timers[4];
};

static struct loop loop;
static struct trace trace;

static int open_loop(void **state)
{
	(void)state;
	trace = (struct trace){0};
	return loop_init(&loop);
}

static int close_loop(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
}

static void on_timer(struct timer *t, void *arg)
{
	(void)t;
	strcat(trace.text, arg);
	if (*(const char *)arg == 'z')
		loop_stop(&loop);
}

static void timers_fire_in_order(void **state)
{
	(void)state;
	timer_start(&loop, &trace.timers[0], 20, on_timer, "z");
	timer_start(&loop, &trace.timers[1], 5, on_timer, "a");
	timer_start(&loop, &trace.timers[2], 1, on_timer, "x");
	timer_start(&loop, &trace.timers[3], 5, on_timer, "b");
	timer_stop(&loop, &trace.timers[2]);
	assert_false(timer_running(&trace.timers[2]));
	loop_run(&loop);
	assert_string_equal(trace.text, "abz");
}

static void on_busy(struct timer *t, void *arg)
{
	int *n = arg;
	if (++*n < 1000)
		timer_start(&loop, t, 0, on_busy, arg);
}

static void on_post(struct post *p);

/* Who always has more to do gives all others their turn. */
static void a_timer_set_anew_waits_for_the_next_turn(void **state)
{
	(void)state;
	int n = 0;
	struct post p = {.run = on_post};
	timer_start(&loop, &trace.timers[0], 0, on_busy, &n);
	loop_post(&loop, &p);
	loop_run(&loop);
	assert_string_equal(trace.text, "p");
	assert_in_range(n, 1, 3);
	timer_stop(&loop, &trace.timers[0]);
}

static void on_post(struct post *p)
{
	(void)p;
	strcat(trace.text, "p");
	loop_stop(&loop);
}

static void poster(void *arg)
{
	loop_post(&loop, arg);
}

static void posts_arrive_from_other_threads(void **state)
{
	(void)state;
	struct post p = {.run = on_post};
	uv_thread_t thread;
	uv_thread_create(&thread, poster, &p);
	loop_run(&loop);
	uv_thread_join(&thread);
	assert_string_equal(trace.text, "p");
}

static int do_work(struct work *w)
{
	(void)w;
	return 7;
}

static void on_done(struct work *w, int err)
{
	(void)w;
	assert_int_equal(err, 7);
	loop_stop(&loop);
}

static void work_comes_back_with_its_result(void **state)
{
	(void)state;
	struct work w;
	work_start(&loop, &w, do_work, on_done);
	loop_run(&loop);
}

#define N_POSTERS 4
#define N_POSTS 20000

struct numbered {
	struct post post;
	size_t poster, number;
};

static struct numbered numbered[N_POSTERS][N_POSTS];
static size_t n_arrived[N_POSTERS];

static void on_numbered(struct post *p)
{
	const struct numbered *one = CONTAINER_OF(p, struct numbered, post);
	size_t n = 0;
	assert_int_equal(one->number, n_arrived[one->poster]++);
	for (size_t i = 0; i < N_POSTERS; i++)
		n += n_arrived[i];
	if (n == N_POSTERS * N_POSTS)
		loop_stop(&loop);
}

static void post_all(void *arg)
{
	struct numbered *mine = arg;
	for (size_t i = 0; i < N_POSTS; i++)
		loop_post(&loop, &mine[i].post);
}

static void posts_of_a_thread_keep_their_order_and_none_is_lost(void **state)
{
	(void)state;
	uv_thread_t threads[N_POSTERS];
	for (size_t i = 0; i < N_POSTERS; i++) {
		for (size_t k = 0; k < N_POSTS; k++)
			numbered[i][k] = (struct numbered){{.run = on_numbered}, i, k};
		uv_thread_create(&threads[i], post_all, numbered[i]);
	}
	loop_run(&loop);
	for (size_t i = 0; i < N_POSTERS; i++)
		uv_thread_join(&threads[i]);
}

struct errand {
	struct work work;
	size_t number;
};

static struct errand errands[N_POSTS];
static size_t n_run, n_back; /* n_run: the pool's only thread's */

static int run_errand(struct work *w)
{
	return CONTAINER_OF(w, struct errand, work)->number == n_run++ ? 5 : 0;
}

static void on_errand(struct work *w, int err)
{
	assert_int_equal(err, 5);
	assert_int_equal(CONTAINER_OF(w, struct errand, work)->number, n_back++);
	if (n_back == N_POSTS)
		loop_stop(&loop);
}

static void a_pool_of_one_keeps_the_order(void **state)
{
	(void)state;
	struct pool *pool = pool_new(&loop, 1);
	assert_non_null(pool);
	for (size_t i = 0; i < N_POSTS; i++) {
		errands[i].number = i;
		pool_start(pool, &errands[i].work, run_errand, on_errand);
	}
	loop_run(&loop);
	pool_free(pool);
}

static uv_barrier_t meeting;

static int meet(struct work *w)
{
	(void)w;
	uv_barrier_wait(&meeting);
	return 0;
}

static void on_met(struct work *w, int err)
{
	(void)w;
	assert_int_equal(err, 0);
	if (++n_back == 2)
		loop_stop(&loop);
}

static void threads_of_a_pool_work_side_by_side(void **state)
{
	(void)state;
	struct work two[2];
	n_back = 0;
	assert_int_equal(uv_barrier_init(&meeting, 2), 0);
	struct pool *pool = pool_new(&loop, 2);
	assert_non_null(pool);
	pool_start(pool, &two[0], meet, on_met);
	pool_start(pool, &two[1], meet, on_met);
	loop_run(&loop);
	pool_free(pool);
	uv_barrier_destroy(&meeting);
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOOP(timers_fire_in_order),
		WITH_LOOP(a_timer_set_anew_waits_for_the_next_turn),
		WITH_LOOP(posts_arrive_from_other_threads),
		WITH_LOOP(work_comes_back_with_its_result),
		WITH_LOOP(posts_of_a_thread_keep_their_order_and_none_is_lost),
		WITH_LOOP(a_pool_of_one_keeps_the_order),
		WITH_LOOP(threads_of_a_pool_work_side_by_side),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

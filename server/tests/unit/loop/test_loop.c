/* Timers in their order, posts from other threads, work on the pool. */
#include "check.h"
#include "loop/loop.h"

struct trace {
	struct loop *loop;
	char text[32];
	struct timer timers[4];
};

static struct trace trace;

static void on_timer(struct timer *t, void *arg)
{
	(void)t;
	strcat(trace.text, arg);
	if (*(const char *)arg == 'z')
		loop_stop(trace.loop);
}

static void timers_fire_in_order(void **state)
{
	(void)state;
	struct loop loop;
	assert_int_equal(loop_init(&loop), 0);
	trace = (struct trace){.loop = &loop};
	timer_start(&loop, &trace.timers[0], 20, on_timer, "z");
	timer_start(&loop, &trace.timers[1], 5, on_timer, "a");
	timer_start(&loop, &trace.timers[2], 1, on_timer, "x");
	timer_start(&loop, &trace.timers[3], 5, on_timer, "b");
	timer_stop(&loop, &trace.timers[2]);
	assert_false(timer_running(&trace.timers[2]));
	loop_run(&loop);
	assert_string_equal(trace.text, "abz");
	loop_fini(&loop);
}

static void on_busy(struct timer *t, void *arg)
{
	int *n = arg;
	if (++*n < 1000)
		timer_start(trace.loop, t, 0, on_busy, arg);
}

static void on_post(struct post *p);

/* Who always has more to do gives all others their turn. */
static void a_timer_set_anew_waits_for_the_next_turn(void **state)
{
	(void)state;
	struct loop loop;
	int n = 0;
	assert_int_equal(loop_init(&loop), 0);
	trace = (struct trace){.loop = &loop};
	struct post p = {.run = on_post};
	timer_start(&loop, &trace.timers[0], 0, on_busy, &n);
	loop_post(&loop, &p);
	loop_run(&loop);
	assert_string_equal(trace.text, "p");
	assert_in_range(n, 1, 3);
	timer_stop(&loop, &trace.timers[0]);
	loop_fini(&loop);
}

static void on_post(struct post *p)
{
	(void)p;
	strcat(trace.text, "p");
	loop_stop(trace.loop);
}

static void poster(void *arg)
{
	loop_post(trace.loop, arg);
}

static void posts_arrive_from_other_threads(void **state)
{
	(void)state;
	struct loop loop;
	assert_int_equal(loop_init(&loop), 0);
	trace = (struct trace){.loop = &loop};
	struct post p = {.run = on_post};
	uv_thread_t thread;
	uv_thread_create(&thread, poster, &p);
	loop_run(&loop);
	uv_thread_join(&thread);
	assert_string_equal(trace.text, "p");
	loop_fini(&loop);
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
	loop_stop(trace.loop);
}

static void work_comes_back_with_its_result(void **state)
{
	(void)state;
	struct loop loop;
	assert_int_equal(loop_init(&loop), 0);
	trace = (struct trace){.loop = &loop};
	struct work w;
	work_start(&loop, &w, do_work, on_done);
	loop_run(&loop);
	loop_fini(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order),
		cmocka_unit_test(a_timer_set_anew_waits_for_the_next_turn),
		cmocka_unit_test(posts_arrive_from_other_threads),
		cmocka_unit_test(work_comes_back_with_its_result),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

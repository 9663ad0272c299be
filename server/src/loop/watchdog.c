/* The loop's lateness: a timer compares when it runs with when it should have. */
#include "loop/watchdog.h"

#include "base/clock.h"
#include "base/log.h"

static int look_again(struct watchdog *w);

static void on_look(struct timer *t, void *arg)
{
	struct watchdog *w = arg;
	(void)t;
	w->late_ms = clock_mono_ms() - w->due_ms;
	if (w->late_ms > w->most_ms)
		w->most_ms = w->late_ms;
	if (w->late_ms > WATCHDOG_LATE_MS) {
		w->n_stalls++;
		log_warn("the loop was held up", LOG_I("ms", w->late_ms));
	}
	if (look_again(w) < 0)
		log_error("nobody watches the loop any more");
}

static int look_again(struct watchdog *w)
{
	w->due_ms = clock_mono_ms() + WATCHDOG_EVERY_MS;
	/* the loop counts from when its turn began */
	return timer_start(w->loop, &w->timer, w->due_ms - loop_now_ms(w->loop), on_look, w);
}

int watchdog_start(struct watchdog *w, struct loop *loop)
{
	*w = (struct watchdog){.loop = loop};
	return look_again(w);
}

void watchdog_stop(struct watchdog *w)
{
	if (w->loop)
		timer_stop(w->loop, &w->timer);
}

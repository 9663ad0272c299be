/* The queue of those whose first reads or ends wait for a later turn of the loop. */
#include "net/turns.h"

#include "base/err.h"
#include "base/log.h"
#include "net/secure.h"

void turns_init(struct net *net)
{
	list_init(&net->crowd.waiting);
}

void turns_fini(struct net *net)
{
	timer_stop(net->loop, &net->crowd.timer);
}

static void serve(struct stream *s)
{
	int status = s->late_end;
	s->late_end = 0;
	s->called = true;
	if (status)
		stream_end_now(s, status);
	else
		stream_update_reading(s);
}

static bool ask_for_turn(struct net *net);

static void on_turn(struct timer *t, void *arg)
{
	(void)t;
	struct net *net = arg;
	struct list *first;
	net->crowd.n_served = 0;
	for (int i = 0; i < TURNS_AT_ONCE && (first = list_shift(&net->crowd.waiting)); i++)
		serve(CONTAINER_OF(first, struct stream, late));
	if (!list_empty(&net->crowd.waiting) && !ask_for_turn(net))
		log_error("connections wait without a timer");
}

static bool ask_for_turn(struct net *net)
{
	return timer_running(&net->crowd.timer) || timer_start(net->loop, &net->crowd.timer, 0, on_turn, net) == 0;
}

/* Without a timer for the next turn all are served in this one. */
static bool take_place(struct stream *s)
{
	struct crowd *crowd = &s->net->crowd;
	if (s->called) {
		s->called = false;
		return true;
	}
	if (!ask_for_turn(s->net))
		return true;
	if (crowd->n_served >= TURNS_AT_ONCE || !list_empty(&crowd->waiting))
		return false;
	crowd->n_served++;
	return true;
}

bool turns_may_read(struct stream *s)
{
	if (s->n_reads >= TURNS_FIRST_READS || s->opening || s->state != STREAM_OPEN)
		return true;
	if (!take_place(s))
		return false;
	s->n_reads++;
	return true;
}

bool turns_may_end(struct stream *s)
{
	return take_place(s);
}

void turns_wait(struct stream *s, int status)
{
	s->late_end = status;
	list_push(&s->net->crowd.waiting, &s->late);
	stream_update_reading(s);
}

bool turns_is_waiting(const struct stream *s)
{
	return !list_empty(&s->late);
}

void turns_leave(struct stream *s)
{
	list_remove(&s->late);
	s->late_end = 0;
}

/* Deadlines and signs of life.
 *
 * Deadlines are stored in wall time and waited for on the monotonic clock. The wall time that counts here is our own:
 * the monotonic clock plus an offset that follows the machine's clock slowly, so that a clock that jumps neither ends
 * calls nor keeps them for ever.
 */
#include "call/service.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define TICK_MS 200
#define MAX_SLEW_MS 10	    /* per tick */
#define BEATS_PER_TICK 1400 /* writings of lastSeenAt */

int64_t service_now(const struct calls *c)
{
	return c->now ? c->now(c->now_arg) : clock_mono_ms() + c->clock_offset;
}

/* While it follows a clock that was set back, ours makes small steps back, too. */
int64_t service_decision_time(struct calls *c)
{
	int64_t now = service_now(c);
	if (now > c->decided_at)
		c->decided_at = now;
	return c->decided_at;
}

static void follow_clock(struct calls *c)
{
	int64_t off = clock_wall_ms() - clock_mono_ms() - c->clock_offset;
	if (off > MAX_SLEW_MS)
		off = MAX_SLEW_MS;
	if (off < -MAX_SLEW_MS)
		off = -MAX_SLEW_MS;
	c->clock_offset += off;
}

static void on_deadline(struct timer *timer, void *arg)
{
	struct live_call *live = arg;
	(void)timer;
	service_submit_for(live->service, CMD_DEADLINE, str_of(live->id), STR(""), STR(""));
}

void service_arm(struct calls *c, struct live_call *live, int64_t at_least_ms)
{
	int64_t at = call_next_deadline(live->call, &c->limits);
	timer_stop(c->loop, &live->deadline);
	if (!at)
		return;
	int64_t delay = at - service_now(c);
	if (delay < at_least_ms)
		delay = at_least_ms;
	if (timer_start(c->loop, &live->deadline, delay, on_deadline, live) < 0)
		log_error("no memory for a deadline: tried again with the next sign of life", LOG_S("call", live->id));
}

/* --- signs of life: lastSeenAt and the devices' state in one write, outside seq --- */

struct touch {
	struct store_touch q;
	struct calls *calls;
	struct store_media media[];
};

static void on_touched(struct store_job *job, int err)
{
	struct touch *touch = CONTAINER_OF(job, struct touch, q.job);
	struct calls *c = touch->calls;
	if (err < 0)
		log_warn("sign of life not written", LOG_S("call", touch->q.call_id), LOG_E(err));
	mem_free(touch);
	c->n_touches--;
	service_check_drained(c);
}

static struct touch *touch_new(struct calls *c, const char call_id[ID_UUID_SIZE], size_t n_media)
{
	struct touch *touch = mem_new(sizeof *touch + n_media * sizeof touch->media[0]);
	if (!touch)
		return NULL;
	touch->calls = c;
	touch->q.job.done = on_touched;
	touch->q.media = touch->media;
	touch->q.n_media = n_media;
	memcpy(touch->q.call_id, call_id, sizeof touch->q.call_id);
	return touch;
}

static void touch_send(struct touch *touch)
{
	touch->calls->n_touches++;
	store_touch(touch->calls->store, &touch->q);
}

void calls_add_relayed(struct calls *c, struct str call_id, struct str user_id, uint64_t bytes)
{
	char id[ID_UUID_SIZE];
	struct live_call *live = registry_by_id(&c->registry, call_id);
	struct participant *p = live ? call_participant(live->call, user_id) : NULL;
	if (p)
		p->relayed_bytes += (int64_t)bytes;
	struct touch *touch = str_copy(id, sizeof id, call_id) == 0 ? touch_new(c, id, 0) : NULL;
	if (!touch || str_copy(touch->q.relayed_user, sizeof touch->q.relayed_user, user_id) < 0) {
		mem_free(touch);
		return;
	}
	touch->q.relayed_bytes = (int64_t)bytes;
	if (live)
		memcpy(touch->q.owner, live->owner, sizeof touch->q.owner);
	touch_send(touch);
}

/* After a restart a call that nobody came back to shows no signs of life. */
static void touch_call(struct calls *c, struct live_call *live, int64_t now)
{
	struct call *call = live->call;
	size_t n = live->media_is_due ? call->n_participants : 0;
	struct touch *touch = touch_new(c, call->id, n);
	if (!touch)
		return;
	memcpy(touch->q.owner, live->owner, sizeof touch->q.owner);
	if (!call->restarted_at)
		touch->q.last_seen_at = call->last_seen_at = now;
	for (size_t i = 0; i < n; i++) {
		const struct participant *p = &call->participants[i];
		memcpy(touch->media[i].user_id, p->user.id, sizeof p->user.id);
		touch->media[i].is_muted = p->is_muted;
		touch->media[i].is_video_enabled = p->is_video_enabled;
		touch->media[i].is_screen_sharing = p->is_screen_sharing;
		touch->media[i].quality = p->quality;
	}
	live->media_is_due = false;
	touch_send(touch);
}

static void beat(struct calls *c, struct live_call *live, int64_t now)
{
	live->beat_at = now;
	list_remove(&live->beat);
	list_push(&c->registry.beats, &live->beat);
	if (!timer_running(&live->deadline))
		service_arm(c, live, 0);
	if (live->call->status == CALL_ACTIVE || live->media_is_due)
		touch_call(c, live, now);
}

static void on_tick(struct timer *timer, void *arg)
{
	struct calls *c = arg;
	int64_t now = service_now(c);
	follow_clock(c);
	for (int i = 0; i < BEATS_PER_TICK && !list_empty(&c->registry.beats); i++) {
		struct live_call *live = CONTAINER_OF(c->registry.beats.next, struct live_call, beat);
		if (now - live->beat_at < c->limits.heartbeat_ms)
			break;
		beat(c, live, now);
	}
	timer_start(c->loop, timer, TICK_MS, on_tick, c);
}

int service_start_tick(struct calls *c)
{
	return timer_start(c->loop, &c->tick, TICK_MS, on_tick, c);
}

/* --- the end --- */

void service_check_drained(struct calls *c)
{
	void (*drained)(void *arg) = c->drained;
	if (!drained || c->n_tasks || c->n_touches || !recorder_is_idle(&c->recorder))
		return;
	c->drained = NULL;
	drained(c->drained_arg);
}

void calls_give_up(struct calls *c)
{
	c->is_over = true;
	c->drained = NULL;
	LIST_EACH(&c->tasks, item)
	{
		timer_stop(c->loop, &CONTAINER_OF(item, struct task, link)->retry);
	}
}

void calls_drain(struct calls *c, void (*cb)(void *arg), void *arg)
{
	int64_t now = service_now(c);
	c->is_draining = true;
	c->drained = cb;
	c->drained_arg = arg;
	c->recorder.is_draining = true;
	recorder_flush(&c->recorder);
	c->n_touches++; /* so that nothing is told before all were asked */
	LIST_EACH(&c->registry.beats, item)
	{
		struct live_call *live = CONTAINER_OF(item, struct live_call, beat);
		if (live->call->status == CALL_ACTIVE || live->media_is_due)
			touch_call(c, live, now);
	}
	c->n_touches--;
	service_check_drained(c);
}

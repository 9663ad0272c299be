/* The life of the delivery: events loaded as there is room, the place stored as it moves, and the end. */
#include "webhook/webhook.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "webhook/inner.h"

#define PAGE 256
#define LOOK_MS 5000 /* for events of which no commit of ours has told */
#define PUT_MS 100   /* between two writings of the place */

static void load(struct webhook *w);
static void put(struct webhook *w);

static void finish_if_idle(struct webhook *w)
{
	if (!w->closing || !w->fetcher_closed || w->loading || w->putting)
		return;
	void (*closed)(void *arg) = w->closed;
	void *arg = w->closed_arg;
	window_free(w);
	buf_fini(&w->key);
	mem_free(w);
	closed(arg);
}

/* --- from the outbox into the window --- */

/* As many as memory allows; the others are read again with the next look. False: not all. */
static bool take(struct webhook *w)
{
	struct store_read_outbox *q = &w->load;
	size_t i = 0;
	for (; i < q->n_events && window_add(w, &q->events[i]) == 0; i++)
		w->loaded_id = q->events[i].id;
	bool all = i == q->n_events;
	w->may_have_more |= q->has_more || !all;
	outbox_events_free(q->events, q->n_events);
	return all;
}

static void on_loaded(struct store_job *job, int err)
{
	struct webhook *w = job->arg;
	w->loading = false;
	if (w->closing) {
		if (err == 0)
			outbox_events_free(w->load.events, w->load.n_events);
		finish_if_idle(w);
		return;
	}
	if (err < 0)
		w->may_have_more = true; /* with the next look */
	else if (take(w))
		load(w);
	deliver_ready(w);
}

static void load(struct webhook *w)
{
	if (w->closing || w->loading || !w->may_have_more || w->n_window + PAGE > WINDOW_MAX)
		return;
	w->loading = true;
	w->may_have_more = false;
	w->load = (struct store_read_outbox){
		.job = {.done = on_loaded, .arg = w}, .after_id = w->loaded_id, .limit = PAGE};
	store_read_outbox(w->config.store, &w->load);
}

static void on_commit(void *arg)
{
	struct webhook *w = arg;
	w->may_have_more = true;
	load(w);
}

static void on_look(struct timer *t, void *arg)
{
	struct webhook *w = arg;
	on_commit(w);
	put(w);
	timer_start(w->config.loop, t, LOOK_MS, on_look, w);
}

/* --- the place --- */

static void on_put(struct store_job *job, int err)
{
	struct webhook *w = job->arg;
	w->putting = false;
	if (err == 0) {
		w->stored_id = w->put.after_id;
		w->is_placed = true;
		w->n_put_failures = 0;
	} else {
		log_warn("how far webhooks have come was not stored; tried again", LOG_E(err));
	}
	if (w->closing)
		finish_if_idle(w);
	else if (err == 0)
		webhook_moved(w);
}

static void put(struct webhook *w)
{
	bool is_stored = w->is_placed && w->after_id == w->stored_id;
	if (w->putting || (is_stored && !w->n_failures && !w->n_put_failures))
		return;
	if (!w->n_put_failures) { /* else those of a writing that failed, once more */
		memcpy(w->put_failures, w->failures, w->n_failures * sizeof w->failures[0]);
		w->n_put_failures = w->n_failures;
		w->n_failures = 0;
	}
	w->putting = true;
	w->put = (struct store_put_delivery){.job = {.done = on_put, .arg = w},
		.after_id = w->n_failures ? w->stored_id : w->after_id, /* not beyond what is not noted */
		.failures = w->put_failures,
		.n_failures = w->n_put_failures};
	store_put_delivery(w->config.store, &w->put);
}

static void on_put_pause(struct timer *t, void *arg)
{
	(void)t;
	put(arg);
}

void webhook_moved(struct webhook *w)
{
	bool is_due = w->after_id != w->stored_id || w->n_failures;
	if (is_due && !w->putting && !timer_running(&w->put_pause))
		timer_start(w->config.loop, &w->put_pause, PUT_MS, on_put_pause, w);
	load(w);
}

bool webhook_give_up(struct delivery *d, int status, const char *why)
{
	struct webhook *w = d->webhook;
	if (w->n_failures == FAILURES_MAX)
		return false;
	struct outbox_failure *f = &w->failures[w->n_failures++];
	*f = (struct outbox_failure){
		.event_id = d->event.id, .at = clock_wall_ms(), .attempts = d->attempts, .status = status};
	snprintf(f->error, sizeof f->error, "%s", why);
	log_error("a webhook was given up: GET /api/webhooks/failed", LOG_S("call", d->event.call_id),
		LOG_S("type", d->event.stored.type), LOG_I("attempts", d->attempts), LOG_S("error", why));
	return true;
}

/* --- the beginning and the end --- */

int webhook_check_url(struct str url, bool allow_private, struct buf *why)
{
	if (str_starts_with(url, STR("https://")) || (allow_private && str_starts_with(url, STR("http://"))))
		return 0;
	buf_printf(why, "--webhook-url: %.*s does not begin with https:// (http:// is for --webhook-allow-private)",
		STR_ARG(url));
	return ERR_CONFIG;
}

/* The place is stored before anything is loaded: a first start that ends early begins here the next time, too. */
static void on_begin(struct store_job *job, int err)
{
	struct webhook *w = job->arg;
	w->loading = false;
	if (w->closing) {
		finish_if_idle(w);
		return;
	}
	if (err < 0) {
		log_error("webhooks cannot begin: the database does not say where", LOG_E(err));
		return;
	}
	w->loaded_id = w->after_id = w->stored_id = w->begin.after_id;
	put(w);
	store_watch_outbox(w->config.store, on_commit, w);
	on_look(&w->look, w);
}

int webhook_new(const struct webhook_config *config, struct webhook **out)
{
	struct webhook *w = mem_new(sizeof *w);
	if (!w)
		return ERR_NO_MEMORY;
	const struct fetch_config fetch = {
		.allow = config->allow_private ? fetch_allow_any : fetch_allow_public,
		.allow_http = config->allow_private,
		.max_connections = BUSY_MAX,
	};
	w->config = *config;
	list_init(&w->window);
	list_init(&w->ready);
	map_init(&w->chains);
	int err = deliver_take_secret(w);
	if (err == 0)
		err = fetcher_new(config->loop, &fetch, &w->fetcher);
	if (err < 0) {
		buf_fini(&w->key);
		mem_free(w);
		return err;
	}
	w->loading = true;
	w->begin = (struct store_read_delivery){.job = {.done = on_begin, .arg = w}};
	store_read_delivery(config->store, &w->begin);
	*out = w;
	return 0;
}

static void on_fetcher_closed(void *arg)
{
	struct webhook *w = arg;
	w->fetcher_closed = true;
	put(w);
	finish_if_idle(w);
}

void webhook_close(struct webhook *w, void (*cb)(void *arg), void *arg)
{
	w->closing = true;
	w->closed = cb;
	w->closed_arg = arg;
	store_watch_outbox(w->config.store, NULL, NULL);
	timer_stop(w->config.loop, &w->look);
	timer_stop(w->config.loop, &w->put_pause);
	fetcher_close(w->fetcher, on_fetcher_closed, w);
}

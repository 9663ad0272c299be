/* GET /api/calls/:id/timeline: everything that happened in a call, in order, and who did it: the numbered events, and
 * between them what devices and passing events have left in the flight recorder. */
#include "api/resource.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/flight.h"

#define LIMIT_DEFAULT 100

struct timeline {
	struct http_req *req;
	struct store *store;
	bool has_before; /* the first event read is the one before the page: it tells where the page begins */
	struct store_read_events read;
	struct store_read_flight notes;
};

static void put_actor(struct json_writer *w, const char *user_id)
{
	jw_kstr(w, "actorId", user_id[0] ? str_of(user_id) : str_n(NULL, 0));
}

static void put_event(struct json_writer *w, const struct call_event *e)
{
	jw_object(w);
	jw_kint(w, "seq", e->seq);
	jw_ktime(w, "ts", e->at);
	jw_kz(w, "type", e->type);
	put_actor(w, e->actor_id);
	jw_kraw(w, "data", str_of(e->payload));
	jw_end_object(w);
}

static void put_note(struct json_writer *w, const struct flight_note *n)
{
	jw_object(w);
	jw_knull(w, "seq");
	jw_ktime(w, "ts", n->at);
	jw_kz(w, "type", n->type);
	put_actor(w, n->user_id);
	jw_kz(w, "socketId", n->leg_id);
	jw_kraw(w, "data", str_of(n->data));
	jw_end_object(w);
}

/* Notes from the event before the page (or the beginning) on, up to the page's last event (or the end). */
static void put_all(const struct timeline *t, struct json_writer *w)
{
	const struct stored_event *events = t->read.events;
	size_t n = t->read.n_events, i = t->has_before && n ? 1 : 0, k = 0;
	int64_t from = i ? events[0].event.at : 0;
	int64_t to = t->read.has_more ? events[n - 1].event.at : INT64_MAX;
	while (k < t->notes.n_notes && t->notes.notes[k].at < from)
		k++;
	for (; i < n; i++) {
		for (; k < t->notes.n_notes && t->notes.notes[k].at < events[i].event.at; k++)
			put_note(w, &t->notes.notes[k]);
		put_event(w, &events[i].event);
	}
	for (; k < t->notes.n_notes && t->notes.notes[k].at < to; k++)
		put_note(w, &t->notes.notes[k]);
}

static void timeline_free(struct timeline *t)
{
	stored_events_free(t->read.events, t->read.n_events);
	flight_free(&t->notes);
	mem_free(t);
}

static void refuse(struct timeline *t, int err)
{
	http_respond_problem(t->req, err, NULL, NULL);
	timeline_free(t);
}

static void on_notes(struct store_job *job, int err)
{
	struct timeline *t = job->arg;
	struct buf body;
	if (err < 0) {
		refuse(t, err);
		return;
	}
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "events");
	jw_array(&w);
	put_all(t, &w);
	jw_end_array(&w);
	jw_kbool(&w, "hasMore", t->read.has_more);
	jw_end_object(&w);
	api_answer(t->req, 200, &body);
	timeline_free(t);
}

static void on_events(struct store_job *job, int err)
{
	struct timeline *t = job->arg;
	if (err < 0) {
		t->read.events = NULL;
		t->read.n_events = 0;
		refuse(t, err);
		return;
	}
	memcpy(t->notes.call_id, t->read.call_id, sizeof t->notes.call_id);
	t->notes.only_notes = true;
	t->notes.job = (struct store_job){.done = on_notes, .arg = t};
	store_read_flight(t->store, &t->notes);
}

static void read_timeline(struct api_lookup *l, const struct call *call)
{
	int64_t after = 0, limit = LIMIT_DEFAULT;
	if (!api_query_int(l->req, "after", 0, INT64_MAX, &after) ||
		!api_query_int(l->req, "limit", 1, STORE_EVENTS_MAX - 1, &limit))
		return;
	struct timeline *t = mem_new(sizeof *t);
	if (!t) {
		http_respond_problem(l->req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	t->req = l->req;
	t->store = l->api->config.store;
	t->has_before = after > 0;
	t->read.after_seq = t->has_before ? after - 1 : 0;
	t->read.limit = (int)limit + t->has_before;
	memcpy(t->read.call_id, call->id, sizeof t->read.call_id);
	t->read.job = (struct store_job){.done = on_events, .arg = t};
	store_read_events(t->store, &t->read);
}

static void on_timeline(struct http_req *req, void *arg)
{
	api_find_call(arg, req, read_timeline);
}

const struct http_route api_timeline_routes[] = {
	{.method = "GET", .pattern = "/api/calls/:id/timeline", .handler = on_timeline},
	{0},
};

/* GET /api/calls/:id/timeline: everything that happened in a call, in order, and who did it. */
#include "api/resource.h"
#include "base/err.h"
#include "base/mem.h"

#define LIMIT_DEFAULT 100

struct timeline {
	struct http_req *req;
	struct store_read_events read;
};

static void put_event(struct json_writer *w, const struct call_event *e)
{
	jw_object(w);
	jw_kint(w, "seq", e->seq);
	jw_ktime(w, "ts", e->at);
	jw_kz(w, "type", e->type);
	if (e->actor_id[0])
		jw_kz(w, "actorId", e->actor_id);
	else
		jw_knull(w, "actorId");
	jw_kraw(w, "data", str_of(e->payload));
	jw_end_object(w);
}

static void on_events(struct store_job *job, int err)
{
	struct timeline *t = job->arg;
	struct buf body;
	if (err < 0) {
		http_respond_problem(t->req, err, NULL, NULL);
		mem_free(t);
		return;
	}
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "events");
	jw_array(&w);
	for (size_t i = 0; i < t->read.n_events; i++)
		put_event(&w, &t->read.events[i].event);
	jw_end_array(&w);
	jw_kbool(&w, "hasMore", t->read.has_more);
	jw_end_object(&w);
	api_answer(t->req, 200, &body);
	stored_events_free(t->read.events, t->read.n_events);
	mem_free(t);
}

static void read_timeline(struct api_lookup *l, const struct call *call)
{
	int64_t after = 0, limit = LIMIT_DEFAULT;
	if (!api_query_int(l->req, "after", 0, INT64_MAX, &after) ||
		!api_query_int(l->req, "limit", 1, STORE_EVENTS_MAX, &limit))
		return;
	struct timeline *t = mem_new(sizeof *t);
	if (!t) {
		http_respond_problem(l->req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	t->req = l->req;
	t->read.after_seq = after;
	t->read.limit = (int)limit;
	memcpy(t->read.call_id, call->id, sizeof t->read.call_id);
	t->read.job = (struct store_job){.done = on_events, .arg = t};
	store_read_events(l->api->config.store, &t->read);
}

static void on_timeline(struct http_req *req, void *arg)
{
	api_find_call(arg, req, read_timeline);
}

const struct http_route api_timeline_routes[] = {
	{.method = "GET", .pattern = "/api/calls/:id/timeline", .handler = on_timeline},
	{0},
};

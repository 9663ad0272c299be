/* GET /api/events and GET /api/webhooks/failed: what the host's backend was told, again, and what it could not be told.
 */
#include "store/outbox.h"

#include "api/cursor.h"
#include "api/resource.h"
#include "base/err.h"
#include "base/mem.h"
#include "call/hook.h"

#define LIMIT_DEFAULT 100
#define PAGE_MAX_ANSWER (32 * 1024 * 1024)

/* One request on its way; either read is used. */
struct replay {
	struct http_req *req;
	struct store_read_outbox events;
	struct store_list_failures failures;
	struct buf body;
};

static void refuse(struct replay *r, int err)
{
	http_respond_problem(r->req, err, NULL, NULL);
	mem_free(r);
}

static struct json_writer begin_page(struct replay *r)
{
	buf_init(&r->body, PAGE_MAX_ANSWER);
	struct json_writer w = json_writer(&r->body);
	jw_object(&w);
	jw_key(&w, "events");
	jw_array(&w);
	return w;
}

/* The cursor leads behind the last of the page; on an empty page to the place that was asked about, so that one can go
 * on asking. */
static void end_page(struct replay *r, struct json_writer *w, int64_t after_id, bool has_more)
{
	struct buf text;
	jw_end_array(w);
	buf_init(&text, API_CURSOR_MAX);
	api_cursor_format_event(&text, after_id);
	if (buf_ok(&text))
		jw_kstr(w, "nextCursor", buf_str(&text));
	else
		w->out->err = text.err;
	buf_fini(&text);
	jw_kbool(w, "hasMore", has_more);
	jw_end_object(w);
	api_answer(r->req, 200, &r->body);
}

static void on_events(struct store_job *job, int err)
{
	struct replay *r = job->arg;
	const struct store_read_outbox *q = &r->events;
	if (err < 0) {
		refuse(r, err);
		return;
	}
	struct json_writer w = begin_page(r);
	for (size_t i = 0; i < q->n_events; i++) {
		jw_object(&w);
		hook_write_members(&w, &q->events[i]);
		jw_end_object(&w);
	}
	end_page(r, &w, q->n_events ? q->events[q->n_events - 1].id : q->after_id, q->has_more);
	outbox_events_free(q->events, q->n_events);
	mem_free(r);
}

static void put_failure(struct json_writer *w, const struct failed_event *f)
{
	jw_object(w);
	hook_write_members(w, &f->event);
	jw_ktime(w, "failedAt", f->failure.at);
	jw_kint(w, "attempts", f->failure.attempts);
	if (f->failure.status)
		jw_kint(w, "status", f->failure.status);
	else
		jw_knull(w, "status");
	jw_kz(w, "error", f->failure.error);
	jw_end_object(w);
}

static void on_failures(struct store_job *job, int err)
{
	struct replay *r = job->arg;
	const struct store_list_failures *q = &r->failures;
	if (err < 0) {
		refuse(r, err);
		return;
	}
	struct json_writer w = begin_page(r);
	for (size_t i = 0; i < q->n_failures; i++)
		put_failure(&w, &q->failures[i]);
	end_page(r, &w, q->n_failures ? q->failures[q->n_failures - 1].failure.event_id : q->after_id, q->has_more);
	failed_events_free(q->failures, q->n_failures);
	mem_free(r);
}

/* False: the refusal has been answered. */
static bool query_after(struct http_req *req, int64_t *out)
{
	char text[API_CURSOR_MAX + 1];
	int n = http_req_query_get(req, "after", text, sizeof text);
	if (n == ERR_NOT_FOUND || (n >= 0 && api_cursor_parse_event(str_of(text), out)))
		return true;
	api_bad_field(req, "after", "It must be the nextCursor of an earlier answer.");
	return false;
}

/* Who asks and for which page; null: the refusal has been answered. */
static struct replay *replay_new(struct api *api, struct http_req *req, int64_t *after, int64_t *limit)
{
	struct jwt_claims claims;
	*after = 0;
	*limit = LIMIT_DEFAULT;
	if (!api_authenticate_server(api, req, &claims) || !query_after(req, after) ||
		!api_query_int(req, "limit", 1, STORE_EVENTS_MAX, limit))
		return NULL;
	struct replay *r = mem_new(sizeof *r);
	if (r)
		r->req = req;
	else
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
	return r;
}

static void on_get_events(struct http_req *req, void *arg)
{
	struct api *api = arg;
	int64_t after, limit;
	struct replay *r = replay_new(api, req, &after, &limit);
	if (!r)
		return;
	r->events = (struct store_read_outbox){
		.job = {.done = on_events, .arg = r}, .after_id = after, .limit = (int)limit};
	store_read_outbox(api->config.store, &r->events);
}

static void on_get_failed(struct http_req *req, void *arg)
{
	struct api *api = arg;
	int64_t after, limit;
	struct replay *r = replay_new(api, req, &after, &limit);
	if (!r)
		return;
	r->failures = (struct store_list_failures){
		.job = {.done = on_failures, .arg = r}, .after_id = after, .limit = (int)limit};
	store_list_failures(api->config.store, &r->failures);
}

const struct http_route api_outbox_routes[] = {
	{.method = "GET", .pattern = "/api/events", .handler = on_get_events},
	{.method = "GET", .pattern = "/api/webhooks/failed", .handler = on_get_failed},
	{0},
};

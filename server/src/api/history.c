/* Histories: what was called in a channel, by oneself, and everywhere; newest first, in pages that a cursor continues.
 */
#include "api/csv.h"
#include "api/cursor.h"
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define LIMIT_DEFAULT 50
#define PAGE_MAX_ANSWER (32 * 1024 * 1024) /* 100 calls of 256 people with the longest names, and their metadata */

/* One request on its way: perhaps a look at the channel's members, then the page. */
struct page {
	struct api *api;
	struct http_req *req;
	struct jwt_claims claims;
	bool is_own; /* the asking user's: outcome and direction are told */
	bool is_csv;
	struct store_read_people people;
	char user_ids[1][MODEL_USER_ID_SIZE];
	struct store_read_history read;
};

static void page_refuse(struct page *p, int err)
{
	http_respond_problem(p->req, err, NULL, NULL);
	mem_free(p);
}

/* --- the next page --- */

static void put_cursor(struct json_writer *w, const struct store_read_history *read)
{
	struct buf text;
	buf_init(&text, API_CURSOR_MAX);
	api_cursor_format(&text, read);
	if (!buf_ok(&text))
		w->out->err = text.err;
	else if (text.len)
		jw_kstr(w, "nextCursor", buf_str(&text));
	else
		jw_knull(w, "nextCursor");
	buf_fini(&text);
}

/* A table has no place for it but the header. */
static void answer_csv(struct page *p, struct buf *body)
{
	struct buf text;
	buf_init(&text, API_CURSOR_MAX);
	api_cursor_format(&text, &p->read);
	if (!buf_ok(&text))
		body->err = text.err;
	else if (text.len)
		http_resp_header(p->req, "Next-Cursor", buf_str(&text));
	buf_fini(&text);
	api_csv_write(body, &p->read);
	api_csv_answer(p->req, body);
}

/* --- the question --- */

/* A word of the model as a filter's number. */
#define FILTER(name, type, parse)                                                                                      \
	static bool name(struct str word, int *out)                                                                    \
	{                                                                                                              \
		type value;                                                                                            \
		bool ok = parse(word, &value) == 0;                                                                    \
		if (ok)                                                                                                \
			*out = (int)value;                                                                             \
		return ok;                                                                                             \
	}

FILTER(filter_type, enum call_type, call_type_parse)
FILTER(filter_status, enum call_status, call_status_parse)
FILTER(filter_outcome, enum outcome, outcome_parse)
FILTER(filter_direction, enum direction, direction_parse)

/* Absent: all. False: the refusal has been answered. */
static bool query_word(struct http_req *req, const char *name, bool (*filter)(struct str word, int *out), int *out)
{
	char word[32];
	*out = STORE_ANY;
	int n = http_req_query_get(req, name, word, sizeof word);
	if (n == ERR_NOT_FOUND || (n >= 0 && filter(str_of(word), out)))
		return true;
	api_bad_field(req, name, "It is none of the words that are allowed here.");
	return false;
}

static bool query_cursor(struct http_req *req, struct history_cursor *out)
{
	char text[API_CURSOR_MAX + 1];
	int n = http_req_query_get(req, "cursor", text, sizeof text);
	if (n == ERR_NOT_FOUND || (n >= 0 && api_cursor_parse(str_of(text), out)))
		return true;
	api_bad_field(req, "cursor", "It must be the nextCursor of an earlier answer.");
	return false;
}

static bool query_filters(struct page *p)
{
	struct store_read_history *q = &p->read;
	q->outcome = q->direction = STORE_ANY;
	if (!query_word(p->req, "callType", filter_type, &q->call_type) ||
		!query_word(p->req, "status", filter_status, &q->status))
		return false;
	if (p->is_own && (!query_word(p->req, "outcome", filter_outcome, &q->outcome) ||
				 !query_word(p->req, "direction", filter_direction, &q->direction)))
		return false;
	return api_query_time(p->req, "since", &q->since) && api_query_time(p->req, "until", &q->until);
}

/* False: the refusal has been answered. */
static bool query_page(struct page *p)
{
	int64_t limit = LIMIT_DEFAULT;
	if (!api_query_int(p->req, "limit", 1, STORE_HISTORY_MAX, &limit) || !query_cursor(p->req, &p->read.after) ||
		!query_filters(p))
		return false;
	p->read.limit = (int)limit;
	return true;
}

/* --- the answer --- */

/* The call object with two more members: how it went for the asking user. */
static void put_own_call(struct json_writer *w, const struct call *call, const char *user_id, int64_t now)
{
	const struct participant *p = call_participant(call, str_of(user_id));
	struct buf object;
	buf_init(&object, API_MAX_ANSWER);
	struct json_writer inner = json_writer(&object);
	call_write_json(&inner, call, now);
	if (buf_ok(&object) && p) {
		object.len--; /* the closing brace */
		inner.needs_comma = true;
		jw_kz(&inner, "outcome", outcome_word(participant_outcome(call, p)));
		jw_kz(&inner, "direction", direction_word(participant_direction(p)));
		buf_put_c(&object, '}');
	}
	if (buf_ok(&object))
		jw_raw(w, buf_str(&object));
	else
		w->out->err = object.err;
	buf_fini(&object);
}

static void put_page(struct json_writer *w, const struct page *p)
{
	int64_t now = clock_wall_ms();
	jw_object(w);
	jw_key(w, "calls");
	jw_array(w);
	for (size_t i = 0; i < p->read.n_calls; i++) {
		const struct call *call = p->read.calls[i];
		const struct call *live =
			call_is_live(call) ? calls_live_get(p->api->config.calls, str_of(call->id)) : NULL;
		if (live)
			call = live; /* newer than its rows */
		if (p->is_own)
			put_own_call(w, call, p->claims.user_id, now);
		else
			call_write_json(w, call, now);
	}
	jw_end_array(w);
	put_cursor(w, &p->read);
	jw_end_object(w);
}

static void on_page(struct store_job *job, int err)
{
	struct page *p = job->arg;
	struct buf body;
	if (err < 0) {
		page_refuse(p, err);
		return;
	}
	buf_init(&body, PAGE_MAX_ANSWER);
	if (p->is_csv) {
		answer_csv(p, &body);
	} else {
		struct json_writer w = json_writer(&body);
		put_page(&w, p);
		api_answer(p->req, 200, &body);
	}
	history_free(p->read.calls, p->read.n_calls);
	mem_free(p);
}

static void read_page(struct page *p)
{
	p->read.job = (struct store_job){.done = on_page, .arg = p};
	store_read_history(p->api->config.store, &p->read);
}

/* --- the requests --- */

static struct page *page_new(struct api *api, struct http_req *req)
{
	struct page *p = mem_new(sizeof *p);
	if (!p) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return NULL;
	}
	p->api = api;
	p->req = req;
	if (api_authenticate(api, req, &p->claims))
		return p;
	mem_free(p);
	return NULL;
}

static void on_own(struct http_req *req, void *arg)
{
	struct page *p = page_new(arg, req);
	if (!p)
		return;
	p->is_own = true;
	p->is_csv = api_csv_wanted(req);
	memcpy(p->read.viewer_id, p->claims.user_id, sizeof p->read.viewer_id);
	if (!p->claims.user_id[0])
		page_refuse(p, ERR_FORBIDDEN); /* a backend has no calls of its own */
	else if (query_page(p))
		read_page(p);
	else
		mem_free(p);
}

static void on_all(struct http_req *req, void *arg)
{
	struct page *p = page_new(arg, req);
	if (!p)
		return;
	if (!p->claims.is_server)
		page_refuse(p, ERR_FORBIDDEN);
	else if (query_page(p))
		read_page(p);
	else
		mem_free(p);
}

static bool may_see_channel(const struct page *p)
{
	return p->people.channel_found && (p->claims.is_server || p->people.people[0].is_member);
}

static void on_members(struct store_job *job, int err)
{
	struct page *p = job->arg;
	if (err == 0 && !may_see_channel(p))
		err = ERR_CHANNEL_NOT_FOUND;
	mem_free(p->people.people);
	if (err < 0)
		page_refuse(p, err);
	else
		read_page(p);
}

static void on_active_members(struct store_job *job, int err)
{
	struct page *p = job->arg;
	struct buf body;
	if (err == 0 && !may_see_channel(p))
		err = ERR_CHANNEL_NOT_FOUND;
	mem_free(p->people.people);
	if (err < 0) {
		page_refuse(p, err);
		return;
	}
	const struct call *call =
		calls_channel_active(p->api->config.calls, str_of(p->people.channel_id), str_of(p->claims.user_id));
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "call");
	if (call)
		call_write_json(&w, call, clock_wall_ms());
	else
		jw_null(&w);
	jw_end_object(&w);
	api_answer(p->req, 200, &body);
	mem_free(p);
}

static void ask_members(struct page *p, store_done_cb done)
{
	memcpy(p->user_ids[0], p->claims.user_id, sizeof p->user_ids[0]);
	p->people.job = (struct store_job){.done = done, .arg = p};
	p->people.user_ids = (const char(*)[MODEL_USER_ID_SIZE])p->user_ids;
	p->people.n_user_ids = 1;
	store_read_people(p->api->config.store, &p->people);
}

static void on_channel(struct http_req *req, void *arg)
{
	struct page *p = page_new(arg, req);
	if (!p)
		return;
	if (!api_id_param(req, p->people.channel_id, sizeof p->people.channel_id, ERR_CHANNEL_NOT_FOUND) ||
		!query_page(p)) {
		mem_free(p);
		return;
	}
	memcpy(p->read.channel_id, p->people.channel_id, sizeof p->read.channel_id);
	if (!p->claims.is_server)
		memcpy(p->read.viewer_id, p->claims.user_id, sizeof p->read.viewer_id);
	ask_members(p, on_members);
}

static void on_active(struct http_req *req, void *arg)
{
	struct page *p = page_new(arg, req);
	if (!p)
		return;
	if (api_id_param(req, p->people.channel_id, sizeof p->people.channel_id, ERR_CHANNEL_NOT_FOUND))
		ask_members(p, on_active_members);
	else
		mem_free(p);
}

const struct http_route api_history_routes[] = {
	{.method = "GET", .pattern = "/api/users/me/calls", .handler = on_own},
	{.method = "GET", .pattern = "/api/channels/:id/calls", .handler = on_channel},
	{.method = "GET", .pattern = "/api/channels/:id/calls/active", .handler = on_active},
	{.method = "GET", .pattern = "/api/calls", .handler = on_all},
	{0},
};

/* GET /api/overview: what an operator's page shows: what is going on now, and how it went over a span of time. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "recording/recording.h"
#include "store/flight.h"
#include "turn/turn.h"

#define LIVE_SHOWN 200
#define HOUR_MS 3600000LL
#define SPAN_MAX_MS (400 * 24 * HOUR_MS)
#define BUCKETS_WANTED 48

struct overview {
	struct api *api;
	struct http_req *req;
	struct store_read_overview read;
};

/* --- now --- */

static void put_levels(struct json_writer *w, const int64_t levels[FLIGHT_N_LEVELS])
{
	jw_key(w, "levels");
	jw_object(w);
	for (size_t i = QUALITY_EXCELLENT; i < FLIGHT_N_LEVELS; i++)
		jw_kint(w, quality_word((enum quality)i), levels[i]);
	jw_end_object(w);
}

static void put_relay(struct json_writer *w, struct turn *turn)
{
	struct turn_stats s;
	uint64_t allocations = 0, bytes = 0;
	jw_key(w, "relay");
	if (!turn) {
		jw_null(w);
		return;
	}
	turn_stats(turn, &s);
	for (size_t i = 0; i < TURN_N_TRANSPORTS; i++) {
		allocations += s.by_transport[i].allocations;
		bytes += s.by_transport[i].bytes_to_peer + s.by_transport[i].bytes_to_client;
	}
	jw_object(w);
	jw_kint(w, "allocations", (int64_t)allocations);
	jw_kint(w, "bytes", (int64_t)bytes);
	jw_end_object(w);
}

static void put_recordings(const struct api_gauges *g, struct json_writer *w)
{
	struct recordings_stats s;
	jw_key(w, "recordings");
	if (!g->recordings || !g->recordings(g->arg, &s)) {
		jw_null(w);
		return;
	}
	jw_object(w);
	jw_kint(w, "uploads", (int64_t)(s.n_open + s.n_completing));
	jw_kint(w, "bytes", s.n_bytes);
	jw_end_object(w);
}

static void put_now(const struct api *api, struct json_writer *w)
{
	const struct api_gauges *g = &api->config.gauges;
	struct calls_stats stats;
	int64_t levels[FLIGHT_N_LEVELS];
	calls_stats(api->config.calls, &stats);
	for (size_t i = 0; i < FLIGHT_N_LEVELS; i++)
		levels[i] = (int64_t)stats.levels[i];
	jw_key(w, "now");
	jw_object(w);
	jw_kint(w, "ringing", (int64_t)stats.by_status[0]);
	jw_kint(w, "active", (int64_t)stats.by_status[1]);
	jw_kint(w, "people", (int64_t)stats.joined);
	jw_kint(w, "sockets", g->n_sessions ? (int64_t)g->n_sessions(g->arg) : 0);
	put_levels(w, levels);
	put_relay(w, g->turn);
	put_recordings(g, w);
	jw_key(w, "calls");
	calls_write_live(api->config.calls, LIVE_SHOWN, w);
	jw_end_object(w);
}

/* --- then --- */

static void put_bucket(struct json_writer *w, const struct overview_bucket *b, int64_t at)
{
	jw_object(w);
	jw_ktime(w, "at", at);
	jw_kint(w, "calls", b->calls);
	jw_kint(w, "answered", b->answered);
	put_levels(w, b->levels);
	jw_end_object(w);
}

static void put_reasons(struct json_writer *w, const struct store_read_overview *q)
{
	jw_key(w, "reasons");
	jw_object(w);
	for (size_t i = END_NONE + 1; i < END_REASON_COUNT; i++)
		if (q->by_reason[i])
			jw_kint(w, end_reason_word((enum end_reason)i), q->by_reason[i]);
	jw_end_object(w);
}

static void put_worst(struct json_writer *w, const struct store_read_overview *q)
{
	jw_key(w, "worst");
	jw_array(w);
	for (size_t i = 0; i < q->n_worst; i++) {
		jw_object(w);
		jw_kz(w, "callId", q->worst[i].call_id);
		jw_ktime(w, "startedAt", q->worst[i].started_at);
		put_levels(w, q->worst[i].levels);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void put_then(struct json_writer *w, const struct store_read_overview *q)
{
	jw_ktime(w, "since", q->since);
	jw_ktime(w, "until", q->until);
	jw_kint(w, "step", q->bucket_ms);
	jw_key(w, "spans");
	jw_array(w);
	for (size_t i = 0; i < q->n_buckets; i++)
		put_bucket(w, &q->buckets[i], q->since + (int64_t)i * q->bucket_ms);
	jw_end_array(w);
	put_reasons(w, q);
	put_worst(w, q);
}

static void on_read(struct store_job *job, int err)
{
	struct overview *o = job->arg;
	struct buf body;
	if (err < 0) {
		http_respond_problem(o->req, err, NULL, NULL);
		mem_free(o);
		return;
	}
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	put_now(o->api, &w);
	put_then(&w, &o->read);
	jw_end_object(&w);
	api_answer(o->req, 200, &body);
	mem_free(o->read.buckets);
	mem_free(o);
}

static bool read_span(struct http_req *req, struct store_read_overview *q)
{
	q->until = clock_wall_ms();
	if (!api_query_time(req, "until", &q->until))
		return false;
	q->since = q->until - 24 * HOUR_MS;
	if (!api_query_time(req, "since", &q->since))
		return false;
	if (q->since >= q->until || q->until - q->since > SPAN_MAX_MS) {
		api_bad_field(req, "since", "It must be before `until`, by 400 days at most.");
		return false;
	}
	int64_t span = q->until - q->since;
	q->bucket_ms = (span + BUCKETS_WANTED - 1) / BUCKETS_WANTED;
	return api_query_int(req, "step", span / OVERVIEW_BUCKETS_MAX + 1, SPAN_MAX_MS, &q->bucket_ms);
}

static void on_overview(struct http_req *req, void *arg)
{
	struct jwt_claims claims;
	struct overview *o;
	if (!api_authenticate_server(arg, req, &claims))
		return;
	o = mem_new(sizeof *o);
	if (!o) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	o->api = arg;
	o->req = req;
	if (!read_span(req, &o->read)) {
		mem_free(o);
		return;
	}
	o->read.job = (struct store_job){.done = on_read, .arg = o};
	store_read_overview(o->api->config.store, &o->read);
}

const struct http_route api_overview_routes[] = {
	{.method = "GET", .pattern = "/api/overview", .handler = on_overview},
	{0},
};

/* /api/calls/:id/quality: what devices measured, put in by them and given back as columns. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "store/flight.h"

#define LATE_MS 600000 /* how long after its end a call still takes what was on its way */
#define ANSWER_MAX (8 * 1024 * 1024)
#define SAMPLES_SHOWN 40000 /* of more, the worst of each span are shown */
#define SAMPLES_PER_LEG 400000
#define SAMPLE_EVERY_MS 2000
#define STEP_MAX_MS 3600000
#define FIELDS_MAX 512 /* of the names of all columns, and commas */
#define FIELDS_ALL (~0U)

/* --- putting --- */

static void on_kept(void *arg, const struct call_reply *r)
{
	struct http_req *req = arg;
	if (r->err < 0)
		http_respond_problem(req, r->err, NULL, NULL);
	else
		http_respond_json(req, 200, STR("{\"ok\":true}"));
}

static int record(struct api_lookup *l, const struct call *call, const json_t *body, const char **field)
{
	struct call_record what = {.actor = {.user_id = str_of(l->claims.user_id)},
		.call_id = str_of(call->id),
		.peers = json_object_get(body, "peers"),
		.events = json_object_get(body, "events"),
		.is_over = !call_is_live(call)};
	if (what.is_over && clock_wall_ms() - call->ended_at > LATE_MS)
		return ERR_CALL_ENDED;
	*field = "socketId";
	if (json_get_str(body, "socketId", &what.leg_id) < 0 || !id_is_uuid(what.leg_id))
		return ERR_BAD_FIELD;
	*field = "peers";
	return calls_record(l->api->config.calls, &what, on_kept, l->req);
}

static void put_quality(struct api_lookup *l, const struct call *call)
{
	json_t *body;
	const char *field = NULL;
	if (!api_read_body(l->req, &body))
		return;
	int err = record(l, call, body, &field);
	json_decref(body);
	if (err == ERR_BAD_FIELD)
		api_bad_field(l->req, field, NULL);
	else if (err < 0)
		http_respond_problem(l->req, err, NULL, NULL);
}

static void on_put(struct http_req *req, void *arg)
{
	api_find_call(arg, req, put_quality);
}

/* --- reading: blocks become columns on the pool, for an hour of four people is a megabyte of text --- */

struct reading {
	struct http_req *req;
	struct loop *loop;
	struct store_read_flight read;
	struct work work;
	int64_t step_ms;
	uint32_t fields; /* a bit for each column that is wanted */
	struct buf body;
};
_Static_assert(QUALITY_N_FIELDS <= 32, "a bit for each field");

/* The samples of one leg. */
struct samples {
	struct quality_sample *items; /* owned */
	size_t n;
	size_t cap;
};

static bool add_sample(struct samples *to, const struct quality_sample *s)
{
	struct quality_sample *grown = mem_grow(to->items, to->n, &to->cap, sizeof *grown, 1024);
	if (!grown)
		return false;
	to->items = grown;
	to->items[to->n++] = *s;
	return true;
}

/* What a newer bellwire wrote, or a disk has damaged, is left out. */
static int read_leg(const struct flight_leg *leg, struct quality_reader *r, struct samples *to)
{
	struct quality_sample s;
	for (size_t i = 0; i < leg->n_blocks; i++) {
		const struct flight_block *b = &leg->blocks[i];
		if (quality_read_begin(r, str_n(b->data, b->len), b->start) < 0)
			continue;
		while (to->n < SAMPLES_PER_LEG && quality_read_next(r, &s) == 1)
			if (!add_sample(to, &s))
				return ERR_NO_MEMORY;
	}
	return 0;
}

static int badness(const struct quality_sample *s)
{
	return 1000 * s->values[QUALITY_FIELD_LEVEL] - s->values[QUALITY_FIELD_VIDEO_SCORE] -
	       s->values[QUALITY_FIELD_AUDIO_SCORE];
}

/* One peer's samples; of each span of step_ms the worst. */
static size_t pick_peer(const struct samples *all, const char *peer, int64_t step_ms, const struct quality_sample **out)
{
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		const struct quality_sample *s = &all->items[i];
		if (strcmp(s->peer_id, peer) != 0)
			continue;
		if (!n || !step_ms || out[n - 1]->at / step_ms != s->at / step_ms)
			out[n++] = s;
		else if (badness(s) > badness(out[n - 1]))
			out[n - 1] = s;
	}
	return n;
}

static bool is_measured(const struct quality_sample **samples, size_t n, size_t field)
{
	size_t i = 0;
	while (i < n && samples[i]->values[field] == QUALITY_UNKNOWN)
		i++;
	return i < n;
}

static void put_column(struct json_writer *w, const struct quality_sample **samples, size_t n, size_t field)
{
	jw_key(w, quality_field_name((enum quality_field)field));
	jw_array(w);
	for (size_t i = 0; i < n; i++) {
		if (samples[i]->values[field] == QUALITY_UNKNOWN)
			jw_null(w);
		else
			jw_int(w, samples[i]->values[field]);
	}
	jw_end_array(w);
}

static struct str user_of(const struct reading *r, const char *leg_id)
{
	for (size_t i = 0; i < r->read.n_legs; i++)
		if (strcmp(r->read.legs[i].leg_id, leg_id) == 0)
			return str_of(r->read.legs[i].user_id);
	return str_n(NULL, 0);
}

static void put_peer(const struct reading *r, struct json_writer *w, const struct quality_sample **samples, size_t n)
{
	int64_t start = samples[0]->at;
	jw_object(w);
	jw_kz(w, "socketId", samples[0]->peer_id);
	jw_kstr(w, "userId", user_of(r, samples[0]->peer_id));
	jw_ktime(w, "start", start);
	jw_key(w, "t");
	jw_array(w);
	for (size_t i = 0; i < n; i++)
		jw_int(w, (samples[i]->at - start) / 100);
	jw_end_array(w);
	jw_key(w, "columns");
	jw_object(w);
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++)
		if (r->fields >> f & 1 && is_measured(samples, n, f))
			put_column(w, samples, n, f);
	jw_end_object(w);
	jw_end_object(w);
}

static int put_peers(const struct reading *r, struct json_writer *w, const struct samples *all)
{
	const char *seen[QUALITY_PEERS_MAX];
	size_t n_seen = 0;
	const struct quality_sample **picked = mem_new((all->n + 1) * sizeof(struct quality_sample *));
	if (!picked)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < all->n && n_seen < QUALITY_PEERS_MAX; i++) {
		const char *peer = all->items[i].peer_id;
		size_t k = 0;
		while (k < n_seen && strcmp(seen[k], peer) != 0)
			k++;
		if (k < n_seen)
			continue;
		seen[n_seen++] = peer;
		put_peer(r, w, picked, pick_peer(all, peer, r->step_ms, picked));
	}
	mem_free(picked);
	return 0;
}

static int put_leg(
	const struct reading *r, struct json_writer *w, const struct flight_leg *leg, struct quality_reader *q)
{
	struct samples all = {0};
	int err = read_leg(leg, q, &all);
	jw_object(w);
	jw_kz(w, "socketId", leg->leg_id);
	jw_kz(w, "userId", leg->user_id);
	jw_key(w, "peers");
	jw_array(w);
	if (err == 0)
		err = put_peers(r, w, &all);
	jw_end_array(w);
	jw_end_object(w);
	mem_free(all.items);
	return err;
}

/* Without a wish: as fine as it may be shown. A sample takes at least this many bytes. */
#define SAMPLE_BYTES 16
static int64_t choose_step(const struct reading *r)
{
	size_t bytes = 0;
	for (size_t i = 0; i < r->read.n_legs; i++)
		for (size_t k = 0; k < r->read.legs[i].n_blocks; k++)
			bytes += r->read.legs[i].blocks[k].len;
	size_t spans = bytes / SAMPLE_BYTES / SAMPLES_SHOWN;
	return spans ? (int64_t)(spans + 1) * SAMPLE_EVERY_MS : 0;
}

static int write_answer(struct work *work)
{
	struct reading *r = CONTAINER_OF(work, struct reading, work);
	struct quality_reader *q = mem_new(sizeof *q);
	struct json_writer w = json_writer(&r->body);
	int err = q ? 0 : ERR_NO_MEMORY;
	if (!r->step_ms)
		r->step_ms = choose_step(r);
	jw_object(&w);
	jw_kz(&w, "callId", r->read.call_id);
	jw_kint(&w, "step", r->step_ms);
	jw_key(&w, "legs");
	jw_array(&w);
	for (size_t i = 0; err == 0 && i < r->read.n_legs; i++)
		err = put_leg(r, &w, &r->read.legs[i], q);
	jw_end_array(&w);
	jw_end_object(&w);
	mem_free(q);
	return err;
}

static void reading_free(struct reading *r)
{
	flight_free(&r->read);
	buf_fini(&r->body);
	mem_free(r);
}

static void on_written(struct work *work, int err)
{
	struct reading *r = CONTAINER_OF(work, struct reading, work);
	if (err < 0)
		http_respond_problem(r->req, err, NULL, NULL);
	else
		api_answer(r->req, 200, &r->body);
	reading_free(r);
}

static void on_read(struct store_job *job, int err)
{
	struct reading *r = job->arg;
	if (err == 0) {
		work_start(r->loop, &r->work, write_answer, on_written);
		return;
	}
	http_respond_problem(r->req, err, NULL, NULL);
	reading_free(r);
}

static int field_bit(struct str name, uint32_t *fields)
{
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++) {
		if (!str_eq_z(name, quality_field_name((enum quality_field)f)))
			continue;
		*fields |= 1U << f;
		return 0;
	}
	return ERR_BAD_FIELD;
}

/* ?fields=rtt,inFps: those columns alone; without it all. */
static bool read_fields(struct http_req *req, uint32_t *fields)
{
	char text[FIELDS_MAX];
	int n = http_req_query_get(req, "fields", text, sizeof text);
	if (n == ERR_NOT_FOUND)
		return true;
	struct str rest = n < 0 ? str_n(NULL, 0) : str_of(text);
	int err = n < 0 ? ERR_BAD_FIELD : 0;
	for (*fields = 0; err == 0 && rest.ptr;)
		err = field_bit(str_cut(&rest, ','), fields);
	if (err < 0)
		api_bad_field(req, "fields", "It must name columns, with commas between.");
	return err == 0;
}

static void read_quality(struct api_lookup *l, const struct call *call)
{
	int64_t step = 0;
	uint32_t fields = FIELDS_ALL;
	if (!api_query_int(l->req, "step", 0, STEP_MAX_MS, &step) || !read_fields(l->req, &fields))
		return;
	struct reading *r = mem_new(sizeof *r);
	if (!r) {
		http_respond_problem(l->req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	r->req = l->req;
	r->loop = l->api->config.loop;
	r->step_ms = step;
	r->fields = fields;
	buf_init(&r->body, ANSWER_MAX);
	memcpy(r->read.call_id, call->id, sizeof r->read.call_id);
	r->read.job = (struct store_job){.done = on_read, .arg = r};
	store_read_flight(l->api->config.store, &r->read);
}

static void on_get(struct http_req *req, void *arg)
{
	api_find_call(arg, req, read_quality);
}

const struct http_route api_quality_routes[] = {
	{.method = "GET", .pattern = "/api/calls/:id/quality", .handler = on_get},
	{.method = "POST", .pattern = "/api/calls/:id/quality", .handler = on_put, .max_body = 64 * 1024},
	{0},
};

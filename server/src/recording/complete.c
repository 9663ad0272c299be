/* An upload becomes a recording: hashed, given a duration and an index, moved to where it stays, and told of.
 *
 *   COMPLETING --files (pool), one at a time--> STORED --row and event--> DONE
 *
 * Each step can be repeated after a crash: what an upload's bytes were stays readable until the row is written.
 */
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "recording/s3.h"
#include "recording/tally.h"

#define AGAIN_MS 1000ll /* until the second attempt; the pause doubles */
#define AGAIN_DOUBLED 4

struct completion {
	struct work work;
	struct upload *u;
	struct recordings *r;
	struct upload_meta meta; /* a copy, for the pool */
	struct webm_scan *scan;	 /* owned, for the pool; null */
};

static int finish(struct work *w)
{
	struct completion *c = CONTAINER_OF(w, struct completion, work);
	return finish_upload(&c->r->dir, &c->meta, c->scan);
}

/* --- again, when something went wrong --- */

static void on_again(struct timer *t, void *arg)
{
	(void)t;
	complete_resume(arg);
}

/* Without a timer it is the sweep's turn. */
static void try_again(struct upload *u, const char *what, int err)
{
	int64_t pause = AGAIN_MS << u->n_failed;
	log_warn(what, LOG_S("recording", u->meta.row.id), LOG_I("again_in_ms", pause), LOG_E(err));
	u->n_failed += u->n_failed < AGAIN_DOUBLED;
	if (!u->r->is_closing)
		timer_start(u->r->config.loop, &u->again, pause, on_again, u);
}

static void on_done_saved(void *arg, int err)
{
	struct upload *u = arg;
	if (err)
		log_warn("recording's upload not tidied up", LOG_S("recording", u->meta.row.id), LOG_E(err));
	if (u->to_drop)
		upload_drop(u);
}

static void answer_form(struct upload *u, int err)
{
	struct http_req *req = u->wants_result;
	u->wants_result = NULL;
	if (!req)
		return;
	if (err) {
		http_respond_problem(req, err, NULL, NULL);
		return;
	}
	struct buf body;
	buf_init(&body, 4096);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "recording");
	recording_write_json(&w, &u->meta.row);
	jw_end_object(&w);
	http_resp_header(req, "Location", str_of(u->meta.row.url));
	http_respond_json(req, 201, buf_str(&body));
	buf_fini(&body);
}

static void on_announced(void *arg, int err)
{
	struct upload *u = arg;
	struct recordings *r = u->r;
	u->announcing = false;
	if (err == 0 || err == ERR_CONFLICT) {
		log_info("recording ready", LOG_S("recording", u->meta.row.id), LOG_S("call", u->meta.row.call_id),
			LOG_I("bytes", u->meta.row.file_size), LOG_I("ms", u->meta.row.duration_ms));
		u->meta.state = UPLOAD_DONE;
		call_use_change(r, u->meta.row.call_id, u->meta.row.file_size);
		upload_touch(u);
		answer_form(u, 0);
		upload_save(u, on_done_saved, u);
	} else if (err == ERR_CALL_NOT_FOUND) {
		log_warn("recording of a call that is not there", LOG_S("recording", u->meta.row.id));
		answer_form(u, err);
		upload_drop(u); /* and its file at the next start, as an orphan */
	} else {
		try_again(u, "recording not announced yet", err);
	}
	recordings_end(r);
}

static void announce(struct upload *u)
{
	const struct recording_host *host = &u->r->config.host;
	if (u->announcing || u->r->is_closing)
		return;
	u->announcing = true;
	recordings_begin(u->r);
	host->ready(host->arg, &u->meta.row, on_announced, u);
}

static void next(struct recordings *r);

static void on_remote(void *arg, int err)
{
	struct upload *u = arg;
	struct recordings *r = u->r;
	u->is_busy = false;
	if (err)
		try_again(u, "recording not in S3 yet", err);
	else
		announce(u);
	recordings_end(r);
}

static void stored(struct upload *u)
{
	struct recordings *r = u->r;
	if (!r->s3) {
		announce(u);
		return;
	}
	u->is_busy = true;
	recordings_begin(r);
	s3_put(r->s3, u->meta.row.id, u->meta.row.media_type, on_remote, u);
}

static void on_completed(struct work *w, int err)
{
	struct completion *c = CONTAINER_OF(w, struct completion, work);
	struct recordings *r = c->r;
	struct upload *u = c->u;
	int64_t before = u->offset;
	r->is_completing = false;
	u->is_busy = false;
	if (err == 0) {
		bool was_stored = u->meta.state == UPLOAD_STORED;
		u->meta = c->meta;
		r->n_bytes += was_stored ? 0 : u->meta.row.file_size - before;
		stored(u);
	} else if (err == ERR_NOT_MEDIA) {
		log_info("upload holds nothing to play", LOG_S("upload", u->meta.row.id));
		answer_form(u, err);
		r->n_bytes -= before;
		upload_drop(u);
	} else { /* the disk is full, or worse */
		try_again(u, "recording not completed yet", err);
	}
	webm_scan_free(c->scan);
	mem_free(c);
	next(r);
	recordings_end(r);
}

/* What was learnt of the bytes while they came in, unless a restart lay between. */
static struct webm_scan *take_tally(struct upload *u)
{
	struct recording *row = &u->meta.row;
	struct webm_scan *scan = NULL;
	if (tally_is_of(u->tally, u->meta.length) && !row->upload_sha256[0]) {
		tally_sum(u->tally, row->upload_sha256);
		scan = tally_take_scan(u->tally);
	}
	tally_free(u->r, u->tally);
	u->tally = NULL;
	return scan;
}

static void next(struct recordings *r)
{
	struct list *link = r->is_completing || r->is_closing ? NULL : list_shift(&r->completing);
	struct completion *c = link ? mem_new(sizeof *c) : NULL;
	if (!c)
		return;
	struct upload *u = CONTAINER_OF(link, struct upload, completing);
	struct webm_scan *scan = take_tally(u); /* what it knows of the bytes goes into u->meta, so before the copy */
	*c = (struct completion){.u = u, .r = r, .meta = u->meta, .scan = scan};
	r->is_completing = u->is_busy = true;
	recordings_begin(r);
	work_start(r->config.loop, &c->work, finish, on_completed);
}

void complete_resume(struct upload *u)
{
	if (u->is_busy || u->announcing || timer_running(&u->again) || !list_empty(&u->completing))
		return;
	list_push(&u->r->completing, &u->completing);
	next(u->r);
}

void complete_start(struct upload *u)
{
	u->r->n_open--;
	u->meta.row.is_cut = u->meta.length != u->offset;
	u->meta.state = UPLOAD_COMPLETING;
	u->meta.length = u->offset;
	complete_resume(u);
}

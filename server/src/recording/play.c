/* Recordings that are complete: played with ranges, listed, linked to, deleted. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "http/file_meta.h"
#include "recording/s3.h"

#define MAX_ANSWER (1024 * 1024)

void recording_write_json(struct json_writer *w, const struct recording *r)
{
	jw_object(w);
	jw_kz(w, "id", r->id);
	jw_kz(w, "callId", r->call_id);
	jw_kstr(w, "userId", r->user_id[0] ? str_of(r->user_id) : str_n(NULL, 0));
	jw_kz(w, "recordingUrl", r->url);
	jw_kz(w, "mediaType", r->media_type);
	jw_kstr(w, "fileName", r->file_name[0] ? str_of(r->file_name) : str_n(NULL, 0));
	jw_kint(w, "fileSize", r->file_size);
	if (r->duration_ms)
		jw_kint(w, "duration", (r->duration_ms + 500) / 1000);
	else
		jw_knull(w, "duration");
	jw_kint(w, "durationMs", r->duration_ms);
	jw_kz(w, "sha256", r->sha256);
	jw_kz(w, "uploadSha256", r->upload_sha256);
	jw_kbool(w, "isCut", r->is_cut);
	jw_ktime(w, "startedAt", r->started_at);
	jw_ktime(w, "endedAt", r->ended_at);
	jw_ktime(w, "createdAt", r->created_at);
	jw_end_object(w);
}

/* One request about a recording or a call's. */
struct asking {
	struct work work;
	struct recordings *r;
	struct http_req *req;
	struct recording_asker who;
	bool by_link;
	struct store_read_recording read;
	struct store_list_recordings list;
	void (*allowed)(struct asking *a);
	int fd;
};

static void asking_end(struct asking *a)
{
	struct recordings *r = a->r;
	mem_free(a->list.recordings);
	mem_free(a);
	recordings_end(r);
}

static void asking_refuse(struct asking *a, int err)
{
	http_respond_problem(a->req, err, NULL, NULL);
	asking_end(a);
}

/* Takes what was written. */
static void asking_answer(struct asking *a, struct buf *body)
{
	if (buf_ok(body))
		http_respond_json(a->req, 200, buf_str(body));
	else
		http_respond_problem(a->req, body->err, NULL, NULL);
	buf_fini(body);
	asking_end(a);
}

static struct asking *asking_new(struct recordings *r, struct http_req *req, void (*allowed)(struct asking *a))
{
	struct asking *a = mem_new(sizeof *a);
	if (!a) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return NULL;
	}
	a->r = r;
	a->req = req;
	a->allowed = allowed;
	a->fd = -1;
	recordings_begin(r);
	return a;
}

static void on_may(void *arg, int err)
{
	struct asking *a = arg;
	if (err)
		asking_refuse(a, err == ERR_CALL_NOT_FOUND && !a->list.call_id[0] ? ERR_RECORDING_NOT_FOUND : err);
	else
		a->allowed(a);
}

static void on_read(struct store_job *job, int err)
{
	struct asking *a = job->arg;
	const struct recording_host *host = &a->r->config.host;
	if (err || !a->read.found)
		asking_refuse(a, err ? err : ERR_RECORDING_NOT_FOUND);
	else if (a->by_link)
		a->allowed(a);
	else
		host->may(host->arg, &a->who, a->read.recording.call_id, false, on_may, a);
}

/* Finds :id and asks whether they may; outsiders get 404. */
static void find(struct recordings *r, struct http_req *req, bool takes_links, void (*allowed)(struct asking *a))
{
	struct str id = http_req_param(req, "id");
	struct asking *a = asking_new(r, req, allowed);
	if (!a)
		return;
	if (id_is_uuid(id))
		str_copy(a->read.id, sizeof a->read.id, id);
	a->by_link = takes_links && a->read.id[0] && link_is_good(r, req, a->read.id);
	if (!a->by_link && !ask_who(r, req, &a->who)) {
		asking_end(a);
	} else if (!a->read.id[0]) {
		asking_refuse(a, ERR_RECORDING_NOT_FOUND);
	} else {
		a->read.job = (struct store_job){.done = on_read, .arg = a};
		store_read_recording(r->config.store, &a->read);
	}
}

/* --- playing --- */

/* RFC 6266: a plain name for all, and the label as it is (RFC 8187). */
static void add_disposition(struct asking *a)
{
	const struct recording *row = &a->read.recording;
	const char *slash = strchr(row->media_type, '/');
	struct buf text;
	buf_init(&text, 2048);
	buf_printf(&text, "attachment; filename=\"recording-%s.%s\"", row->id, slash ? slash + 1 : "bin");
	if (row->file_name[0]) {
		buf_put(&text, STR("; filename*=UTF-8''"));
		for (const char *c = row->file_name; *c; c++) {
			bool plain = (*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') || *c == '.' ||
				     *c == '-' || *c == '_';
			if (plain)
				buf_put_c(&text, *c);
			else
				buf_printf(&text, "%%%02X", (unsigned char)*c);
		}
	}
	http_resp_header(a->req, "Content-Disposition", buf_str(&text));
	buf_fini(&text);
}

static void add_fields(struct asking *a, const char *etag)
{
	http_resp_header(a->req, "ETag", str_of(etag));
	http_resp_header(a->req, "Accept-Ranges", STR("bytes"));
	http_resp_header(a->req, "Cache-Control", STR("private, max-age=0, must-revalidate"));
	http_resp_header(a->req, "Content-Security-Policy", STR("default-src 'none'; sandbox"));
	http_resp_header(a->req, "Cross-Origin-Resource-Policy", STR("cross-origin"));
	add_disposition(a);
}

static int choose_range(struct asking *a, const char *etag, int64_t *at, int64_t *n)
{
	struct str range = http_req_header(a->req, "range");
	struct str if_range = http_req_header(a->req, "if-range");
	*at = 0;
	*n = a->read.recording.file_size;
	if (!range.ptr || (if_range.ptr && !str_eq_z(if_range, etag)))
		return 200;
	int64_t first, many;
	int err = file_range(range, *n, &first, &many);
	if (err == ERR_NOT_FOUND)
		return 200;
	if (err)
		return 416;
	*at = first;
	*n = many;
	return 206;
}

static void answer(struct asking *a)
{
	const struct recording *row = &a->read.recording;
	char etag[RECORDING_SHA_SIZE + 2], content_range[80];
	int64_t at, n;
	snprintf(etag, sizeof etag, "\"%s\"", row->sha256);
	int status = choose_range(a, etag, &at, &n);
	struct str seen = http_req_header(a->req, "if-none-match");
	if (seen.ptr && file_etag_listed(seen, etag))
		status = 304;
	if (status == 416)
		snprintf(content_range, sizeof content_range, "bytes */%lld", (long long)row->file_size);
	else
		snprintf(content_range, sizeof content_range, "bytes %lld-%lld/%lld", (long long)at,
			(long long)(at + n - 1), (long long)row->file_size);
	if (status == 206 || status == 416)
		http_resp_header(a->req, "Content-Range", str_of(content_range));
	if (status == 416) {
		if (a->fd >= 0)
			close(a->fd);
		asking_refuse(a, ERR_BAD_RANGE);
		return;
	}
	add_fields(a, etag);
	http_resp_begin(a->req, status, row->media_type, status == 304 ? 0 : n);
	bool empty = status == 304 || http_req_is_head(a->req);
	if (a->fd >= 0)
		http_resp_file(a->req, a->fd, at, empty ? 0 : n);
	else if (empty)
		http_resp_end(a->req);
	else
		s3_send(a->r->s3, row->id, a->req, at, n);
	asking_end(a);
}

static int open_media(struct work *w)
{
	struct asking *a = CONTAINER_OF(w, struct asking, work);
	a->fd = dir_file(a->r->dir.media, a->read.recording.id, "", O_RDONLY);
	return a->fd < 0 ? a->fd : 0;
}

static void on_opened(struct work *w, int err)
{
	struct asking *a = CONTAINER_OF(w, struct asking, work);
	if (err && !(err == ERR_NOT_FOUND && a->r->s3))
		asking_refuse(a, err == ERR_NOT_FOUND ? ERR_RECORDING_NOT_FOUND : err);
	else
		answer(a);
}

static void play(struct asking *a)
{
	work_start(a->r->config.loop, &a->work, open_media, on_opened);
}

static void on_get(struct http_req *req, void *arg)
{
	find(arg, req, true, play);
}

/* --- links --- */

static void answer_link(struct asking *a)
{
	struct buf body;
	buf_init(&body, 1024);
	struct json_writer w = json_writer(&body);
	link_write(a->r, a->read.recording.id, &w);
	asking_answer(a, &body);
}

static void on_link(struct http_req *req, void *arg)
{
	find(arg, req, false, answer_link);
}

/* --- deleting: who made it, a moderator, the server --- */

static void on_deleted(void *arg, int err)
{
	struct asking *a = arg;
	if (err) {
		asking_refuse(a, err);
		return;
	}
	http_respond(a->req, 204, NULL, STR(""));
	asking_end(a);
}

static void delete (struct asking *a)
{
	bool own = strcmp(a->read.recording.user_id, a->who.user_id) == 0;
	if (a->who.is_server || a->who.is_moderator || own)
		sweep_delete(a->r, &a->read.recording, on_deleted, a);
	else
		asking_refuse(a, ERR_FORBIDDEN);
}

static void on_delete(struct http_req *req, void *arg)
{
	find(arg, req, false, delete);
}

/* --- the list of a call --- */

static void on_listed(struct store_job *job, int err)
{
	struct asking *a = job->arg;
	struct buf body;
	if (err) {
		asking_refuse(a, err);
		return;
	}
	buf_init(&body, MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "recordings");
	jw_array(&w);
	for (size_t i = 0; i < a->list.n_recordings; i++)
		recording_write_json(&w, &a->list.recordings[i]);
	jw_end_array(&w);
	jw_kbool(&w, "hasMore", a->list.has_more);
	jw_end_object(&w);
	asking_answer(a, &body);
}

static void list(struct asking *a)
{
	a->list.job = (struct store_job){.done = on_listed, .arg = a};
	a->list.limit = STORE_RECORDINGS_MAX;
	store_list_recordings(a->r->config.store, &a->list);
}

static void on_list(struct http_req *req, void *arg)
{
	struct recordings *r = arg;
	const struct recording_host *host = &r->config.host;
	struct str id = http_req_param(req, "id");
	struct asking *a = asking_new(r, req, list);
	char after[ID_UUID_SIZE];
	if (!a)
		return;
	if (!ask_who(r, req, &a->who)) {
		asking_end(a);
		return;
	}
	if (http_req_query_get(req, "after", after, sizeof after) > 0)
		memcpy(a->list.after_id, after, sizeof after);
	if (id_is_uuid(id)) {
		str_copy(a->list.call_id, sizeof a->list.call_id, id);
		host->may(host->arg, &a->who, a->list.call_id, false, on_may, a);
	} else {
		asking_refuse(a, ERR_CALL_NOT_FOUND);
	}
}

int play_routes(struct recordings *r)
{
	const struct http_route routes[] = {
		{.method = "GET", .pattern = "/api/calls/:id/recordings", .handler = on_list},
		{.method = "GET", .pattern = "/api/recordings/:id", .handler = on_get},
		{.method = "GET", .pattern = "/api/recordings/:id/link", .handler = on_link},
		{.method = "DELETE", .pattern = "/api/recordings/:id", .handler = on_delete, .max_body = 4096},
		{0},
	};
	return http_routes(r->config.http, routes, r);
}

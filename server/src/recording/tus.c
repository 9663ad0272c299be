/* /api/uploads: resumable uploads (tus 1.0.0 with creation, creation-with-upload, creation-defer-length, checksum,
 * expiration and termination). */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "recording/inner.h"

#define EXTENSIONS "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"
#define RETRY_S "5"

/* --- answers --- */

static void add_fields(struct recordings *r, struct http_req *req)
{
	char text[24];
	http_resp_header(req, "Tus-Resumable", STR("1.0.0"));
	http_resp_header(req, "Tus-Version", STR("1.0.0"));
	snprintf(text, sizeof text, "%lld", (long long)r->config.max_bytes);
	http_resp_header(req, "Tus-Max-Size", str_of(text));
}

static void refuse(struct recordings *r, struct http_req *req, int err, const char *field)
{
	add_fields(r, req);
	if (err == ERR_TOO_MANY_UPLOADS || err == ERR_UPLOAD_LOCKED)
		http_resp_header(req, "Retry-After", STR(RETRY_S));
	http_respond_problem(req, err, NULL, field);
}

static void add_number(struct http_req *req, const char *name, int64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)n);
	http_resp_header(req, name, str_of(text));
}

/* RFC 9110 §5.6.7 */
static void add_expiry(const struct upload *u, struct http_req *req)
{
	char text[40];
	struct tm tm;
	time_t at = (time_t)((u->meta.touched_at + u->r->config.expire_ms) / 1000);
	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	http_resp_header(req, "Upload-Expires", str_of(text));
}

static void answer_state(struct upload *u, struct http_req *req, int status)
{
	add_fields(u->r, req);
	add_number(req, "Upload-Offset", u->offset);
	if (u->meta.length >= 0)
		add_number(req, "Upload-Length", u->meta.length);
	else
		http_resp_header(req, "Upload-Defer-Length", STR("1"));
	if (u->meta.state == UPLOAD_OPEN)
		add_expiry(u, req);
	http_respond(req, status, NULL, STR(""));
}

/* --- what a request says --- */

static bool speaks_tus(struct recordings *r, struct http_req *req)
{
	if (str_eq(http_req_header(req, "tus-resumable"), STR("1.0.0")))
		return true;
	refuse(r, req, ERR_TUS_VERSION, "Tus-Resumable");
	return false;
}

/* An upload of the asker's own (the server's: any); others learn nothing. */
static struct upload *find_own(struct recordings *r, struct http_req *req)
{
	struct recording_asker who;
	if (!ask_who(r, req, &who) || !speaks_tus(r, req))
		return NULL;
	struct upload *u = upload_find(r, http_req_param(req, "id"));
	if (u && !who.is_server && strcmp(u->meta.row.user_id, who.user_id) != 0)
		u = NULL;
	if (!u)
		refuse(r, req, ERR_UPLOAD_NOT_FOUND, NULL);
	return u;
}

/* "name base64,name base64" */
static const char *read_metadata(struct str text, struct recording *row)
{
	char value[RECORDING_NAME_SIZE];
	while (text.ptr && text.len) {
		struct str pair = str_trim(str_cut(&text, ','));
		struct str key = str_cut(&pair, ' ');
		struct str coded = pair.ptr ? str_trim(pair) : STR("");
		int n = id_base64_decode(coded, value, sizeof value - 1);
		struct str got = str_n(value, n < 0 ? 0 : (size_t)n);
		bool good = n >= 0 && str_is_utf8(got) && !memchr(value, 0, got.len);
		if (str_eq_z(key, "callId")) {
			if (!good || !id_is_uuid(got))
				return "callId";
			str_copy(row->call_id, sizeof row->call_id, got);
		} else if (str_eq_z(key, "filetype")) {
			if (!good)
				return "filetype";
			got.len = str_find(got, ';'); /* without codecs */
			if (str_copy(row->media_type, sizeof row->media_type, got) < 0)
				return "filetype";
		} else if (str_eq_z(key, "filename")) {
			if (!good || str_copy(row->file_name, sizeof row->file_name, got) < 0)
				return "filename";
		}
	}
	return row->call_id[0] ? NULL : "callId";
}

static const char *read_number(struct http_req *req, const char *name, int64_t *out)
{
	uint64_t n = 0;
	struct str text = http_req_header(req, name);
	if (!text.ptr)
		return NULL;
	if (str_parse_u64(text, INT64_MAX / 2, &n) < 0)
		return name;
	*out = (int64_t)n;
	return NULL;
}

/* "sha256 base64" */
static int read_checksum(struct http_req *req, struct append_config *out)
{
	struct str text = http_req_header(req, "upload-checksum");
	if (!text.ptr)
		return 0;
	out->checksum_name = str_cut(&text, ' ');
	bool sha1 = str_eq_z(out->checksum_name, "sha1");
	int n = text.ptr ? id_base64_decode(text, out->checksum, sizeof out->checksum) : -1;
	if ((!sha1 && !str_eq_z(out->checksum_name, "sha256")) || n != (sha1 ? 20 : 32))
		return ERR_BAD_FIELD;
	out->n_checksum = (size_t)n;
	return 0;
}

static bool has_bytes(const struct http_req *req)
{
	return http_req_content_length(req) != 0;
}

static bool says_bytes(const struct http_req *req)
{
	return str_eq_nocase(http_req_header(req, "content-type"), STR("application/offset+octet-stream"));
}

/* --- writing --- */

static void on_patched(struct upload *u, struct http_req *req, int err)
{
	if (err)
		refuse(u->r, req, err, NULL);
	else
		answer_state(u, req, 204);
	upload_go_on(u);
}

static void add_location(const struct upload *u, struct http_req *req)
{
	char text[80];
	snprintf(text, sizeof text, "/api/uploads/%s", u->meta.row.id);
	http_resp_header(req, "Location", str_of(text));
}

/* The upload is there even if its first bytes are not. */
static void on_created_with(struct upload *u, struct http_req *req, int err)
{
	if (err == ERR_PAYLOAD_TOO_LARGE || err == ERR_NOT_MEDIA || err == ERR_CHECKSUM || err == ERR_STORAGE_FULL) {
		refuse(u->r, req, err, NULL);
		u->to_drop = true;
	} else {
		add_location(u, req);
		answer_state(u, req, 201);
	}
	upload_go_on(u);
}

static void begin_bytes(struct upload *u, struct http_req *req, void (*done)(struct upload *, struct http_req *, int))
{
	struct append_config config = {.req = req, .done = done};
	int64_t n = http_req_content_length(req);
	int err = read_checksum(req, &config);
	if (u->meta.length < 0)
		upload_measure(u);
	if (!err && n > upload_limit(u) - u->offset)
		err = ERR_PAYLOAD_TOO_LARGE;
	err = err ? err : append_start(u, &config);
	if (err)
		refuse(u->r, req, err, err == ERR_BAD_FIELD ? "Upload-Checksum" : NULL);
}

/* --- POST /api/uploads --- */

static void on_admitted(struct admission *a, struct upload *u, int err)
{
	struct http_req *req = a->arg;
	if (err) {
		refuse(a->r, req, err, NULL);
	} else if (has_bytes(req)) {
		begin_bytes(u, req, on_created_with);
	} else {
		add_location(u, req);
		answer_state(u, req, 201);
		upload_go_on(u); /* of no bytes at all */
	}
	mem_free(a);
}

static const char *read_creation(struct http_req *req, struct admission *a)
{
	struct str defer = http_req_header(req, "upload-defer-length");
	a->meta.length = -1;
	const char *wrong = read_number(req, "upload-length", &a->meta.length);
	if (wrong)
		return wrong;
	if (defer.ptr ? !str_eq(defer, STR("1")) || a->meta.length >= 0 : a->meta.length < 0)
		return "Upload-Length";
	return read_metadata(http_req_header(req, "upload-metadata"), &a->meta.row);
}

static void on_create(struct http_req *req, void *arg)
{
	struct recordings *r = arg;
	struct admission *a = admission_new(r, req);
	if (!a)
		return;
	a->done = on_admitted;
	if (!ask_who(r, req, &a->asker) || !speaks_tus(r, req)) {
		mem_free(a);
		return;
	}
	const char *wrong = read_creation(req, a);
	if (!wrong && has_bytes(req) && !says_bytes(req)) {
		refuse(r, req, ERR_BAD_MEDIA_TYPE, "Content-Type");
		mem_free(a);
	} else if (wrong) {
		refuse(r, req, ERR_BAD_FIELD, wrong);
		mem_free(a);
	} else {
		upload_admit(a);
	}
}

/* --- PATCH, HEAD, DELETE /api/uploads/:id --- */

static void patch(struct upload *u, struct http_req *req);

struct patching {
	struct upload *u;
	struct http_req *req;
};

static void on_length_saved(void *arg, int err)
{
	struct patching *p = arg;
	struct upload *u = p->u;
	struct http_req *req = p->req;
	mem_free(p);
	if (err) {
		u->meta.length = -1;
		refuse(u->r, req, err, NULL);
	} else {
		begin_bytes(u, req, on_patched);
	}
	if (u->to_drop)
		upload_drop(u);
}

/* What the call's other recordings take is not known yet: a restart forgets it. */
struct counting {
	struct call_count count;
	struct upload *u;
	struct http_req *req;
};

static void on_counted(struct call_count *count, int err)
{
	struct counting *c = CONTAINER_OF(count, struct counting, count);
	struct upload *u = c->u;
	struct http_req *req = c->req;
	struct recordings *r = u->r;
	u->is_busy = false;
	mem_free(c);
	if (err || u->to_drop)
		refuse(r, req, err ? err : ERR_UPLOAD_NOT_FOUND, NULL);
	else
		patch(u, req);
	if (u->to_drop)
		upload_drop(u);
	recordings_end(r);
}

static void count_first(struct upload *u, struct http_req *req)
{
	struct counting *c = mem_new(sizeof *c);
	if (!c) {
		refuse(u->r, req, ERR_NO_MEMORY, NULL);
		return;
	}
	*c = (struct counting){.count = {.r = u->r, .use = u->use, .done = on_counted}, .u = u, .req = req};
	u->is_busy = true;
	recordings_begin(u->r);
	call_count_start(&c->count);
}

/* A length that was not known before: for good, and before anything is acknowledged with it. */
static bool tells_length(struct upload *u, struct http_req *req)
{
	int64_t length = -1;
	const char *wrong = read_number(req, "upload-length", &length);
	if (!wrong && (length < 0 || length == u->meta.length))
		return false;
	if (wrong || u->meta.length >= 0 || length < u->offset) {
		refuse(u->r, req, ERR_BAD_FIELD, "Upload-Length");
		return true;
	}
	upload_measure(u);
	if (length > u->max_bytes) {
		refuse(u->r, req, ERR_PAYLOAD_TOO_LARGE, "Upload-Length");
		return true;
	}
	struct patching *p = mem_new(sizeof *p);
	if (!p) {
		refuse(u->r, req, ERR_NO_MEMORY, NULL);
		return true;
	}
	*p = (struct patching){u, req};
	u->meta.length = length;
	upload_save(u, on_length_saved, p);
	return true;
}

static bool wait_for_holder(struct upload *u, struct http_req *req, void (*next)(struct upload *, struct http_req *))
{
	if (!u->holder && !u->is_busy)
		return false;
	if (!u->holder || u->next) {
		refuse(u->r, req, ERR_UPLOAD_LOCKED, NULL);
		return true;
	}
	u->next = next; /* whoever comes anew knows more than a connection that hangs */
	u->next_req = req;
	append_break(u->holder);
	return true;
}

static void patch(struct upload *u, struct http_req *req)
{
	int64_t offset = -1;
	if (u->meta.state != UPLOAD_OPEN && u->offset != u->meta.length)
		refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
	else if (read_number(req, "upload-offset", &offset) || offset < 0)
		refuse(u->r, req, ERR_BAD_FIELD, "Upload-Offset");
	else if (offset != u->offset)
		refuse(u->r, req, ERR_UPLOAD_OFFSET, NULL);
	else if (u->meta.state != UPLOAD_OPEN && has_bytes(req))
		refuse(u->r, req, u->meta.row.is_cut ? ERR_UPLOAD_GONE : ERR_PAYLOAD_TOO_LARGE, NULL);
	else if (u->meta.state != UPLOAD_OPEN)
		answer_state(u, req, 204);
	else if (u->meta.length < 0 && !u->use->is_known)
		count_first(u, req);
	else if (!tells_length(u, req))
		begin_bytes(u, req, on_patched);
}

static void on_patch(struct http_req *req, void *arg)
{
	struct upload *u = find_own(arg, req);
	if (!u)
		return;
	if (!says_bytes(req))
		refuse(u->r, req, ERR_BAD_MEDIA_TYPE, "Content-Type");
	else if (u->meta.state != UPLOAD_OPEN || !wait_for_holder(u, req, patch))
		patch(u, req);
}

static void head(struct upload *u, struct http_req *req)
{
	if (u->meta.state != UPLOAD_OPEN && u->meta.row.is_cut)
		refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
	else
		answer_state(u, req, 200);
}

static void on_head(struct http_req *req, void *arg)
{
	struct upload *u = find_own(arg, req);
	if (u && (u->meta.state != UPLOAD_OPEN || !wait_for_holder(u, req, head)))
		head(u, req);
}

static void on_delete(struct http_req *req, void *arg)
{
	struct upload *u = find_own(arg, req);
	if (!u)
		return;
	if (u->meta.state != UPLOAD_OPEN) {
		refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
		return;
	}
	add_fields(u->r, req);
	http_respond(req, 204, NULL, STR(""));
	upload_drop(u);
}

static void on_options(struct http_req *req, void *arg)
{
	add_fields(arg, req);
	http_resp_header(req, "Tus-Extension", STR(EXTENSIONS));
	http_resp_header(req, "Tus-Checksum-Algorithm", STR("sha1,sha256"));
	http_respond_options(req);
}

int tus_routes(struct recordings *r)
{
	const struct http_route routes[] = {
		{.method = "POST",
			.pattern = "/api/uploads",
			.handler = on_create,
			.stream = true,
			.max_body = BODY_MAX},
		{.method = "OPTIONS", .pattern = "/api/uploads", .handler = on_options},
		{.method = "GET", .pattern = "/api/uploads/:id", .handler = on_head},
		{.method = "PATCH",
			.pattern = "/api/uploads/:id",
			.handler = on_patch,
			.stream = true,
			.max_body = BODY_MAX},
		{.method = "DELETE", .pattern = "/api/uploads/:id", .handler = on_delete, .max_body = 4096},
		{.method = "OPTIONS", .pattern = "/api/uploads/:id", .handler = on_options},
		{0},
	};
	return http_routes(r->config.http, routes, r);
}

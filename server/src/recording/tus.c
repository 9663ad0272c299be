/* /api/uploads: resumable uploads (tus 1.0.0 with creation, creation-with-upload, creation-defer-length, checksum,
 * expiration and termination). */
#include "recording/tus.h"

#include "base/err.h"
#include "base/mem.h"

#define EXTENSIONS "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"

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
		tus_refuse(u->r, req, err, NULL);
	else
		tus_answer(u, req, 204);
	upload_go_on(u);
}

/* The upload is there even if its first bytes are not. */
static void on_created_with(struct upload *u, struct http_req *req, int err)
{
	if (err == ERR_PAYLOAD_TOO_LARGE || err == ERR_NOT_MEDIA || err == ERR_CHECKSUM || err == ERR_STORAGE_FULL) {
		tus_refuse(u->r, req, err, NULL);
		u->to_drop = true;
	} else {
		tus_add_location(u, req);
		tus_answer(u, req, 201);
	}
	upload_go_on(u);
}

static void begin_bytes(struct upload *u, struct http_req *req, void (*done)(struct upload *, struct http_req *, int))
{
	struct append_config config = {.req = req, .done = done};
	int64_t n = http_req_content_length(req);
	int err = tus_read_checksum(req, &config);
	if (u->meta.length < 0)
		upload_measure(u);
	if (!err && n > upload_limit(u) - u->offset)
		err = ERR_PAYLOAD_TOO_LARGE;
	err = err ? err : append_start(u, &config);
	if (err)
		tus_refuse(u->r, req, err, err == ERR_BAD_FIELD ? "Upload-Checksum" : NULL);
}

/* --- POST /api/uploads --- */

static void on_admitted(struct admission *a, struct upload *u, int err)
{
	struct http_req *req = a->arg;
	if (err) {
		tus_refuse(a->r, req, err, NULL);
	} else if (has_bytes(req)) {
		begin_bytes(u, req, on_created_with);
	} else {
		tus_add_location(u, req);
		tus_answer(u, req, 201);
		upload_go_on(u); /* of no bytes at all */
	}
	mem_free(a);
}

static const char *read_creation(struct http_req *req, struct admission *a)
{
	struct str defer = http_req_header(req, "upload-defer-length");
	a->meta.length = -1;
	const char *wrong = tus_read_number(req, "upload-length", &a->meta.length);
	if (wrong)
		return wrong;
	if (defer.ptr ? !str_eq(defer, STR("1")) || a->meta.length >= 0 : a->meta.length < 0)
		return "Upload-Length";
	return tus_read_metadata(http_req_header(req, "upload-metadata"), &a->meta.row);
}

static void on_create(struct http_req *req, void *arg)
{
	struct recordings *r = arg;
	struct admission *a = admission_new(r, req);
	if (!a)
		return;
	a->done = on_admitted;
	if (!ask_who(r, req, &a->asker) || !tus_is_spoken(r, req)) {
		mem_free(a);
		return;
	}
	const char *wrong = read_creation(req, a);
	if (!wrong && has_bytes(req) && !says_bytes(req)) {
		tus_refuse(r, req, ERR_BAD_MEDIA_TYPE, "Content-Type");
		mem_free(a);
	} else if (wrong) {
		tus_refuse(r, req, ERR_BAD_FIELD, wrong);
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
		tus_refuse(u->r, req, err, NULL);
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
		tus_refuse(r, req, err ? err : ERR_UPLOAD_NOT_FOUND, NULL);
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
		tus_refuse(u->r, req, ERR_NO_MEMORY, NULL);
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
	const char *wrong = tus_read_number(req, "upload-length", &length);
	if (!wrong && (length < 0 || length == u->meta.length))
		return false;
	if (wrong || u->meta.length >= 0 || length < u->offset) {
		tus_refuse(u->r, req, ERR_BAD_FIELD, "Upload-Length");
		return true;
	}
	upload_measure(u);
	if (length > u->max_bytes) {
		tus_refuse(u->r, req, ERR_PAYLOAD_TOO_LARGE, "Upload-Length");
		return true;
	}
	struct patching *p = mem_new(sizeof *p);
	if (!p) {
		tus_refuse(u->r, req, ERR_NO_MEMORY, NULL);
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
		tus_refuse(u->r, req, ERR_UPLOAD_LOCKED, NULL);
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
		tus_refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
	else if (tus_read_number(req, "upload-offset", &offset) || offset < 0)
		tus_refuse(u->r, req, ERR_BAD_FIELD, "Upload-Offset");
	else if (offset != u->offset)
		tus_refuse(u->r, req, ERR_UPLOAD_OFFSET, NULL);
	else if (u->meta.state != UPLOAD_OPEN && has_bytes(req))
		tus_refuse(u->r, req, u->meta.row.is_cut ? ERR_UPLOAD_GONE : ERR_PAYLOAD_TOO_LARGE, NULL);
	else if (u->meta.state != UPLOAD_OPEN)
		tus_answer(u, req, 204);
	else if (u->meta.length < 0 && !u->use->is_known)
		count_first(u, req);
	else if (!tells_length(u, req))
		begin_bytes(u, req, on_patched);
}

static void on_patch(struct http_req *req, void *arg)
{
	struct upload *u = tus_find(arg, req);
	if (!u)
		return;
	if (!says_bytes(req))
		tus_refuse(u->r, req, ERR_BAD_MEDIA_TYPE, "Content-Type");
	else if (u->meta.state != UPLOAD_OPEN || !wait_for_holder(u, req, patch))
		patch(u, req);
}

static void head(struct upload *u, struct http_req *req)
{
	if (u->meta.state != UPLOAD_OPEN && u->meta.row.is_cut)
		tus_refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
	else
		tus_answer(u, req, 200);
}

static void on_head(struct http_req *req, void *arg)
{
	struct upload *u = tus_find(arg, req);
	if (u && (u->meta.state != UPLOAD_OPEN || !wait_for_holder(u, req, head)))
		head(u, req);
}

static void on_delete(struct http_req *req, void *arg)
{
	struct upload *u = tus_find(arg, req);
	if (!u)
		return;
	if (u->meta.state != UPLOAD_OPEN) {
		tus_refuse(u->r, req, ERR_UPLOAD_GONE, NULL);
		return;
	}
	tus_add_fields(u->r, req);
	http_respond(req, 204, NULL, STR(""));
	upload_drop(u);
}

static void on_options(struct http_req *req, void *arg)
{
	tus_add_fields(arg, req);
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

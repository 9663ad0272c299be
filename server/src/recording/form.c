/* POST /api/calls/:id/recording: a recording as one multipart form, field `recording`. */
#include "base/err.h"
#include "base/mem.h"
#include "recording/inner.h"

static void on_form_read(struct upload *u, struct http_req *req, int err)
{
	if (err || u->offset == 0) {
		http_respond_problem(req, err ? err : ERR_NOT_MEDIA, NULL, err == ERR_BAD_REQUEST ? "recording" : NULL);
		u->to_drop = true;
	} else {
		u->meta.length = u->offset;
		u->wants_result = req;
	}
	upload_go_on(u);
}

static void on_form_admitted(struct admission *a, struct upload *u, int err)
{
	struct http_req *req = a->arg;
	struct append_config config = {.req = req, .is_form = true, .done = on_form_read};
	err = err ? err : append_start(u, &config);
	if (err) {
		http_respond_problem(req, err, NULL, NULL);
		if (u)
			upload_drop(u);
	}
	mem_free(a);
}

static void on_form(struct http_req *req, void *arg)
{
	struct recordings *r = arg;
	struct admission *a = admission_new(r, req);
	if (!a)
		return;
	a->done = on_form_admitted;
	a->meta.length = -1;
	struct str id = http_req_param(req, "id");
	if (!ask_who(r, req, &a->asker)) {
		mem_free(a);
	} else if (!id_is_uuid(id)) {
		http_respond_problem(req, ERR_CALL_NOT_FOUND, NULL, NULL);
		mem_free(a);
	} else {
		str_copy(a->meta.row.call_id, sizeof a->meta.row.call_id, id);
		upload_admit(a);
	}
}

int form_routes(struct recordings *r)
{
	const struct http_route routes[] = {
		{.method = "POST",
			.pattern = "/api/calls/:id/recording",
			.handler = on_form,
			.stream = true,
			.max_body = BODY_MAX},
		{0},
	};
	return http_routes(r->config.http, routes, r);
}

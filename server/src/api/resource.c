/* What every resource does first (who asks, for what) and last (the answer). */
#include "api/resource.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

int api_bearer(const struct api *api, struct http_req *req, struct jwt_claims *out)
{
	struct str header = http_req_header(req, "authorization");
	struct str scheme = str_cut(&header, ' ');
	struct str token = str_eq_nocase(scheme, STR("Bearer")) ? str_trim(header) : str_n(NULL, 0);
	return jwt_verify(token, api->config.keys, clock_wall_ms(), out);
}

bool api_authenticate(const struct api *api, struct http_req *req, struct jwt_claims *out)
{
	int err = api_bearer(api, req, out);
	if (err < 0)
		http_respond_problem(req, err, NULL, NULL);
	return err == 0;
}

bool api_authenticate_server(const struct api *api, struct http_req *req, struct jwt_claims *out)
{
	if (!api_authenticate(api, req, out))
		return false;
	if (!out->is_server)
		http_respond_problem(req, ERR_FORBIDDEN, "This needs a token with scope \"server\".", NULL);
	return out->is_server;
}

bool api_read_body(struct http_req *req, json_t **out)
{
	struct str body = http_req_body(req);
	int err = json_read_object(body.len ? body : STR("{}"), out);
	if (err < 0)
		http_respond_problem(req, err, "The body must be one JSON object.", NULL);
	return err == 0;
}

bool api_is_id(struct str s)
{
	if (s.len == 0 || s.len >= MODEL_USER_ID_SIZE || !str_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f)
			return false;
	return true;
}

bool api_id_param(struct http_req *req, char *out, size_t size, int not_found)
{
	struct str id = http_req_param(req, "id");
	bool ok = api_is_id(id) && str_copy(out, size, id) == 0;
	if (!ok)
		http_respond_problem(req, not_found, NULL, NULL);
	return ok;
}

bool api_call_param(struct http_req *req, char out[ID_UUID_SIZE])
{
	struct str id = http_req_param(req, "id");
	bool ok = id_is_uuid(id) && str_copy(out, ID_UUID_SIZE, id) == 0;
	if (!ok)
		http_respond_problem(req, ERR_CALL_NOT_FOUND, NULL, NULL);
	return ok;
}

void api_bad_field(struct http_req *req, const char *field, const char *detail)
{
	http_respond_problem(req, ERR_BAD_FIELD, detail, field);
}

bool api_query_int(struct http_req *req, const char *name, int64_t min, int64_t max, int64_t *out)
{
	char text[24];
	uint64_t value;
	int n = http_req_query_get(req, name, text, sizeof text);
	if (n == ERR_NOT_FOUND)
		return true;
	if (n >= 0 && str_parse_u64(str_of(text), (uint64_t)max, &value) == 0 && (int64_t)value >= min) {
		*out = (int64_t)value;
		return true;
	}
	api_bad_field(req, name, "It must be a whole number within its bounds.");
	return false;
}

bool api_query_time(struct http_req *req, const char *name, int64_t *out)
{
	char text[40];
	int n = http_req_query_get(req, name, text, sizeof text);
	if (n == ERR_NOT_FOUND || (n >= 0 && clock_parse(str_of(text), out) == 0))
		return true;
	api_bad_field(req, name, "It must be a time such as 2026-01-31T09:00:00Z.");
	return false;
}

void api_answer(struct http_req *req, int status, struct buf *body)
{
	if (buf_ok(body))
		http_respond_json(req, status, buf_str(body));
	else
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
	buf_fini(body);
}

/* --- finding a call that one may know --- */

static void lookup_end(struct api_lookup *l, const struct call *call)
{
	if (call)
		l->found(l, call);
	else
		http_respond_problem(l->req, ERR_CALL_NOT_FOUND, NULL, NULL);
	call_free(l->read.call);
	mem_free(l->people.people);
	mem_free(l);
}

/* What lives is newer in memory than in the store. */
static const struct call *newest(const struct api_lookup *l)
{
	const struct call *live = calls_live_get(l->api->config.calls, str_of(l->read.id));
	return live ? live : l->read.call;
}

static void on_people(struct store_job *job, int err)
{
	struct api_lookup *l = job->arg;
	bool is_member = err == 0 && l->people.n_people == 1 && l->people.people[0].is_member;
	const struct call *call = newest(l);
	if (err < 0) {
		http_respond_problem(l->req, err, NULL, NULL);
		call_free(l->read.call);
		mem_free(l);
		return;
	}
	lookup_end(l, call && call_may_see(call, str_of(l->claims.user_id), is_member) ? call : NULL);
}

static void on_call(struct store_job *job, int err)
{
	struct api_lookup *l = job->arg;
	const struct call *call = newest(l);
	if (err < 0) {
		http_respond_problem(l->req, err, NULL, NULL);
		mem_free(l);
		return;
	}
	if (!call || l->claims.is_server || call_may_see(call, str_of(l->claims.user_id), false)) {
		lookup_end(l, call);
		return;
	}
	l->people.job = (struct store_job){.done = on_people, .arg = l};
	memcpy(l->people.channel_id, call->channel_id, sizeof l->people.channel_id);
	memcpy(l->user_ids[0], l->claims.user_id, sizeof l->user_ids[0]);
	l->people.user_ids = (const char(*)[MODEL_USER_ID_SIZE])l->user_ids;
	l->people.n_user_ids = 1;
	store_read_people(l->api->config.store, &l->people);
}

void api_find_call(struct api *api, struct http_req *req, void (*found)(struct api_lookup *l, const struct call *call))
{
	struct api_lookup *l = mem_new(sizeof *l);
	if (!l) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	l->api = api;
	l->req = req;
	l->found = found;
	if (!api_authenticate(api, req, &l->claims) || !api_call_param(req, l->read.id)) {
		mem_free(l);
		return;
	}
	l->read.job = (struct store_job){.done = on_call, .arg = l};
	store_read_call(api->config.store, &l->read);
}

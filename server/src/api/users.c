/* /api/users/:id for the host's backend: what others see of a person. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* One request on its way through the store. */
struct user_job {
	struct api *api;
	struct http_req *req;
	struct store_put_user put;
	struct store_read_user read;
	struct store_delete_user remove;
};

static void job_refuse(struct user_job *j, int err, const char *field)
{
	http_respond_problem(j->req, err, NULL, field);
	mem_free(j);
}

/* Authenticates and takes :id; null when the refusal has been answered. */
static struct user_job *job_new(struct api *api, struct http_req *req, char id[MODEL_USER_ID_SIZE])
{
	struct jwt_claims claims;
	if (!api_authenticate_server(api, req, &claims) ||
		!api_id_param(req, id, MODEL_USER_ID_SIZE, ERR_USER_NOT_FOUND))
		return NULL;
	struct user_job *j = mem_new(sizeof *j);
	if (!j) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return NULL;
	}
	j->api = api;
	j->req = req;
	return j;
}

static void put_text_or_null(struct json_writer *w, const char *key, const char *text)
{
	if (text[0])
		jw_kz(w, key, text);
	else
		jw_knull(w, key);
}

static void answer_user(struct user_job *j, int status, const struct user *user)
{
	struct buf body;
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "user");
	jw_object(&w);
	jw_kz(&w, "id", user->id);
	put_text_or_null(&w, "name", user->name);
	put_text_or_null(&w, "avatarUrl", user->avatar_url);
	jw_end_object(&w);
	jw_end_object(&w);
	api_answer(j->req, status, &body);
	mem_free(j);
}

/* --- PUT --- */

static void on_put(struct store_job *job, int err)
{
	struct user_job *j = job->arg;
	if (err < 0)
		job_refuse(j, err, NULL);
	else
		answer_user(j, j->put.created ? 201 : 200, &j->put.user);
}

/* Only addresses that a page may show as a picture; null or "" clears it. */
static bool is_avatar_url(struct str url)
{
	return url.len == 0 || str_starts_with(url, STR("https://")) || str_starts_with(url, STR("http://"));
}

/* The first wrong member's name, or null. */
static const char *take_user(const json_t *body, struct user *user)
{
	struct str name, avatar;
	if (json_get_str(body, "name", &name) < 0 || str_copy(user->name, sizeof user->name, name) < 0)
		return "name";
	if (json_get_str(body, "avatarUrl", &avatar) < 0 || !is_avatar_url(avatar) ||
		str_copy(user->avatar_url, sizeof user->avatar_url, avatar) < 0)
		return "avatarUrl";
	return NULL;
}

static void on_put_request(struct http_req *req, void *arg)
{
	char id[MODEL_USER_ID_SIZE];
	json_t *body;
	struct user_job *j = job_new(arg, req, id);
	if (!j)
		return;
	if (!api_read_body(req, &body)) {
		mem_free(j);
		return;
	}
	memcpy(j->put.user.id, id, sizeof id);
	const char *wrong = take_user(body, &j->put.user);
	json_decref(body);
	if (wrong) {
		job_refuse(j, ERR_BAD_FIELD, wrong);
		return;
	}
	j->put.job = (struct store_job){.done = on_put, .arg = j};
	j->put.at = clock_wall_ms();
	store_put_user(j->api->config.store, &j->put);
}

/* --- GET, DELETE --- */

static void on_read(struct store_job *job, int err)
{
	struct user_job *j = job->arg;
	if (err < 0 || !j->read.found)
		job_refuse(j, err < 0 ? err : ERR_USER_NOT_FOUND, NULL);
	else
		answer_user(j, 200, &j->read.user);
}

static void on_get_request(struct http_req *req, void *arg)
{
	char id[MODEL_USER_ID_SIZE];
	struct user_job *j = job_new(arg, req, id);
	if (!j)
		return;
	memcpy(j->read.id, id, sizeof id);
	j->read.job = (struct store_job){.done = on_read, .arg = j};
	store_read_user(j->api->config.store, &j->read);
}

static void on_removed(struct store_job *job, int err)
{
	struct user_job *j = job->arg;
	if (err < 0 || !j->remove.found) {
		job_refuse(j, err < 0 ? err : ERR_USER_NOT_FOUND, NULL);
		return;
	}
	http_respond(j->req, 204, NULL, STR(""));
	mem_free(j);
}

static void on_delete_request(struct http_req *req, void *arg)
{
	char id[MODEL_USER_ID_SIZE];
	struct user_job *j = job_new(arg, req, id);
	if (!j)
		return;
	memcpy(j->remove.id, id, sizeof id);
	j->remove.job = (struct store_job){.done = on_removed, .arg = j};
	store_delete_user(j->api->config.store, &j->remove);
}

#define USER_PATTERN "/api/users/:id"
#define USER_BODY_MAX 8192

const struct http_route api_user_routes[] = {
	{.method = "PUT", .pattern = USER_PATTERN, .handler = on_put_request, .max_body = USER_BODY_MAX},
	{.method = "GET", .pattern = USER_PATTERN, .handler = on_get_request},
	{.method = "DELETE", .pattern = USER_PATTERN, .handler = on_delete_request},
	{0},
};

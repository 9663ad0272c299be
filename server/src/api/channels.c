/* /api/channels/:id for the host's backend: who belongs to a channel. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

/* One request on its way through the store. */
struct channel_job {
	struct api *api;
	struct http_req *req;
	struct store_put_channel put;
	struct store_read_channel read;
	struct store_delete_channel remove;
	char (*members)[MODEL_USER_ID_SIZE]; /* owned; what put borrows */
	int status;
};

static void job_free(struct channel_job *j)
{
	mem_free(j->members);
	mem_free(j->read.members);
	mem_free(j);
}

static void job_refuse(struct channel_job *j, int err, const char *field)
{
	http_respond_problem(j->req, err, NULL, field);
	job_free(j);
}

/* Authenticates and takes :id; null when the refusal has been answered. */
static struct channel_job *job_new(struct api *api, struct http_req *req, char id[MODEL_CHANNEL_ID_SIZE])
{
	struct jwt_claims claims;
	if (!api_authenticate_server(api, req, &claims) ||
		!api_id_param(req, id, MODEL_CHANNEL_ID_SIZE, ERR_CHANNEL_NOT_FOUND))
		return NULL;
	struct channel_job *j = mem_new(sizeof *j);
	if (!j) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return NULL;
	}
	j->api = api;
	j->req = req;
	j->status = 200;
	return j;
}

static void on_read(struct store_job *job, int err)
{
	struct channel_job *j = job->arg;
	struct buf body;
	if (err < 0 || !j->read.found) {
		job_refuse(j, err < 0 ? err : ERR_CHANNEL_NOT_FOUND, NULL);
		return;
	}
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "channel");
	jw_object(&w);
	jw_kz(&w, "id", j->read.channel.id);
	jw_kz(&w, "name", j->read.channel.name);
	jw_key(&w, "members");
	jw_array(&w);
	for (size_t i = 0; i < j->read.n_members; i++)
		jw_str(&w, str_of(j->read.members[i].id));
	jw_end_array(&w);
	jw_end_object(&w);
	jw_end_object(&w);
	api_answer(j->req, j->status, &body);
	job_free(j);
}

static void read_channel(struct channel_job *j, const char *id)
{
	memcpy(j->read.id, id, sizeof j->read.id);
	j->read.job = (struct store_job){.done = on_read, .arg = j};
	store_read_channel(j->api->config.store, &j->read);
}

static void on_put(struct store_job *job, int err)
{
	struct channel_job *j = job->arg;
	if (err < 0) {
		job_refuse(j, err, NULL);
		return;
	}
	j->status = j->put.created ? 201 : 200;
	read_channel(j, j->put.id);
}

/* Fills j->members; 0, or the error, with the wrong member's name in field. */
static int take_members(struct channel_job *j, const json_t *list, char *field, size_t size)
{
	snprintf(field, size, "members");
	if (!json_is_array(list) || json_array_size(list) > MODEL_MEMBERS_MAX)
		return ERR_BAD_FIELD;
	j->put.n_members = json_array_size(list);
	j->members = mem_new((j->put.n_members + 1) * sizeof *j->members);
	if (!j->members)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < j->put.n_members; i++) {
		const json_t *item = json_array_get(list, i);
		struct str id = str_n(json_string_value(item), json_string_length(item));
		if (json_is_string(item) && api_is_id(id) && str_copy(j->members[i], sizeof j->members[i], id) == 0)
			continue;
		snprintf(field, size, "members[%zu]", i);
		return ERR_BAD_FIELD;
	}
	j->put.members = (const char(*)[MODEL_USER_ID_SIZE])j->members;
	return 0;
}

static int take_channel(struct channel_job *j, const json_t *body, char *field, size_t size)
{
	struct str name;
	snprintf(field, size, "name");
	if (json_get_str(body, "name", &name) < 0)
		return ERR_BAD_FIELD;
	if (!name.ptr)
		name = str_of(j->put.id);
	if (str_copy(j->put.name, sizeof j->put.name, name) < 0)
		return ERR_BAD_FIELD;
	return take_members(j, json_object_get(body, "members"), field, size);
}

static void on_put_request(struct http_req *req, void *arg)
{
	char id[MODEL_CHANNEL_ID_SIZE], field[40];
	json_t *body;
	struct channel_job *j = job_new(arg, req, id);
	if (!j)
		return;
	if (!api_read_body(req, &body)) {
		job_free(j);
		return;
	}
	memcpy(j->put.id, id, sizeof id);
	int err = take_channel(j, body, field, sizeof field);
	json_decref(body);
	if (err < 0) {
		job_refuse(j, err, field);
		return;
	}
	j->put.job = (struct store_job){.done = on_put, .arg = j};
	j->put.at = clock_wall_ms();
	store_put_channel(j->api->config.store, &j->put);
}

static void on_get_request(struct http_req *req, void *arg)
{
	char id[MODEL_CHANNEL_ID_SIZE];
	struct channel_job *j = job_new(arg, req, id);
	if (j)
		read_channel(j, id);
}

static void on_removed(struct store_job *job, int err)
{
	struct channel_job *j = job->arg;
	if (err < 0 || !j->remove.found) {
		job_refuse(j, err < 0 ? err : ERR_CHANNEL_NOT_FOUND, NULL);
		return;
	}
	http_respond(j->req, 204, NULL, STR(""));
	job_free(j);
}

static void on_delete_request(struct http_req *req, void *arg)
{
	char id[MODEL_CHANNEL_ID_SIZE];
	struct channel_job *j = job_new(arg, req, id);
	if (!j)
		return;
	memcpy(j->remove.id, id, sizeof id);
	j->remove.job = (struct store_job){.done = on_removed, .arg = j};
	store_delete_channel(j->api->config.store, &j->remove);
}

#define CHANNEL_PATTERN "/api/channels/:id"
#define CHANNEL_BODY_MAX (8 * 1024 * 1024) /* 10,000 ids of 128 bytes, each byte escaped */

const struct http_route api_channel_routes[] = {
	{.method = "PUT", .pattern = CHANNEL_PATTERN, .handler = on_put_request, .max_body = CHANNEL_BODY_MAX},
	{.method = "GET", .pattern = CHANNEL_PATTERN, .handler = on_get_request},
	{.method = "DELETE", .pattern = CHANNEL_PATTERN, .handler = on_delete_request},
	{0},
};

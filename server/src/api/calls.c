/* /api/calls: creating calls, and the commands on one. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

static void refuse(struct http_req *req, const struct call_reply *r)
{
	char seconds[24];
	snprintf(seconds, sizeof seconds, "%lld", (long long)((r->retry_after_ms + 999) / 1000));
	if (r->retry_after_ms)
		http_resp_header(req, "Retry-After", str_of(seconds));
	http_respond_problem(req, r->err, NULL, r->field);
}

static void write_reply(struct json_writer *w, const struct call_reply *r)
{
	jw_object(w);
	if (r->stored.len) {
		jw_kraw(w, "call", r->stored);
	} else if (r->call) {
		jw_key(w, "call");
		call_write_json(w, r->call, r->now);
	}
	if (r->self && r->self->session_id[0]) { /* a leg that waits for its device is nobody's yet */
		jw_key(w, "self");
		call_write_self(w, r->call, r->self);
	}
	if (r->existing)
		jw_kbool(w, "existing", true);
	if (r->merged)
		jw_kbool(w, "merged", true);
	jw_end_object(w);
}

/* Answers a command as the call module has decided it. */
static void on_reply(void *arg, const struct call_reply *r)
{
	struct http_req *req = arg;
	struct buf body;
	if (r->err < 0) {
		refuse(req, r);
		return;
	}
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	write_reply(&w, r);
	api_answer(req, r->status, &body);
}

static struct call_actor actor_of(const struct jwt_claims *claims)
{
	return (struct call_actor){
		.user_id = str_of(claims->user_id),
		.name = str_of(claims->name),
		.avatar_url = str_of(claims->avatar_url),
		.is_server = claims->is_server,
		.is_moderator = claims->is_moderator,
		.may_record = claims->may_record,
	};
}

/* --- creating --- */

/* An array of user ids; what it returns is the caller's (mem_free). False: the refusal has been answered. */
static bool read_people(struct http_req *req, const json_t *body, const struct str **out, size_t *n)
{
	const json_t *list = json_object_get(body, "participants");
	*out = NULL;
	*n = 0;
	if (!list || json_is_null(list))
		return true;
	if (!json_is_array(list)) {
		api_bad_field(req, "participants", "It must be an array of user ids.");
		return false;
	}
	size_t size = json_array_size(list);
	if (size > MODEL_PARTICIPANTS_MAX) {
		http_respond_problem(req, ERR_TOO_MANY_PARTICIPANTS, NULL, "participants");
		return false;
	}
	struct str *people = mem_new((size + 1) * sizeof *people);
	if (!people) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return false;
	}
	for (size_t i = 0; i < size; i++) {
		const json_t *item = json_array_get(list, i);
		people[i] = str_n(json_string_value(item), json_string_length(item));
		if (json_is_string(item) && api_is_id(people[i]))
			continue;
		char field[40];
		snprintf(field, sizeof field, "participants[%zu]", i);
		api_bad_field(req, field, "It must be a user id: text of 1 to 128 bytes.");
		mem_free(people);
		return false;
	}
	*out = people;
	*n = size;
	return true;
}

static const char *read_type(const json_t *body, struct call_create *create)
{
	struct str word;
	if (json_get_str(body, "callType", &word) < 0 || call_type_parse(word, &create->type) < 0)
		return "callType";
	if (json_get_str(body, "mode", &word) < 0)
		return "mode";
	create->has_mode = word.ptr != NULL;
	if (create->has_mode && call_mode_parse(word, &create->mode) < 0)
		return "mode";
	return NULL;
}

/* Fills *create but for participants and metadata; the name of the first wrong member, or null. */
static const char *read_create(struct http_req *req, const json_t *body, struct call_create *create)
{
	bool ring = true;
	if (json_get_str(body, "id", &create->id) < 0 || (create->id.ptr && !id_is_uuid(create->id)))
		return "id";
	if (json_get_str(body, "channelId", &create->channel_id) < 0 || !api_is_id(create->channel_id))
		return "channelId";
	struct str word;
	const char *wrong = read_type(body, create);
	if (wrong)
		return wrong;
	if (json_get_bool(body, "ring", &ring) < 0)
		return "ring";
	create->no_ring = !ring;
	if (json_get_int(body, "ringTimeout", 1, INT32_MAX, &create->ring_ms) < 0)
		return "ringTimeout";
	const json_t *metadata = json_object_get(body, "metadata");
	if (metadata && !json_is_object(metadata) && !json_is_null(metadata))
		return "metadata";
	if (json_get_str(body, "recordingPolicy", &word) < 0)
		return "recordingPolicy";
	create->has_record_policy = word.ptr != NULL;
	if (create->has_record_policy && record_policy_parse(word, &create->record_policy) < 0)
		return "recordingPolicy";
	create->idempotency_key = http_req_header(req, "idempotency-key");
	if (create->idempotency_key.len > CALL_KEY_MAX)
		return "Idempotency-Key";
	for (size_t i = 0; i < create->idempotency_key.len; i++)
		if (create->idempotency_key.ptr[i] < 0x20 || create->idempotency_key.ptr[i] > 0x7e)
			return "Idempotency-Key";
	return NULL;
}

static void create(struct api *api, struct http_req *req, const struct jwt_claims *claims, const json_t *body)
{
	struct call_command cmd = {.verb = CMD_CREATE, .actor = actor_of(claims)};
	const char *wrong = read_create(req, body, &cmd.create);
	if (wrong) {
		api_bad_field(req, wrong, NULL);
		return;
	}
	const json_t *metadata = json_object_get(body, "metadata");
	char *text = json_is_object(metadata) ? json_dumps(metadata, JSON_COMPACT) : NULL;
	cmd.create.metadata = str_of(text);
	if (cmd.create.metadata.len > MODEL_METADATA_MAX) {
		http_respond_problem(req, ERR_PAYLOAD_TOO_LARGE, "metadata may have 4096 bytes.", "metadata");
	} else if (read_people(req, body, &cmd.create.participants, &cmd.create.n_participants)) {
		calls_submit(api->config.calls, &cmd, on_reply, req);
		mem_free((void *)(uintptr_t)cmd.create.participants); /* made by read_people */
	}
	free(text); /* jansson's */
}

static void on_create(struct http_req *req, void *arg)
{
	struct api *api = arg;
	struct jwt_claims claims;
	json_t *body;
	if (!api_authenticate(api, req, &claims) || !api_read_body(req, &body))
		return;
	create(api, req, &claims, body);
	json_decref(body);
}

/* --- commands on one call --- */

/* What a command's texts point into. */
struct asker {
	struct jwt_claims claims;
	char call_id[ID_UUID_SIZE];
};

/* A command of the asking user on the call that the path names. False: the refusal has been answered. */
static bool begin(const struct api *api, struct http_req *req, struct asker *asker, struct call_command *cmd)
{
	if (!api_authenticate(api, req, &asker->claims) || !api_call_param(req, asker->call_id))
		return false;
	cmd->actor = actor_of(&asker->claims);
	cmd->call_id = str_of(asker->call_id);
	return true;
}

static void submit(struct api *api, struct http_req *req, enum call_verb verb)
{
	struct asker asker;
	struct call_command cmd = {.verb = verb};
	if (begin(api, req, &asker, &cmd))
		calls_submit(api->config.calls, &cmd, on_reply, req);
}

static void on_leave(struct http_req *req, void *arg)
{
	submit(arg, req, CMD_LEAVE);
}

static void on_decline(struct http_req *req, void *arg)
{
	submit(arg, req, CMD_DECLINE);
}

static void on_cancel(struct http_req *req, void *arg)
{
	submit(arg, req, CMD_CANCEL);
}

static void on_end(struct http_req *req, void *arg)
{
	submit(arg, req, CMD_END);
}

static void on_join(struct http_req *req, void *arg)
{
	struct api *api = arg;
	struct asker asker;
	struct call_command cmd = {.verb = CMD_JOIN};
	json_t *body;
	if (!begin(api, req, &asker, &cmd) || !api_read_body(req, &body))
		return;
	if (json_get_str(body, "socketId", &cmd.join.socket_id) < 0 || cmd.join.socket_id.len > 128)
		api_bad_field(req, "socketId", "It must be the id of one of your sockets.");
	else if (json_get_bool(body, "takeover", &cmd.join.takeover) < 0)
		api_bad_field(req, "takeover", "It must be true or false.");
	else
		calls_submit(api->config.calls, &cmd, on_reply, req);
	json_decref(body);
}

static void on_ring(struct http_req *req, void *arg)
{
	struct api *api = arg;
	struct asker asker;
	struct call_command cmd = {.verb = CMD_RING};
	json_t *body;
	if (!begin(api, req, &asker, &cmd) || !api_read_body(req, &body))
		return;
	if (json_get_int(body, "ringTimeout", 1, INT32_MAX, &cmd.ring.ring_ms) < 0) {
		api_bad_field(req, "ringTimeout", "It must be a number of milliseconds.");
	} else if (read_people(req, body, &cmd.ring.users, &cmd.ring.n_users)) {
		calls_submit(api->config.calls, &cmd, on_reply, req);
		mem_free((void *)(uintptr_t)cmd.ring.users);
	}
	json_decref(body);
}

static void on_recording(struct http_req *req, void *arg)
{
	static const struct {
		const char *word;
		enum call_recording what;
	} words[] = {{"start", RECORDING_START}, {"stop", RECORDING_STOP}, {"consent", RECORDING_CONSENT},
		{"refuse", RECORDING_REFUSE}};
	struct str word = http_req_param(req, "what");
	struct asker asker;
	struct call_command cmd = {.verb = CMD_RECORDING};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!str_eq_z(word, words[i].word))
			continue;
		cmd.recording = words[i].what;
		if (begin(arg, req, &asker, &cmd))
			calls_submit(((struct api *)arg)->config.calls, &cmd, on_reply, req);
		return;
	}
	http_respond_problem(req, ERR_NOT_FOUND, NULL, NULL);
}

static void answer_call(struct api_lookup *l, const struct call *call)
{
	struct buf body;
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "call");
	call_write_json(&w, call, clock_wall_ms());
	jw_end_object(&w);
	api_answer(l->req, 200, &body);
}

static void on_get(struct http_req *req, void *arg)
{
	api_find_call(arg, req, answer_call);
}

#define CREATE_BODY_MAX (128 * 1024) /* 256 ids of 128 bytes, each byte escaped, and the metadata */

const struct http_route api_call_routes[] = {
	{.method = "POST", .pattern = "/api/calls", .handler = on_create, .max_body = CREATE_BODY_MAX},
	{.method = "GET", .pattern = "/api/calls/:id", .handler = on_get},
	{.method = "POST", .pattern = "/api/calls/:id/join", .handler = on_join, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/leave", .handler = on_leave, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/decline", .handler = on_decline, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/cancel", .handler = on_cancel, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/end", .handler = on_end, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/recording/:what", .handler = on_recording, .max_body = 4096},
	{.method = "POST", .pattern = "/api/calls/:id/ring", .handler = on_ring, .max_body = CREATE_BODY_MAX},
	{0},
};

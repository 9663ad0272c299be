/* What recordings must know of people and calls: who asks, whether they were in the call, and that it is told. */
#include <stdio.h>

#include "api/resource.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

static int identify(void *arg, struct http_req *req, struct recording_asker *out)
{
	const struct api *api = arg;
	struct jwt_claims claims;
	int err = api_bearer(api, req, &claims);
	if (err < 0)
		return err;
	out->is_server = claims.is_server;
	out->is_moderator = claims.is_moderator;
	out->may_record = claims.may_record;
	return str_copy(out->user_id, sizeof out->user_id, str_of(claims.user_id));
}

/* --- whether somebody was in a call --- */

struct asking {
	struct store_read_call read;
	struct api *api;
	char user_id[MODEL_USER_ID_SIZE];
	bool is_server;
	bool to_upload;
	recording_err_cb done;
	void *arg;
};

static int judge(const struct asking *a, const struct call *c)
{
	const struct participant *p = c ? call_participant(c, str_of(a->user_id)) : NULL;
	if (!c || (!a->is_server && (!p || !p->joined_at)))
		return ERR_CALL_NOT_FOUND;
	return a->to_upload && c->record_policy == RECORD_OFF ? ERR_RECORDING_OFF : 0;
}

static void on_call(struct store_job *job, int err)
{
	struct asking *a = job->arg;
	const struct call *live = calls_live_get(a->api->config.calls, str_of(a->read.id));
	a->done(a->arg, err ? err : judge(a, live ? live : a->read.call));
	call_free(a->read.call);
	mem_free(a);
}

static void may(void *arg, const struct recording_asker *asker, const char *call_id, bool to_upload,
	recording_err_cb done, void *done_arg)
{
	struct api *api = arg;
	struct asking *a = mem_new(sizeof *a);
	if (!a) {
		done(done_arg, ERR_NO_MEMORY);
		return;
	}
	*a = (struct asking){
		.api = api, .is_server = asker->is_server, .to_upload = to_upload, .done = done, .arg = done_arg};
	memcpy(a->user_id, asker->user_id, sizeof a->user_id);
	str_copy(a->read.id, sizeof a->read.id, str_of(call_id));
	a->read.job = (struct store_job){.done = on_call, .arg = a};
	store_read_call(api->config.store, &a->read);
}

/* --- a recording that is complete --- */

struct announcing {
	struct store_read_recording read;
	struct api *api;
	const struct recording *row; /* borrowed until done */
	recording_err_cb done;
	void *arg;
};

static void on_told(void *arg, const struct call_reply *r)
{
	struct announcing *a = arg;
	a->done(a->arg, r->err);
	mem_free(a);
}

static void on_looked(struct store_job *job, int err)
{
	struct announcing *a = job->arg;
	struct call_command cmd = {.verb = CMD_RECORDED,
		.actor = {.is_server = true},
		.call_id = str_of(a->row->call_id),
		.recorded = a->row};
	if (!err && !a->read.found) {
		calls_submit(a->api->config.calls, &cmd, on_told, a);
		return;
	}
	a->done(a->arg, err); /* it was told before a crash */
	mem_free(a);
}

static void ready(void *arg, const struct recording *row, recording_err_cb done, void *done_arg)
{
	struct api *api = arg;
	struct announcing *a = mem_new(sizeof *a);
	if (!a) {
		done(done_arg, ERR_NO_MEMORY);
		return;
	}
	*a = (struct announcing){.api = api, .row = row, .done = done, .arg = done_arg};
	memcpy(a->read.id, row->id, sizeof a->read.id);
	a->read.job = (struct store_job){.done = on_looked, .arg = a};
	store_read_recording(api->config.store, &a->read);
}

static int prove(void *arg, struct str text, unsigned char out[32])
{
	const struct api *api = arg;
	_Static_assert(JWT_MAC_SIZE == 32, "the proof is one MAC");
	return jwt_keys_mac(api->config.keys, text, out);
}

void api_recording_host(struct api *api, struct recording_host *out)
{
	*out = (struct recording_host){identify, may, ready, prove, api};
}

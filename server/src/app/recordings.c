/* Recordings, configured from the options. */
#include <stdio.h>
#include <stdlib.h>

#include "app/app.h"
#include "base/err.h"

#define S3_SECRET_MAX 512

int app_check_recordings(const struct app *a, struct buf *why)
{
	enum record_policy policy;
	if (record_policy_parse(str_of(a->config.recording_policy), &policy) == 0)
		return 0;
	buf_printf(why, "--recording-policy: %s is not announce, consent or off", a->config.recording_policy);
	return ERR_CONFIG;
}

enum record_policy app_record_policy(const struct app *a)
{
	enum record_policy policy = RECORD_OFF;
	record_policy_parse(str_of(a->config.recording_policy), &policy); /* checked before */
	return policy;
}

/* Given by the storage, of whatever length. */
static int open_secret(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	if (!c->s3_endpoint[0])
		return 0;
	const char *value = getenv("BELLWIRE_S3_SECRET");
	int err = 0;
	buf_init(&a->s3_secret, S3_SECRET_MAX);
	if (c->s3_secret_file[0])
		err = config_read_line(c->s3_secret_file, &a->s3_secret, why);
	else if (value)
		buf_put(&a->s3_secret, str_of(value));
	if (!err && (!a->s3_secret.len || !buf_ok(&a->s3_secret))) {
		buf_printf(why, "--s3-endpoint needs --s3-secret-file FILE or BELLWIRE_S3_SECRET");
		err = ERR_CONFIG;
	}
	buf_put_c(&a->s3_secret, 0);
	return err;
}

static int open_module(struct app *a, const char *dir, struct buf *why)
{
	const struct config *c = &a->config;
	struct recordings_config config = {
		.loop = &a->loop,
		.http = a->http,
		.store = a->store,
		.dir = dir,
		.s3 = {c->s3_endpoint, c->s3_bucket, c->s3_region, c->s3_key_id, a->s3_secret.ptr},
		.max_bytes = c->recording_max_bytes,
		.max_call_bytes = c->recording_max_call_bytes,
		.max_all_bytes = c->recording_max_all_bytes,
		.min_free_bytes = c->recording_min_free,
		.max_uploads = c->recording_max_uploads,
		.max_uploads_of_one = c->recording_max_uploads_of_one,
		.expire_ms = c->recording_expire_ms,
		.keep_ms = c->recording_keep_ms,
		.link_ms = c->recording_link_ms,
	};
	api_recording_host(a->api, &config.host);
	return recordings_open(&config, &a->recordings, why);
}

int app_open_recordings(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	struct buf dir;
	if (str_eq_z(str_of(c->recording_dir), "none"))
		return 0;
	buf_init(&dir, 4096);
	if (c->recording_dir[0])
		buf_put(&dir, str_of(c->recording_dir));
	else
		buf_printf(&dir, "%s/recordings", c->data);
	buf_put_c(&dir, 0);
	int err = open_secret(a, why);
	if (!err)
		err = buf_ok(&dir) ? open_module(a, dir.ptr, why) : ERR_CONFIG;
	buf_fini(&dir);
	return err;
}

/* The bucket: its address and keys, and objects fetched and removed. Signed by libcurl (fetch_request.sigv4). */
#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "recording/s3_inner.h"

#define EMPTY_SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

int s3_open(struct recordings *r, struct s3 **out, struct buf *why)
{
	const struct recording_s3 *c = &r->config.s3;
	struct str endpoint = str_of(c->endpoint);
	bool good = str_starts_with(endpoint, STR("https://")) || str_starts_with(endpoint, STR("http://"));
	if (!good || str_ends_with(endpoint, STR("/")) || !c->bucket[0] || !c->key_id[0] || !c->secret[0]) {
		buf_printf(why,
			"--s3-endpoint: needs https://host without a path, and --s3-bucket, --s3-key-id and a secret");
		return ERR_CONFIG;
	}
	struct s3 *s = mem_new(sizeof *s);
	if (!s)
		return ERR_NO_MEMORY;
	s->r = r;
	s->config = *c;
	s->sigv4 = (struct fetch_sigv4){c->region, "s3", c->key_id, c->secret};
	list_init(&s->puts);
	struct fetch_config config = {.allow = fetch_allow_any, .allow_http = true, .max_connections = 32};
	int err = fetcher_new(r->config.loop, &config, &s->fetcher);
	if (err < 0) {
		mem_free(s);
		return err;
	}
	*out = s;
	s3_abort_abandoned(s);
	return 0;
}

static void on_fetcher_closed(void *arg)
{
	struct s3 *s = arg;
	void (*cb)(void *) = s->on_closed;
	void *cb_arg = s->on_closed_arg;
	mem_free(s);
	cb(cb_arg);
}

void s3_close(struct s3 *s, void (*cb)(void *arg), void *arg)
{
	s->on_closed = cb;
	s->on_closed_arg = arg;
	fetcher_close(s->fetcher, on_fetcher_closed, s);
}

int s3_request(struct s3 *s, const struct s3_call *call, struct fetch **out)
{
	struct buf url;
	struct fetch_header headers[4] = {{"X-Amz-Content-Sha256", str_of(call->sha256 ? call->sha256 : EMPTY_SHA)}};
	size_t n = 1;
	if (call->content_type)
		headers[n++] = (struct fetch_header){"Content-Type", str_of(call->content_type)};
	if (call->range)
		headers[n++] = (struct fetch_header){"Range", str_of(call->range)};
	buf_init(&url, 2048);
	buf_printf(&url, "%s/%s%s%s%s", s->config.endpoint, s->config.bucket, call->key[0] ? "/" : "", call->key,
		call->query ? call->query : "");
	buf_put_c(&url, 0);
	struct fetch_request q = {.method = call->method,
		.url = url.ptr,
		.headers = headers,
		.n_headers = n,
		.body = call->body,
		.streams_body = call->upload_length > 0,
		.upload_length = call->upload_length,
		.total_ms = -1,
		.sigv4 = &s->sigv4,
		.cb = call->cb,
		.arg = call->arg};
	int err = buf_ok(&url) ? fetch_start(s->fetcher, &q, out) : url.err;
	buf_fini(&url);
	return err;
}

int s3_result(const char *what, const struct fetch_result *result)
{
	if (!result->err && result->status / 100 == 2)
		return 0;
	log_warn("S3 failed", LOG_S("at", what), LOG_I("status", result->status),
		LOG_S("detail", result->err ? result->detail : "refused"));
	return ERR_IO;
}

/* --- removing --- */

struct removing {
	struct s3 *s;
	recording_err_cb done;
	void *arg;
};

static void on_removed(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct removing *m = arg;
	struct recordings *r = m->s->r;
	(void)f;
	int err = result->status == 404 ? 0 : s3_result("DELETE", result);
	m->done(m->arg, err);
	mem_free(m);
	recordings_end(r);
}

void s3_remove(struct s3 *s, const char *id, recording_err_cb done, void *arg)
{
	static const struct fetch_cb cb = {.on_done = on_removed};
	struct removing *m = mem_new(sizeof *m);
	if (!m) {
		done(arg, ERR_NO_MEMORY);
		return;
	}
	*m = (struct removing){s, done, arg};
	recordings_begin(s->r);
	struct s3_call call = {.method = "DELETE", .key = id, .cb = &cb, .arg = m};
	int err = s3_request(s, &call, NULL);
	if (err < 0) {
		mem_free(m);
		done(arg, err);
		recordings_end(s->r);
	}
}

/* --- sending on --- */

struct relaying {
	struct s3 *s;
	struct http_req *req;
	struct fetch *fetch;
	bool failed;
};

static void on_head(struct fetch *f, int status, void *arg)
{
	struct relaying *y = arg;
	(void)f;
	y->failed = status / 100 != 2;
}

static void on_drain(struct http_req *req, void *arg)
{
	struct relaying *y = arg;
	(void)req;
	fetch_resume(y->fetch);
}

static void on_data(struct fetch *f, struct str bytes, void *arg)
{
	struct relaying *y = arg;
	int sent = y->failed ? 0 : http_resp_write(y->req, bytes);
	if (sent == ERR_AGAIN) {
		fetch_pause(f);
	} else if (sent < 0) {
		struct recordings *r = y->s->r;
		http_resp_end(y->req);
		fetch_cancel(f);
		mem_free(y);
		recordings_end(r);
	}
}

static void on_sent(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct relaying *y = arg;
	struct recordings *r = y->s->r;
	(void)f;
	if (s3_result("GET", result) == 0)
		http_resp_end(y->req);
	else
		http_resp_abort(y->req);
	mem_free(y);
	recordings_end(r);
}

void s3_send(struct s3 *s, const char *id, struct http_req *req, int64_t at, int64_t n)
{
	static const struct fetch_cb cb = {.on_head = on_head, .on_data = on_data, .on_done = on_sent};
	char range[64];
	struct relaying *y = mem_new(sizeof *y);
	if (!y) {
		http_resp_abort(req);
		return;
	}
	*y = (struct relaying){.s = s, .req = req};
	snprintf(range, sizeof range, "bytes=%lld-%lld", (long long)at, (long long)(at + n - 1));
	recordings_begin(s->r);
	http_resp_on_drain(req, on_drain, y);
	struct s3_call call = {.method = "GET", .key = id, .range = range, .cb = &cb, .arg = y};
	if (s3_request(s, &call, &y->fetch) < 0) {
		http_resp_abort(req);
		mem_free(y);
		recordings_end(s->r);
	}
}

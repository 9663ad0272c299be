/* A few requests by the fetch module, driven by tests/fetch: each argument is one, as a JSON object; a line of JSON is
 * written for each as it ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "fetch/fetch.h"

struct one {
	struct fetch *r;
	int64_t n_sent, n_to_send; /* streamed */
	int64_t n_taken;
	int64_t cancel_after; /* bytes of the answer; 0: never */
	int64_t pause_ms;     /* after each piece */
	struct timer timer;
	bool hungry;
};

static struct loop loop;
static struct fetcher *fetcher;
static int n_left;

static void on_closed(void *arg)
{
	(void)arg;
	loop_stop(&loop);
}

static void one_less(void)
{
	if (--n_left == 0)
		fetcher_close(fetcher, on_closed, NULL);
}

static void on_timer(struct timer *t, void *arg)
{
	struct one *o = arg;
	(void)t;
	fetch_resume(o->r);
}

static void on_data(struct fetch *r, struct str bytes, void *arg)
{
	struct one *o = arg;
	o->n_taken += (int64_t)bytes.len;
	if (o->cancel_after && o->n_taken >= o->cancel_after) {
		fetch_cancel(r);
		puts("{\"cancelled\":true}");
		one_less();
	} else if (o->pause_ms) {
		fetch_pause(r);
		timer_start(&loop, &o->timer, o->pause_ms, on_timer, o);
	}
}

/* Every second call has nothing, so that waiting is part of every upload. */
static int64_t on_need(struct fetch *r, char *into, size_t size, void *arg)
{
	struct one *o = arg;
	(void)r;
	o->hungry = !o->hungry;
	if (o->hungry) {
		timer_start(&loop, &o->timer, 1, on_timer, o);
		return ERR_AGAIN;
	}
	int64_t n = o->n_to_send - o->n_sent;
	if (n > (int64_t)size)
		n = (int64_t)size;
	memset(into, 'x', (size_t)n);
	o->n_sent += n;
	return n;
}

static void on_done(struct fetch *r, const struct fetch_result *result, void *arg)
{
	struct one *o = arg;
	struct buf b;
	buf_init(&b, 1u << 22);
	struct json_writer w = json_writer(&b);
	jw_object(&w);
	jw_kz(&w, "err", result->err ? err_name(result->err) : "");
	jw_kz(&w, "detail", result->detail);
	jw_kint(&w, "status", result->status);
	jw_kstr(&w, "body", result->body.ptr ? result->body : STR(""));
	jw_kstr(&w, "etag", fetch_header(r, "etag"));
	jw_kint(&w, "taken", o->n_taken);
	jw_end_object(&w);
	printf("%.*s\n", STR_ARG(buf_str(&b)));
	buf_fini(&b);
	timer_stop(&loop, &o->timer);
	one_less();
}

static const char *text(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static int64_t number(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static void start(const json_t *j)
{
	static const struct fetch_cb collects = {.on_need = on_need, .on_done = on_done};
	static const struct fetch_cb streams = {.on_data = on_data, .on_need = on_need, .on_done = on_done};
	struct one *o = mem_new(sizeof *o);
	struct fetch_sigv4 sig = {text(j, "region"), "s3", text(j, "key"), text(j, "secret")};
	struct fetch_header headers[] = {
		{"X-Test", str_of("a test")}, {"X-Amz-Content-Sha256", str_of(text(j, "sha256"))}};
	o->n_to_send = number(j, "send");
	o->cancel_after = number(j, "cancel_after");
	o->pause_ms = number(j, "pause_ms");
	struct fetch_request q = {
		.method = text(j, "method"),
		.url = text(j, "url"),
		.headers = headers,
		.n_headers = text(j, "sha256") ? 2 : 1,
		.body = str_of(text(j, "body")),
		.streams_body = json_object_get(j, "send"),
		.upload_length = json_is_true(json_object_get(j, "chunked")) ? -1 : o->n_to_send,
		.max_response = (size_t)number(j, "max_response"),
		.connect_ms = number(j, "connect_ms"),
		.total_ms = number(j, "total_ms"),
		.stall_ms = number(j, "stall_ms"),
		.max_redirects = (int)number(j, "max_redirects"),
		.sigv4 = sig.region ? &sig : NULL,
		.cb = json_is_true(json_object_get(j, "stream")) ? &streams : &collects,
		.arg = o,
	};
	if (fetch_start(fetcher, &q, &o->r) < 0)
		abort();
}

int main(int argc, char **argv)
{
	const char *ca = getenv("FETCH_CA");
	struct fetch_config config = {
		.allow = getenv("FETCH_PUBLIC") ? NULL : fetch_allow_any, .allow_http = true, .ca_file = ca};
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (loop_init(&loop) < 0 || fetcher_new(&loop, &config, &fetcher) < 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		json_t *j = json_loads(argv[i], 0, NULL);
		int64_t times = number(j, "times");
		for (int64_t k = 0; k < (times ? times : 1); k++) {
			n_left++;
			start(j);
		}
		json_decref(j);
	}
	loop_run(&loop);
	loop_fini(&loop);
	return 0;
}

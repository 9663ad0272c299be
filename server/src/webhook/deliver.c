/* One attempt: the event written, signed and posted; what the answer means; when to try again.
 *
 * The signature is that of the Standard Webhooks specification: HMAC-SHA-256 over "id.timestamp.body".
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "call/hook.h"
#include "codec/hmac.h"
#include "webhook/inner.h"

#define STRIKES_MAX 10
#define PAUSE_FACTOR_MAX 60
#define WAIT_MAX_S 600	   /* what a receiver may ask for */
#define BODY_MAX (1 << 20) /* an event is far below */

/* --- the secret, the signature --- */

int deliver_take_secret(struct webhook *w)
{
	static const struct str prefix = {"whsec_", 6};
	struct str secret = w->config.secret;
	buf_init(&w->key, 1024);
	if (!str_starts_with(secret, prefix)) {
		buf_put(&w->key, secret);
		return w->key.err;
	}
	secret = str_n(secret.ptr + prefix.len, secret.len - prefix.len);
	char *room = buf_reserve(&w->key, secret.len);
	int n = room ? id_base64_decode(secret, room, secret.len) : ERR_NO_MEMORY;
	if (n > 0)
		buf_commit(&w->key, (size_t)n);
	return n > 0 ? 0 : n == ERR_NO_MEMORY ? n : ERR_CONFIG;
}

/* "v1,BASE64" */
static int sign(const struct webhook *w, const char *id, const char *timestamp, struct str body, struct buf *out)
{
	struct buf text;
	uint8_t mac[32];
	buf_init(&text, BODY_MAX + 200);
	buf_printf(&text, "%s.%s.", id, timestamp);
	buf_put(&text, body);
	int err = text.err ? text.err : hmac_sum(HMAC_SHA256, buf_str(&w->key), buf_str(&text), mac);
	buf_fini(&text);
	if (err < 0)
		return err;
	buf_put(out, STR("v1,"));
	id_base64_encode(out, str_n((const char *)mac, sizeof mac));
	return out->err;
}

/* The body stays the same in all attempts. */
static int write_body(struct delivery *d)
{
	if (d->body.len)
		return 0;
	buf_init(&d->body, BODY_MAX);
	struct json_writer json = json_writer(&d->body);
	jw_object(&json);
	hook_write_members(&json, &d->event);
	jw_end_object(&json);
	return d->body.err;
}

/* --- when it fails --- */

static void on_pause_over(struct timer *t, void *arg)
{
	struct delivery *d = arg;
	(void)t;
	list_push(&d->webhook->ready, &d->in_ready);
	deliver_ready(d->webhook);
}

/* Pauses that double, a fifth of them by chance so that not all come at once; or what the receiver has asked for. */
static void try_later(struct delivery *d, int64_t asked_ms)
{
	const struct webhook_config *c = &d->webhook->config;
	int64_t factor = d->attempts > 6 ? PAUSE_FACTOR_MAX : INT64_C(1) << (d->attempts > 0 ? d->attempts - 1 : 0);
	int64_t pause = c->retry_ms * (factor < PAUSE_FACTOR_MAX ? factor : PAUSE_FACTOR_MAX);
	pause -= (int64_t)(map_hash(str_n((const char *)&d->event.id, sizeof d->event.id)) % (uint64_t)(pause / 5 + 1));
	if (pause < asked_ms)
		pause = asked_ms;
	if (timer_start(c->loop, &d->pause, pause, on_pause_over, d) < 0)
		log_error("no memory to deliver a webhook; it comes with the next start",
			LOG_S("call", d->event.call_id));
}

/* The receiver is there and does not want this very event. */
static bool is_refusal(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void on_failure(struct delivery *d, int status, const char *why, int64_t asked_ms)
{
	struct webhook *w = d->webhook;
	int64_t now = loop_now_ms(w->config.loop);
	if (!d->first_failed_at) {
		d->first_failed_at = now ? now : 1;
		d->delivered_then = w->n_delivered;
	}
	if (is_refusal(status) || w->n_delivered > d->delivered_then)
		d->strikes++;
	if (!w->is_failing)
		log_warn("a webhook was not taken; tried again", LOG_S("call", d->event.call_id),
			LOG_I("status", status), LOG_S("error", why));
	w->is_failing = true;
	bool over = d->strikes >= STRIKES_MAX || now - d->first_failed_at >= w->config.give_up_ms;
	if (over && webhook_give_up(d, status, why))
		window_settle(d);
	else
		try_later(d, asked_ms);
}

/* --- an attempt --- */

/* Nobody reads what receivers say; it costs them no more than their time. */
static void on_data(struct fetch *r, struct str bytes, void *arg)
{
	(void)r;
	(void)bytes;
	(void)arg;
}

static int64_t asked_pause_ms(struct fetch *r)
{
	uint64_t seconds;
	struct str text = fetch_header(r, "Retry-After");
	return text.ptr && str_parse_u64(text, WAIT_MAX_S, &seconds) == 0 ? (int64_t)seconds * 1000 : 0;
}

static void on_done(struct fetch *r, const struct fetch_result *result, void *arg)
{
	struct delivery *d = arg;
	struct webhook *w = d->webhook;
	char why[OUTBOX_ERROR_SIZE];
	int64_t asked_ms = result->status ? asked_pause_ms(r) : 0;
	d->fetch = NULL;
	w->n_busy--;
	if (result->err == 0 && result->status >= 200 && result->status < 300) {
		if (w->is_failing)
			log_info("webhooks are taken again", LOG_S("call", d->event.call_id));
		w->is_failing = false;
		w->n_delivered++;
		window_settle(d);
	} else {
		if (result->err == 0)
			snprintf(why, sizeof why, "HTTP %d", result->status);
		else
			snprintf(why, sizeof why, "%s", result->detail);
		on_failure(d, result->status, why, asked_ms);
	}
	deliver_ready(w);
}

static const struct fetch_cb callbacks = {.on_data = on_data, .on_done = on_done};

static int post(struct delivery *d, const char *id, const char *timestamp, struct str signature)
{
	const struct webhook_config *c = &d->webhook->config;
	const struct fetch_header headers[] = {
		{"Content-Type", STR("application/json")},
		{"User-Agent", STR("bellwire")},
		{"Webhook-Id", str_of(id)},
		{"Webhook-Timestamp", str_of(timestamp)},
		{"Webhook-Signature", signature},
	};
	const struct fetch_request request = {
		.method = "POST",
		.url = c->url,
		.headers = headers,
		.n_headers = sizeof headers / sizeof headers[0],
		.body = buf_str(&d->body),
		.connect_ms = c->timeout_ms,
		.total_ms = c->timeout_ms,
		.cb = &callbacks,
		.arg = d,
	};
	return fetch_start(d->webhook->fetcher, &request, &d->fetch);
}

static int attempt(struct delivery *d)
{
	char id[HOOK_ID_SIZE], timestamp[24];
	struct buf signature;
	hook_id(&d->event, id);
	snprintf(timestamp, sizeof timestamp, "%lld", (long long)(clock_wall_ms() / 1000));
	buf_init(&signature, 128);
	int err = write_body(d);
	if (err == 0)
		err = sign(d->webhook, id, timestamp, buf_str(&d->body), &signature);
	if (err == 0)
		err = post(d, id, timestamp, buf_str(&signature));
	buf_fini(&signature);
	return err;
}

void deliver_ready(struct webhook *w)
{
	while (!w->closing && w->n_busy < BUSY_MAX && !list_empty(&w->ready)) {
		struct delivery *d = CONTAINER_OF(list_shift(&w->ready), struct delivery, in_ready);
		d->attempts++;
		if (attempt(d) == 0) {
			w->n_busy++;
			continue;
		}
		buf_fini(&d->body);
		try_later(d, 0);
	}
}

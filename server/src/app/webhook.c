/* Webhooks, as the options want them. */
#include "webhook/webhook.h"

#include "app/app.h"
#include "base/err.h"

int app_check_webhook(const struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	if (!c->webhook_url[0])
		return 0;
	if (c->webhook_timeout_ms > 0 && c->webhook_retry_ms > 0)
		return webhook_check_url(str_of(c->webhook_url), c->webhook_allow_private, why);
	buf_printf(why, "--webhook-timeout and --webhook-retry must be longer than 0");
	return ERR_CONFIG;
}

int app_open_webhook_secret(struct app *a, struct buf *why)
{
	if (!a->config.webhook_url[0])
		return 0;
	int err = config_secret(a->config.webhook_secret_file, "BELLWIRE_WEBHOOK_SECRET", &a->webhook_secret, why);
	if (err == ERR_NOT_FOUND)
		buf_printf(why,
			"--webhook-url needs --webhook-secret-file FILE or BELLWIRE_WEBHOOK_SECRET; make one with: "
			"head -c 32 /dev/urandom | base64");
	return err;
}

int app_open_webhook(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	if (!c->webhook_url[0])
		return 0;
	const struct webhook_config config = {
		.loop = &a->loop,
		.store = a->store,
		.url = c->webhook_url,
		.secret = buf_str(&a->webhook_secret),
		.allow_private = c->webhook_allow_private,
		.timeout_ms = c->webhook_timeout_ms,
		.retry_ms = c->webhook_retry_ms,
		.give_up_ms = c->webhook_give_up_ms,
	};
	int err = webhook_new(&config, &a->webhook);
	if (err == ERR_CONFIG)
		buf_printf(why, "the webhook secret begins with whsec_ and goes on with something that is not base64");
	return err;
}

void app_close_webhook(struct app *a, void (*closed)(void *arg))
{
	struct webhook *w = a->webhook;
	a->webhook = NULL;
	if (w)
		webhook_close(w, closed, a);
	else
		closed(a);
}

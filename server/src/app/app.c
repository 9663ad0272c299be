/* The program's life: every part opened after those it stands on, and closed in the opposite order. */
#include "app/app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/dev.h"
#include "app/issuer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"

#define DRAIN_NOTICE_MS 200 /* for the notice of the stop to reach those who must fetch it */
#define DRAIN_RETRY_MS 2000 /* what clients are told to wait before they come back */

/* --- checking --- */

static int check_listen(const struct app *a, struct buf *why)
{
	const struct texts *listen = &a->config.listen;
	struct addr addr;
	for (size_t i = 0; i < listen->n; i++) {
		if (addr_parse(str_of(listen->items[i]), &addr) == 0)
			continue;
		buf_printf(
			why, "--listen: %s is not an address such as 127.0.0.1:8080 or [::1]:8080", listen->items[i]);
		return ERR_CONFIG;
	}
	return 0;
}

static int check_log_level(const struct app *a, struct buf *why)
{
	enum log_level level;
	if (log_parse_level(str_of(a->config.log_level), &level) == 0)
		return 0;
	buf_printf(why, "--log-level: %s is not debug, info, warn or error", a->config.log_level);
	return ERR_CONFIG;
}

static int check_issuer(const struct app *a, struct buf *why)
{
	if (a->config.jwks[0] && a->config.jwks_refresh_ms < 1000) {
		buf_printf(why, "--jwks-refresh: a second is the least");
		return ERR_CONFIG;
	}
	return a->config.jwks[0] ? issuer_check(a->config.jwks, why) : 0;
}

int app_check(struct app *a, struct buf *why)
{
	static int (*const checks[])(const struct app *a, struct buf *why) = {check_log_level, check_listen,
		app_check_ice, app_check_turn, app_check_proxies, app_check_tls, app_check_webhook, check_issuer,
		app_check_recordings};
	int err = app_take_db(a, why);
	for (size_t i = 0; err == 0 && i < sizeof checks / sizeof checks[0]; i++)
		err = checks[i](a, why);
	return err;
}

/* --- opening --- */

static int open_data(struct app *a, struct buf *why)
{
	if (mkdir(a->config.data, 0700) == 0 || errno == EEXIST)
		return 0;
	buf_printf(why, "--data: cannot make %s: %s", a->config.data, strerror(errno));
	return ERR_CONFIG;
}

static int open_keys(struct app *a, struct buf *why)
{
	struct buf secret = {0};
	int err = config_secret(a->config.secret_file, "BELLWIRE_SECRET", &secret, why);
	if (err == ERR_NOT_FOUND && a->is_dev) {
		err = open_data(a, why);
		if (err == 0)
			err = dev_secret(a->config.data, &secret, why);
	}
	if (err == ERR_NOT_FOUND)
		buf_printf(why, "no secret: give --secret-file FILE or BELLWIRE_SECRET; make one with: "
				"head -c 32 /dev/urandom | base64");
	jwt_keys_init(&a->keys);
	if (err == 0)
		err = jwt_keys_add_secret(&a->keys, buf_str(&secret));
	buf_fini(&secret);
	return err;
}

static int open_issuer(struct app *a, struct buf *why)
{
	const struct issuer_config config = {&a->loop, &a->keys, a->config.jwks, a->config.jwks_refresh_ms};
	int err = a->config.jwks[0] ? issuer_open(&config, &a->issuer) : 0;
	if (err == ERR_IO)
		buf_printf(why, "--jwks: cannot read %s", a->config.jwks);
	return err;
}

static int open_calls(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	struct calls_config config = {.loop = &a->loop, .store = a->store};
	(void)why;
	call_limits_init(&config.limits);
	config.limits.ring_ms = c->ring_ms;
	config.limits.caller_grace_ms = c->caller_grace_ms;
	config.limits.unreachable_ms = c->unreachable_ms;
	config.limits.connect_ms = c->connect_ms;
	config.limits.unclaimed_ms = c->unclaimed_ms;
	config.limits.resume_ms = c->resume_ms;
	config.limits.alone_ms = c->alone_ms;
	config.limits.max_duration_ms = c->max_duration_ms;
	config.limits.record_policy = app_record_policy(a);
	config.limits.max_participants = (size_t)c->max_participants;
	config.limits.max_legs = (size_t)c->max_joined;
	config.limits.max_live = (size_t)c->max_calls;
	call_limits_set_rings(&config.limits, c->rings_per_minute);
	a->calls = calls_new(&config);
	return a->calls ? 0 : ERR_NO_MEMORY;
}

static int listen_failed(const struct app *a, int err, size_t at, struct buf *why)
{
	const char *address = at < a->config.listen.n ? a->config.listen.items[at] : "";
	if (err == ERR_EXISTS)
		buf_printf(why, "%s is in use by another program; choose another with --listen", address);
	else if (err == ERR_FORBIDDEN)
		buf_printf(why, "%s: ports below 1024 need a privilege; choose another with --listen", address);
	else if (err == ERR_BAD_FIELD)
		buf_printf(why, "%s is not an address of this machine", address);
	else
		buf_printf(why, "cannot listen on %s: %s", address, err_text(err));
	return ERR_CONFIG;
}

static int open_http(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	struct addr listen[CONFIG_MAX_TEXTS];
	struct addr_net trusted[CONFIG_MAX_TEXTS];
	size_t at = 0;
	for (size_t i = 0; i < c->listen.n; i++)
		addr_parse(str_of(c->listen.items[i]), &listen[i]); /* checked before */
	struct http_config config = {
		.listen = listen,
		.n_listen = c->listen.n,
		.origins = c->origins.items,
		.n_origins = c->origins.n,
		.tls = a->tls,
		.trusted = trusted,
		.n_trusted = app_trusted(a, trusted),
		.proxy_protocol = c->proxy_protocol,
		.max_connections = (size_t)c->max_connections,
		.max_per_address = (size_t)c->max_per_address,
		.drain_ms = c->drain_ms,
	};
	app_other_protocol(a, &config.other);
	int err = http_server_new(&a->loop, &config, &at, &a->http);
	return err < 0 ? listen_failed(a, err, at, why) : 0;
}

/* "/SEGMENT/…/", and nothing that others serve. */
static bool is_socket_path(struct str path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	if (path.len < 3 || path.len > 64 || path.ptr[0] != '/' || path.ptr[path.len - 1] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++)
		if (!strchr(plain, path.ptr[i]) || (i && path.ptr[i] == '/' && path.ptr[i - 1] == '/'))
			return false;
	return !str_starts_with(path, STR("/api/")) && !str_starts_with(path, STR("/console/")) &&
	       memmem(path.ptr, path.len, "/.", 2) == NULL;
}

static int open_signal(struct app *a, struct buf *why)
{
	const struct config *c = &a->config;
	if (!is_socket_path(str_of(c->socket_path))) {
		buf_printf(why, "--path: %s is not a path such as /socket.io/, apart from /api/ and /console/",
			c->socket_path);
		return ERR_CONFIG;
	}
	struct signal_config config = {
		.loop = &a->loop,
		.http = a->http,
		.calls = a->calls,
		.keys = &a->keys,
		.path = c->socket_path,
		.ping_interval_ms = c->ping_interval_ms,
		.ping_timeout_ms = c->ping_timeout_ms,
		.connect_timeout_ms = c->connect_timeout_ms,
		.resume_ms = c->resume_ms,
		.max_payload = (size_t)c->max_payload,
		.max_connections = (size_t)c->max_connections,
		.events_per_s = c->events_per_s ? c->events_per_s : -1,
		.events_burst = c->events_burst,
		.protocol_echo = c->protocol_echo,
	};
	struct call_announcer announcer;
	int err = signal_new(&config, &a->signal);
	if (err < 0)
		return err;
	signal_announcer(a->signal, &announcer);
	calls_set_announcer(a->calls, &announcer);
	return calls_start(a->calls);
}

static int open_web(struct app *a, struct buf *why)
{
	struct buf dir;
	buf_init(&dir, 4096);
	int err = 0;
	if (a->config.web[0])
		buf_put(&dir, str_of(a->config.web));
	else if (a->is_dev)
		err = dev_web_dir(&dir, why);
	buf_put_c(&dir, 0);
	if (err == 0 && dir.len > 1) {
		struct http_files_config files = {.root = dir.ptr, .pattern = "/*path", .fallback = "index.html"};
		err = http_files(a->http, &files);
		if (err == ERR_NOT_FOUND)
			buf_printf(why, "--web: there is no folder %s", dir.ptr);
	}
	if (err == 0 && a->is_dev)
		err = dev_register(a->http, &a->keys);
	buf_fini(&dir);
	return err;
}

static void on_demo_filled(void *arg, int err)
{
	(void)arg;
	if (err < 0)
		log_error("the demo's channel could not be written", LOG_E(err));
}

static int open_demo(struct app *a, struct buf *why)
{
	(void)why;
	return a->is_dev ? dev_fill_store(a->store, on_demo_filled, NULL) : 0;
}

/* In this order; each may use what stands before it. What the operator may have to mend stands before the database. */
static int (*const steps[])(struct app *a, struct buf *why) = {
	open_keys,
	open_issuer,
	app_open_turn_secret,
	app_open_webhook_secret,
	app_open_tls,
	open_http,
	app_open_turn,
	open_web,
	app_open_console,
	open_data,
	app_open_store,
	open_calls,
	app_open_webhook,
	open_signal,
	app_open_api,
	app_open_recordings,
	open_demo,
};

/* --- closing: each part's callback closes the next --- */

static void on_store_closed(void *arg)
{
	struct app *a = arg;
	a->store = NULL;
	loop_stop(&a->loop);
}

static void close_store(void *arg)
{
	struct app *a = arg;
	if (a->store)
		store_close(a->store, on_store_closed, a);
	else
		loop_stop(&a->loop);
}

static void close_issuer(void *arg)
{
	struct app *a = arg;
	if (a->issuer)
		issuer_close(a->issuer, close_store, a);
	else
		close_store(a);
	a->issuer = NULL;
}

static void close_webhook(struct app *a)
{
	app_close_webhook(a, close_issuer);
}

static void close_turn(void *arg)
{
	app_close_turn(arg, close_webhook);
}

static void on_recordings_closed(void *arg)
{
	struct app *a = arg;
	a->recordings = NULL;
	close_turn(a);
}

static void close_recordings(void *arg)
{
	struct app *a = arg;
	if (a->recordings)
		recordings_close(a->recordings, on_recordings_closed, a);
	else
		close_turn(a);
}

static void close_http(void *arg)
{
	struct app *a = arg;
	if (a->http)
		http_server_close(a->http, close_recordings, a);
	else
		close_recordings(a);
	a->http = NULL;
}

static void close_signal(void *arg)
{
	struct app *a = arg;
	if (a->signal)
		signal_close(a->signal, close_http, a);
	else
		close_http(a);
}

/* Everything that was opened, in the opposite order; to be called outside the loop. */
static void app_close(struct app *a)
{
	loop_run(&a->loop); /* until the store has closed */
	if (a->calls)
		calls_free(a->calls);
	if (a->signal)
		signal_free(a->signal);
	if (a->api)
		api_free(a->api);
	tls_free(a->tls);
	jwt_keys_fini(&a->keys);
	buf_fini(&a->turn_secret);
	buf_fini(&a->turn_previous);
	buf_fini(&a->s3_secret);
	buf_fini(&a->webhook_secret);
	app_forget_usage(a);
	mem_free(a->db_url);
	loop_fini(&a->loop);
}

/* --- signals --- */

static void on_told(struct timer *t, void *arg)
{
	(void)t;
	close_signal(arg);
}

/* A client that polls, or is just moving to its WebSocket, has yet to fetch the notice. */
static void on_calls_drained(void *arg)
{
	struct app *a = arg;
	timer_stop(&a->loop, &a->late);
	if (!signal_n_connected(a->signal) || timer_start(&a->loop, &a->told, DRAIN_NOTICE_MS, on_told, a) < 0)
		close_signal(a);
}

/* Its answers may never come; what they would have been the next start finds out. */
static void on_late(struct timer *t, void *arg)
{
	struct app *a = arg;
	(void)t;
	log_warn("stopping without the database's last answers");
	calls_give_up(a->calls);
	close_signal(a);
}

static void stop(struct app *a)
{
	a->stopping = true;
	log_info("stopping");
	watchdog_stop(&a->watchdog);
	uv_close((uv_handle_t *)&a->on_term, NULL);
	uv_close((uv_handle_t *)&a->on_int, NULL);
	if (a->on_hup.data)
		uv_close((uv_handle_t *)&a->on_hup, NULL);
	if (a->turn)
		turn_drain(a->turn);
	signal_drain(a->signal, DRAIN_RETRY_MS);
	timer_start(&a->loop, &a->late, a->config.drain_ms, on_late, a);
	calls_drain(a->calls, on_calls_drained, a);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct app *a = handle->data;
	if (number == SIGHUP) {
		app_reload_tls(a);
		app_reload_turn(a);
		if (a->issuer)
			issuer_reload(a->issuer);
	} else if (!a->stopping) {
		stop(a);
	}
}

static void watch(struct app *a, uv_signal_t *handle, int number)
{
	uv_signal_init(&a->loop.uv, handle);
	handle->data = a;
	uv_signal_start(handle, on_signal, number);
}

static void watch_signals(struct app *a)
{
	watch(a, &a->on_term, SIGTERM);
	watch(a, &a->on_int, SIGINT);
	if (!a->is_dev || a->tls || a->issuer) /* a demo ends with its terminal */
		watch(a, &a->on_hup, SIGHUP);
}

/* --- running --- */

int app_open(struct app *a, struct buf *why)
{
	int err = loop_init(&a->loop);
	if (err < 0)
		return err;
	map_init(&a->relayed);
	for (size_t i = 0; err == 0 && i < sizeof steps / sizeof steps[0]; i++)
		err = steps[i](a, why);
	if (err < 0) {
		close_signal(a);
		app_close(a);
		return err;
	}
	watchdog_start(&a->watchdog, &a->loop);
	watch_signals(a); /* before anybody is told that it is ready, and may want it to stop */
	return 0;
}

int app_run(struct app *a)
{
	app_close(a);
	log_info("stopped");
	return EXIT_OK;
}

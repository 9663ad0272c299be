/* Signaling as a whole: put together, told to stop, taken apart. */
#include "signal/signal.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "signal/dispatch.h"

/* One packet: a `sync` with many large calls is the largest. */
#define SCRATCH_MAX (8 * 1024 * 1024)

#define ECHO_PATH "/engine.io/"

static void set_default(int64_t *value, int64_t fallback)
{
	if (*value == 0)
		*value = fallback;
}

static void set_default_size(size_t *value, size_t fallback)
{
	if (*value == 0)
		*value = fallback;
}

static void fill_defaults(struct signal_config *c)
{
	if (!c->path)
		c->path = "/socket.io/";
	set_default(&c->ping_interval_ms, 10000);
	set_default(&c->ping_timeout_ms, 5000);
	set_default(&c->connect_timeout_ms, 45000);
	set_default(&c->resume_ms, 30000);
	set_default(&c->expiry_warning_ms, 60000);
	set_default(&c->expiry_grace_ms, 30000);
	set_default(&c->events_per_s, 100);
	set_default(&c->events_burst, 200);
	set_default_size(&c->max_payload, 1000000);
	set_default_size(&c->max_queue, 1024 * 1024);
	set_default_size(&c->max_connections, 20000);
	set_default_size(&c->max_user_sessions, 32);
}

static struct eio_config eio_config_of(const struct signal_config *c)
{
	return (struct eio_config){.loop = c->loop,
		.http = c->http,
		.path = c->path,
		.ping_interval_ms = c->ping_interval_ms,
		.ping_timeout_ms = c->ping_timeout_ms,
		.max_payload = c->max_payload,
		.max_queue = c->max_queue,
		.max_sessions = c->max_connections};
}

static int open_echo(struct signal *sig)
{
	struct eio_config eio = eio_config_of(&sig->config);
	eio.path = ECHO_PATH;
	eio.handlers = echo_eio_handlers;
	return eio_server_init(&sig->echo, &eio);
}

static int open_sio(struct signal *sig)
{
	struct eio_config eio = eio_config_of(&sig->config);
	sig->webrtc = (struct sio_namespace){.name = "/webrtc",
		.on_connect = connect_on_connect,
		.on_event = dispatch_on_event,
		.on_disconnect = connect_on_disconnect,
		.arg = sig};
	sig->sio.connect_timeout_ms = sig->config.connect_timeout_ms;
	if (sig->config.protocol_echo)
		return sio_server_init(&sig->sio, &eio, echo_namespaces, 2);
	return sio_server_init(&sig->sio, &eio, &sig->webrtc, 1);
}

int signal_new(const struct signal_config *config, struct signal **out)
{
	struct signal *sig = mem_new(sizeof *sig);
	if (!sig)
		return ERR_NO_MEMORY;
	sig->config = *config;
	fill_defaults(&sig->config);
	map_init(&sig->sessions);
	map_init(&sig->users);
	list_init(&sig->pending);
	buf_init(&sig->scratch, SCRATCH_MAX);
	int err = open_sio(sig);
	if (err == 0 && sig->config.protocol_echo)
		err = open_echo(sig);
	if (err < 0) {
		mem_free(sig);
		return err;
	}
	*out = sig;
	return 0;
}

void signal_announcer(struct signal *sig, struct call_announcer *out)
{
	*out = (struct call_announcer){.arg = sig,
		.deliver = deliver_announcement,
		.n_sessions = deliver_n_sessions,
		.is_connected = deliver_is_connected,
		.find_session = deliver_find_session};
}

size_t signal_n_connected(const struct signal *sig)
{
	return sig->n_connected;
}

void signal_drain(struct signal *sig, int64_t retry_after_ms)
{
	sig->draining = true;
	struct json_writer w = packet_begin(sig, "server.draining");
	jw_object(&w);
	jw_kint(&w, "retryAfterMs", retry_after_ms);
	jw_end_object(&w);
	struct str packet = packet_ready(sig);
	for (struct map_node *node = map_next(&sig->sessions, NULL); node; node = map_next(&sig->sessions, node))
		session_send(CONTAINER_OF(node, struct session, node), packet);
}

/* --- the end --- */

static void free_sessions(struct signal *sig)
{
	struct map_node *node;
	while ((node = map_next(&sig->sessions, NULL)))
		session_free(CONTAINER_OF(node, struct session, node));
}

static void on_server_closed(void *arg)
{
	struct signal *sig = arg;
	if (--sig->n_closing > 0)
		return;
	free_sessions(sig);
	sig->on_closed(sig->on_closed_arg);
}

void signal_close(struct signal *sig, void (*cb)(void *arg), void *arg)
{
	sig->draining = true;
	sig->closing = true;
	sig->on_closed = cb;
	sig->on_closed_arg = arg;
	sig->n_closing = sig->config.protocol_echo ? 2 : 1;
	sio_server_close(&sig->sio, on_server_closed, sig);
	if (sig->config.protocol_echo)
		eio_server_close(&sig->echo, on_server_closed, sig);
}

void signal_free(struct signal *sig)
{
	if (!sig)
		return;
	sio_server_fini(&sig->sio);
	if (sig->config.protocol_echo)
		eio_server_fini(&sig->echo);
	map_fini(&sig->sessions);
	map_fini(&sig->users);
	buf_fini(&sig->scratch);
	mem_free(sig);
}

/* The server's life: configured, listening, closing in good order. */
#include <assert.h>
#include <limits.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/conn.h"

#define RESERVED_FDS 32

#define DEFAULT(field, value)                                                                                          \
	do {                                                                                                           \
		if (!c->field)                                                                                         \
			c->field = (value);                                                                            \
	} while (0)

static void fill_defaults(struct http_config *c)
{
	DEFAULT(max_head_bytes, 16384);
	DEFAULT(max_target_bytes, 8192);
	DEFAULT(max_fields, 100);
	DEFAULT(max_body_bytes, 1 << 20);
	DEFAULT(max_queue_bytes, 1 << 20);
	DEFAULT(max_connections, 10000);
	DEFAULT(head_ms, 10000);
	DEFAULT(body_ms, 15000);
	DEFAULT(min_body_bytes, 4096);
	DEFAULT(stall_ms, 20000);
	DEFAULT(idle_ms, 60000);
	DEFAULT(drain_ms, 5000);
}

/* Accepting goes on as long as there is room, for connections and for descriptors. */
static void update_accepting(struct http_server *s)
{
	bool full = s->n_conns >= s->config.max_connections || s->out_of_fds;
	if (full == s->paused || s->closing)
		return;
	s->paused = full;
	s->stats.pauses += full;
	if (full)
		log_warn(s->out_of_fds ? "descriptors run short, new connections wait"
				       : "as many connections as allowed, new ones wait",
			LOG_I("connections", s->n_conns));
	for (size_t i = 0; i < s->n_listening; i++)
		(full ? listener_pause : listener_resume)(&s->listeners[i]);
}

static void on_accept(struct listener *l, int fd, const struct addr *peer)
{
	struct http_server *s = l->arg;
	s->out_of_fds = fd > s->max_fd; /* the lowest free one is always given */
	http_conn_new(s, fd, peer);
	update_accepting(s);
}

/* Some are left for files, the store and the relay. */
static int highest_fd(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)limit.rlim_cur - RESERVED_FDS;
}

static int copy_trusted(struct http_server *s, const struct http_config *config)
{
	if (config->n_trusted == 0)
		return 0;
	s->trusted = mem_new(config->n_trusted * sizeof *s->trusted);
	if (!s->trusted)
		return ERR_NO_MEMORY;
	memcpy(s->trusted, config->trusted, config->n_trusted * sizeof *s->trusted);
	return 0;
}

static int copy_origins(struct http_server *s, const struct http_config *config)
{
	if (config->n_origins == 0)
		return 0;
	s->origins = mem_new(config->n_origins * sizeof *s->origins);
	if (!s->origins)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < config->n_origins; i++) {
		s->origins[i] = mem_dup(str_of(config->origins[i]));
		if (!s->origins[i])
			return ERR_NO_MEMORY;
		s->n_origins++;
	}
	return 0;
}

/* The addresses, one by one; *out_at is the one that failed. */
static int listen_all(struct http_server *s, const struct http_config *config, size_t *out_at)
{
	s->n_listeners = config->n_listen;
	s->listeners = mem_new(config->n_listen * sizeof *s->listeners);
	if (!s->listeners)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < config->n_listen; i++) {
		int err = listener_open(&s->listeners[i], &s->net, &config->listen[i], on_accept, s);
		if (err) {
			if (out_at)
				*out_at = i;
			return err;
		}
		s->n_listening++;
	}
	return 0;
}

static void server_free(struct http_server *s)
{
	for (size_t i = 0; i < s->n_origins; i++)
		mem_free(s->origins[i]);
	mem_free(s->origins);
	mem_free(s->trusted);
	map_fini(&s->crowd);
	mem_free(s->listeners);
	http_files_free(s);
	router_fini(&s->router);
	buf_fini(&s->batch.bytes);
	buf_fini(&s->head_out);
	net_fini(&s->net);
	timer_stop(s->loop, &s->drain);
	mem_free(s);
}

int http_server_new(struct loop *loop, const struct http_config *config, size_t *out_at, struct http_server **out)
{
	assert(config->n_listen > 0);
	struct http_server *s = mem_new(sizeof *s);
	if (!s)
		return ERR_NO_MEMORY;
	s->loop = loop;
	s->config = *config;
	s->config.listen = NULL;
	s->config.origins = NULL;
	s->config.trusted = NULL;
	s->max_fd = highest_fd();
	map_init(&s->crowd);
	fill_defaults(&s->config);
	s->head_limits =
		(struct head_limits){s->config.max_target_bytes, s->config.max_head_bytes, s->config.max_fields};
	list_init(&s->conns);
	list_init(&s->files);
	router_init(&s->router);
	buf_init(&s->batch.bytes, WS_BATCH_MAX);
	buf_init(&s->head_out, HTTP_MAX_HEAD_OUT);
	if (out_at)
		*out_at = 0;
	int err = net_init(&s->net, loop);
	if (!err)
		err = copy_origins(s, config);
	if (!err)
		err = copy_trusted(s, config);
	if (!err)
		err = listen_all(s, config, out_at);
	if (err && s->n_listening == 0)
		server_free(s);
	else if (err)
		http_server_close(s, NULL, NULL);
	else
		*out = s;
	return err;
}

const struct addr *http_server_addr(const struct http_server *s, size_t i)
{
	assert(i < s->n_listeners);
	return &s->listeners[i].addr;
}

size_t http_server_n_connections(const struct http_server *s)
{
	return s->n_conns;
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
	*out = s->stats;
	out->connections = s->n_conns;
	out->net = s->net.stats;
}

int http_route(struct http_server *s, const struct http_route *route)
{
	return router_add(&s->router, route);
}

int http_routes(struct http_server *s, const struct http_route *routes, void *arg)
{
	int err = 0;
	for (; err == 0 && routes->pattern; routes++) {
		struct http_route route = *routes;
		route.arg = arg;
		err = http_route(s, &route);
	}
	return err;
}

/* RFC 9110 §5.6.7, written once a second. */
const char *http_server_date(struct http_server *s)
{
	int64_t now_s = clock_wall_ms() / 1000;
	if (now_s == s->date_at_s)
		return s->date;
	time_t now = (time_t)now_s;
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
	s->date_at_s = now_s;
	return s->date;
}

/* Nothing lives any more that knows the server. */
static void end_if_empty(struct http_server *s)
{
	if (!s->closing || s->n_conns || s->n_requests || s->n_listening)
		return;
	void (*on_closed)(void *arg) = s->on_closed;
	void *arg = s->on_closed_arg;
	server_free(s);
	if (on_closed)
		on_closed(arg);
}

void http_server_conn_gone(struct http_server *s)
{
	s->n_conns--;
	s->out_of_fds = false;
	update_accepting(s);
	end_if_empty(s);
}

static void on_last(struct timer *t, void *arg)
{
	(void)t;
	end_if_empty(arg);
}

/* The last one may leave from inside a call that still uses the server: look in the next turn. */
void http_server_req_gone(struct http_server *s)
{
	s->n_requests--;
	if (s->closing && s->n_conns == 0 && s->n_requests == 0 && timer_start(s->loop, &s->drain, 0, on_last, s) != 0)
		end_if_empty(s);
}

static void on_listener_closed(struct listener *l)
{
	struct http_server *s = l->arg;
	s->n_listening--;
	end_if_empty(s);
}

static void on_drain(struct timer *t, void *arg)
{
	(void)t;
	struct http_server *s = arg;
	LIST_EACH(&s->conns, item)
	http_conn_shut(CONTAINER_OF(item, struct http_conn, link), true);
}

void http_server_close(struct http_server *s, void (*cb)(void *arg), void *arg)
{
	assert(!s->closing);
	s->closing = true;
	s->on_closed = cb;
	s->on_closed_arg = arg;
	for (size_t i = s->n_listening; i-- > 0;)
		listener_close(&s->listeners[i], on_listener_closed);
	LIST_EACH(&s->conns, item)
	http_conn_shut(CONTAINER_OF(item, struct http_conn, link), false);
	if (timer_start(s->loop, &s->drain, s->config.drain_ms, on_drain, s) != 0)
		on_drain(&s->drain, s);
	if (!s->n_conns && !s->n_listening && !s->n_requests)
		timer_start(s->loop, &s->drain, 0, on_last, s);
}

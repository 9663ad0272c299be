/* /metrics: what the program counts, in the text form that Prometheus reads. For this machine, and for the host. */
#include "api/resource.h"
#include "base/err.h"
#include "loop/watchdog.h"
#include "recording/recording.h"
#include "turn/turn.h"

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* The machine's own collector needs no token; whoever came through a proxy or under another name is not it. */
static bool may_read(const struct api *api, struct http_req *req)
{
	struct jwt_claims claims;
	bool token = http_req_header(req, "authorization").ptr != NULL;
	if (!token && addr_is_loopback(http_req_peer(req)) && http_req_host_is_loopback(req) &&
		!http_req_is_forwarded(req))
		return true;
	return api_authenticate_server(api, req, &claims);
}

static void put_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP bellwire_%s %s\n# TYPE bellwire_%s %s\n", name, help, name, type);
}

static void put(struct buf *out, const char *name, const char *labels, uint64_t value)
{
	buf_printf(out, "bellwire_%s%s %llu\n", name, labels, (unsigned long long)value);
}

static void put_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
	put_head(out, name, "gauge", help);
	put(out, name, "", value);
}

static void put_counter(struct buf *out, const char *name, const char *help, uint64_t value)
{
	put_head(out, name, "counter", help);
	put(out, name, "", value);
}

static void put_seconds(struct buf *out, const char *name, const char *help, int64_t ms)
{
	put_head(out, name, "gauge", help);
	buf_printf(out, "bellwire_%s %lld.%03lld\n", name, (long long)(ms / 1000), (long long)(ms % 1000));
}

static void put_connections(struct buf *out, const struct http_stats *s)
{
	put_gauge(out, "connections", "Open HTTP connections, WebSockets included.", s->connections);
	put_gauge(out, "websockets", "Open WebSockets.", s->websockets);
	put_counter(out, "connections_accepted_total", "Connections accepted.", s->accepted);
	put_counter(out, "connections_refused_total", "Connections beyond what one address may have.", s->refused);
	put_counter(out, "connections_relay_total", "Connections that turned out to be TURN.", s->taken);
	put_counter(out, "accept_pauses_total", "Times that accepting stopped for want of room.", s->pauses);
	put_counter(out, "received_bytes_total", "Bytes read from connections.", s->net.bytes_in);
	put_counter(out, "sent_bytes_total", "Bytes written to connections.", s->net.bytes_out);
}

static void put_answers(struct buf *out, const struct http_stats *s)
{
	char labels[32];
	put_head(out, "responses_total", "counter", "Answers by class of status.");
	for (size_t class = 1; class < sizeof s->by_class / sizeof s->by_class[0]; class ++) {
		snprintf(labels, sizeof labels, "{class=\"%zuxx\"}", class);
		put(out, "responses_total", labels, s->by_class[class]);
	}
}

static void put_handshakes(struct buf *out, const struct net_stats *s)
{
	put_head(out, "tls_handshakes_total", "counter", "TLS handshakes by how they ended.");
	put(out, "tls_handshakes_total", "{result=\"full\"}", s->handshakes - s->handshakes_resumed);
	put(out, "tls_handshakes_total", "{result=\"resumed\"}", s->handshakes_resumed);
	put(out, "tls_handshakes_total", "{result=\"failed\"}", s->handshakes_failed);
	put_gauge(out, "tls_handshakes_waiting", "TLS handshakes that wait for their turn.", s->handshakes_waiting);
}

static void put_histogram(struct buf *out, const char *name, const char *help, const struct histogram *h)
{
	uint64_t below = 0;
	put_head(out, name, "histogram", help);
	for (size_t i = 0; i < h->n_bounds; i++) {
		below += h->counts[i];
		buf_printf(out, "bellwire_%s_bucket{le=\"%g\"} %llu\n", name, (double)h->bounds_ms[i] / 1000,
			(unsigned long long)below);
	}
	buf_printf(out, "bellwire_%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)h->count);
	buf_printf(out, "bellwire_%s_sum %lld.%03lld\n", name, (long long)(h->sum_ms / 1000),
		(long long)(h->sum_ms % 1000));
	buf_printf(out, "bellwire_%s_count %llu\n", name, (unsigned long long)h->count);
}

static void put_labelled(struct buf *out, const char *name, const char *label, const char *word, uint64_t value)
{
	char labels[64];
	snprintf(labels, sizeof labels, "{%s=\"%s\"}", label, word);
	put(out, name, labels, value);
}

static void put_calls(const struct api *api, struct buf *out)
{
	struct calls_stats s;
	calls_stats(api->config.calls, &s);
	put_head(out, "calls", "gauge", "Live calls.");
	put_labelled(out, "calls", "status", "ringing", s.by_status[0]);
	put_labelled(out, "calls", "status", "active", s.by_status[1]);
	put_head(out, "call_people", "gauge", "People in active calls, by the last level of their connection.");
	for (size_t i = 0; i < QUALITY_COUNT; i++)
		put_labelled(out, "call_people", "quality", quality_word((enum quality)i), s.levels[i]);
	put_counter(out, "calls_started_total", "Calls that were made.", s.n_started);
	put_counter(out, "calls_answered_total", "Calls that were answered.", s.n_answered);
	put_head(out, "calls_ended_total", "counter", "Calls that are over, by the reason.");
	for (size_t i = END_NONE + 1; i < END_REASON_COUNT; i++)
		put_labelled(out, "calls_ended_total", "reason", end_reason_word((enum end_reason)i), s.by_reason[i]);
	put_histogram(out, "call_answer_seconds", "From the first ring to the answer.", &s.answer);
	put_histogram(out, "call_duration_seconds", "From the answer to the end.", &s.duration);
	put_histogram(out, "commit_seconds", "How long changes of calls waited for the disk.", &s.commit);
	put_counter(out, "quality_samples_total", "Samples of quality that were taken.", s.n_samples);
}

static void put_work(const struct api *api, struct buf *out)
{
	const struct api_gauges *g = &api->config.gauges;
	size_t writes, reads;
	store_waiting(api->config.store, &writes, &reads);
	if (g->n_sessions)
		put_gauge(out, "sessions", "Devices with a socket.", g->n_sessions(g->arg));
	put_head(out, "store_waiting", "gauge", "Jobs that wait for a thread of the database.");
	put(out, "store_waiting", "{lane=\"write\"}", writes);
	put(out, "store_waiting", "{lane=\"read\"}", reads);
	if (!g->watchdog)
		return;
	put_seconds(out, "loop_lag_seconds", "How late the loop was when last looked at.", g->watchdog->late_ms);
	put_seconds(out, "loop_lag_max_seconds", "The latest that it was since the start.", g->watchdog->most_ms);
	put_counter(out, "loop_stalls_total", "Times that it was more than 200 ms late.", g->watchdog->n_stalls);
}

static const char *const transports[TURN_N_TRANSPORTS] = {"udp", "tcp", "tls", "dtls"};

static void put_each_transport(struct buf *out, const struct turn_stats *s)
{
	char labels[48];
	put_head(out, "turn_allocations", "gauge", "Allocations of the relay.");
	for (size_t i = 0; i < TURN_N_TRANSPORTS; i++) {
		snprintf(labels, sizeof labels, "{transport=\"%s\"}", transports[i]);
		put(out, "turn_allocations", labels, s->by_transport[i].allocations);
	}
	put_head(out, "turn_allocations_made_total", "counter", "Allocations that were granted.");
	for (size_t i = 0; i < TURN_N_TRANSPORTS; i++) {
		snprintf(labels, sizeof labels, "{transport=\"%s\"}", transports[i]);
		put(out, "turn_allocations_made_total", labels, s->by_transport[i].allocations_made);
	}
}

/* Two values of each transport: what went to peers, and what to clients. */
static void put_ways(struct buf *out, const char *name, const char *transport, uint64_t to_peer, uint64_t to_client)
{
	char labels[64];
	snprintf(labels, sizeof labels, "{transport=\"%s\",to=\"peer\"}", transport);
	put(out, name, labels, to_peer);
	snprintf(labels, sizeof labels, "{transport=\"%s\",to=\"client\"}", transport);
	put(out, name, labels, to_client);
}

static void put_relayed(struct buf *out, const struct turn_stats *s)
{
	const struct turn_traffic *t = s->by_transport;
	put_head(out, "turn_relayed_bytes_total", "counter", "Payload that the relay moved.");
	for (size_t i = 0; i < TURN_N_TRANSPORTS; i++)
		put_ways(out, "turn_relayed_bytes_total", transports[i], t[i].bytes_to_peer, t[i].bytes_to_client);
	put_head(out, "turn_relayed_packets_total", "counter", "Packets that the relay moved.");
	for (size_t i = 0; i < TURN_N_TRANSPORTS; i++)
		put_ways(
			out, "turn_relayed_packets_total", transports[i], t[i].packets_to_peer, t[i].packets_to_client);
}

/* What was not relayed or not answered, by the reason. */
static void put_refused(struct buf *out, const struct turn_stats *s)
{
	const struct {
		const char *labels;
		uint64_t value;
	} reasons[] = {
		{"{reason=\"unauthorized\"}", s->unauthorized},
		{"{reason=\"suppressed\"}", s->suppressed},
		{"{reason=\"malformed\"}", s->malformed},
		{"{reason=\"forbidden_peer\"}", s->forbidden},
		{"{reason=\"quota\"}", s->quota},
		{"{reason=\"rate\"}", s->over_rate},
		{"{reason=\"no_permission\"}", s->no_permission},
		{"{reason=\"send_failed\"}", s->send_failed},
		{"{reason=\"stream_refused\"}", s->streams_refused},
	};
	put_head(out, "turn_refused_total", "counter", "Requests and packets that the relay did not serve.");
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		put(out, "turn_refused_total", reasons[i].labels, reasons[i].value);
}

static void put_recordings(const struct api_gauges *g, struct buf *out)
{
	struct recordings_stats s;
	if (!g->recordings || !g->recordings(g->arg, &s))
		return;
	put_gauge(out, "recording_uploads", "Recordings that are being uploaded.", s.n_open);
	put_gauge(out, "recording_completions", "Uploads that are whole and become recordings.", s.n_completing);
	put_gauge(out, "recording_bytes", "Bytes of recordings that are stored, of unfinished ones too.",
		(uint64_t)s.n_bytes);
}

static void count_user(void *arg, const struct turn_user_stats *user)
{
	uint64_t *n = arg;
	(void)user;
	++*n;
}

static void put_relay(struct turn *turn, struct buf *out)
{
	struct turn_stats s;
	uint64_t users = 0;
	turn_stats(turn, &s);
	turn_each_user(turn, count_user, &users);
	put_each_transport(out, &s);
	put_gauge(out, "turn_users", "Users with an allocation.", users);
	put_gauge(out, "turn_streams", "Clients of the relay over TCP, TLS and DTLS.", s.streams);
	put_counter(out, "turn_bindings_total", "STUN binding requests answered.", s.bindings);
	put_relayed(out, &s);
	put_refused(out, &s);
}

static void on_metrics(struct http_req *req, void *arg)
{
	const struct api *api = arg;
	struct http_stats http;
	struct buf body;
	if (!may_read(api, req))
		return;
	http_server_stats(api->config.http, &http);
	buf_init(&body, API_MAX_ANSWER);
	put_connections(&body, &http);
	put_answers(&body, &http);
	put_handshakes(&body, &http.net);
	put_calls(api, &body);
	put_work(api, &body);
	put_recordings(&api->config.gauges, &body);
	if (api->config.gauges.turn)
		put_relay(api->config.gauges.turn, &body);
	if (buf_ok(&body))
		http_respond(req, 200, CONTENT_TYPE, buf_str(&body));
	else
		http_respond_problem(req, body.err, NULL, NULL);
	buf_fini(&body);
}

const struct http_route api_metrics_routes[] = {
	{.method = "GET", .pattern = "/metrics", .handler = on_metrics},
	{0},
};

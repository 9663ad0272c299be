/* /healthz, /readyz and the interface's own description. */
#include <string.h>
#include <sys/statvfs.h>

#include "api/resource.h"
#include "base/err.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "openapi_json.h" /* made from protocol/openapi.json */
#include "turn/turn.h"

static void on_healthz(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond_json(req, 200, STR("{\"status\":\"ok\"}"));
}

/* What a page of ours must know before it has a token. */
static void on_server(struct http_req *req, void *arg)
{
	const struct api *api = arg;
	struct buf body;
	buf_init(&body, API_MAX_ANSWER);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "socketPath");
	jw_str(&w, str_of(api->config.socket_path));
	jw_end_object(&w);
	api_answer(req, 200, &body);
}

/* What must be there to take calls. Disk and relay are asked on the pool: they may let one wait. */
struct readiness {
	struct api *api;
	struct http_req *req;
	struct work work;
	union turn_addr relay;
	const char *disk; /* words of the answer */
	const char *relays;
};

#define DISK_LEAST (64ULL << 20) /* below, commits may fail soon */
#define RELAY_MS 300

static const char *ask_disk(const char *folder)
{
	struct statvfs fs;
	if (statvfs(folder, &fs) < 0)
		return "unavailable";
	return (uint64_t)fs.f_bavail * fs.f_frsize < DISK_LEAST ? "full" : "ok";
}

static int ask(struct work *work)
{
	struct readiness *r = CONTAINER_OF(work, struct readiness, work);
	r->disk = ask_disk(r->api->config.data);
	if (r->relay.any.sa_family)
		r->relays = turn_answers(&r->relay, RELAY_MS) == 0 ? "ok" : "unavailable";
	return 0;
}

static void on_known(struct work *work, int err)
{
	struct readiness *r = CONTAINER_OF(work, struct readiness, work);
	const char *database = store_health(r->api->config.store) < 0 ? "unavailable" : "ok";
	bool ready = err == 0 && strcmp(database, "ok") == 0 && strcmp(r->disk, "ok") == 0 &&
		     strcmp(r->relays, "unavailable") != 0;
	struct buf body;
	buf_init(&body, 1000);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_kz(&w, "status", ready ? "ok" : "unavailable");
	jw_key(&w, "checks");
	jw_object(&w);
	jw_kz(&w, "database", database);
	jw_kz(&w, "disk", r->disk);
	jw_kz(&w, "relay", r->relays);
	jw_end_object(&w);
	jw_end_object(&w);
	api_answer(r->req, ready ? 200 : 503, &body);
	mem_free(r);
}

static void on_readyz(struct http_req *req, void *arg)
{
	struct api *api = arg;
	struct readiness *r = mem_new(sizeof *r);
	if (!r) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return;
	}
	r->api = api;
	r->req = req;
	r->disk = "unavailable";
	r->relays = "off";
	if (api->config.gauges.turn)
		turn_listening(api->config.gauges.turn, &r->relay, 1);
	work_start(api->config.loop, &r->work, ask, on_known);
}

static void on_openapi(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond_json(req, 200, str_n((const char *)openapi_json, openapi_json_len));
}

const struct http_route api_system_routes[] = {
	{.method = "GET", .pattern = "/healthz", .handler = on_healthz},
	{.method = "GET", .pattern = "/readyz", .handler = on_readyz},
	{.method = "GET", .pattern = "/api/openapi.json", .handler = on_openapi},
	{.method = "GET", .pattern = "/api/server", .handler = on_server},
	{0},
};

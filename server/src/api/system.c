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

/* What must be there to take calls. The disk is asked on the pool: a network's may let one wait. */
struct readiness {
	struct api *api;
	struct http_req *req;
	struct work work;
	uint64_t free_bytes;
};

#define DISK_LEAST (64ULL << 20) /* below, commits may fail soon */

static int ask_disk(struct work *work)
{
	struct readiness *r = CONTAINER_OF(work, struct readiness, work);
	struct statvfs fs;
	if (statvfs(r->api->config.data, &fs) < 0)
		return ERR_IO;
	r->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

static void on_disk_known(struct work *work, int err)
{
	struct readiness *r = CONTAINER_OF(work, struct readiness, work);
	const struct api_config *config = &r->api->config;
	const char *database = store_health(config->store) < 0 ? "unavailable" : "ok";
	const char *disk = err < 0 ? "unavailable" : r->free_bytes < DISK_LEAST ? "full" : "ok";
	union turn_addr addr;
	const char *relay = !config->gauges.turn			    ? "off"
			    : turn_listening(config->gauges.turn, &addr, 1) ? "ok"
									    : "unavailable";
	bool ready = strcmp(database, "ok") == 0 && strcmp(disk, "ok") == 0 && strcmp(relay, "unavailable") != 0;
	struct buf body;
	buf_init(&body, 1000);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_kz(&w, "status", ready ? "ok" : "unavailable");
	jw_key(&w, "checks");
	jw_object(&w);
	jw_kz(&w, "database", database);
	jw_kz(&w, "disk", disk);
	jw_kz(&w, "relay", relay);
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
	work_start(api->config.loop, &r->work, ask_disk, on_disk_known);
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
	{0},
};

/* /healthz, /readyz and the interface's own description. */
#include "api/resource.h"
#include "base/err.h"
#include "openapi_json.h" /* made from protocol/openapi.json */

static void on_healthz(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond_json(req, 200, STR("{\"status\":\"ok\"}"));
}

static void on_readyz(struct http_req *req, void *arg)
{
	struct api *api = arg;
	if (store_health(api->config.store) < 0)
		http_respond_json(
			req, 503, STR("{\"status\":\"unavailable\",\"checks\":{\"database\":\"unavailable\"}}"));
	else
		http_respond_json(req, 200, STR("{\"status\":\"ok\"}"));
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

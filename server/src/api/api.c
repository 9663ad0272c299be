/* The API's life: its routes are added once, and stay. */
#include "api/resource.h"
#include "base/err.h"
#include "base/mem.h"

static const struct http_route *const resources[] = {
	api_call_routes,
	api_channel_routes,
	api_history_routes,
	api_ice_routes,
	api_metrics_routes,
	api_outbox_routes,
	api_overview_routes,
	api_quality_routes,
	api_system_routes,
	api_timeline_routes,
	api_user_routes,
};

/* So that a path of the API that does not exist is a problem document, not the page of an application. */
static int add_nothing_else(struct api *api)
{
	struct http_route route = {.method = NULL, .pattern = "/api/*path", .handler = NULL};
	return http_route(api->config.http, &route);
}

int api_new(const struct api_config *config, struct api **out)
{
	struct api *api = mem_new(sizeof *api);
	int err = api ? 0 : ERR_NO_MEMORY;
	if (err == 0)
		api->config = *config;
	for (size_t i = 0; err == 0 && i < sizeof resources / sizeof resources[0]; i++)
		err = http_routes(api->config.http, resources[i], api);
	if (err == 0)
		err = add_nothing_else(api);
	if (err < 0)
		mem_free(api);
	else
		*out = api;
	return err;
}

void api_free(struct api *api)
{
	mem_free(api);
}

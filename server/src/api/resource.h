/* resource: what the resources of the API share. Private to api/. */
#ifndef BELLWIRE_API_RESOURCE_H
#define BELLWIRE_API_RESOURCE_H

#include "api/api.h"
#include "base/json.h"
#include "call/call.h"
#include "codec/jwt.h"
#include "http/http.h"
#include "recording/recording.h"
#include "store/store.h"

struct api {
	struct api_config config;
};

#define API_MAX_ANSWER (4 * 1024 * 1024)

/* Who asks, from the bearer token alone; nothing is answered. As jwt_verify. */
int api_bearer(const struct api *api, struct http_req *req, struct jwt_claims *out);

/* Who asks, from the bearer token alone. False: the refusal has been answered. */
bool api_authenticate(const struct api *api, struct http_req *req, struct jwt_claims *out);

/* The same, for the host's own backend only (403 forbidden to others). */
bool api_authenticate_server(const struct api *api, struct http_req *req, struct jwt_claims *out);

/* The body as a JSON object; an empty body is {}. False: the refusal has been answered. *out is the caller's. */
bool api_read_body(struct http_req *req, json_t **out);

/* An id of the host's (user or channel): 1 to 128 bytes of UTF-8 without control characters. */
bool api_is_id(struct str s);

/* A path parameter that is such an id, or a call's id; false: 404 has been answered, since no such thing can exist. */
bool api_id_param(struct http_req *req, char *out, size_t size, int not_found);
bool api_call_param(struct http_req *req, char out[ID_UUID_SIZE]);

/* Query numbers, words and times; absent leaves *out. False: 400 naming the parameter has been answered. */
bool api_query_int(struct http_req *req, const char *name, int64_t min, int64_t max, int64_t *out);
bool api_query_time(struct http_req *req, const char *name, int64_t *out);

void api_bad_field(struct http_req *req, const char *field, const char *detail);

/* Answers what was written, or the error that stuck to the buffer; frees it. */
void api_answer(struct http_req *req, int status, struct buf *body);

/* A call that the asking user may know, found and checked, then given to `found`; outsiders have got their 404. */
struct api_lookup {
	struct api *api;
	struct http_req *req;
	struct jwt_claims claims;
	struct store_read_call read;
	struct store_read_people people;
	char user_ids[1][MODEL_USER_ID_SIZE];
	void (*found)(struct api_lookup *l, const struct call *call); /* must answer; l is freed after it */
};

/* Begins: authenticates, takes :id, asks. Answers by itself when it goes wrong. */
void api_find_call(struct api *api, struct http_req *req, void (*found)(struct api_lookup *l, const struct call *call));

/* The routes of each file, closed by one without a pattern. */
extern const struct http_route api_call_routes[];
extern const struct http_route api_channel_routes[];
extern const struct http_route api_history_routes[];
extern const struct http_route api_ice_routes[];
extern const struct http_route api_metrics_routes[];
extern const struct http_route api_outbox_routes[];
extern const struct http_route api_overview_routes[];
extern const struct http_route api_quality_routes[];
extern const struct http_route api_timeline_routes[];
extern const struct http_route api_user_routes[];
extern const struct http_route api_system_routes[];

#endif

/* Which origins may use us from a browser: our own, and those that are listed, exactly (Fetch standard, §3.2). */
#include "base/err.h"
#include "http/conn.h"

#define ALLOWED_HEADERS                                                                                                \
	"Authorization, Content-Type, Idempotency-Key, If-None-Match, Range, Tus-Resumable, Upload-Offset, "           \
	"Upload-Length, Upload-Defer-Length, Upload-Metadata, Upload-Checksum"
#define EXPOSED_HEADERS                                                                                                \
	"Location, Retry-After, Next-Cursor, ETag, Content-Range, Accept-Ranges, Tus-Resumable, Upload-Offset, "       \
	"Upload-Length, Upload-Expires, Upload-Metadata, Tus-Version, Tus-Extension, Tus-Max-Size, "                   \
	"Tus-Checksum-Algorithm"

/* "https://host:port" names the host that the request was sent to. Who came by TLS is not what came without; the other
 * way round it may be that a proxy speaks TLS for us. */
static bool is_same_host(const struct http_req *req, struct str origin)
{
	size_t skip = str_starts_with(origin, STR("https://")) ? 8 : 0;
	if (!skip && !req->is_https)
		skip = str_starts_with(origin, STR("http://")) ? 7 : 0;
	struct str host = req->head->host;
	return skip && host.len && str_eq_nocase(str_n(origin.ptr + skip, origin.len - skip), host);
}

enum cors cors_of(const struct http_req *req)
{
	const struct http_server *s = req->server;
	struct str origin = head_field(req->head, STR("origin"));
	if (!origin.ptr)
		return CORS_NONE;
	if (is_same_host(req, origin))
		return CORS_SAME;
	for (size_t i = 0; i < s->n_origins; i++)
		if (str_eq_nocase(origin, str_of(s->origins[i])))
			return CORS_LISTED;
	return CORS_REFUSED;
}

void cors_write(const struct http_req *req, struct buf *out)
{
	if (req->server->n_origins)
		buf_put(out, STR("Vary: Origin\r\n"));
	if (cors_of(req) != CORS_LISTED)
		return;
	struct str origin = head_field(req->head, STR("origin"));
	buf_printf(out, "Access-Control-Allow-Origin: %.*s\r\n", STR_ARG(origin));
	buf_put(out, STR("Access-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: " EXPOSED_HEADERS
			 "\r\n"));
}

static void answer_preflight(struct http_req *req, struct str methods)
{
	http_resp_header(req, "Access-Control-Allow-Methods", methods);
	http_resp_header(req, "Access-Control-Allow-Headers", STR(ALLOWED_HEADERS));
	http_resp_header(req, "Access-Control-Max-Age", STR("600"));
	http_respond(req, 204, NULL, STR(""));
}

void cors_answer_options(struct http_req *req, const struct route_match *m)
{
	bool is_preflight = http_req_header(req, "access-control-request-method").ptr != NULL;
	enum cors cors = cors_of(req);
	struct buf allow;
	buf_init(&allow, 256);
	if (m->pattern.ptr)
		router_allow(&req->server->router, m->pattern, &allow);
	if (!m->pattern.ptr && !str_eq_z(req->head->path, "*")) {
		http_respond_problem(req, ERR_NOT_FOUND, NULL, NULL);
	} else if (is_preflight && cors == CORS_REFUSED) {
		http_respond_problem(req, ERR_ORIGIN_REFUSED, NULL, NULL);
	} else if (is_preflight && cors == CORS_LISTED) {
		answer_preflight(req, buf_str(&allow));
	} else {
		if (allow.len)
			http_resp_header(req, "Allow", buf_str(&allow));
		http_respond(req, 204, NULL, STR(""));
	}
	buf_fini(&allow);
}

void http_respond_options(struct http_req *req)
{
	struct route_match m;
	router_find(&req->server->router, req->head->method, req->head->path, &m);
	cors_answer_options(req, &m);
}

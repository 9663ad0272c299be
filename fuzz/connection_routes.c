/* Routes for each way in which a request can be read and answered. */
#include "connection_routes.h"

#include "base/err.h"
#include "http/http.h"

#include <stdlib.h>

#define MAX_WAITING 8
#define MAX_BODY 2048

static struct http_req *waiting[MAX_WAITING]; /* not answered yet */
static struct http_req *held;		      /* its body is held back */

/* --- POST /up/ID: a body in pieces; if the id begins with a p it is held back --- */

static void on_data(struct http_req *req, struct str bytes, void *arg)
{
	(void)bytes, (void)arg;
	if (held || http_req_param(req, "id").ptr[0] != 'p')
		return;
	held = req;
	http_req_pause(req);
}

static void on_end(struct http_req *req, void *arg)
{
	(void)arg;
	http_resp_header(req, "Location", http_req_param(req, "id"));
	http_respond(req, 201, NULL, STR(""));
}

static void on_abort(struct http_req *req, int err, void *arg)
{
	(void)arg;
	if (held == req)
		held = NULL;
	http_respond_problem(req, err, NULL, "body");
}

static void take_body(struct http_req *req, void *arg)
{
	static const struct http_body_cb cb = {on_data, on_end, on_abort};
	if (http_req_content_length(req) == 1)
		http_respond_problem(req, ERR_CONFLICT, NULL, NULL); /* without looking at it */
	else
		http_req_read(req, &cb, arg);
}

/* --- GET /down/TIMES/TEXT: an answer in pieces --- */

static size_t times_of(const struct http_req *req)
{
	uint64_t times;
	return str_parse_u64(http_req_param(req, "times"), 64, &times) == 0 ? (size_t)times : 1;
}

static void on_drain(struct http_req *req, void *arg)
{
	(void)arg;
	http_resp_end(req);
}

static void give_pieces(struct http_req *req, void *arg)
{
	static char large[8192];
	struct str text = http_req_param(req, "text");
	size_t times = times_of(req);
	bool is_large = str_eq_z(text, "large");
	if (is_large)
		text = str_n(large, sizeof large);
	http_resp_begin(req, 200, "text/plain", times % 2 ? -1 : (int64_t)(times * text.len));
	int err = 0;
	for (size_t i = 0; i < times && err != ERR_CLOSED; i++)
		err = http_resp_write(req, text);
	if (err == ERR_AGAIN)
		http_resp_on_drain(req, on_drain, arg);
	else if (str_eq_z(text, "abort"))
		http_resp_abort(req);
	else
		http_resp_end(req);
}

/* --- /late/WHAT: answered by and by --- */

static void answer_late(struct http_req **place)
{
	struct http_req *req = *place;
	*place = NULL;
	http_respond_json(req, 200, http_req_body(req).ptr ? http_req_body(req) : STR("{}"));
}

static void on_gone(struct http_req *req, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < MAX_WAITING; i++)
		if (waiting[i] == req)
			answer_late(&waiting[i]);
}

static void take_late(struct http_req *req, void *arg)
{
	for (size_t i = 0; i < MAX_WAITING; i++) {
		if (waiting[i])
			continue;
		waiting[i] = req;
		if (str_eq_z(http_req_param(req, "what"), "gone"))
			http_req_on_gone(req, on_gone, arg);
		return;
	}
	http_respond_problem(req, ERR_OVERLOADED, NULL, NULL);
}

/* --- GET /who: all that can be asked --- */

static void tell(struct http_req *req, void *arg)
{
	char name[32], text[ADDR_TEXT_SIZE];
	int n = http_req_query_get(req, "name", name, sizeof name);
	bool known = http_req_is_https(req) || http_req_is_forwarded(req) || http_req_host_is_loopback(req);
	(void)arg, (void)http_req_path(req), (void)http_req_query(req);
	http_resp_header(req, "Cache-Control", STR("max-age=1"));
	http_resp_header(req, "X-Name", n > 0 ? str_n(name, (size_t)n) : STR(""));
	if (n < 0 && n != ERR_NOT_FOUND)
		http_respond_problem(req, n, NULL, "name");
	else if (!known)
		http_respond_problem(req, ERR_TOKEN_MISSING, NULL, NULL);
	else
		http_respond(req, 200, "text/plain", str_of(addr_format(http_req_peer(req), text)));
}

static void tell_options(struct http_req *req, void *arg)
{
	(void)arg;
	http_respond_options(req);
}

void routes_begin(struct http_server *s)
{
	static const struct http_route routes[] = {
		{.method = "POST", .pattern = "/up/:id", .handler = take_body, .stream = true, .max_body = MAX_BODY},
		{.method = "OPTIONS", .pattern = "/up/:id", .handler = tell_options},
		{.method = "GET", .pattern = "/down/:times/*text", .handler = give_pieces},
		{.pattern = "/late/*what", .handler = take_late, .max_body = MAX_BODY},
		{.method = "GET", .pattern = "/who", .handler = tell},
		{.method = "GET", .pattern = "/nothing"},
		{0},
	};
	held = NULL;
	for (size_t i = 0; i < MAX_WAITING; i++)
		waiting[i] = NULL;
	if (http_routes(s, routes, NULL) != 0)
		abort();
}

void routes_settle(void)
{
	struct http_req *req = held;
	held = NULL;
	if (req)
		http_req_resume(req);
	for (size_t i = 0; i < MAX_WAITING; i++)
		if (waiting[i])
			answer_late(&waiting[i]);
}

/* One request: what it asks of curl, and what curl's callbacks do for it. */
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/ip_range.h"
#include "base/mem.h"
#include "fetch/inner.h"

#define MAX_RESPONSE (1u << 20)
#define CONNECT_MS 10000
#define TOTAL_MS 30000
#define STALL_MS 30000

bool fetch_allow_any(const struct addr *a, void *arg)
{
	(void)a;
	(void)arg;
	return true;
}

bool fetch_allow_public(const struct addr *a, void *arg)
{
	uint8_t ip[16];
	uint8_t inside[2][4];
	size_t n = addr_ip(a, ip);
	(void)arg;
	if (ip_kind(ip, n) != IP_PUBLIC)
		return false;
	for (size_t i = n == 16 ? ip_carried(ip, inside) : 0; i-- > 0;)
		if (ip_kind(inside[i], 4) != IP_PUBLIC)
			return false;
	return true;
}

/* The address that is about to be connected to, after its name was resolved. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct fetch *r = arg;
	struct addr a;
	(void)purpose;
	r->connects = true;
	if (addr_from_sockaddr(&to->addr, &a) < 0 || !r->f->allow(&a, r->f->allow_arg)) {
		r->err = ERR_FORBIDDEN;
		return CURL_SOCKET_BAD;
	}
	curl_socket_t fd = socket(to->family, to->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->protocol);
	/* One of several addresses was refused, and this one is not. */
	if (fd != CURL_SOCKET_BAD)
		r->err = 0;
	return fd;
}

static bool tell_head(struct fetch *r)
{
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!r->told_head && r->cb->on_head) {
		r->told_head = true;
		r->cb->on_head(r, (int)status, r->arg);
	}
	return r->state == FETCH_RUNNING;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
	struct fetch *r = arg;
	(void)one;
	if (r->state != FETCH_RUNNING)
		return CURL_WRITEFUNC_ERROR;
	if (r->paused)
		return CURL_WRITEFUNC_PAUSE;
	if (n > r->max_response - r->n_response) {
		r->err = ERR_PAYLOAD_TOO_LARGE;
		return CURL_WRITEFUNC_ERROR;
	}
	r->n_response += n;
	if (!tell_head(r))
		return CURL_WRITEFUNC_ERROR;
	if (r->cb->on_data)
		r->cb->on_data(r, str_n(bytes, n), r->arg);
	else
		buf_put(&r->body, str_n(bytes, n));
	if (!buf_ok(&r->body))
		r->err = r->body.err;
	return r->state == FETCH_RUNNING && buf_ok(&r->body) ? n : CURL_WRITEFUNC_ERROR;
}

static size_t on_read(char *into, size_t one, size_t n, void *arg)
{
	struct fetch *r = arg;
	(void)one;
	if (r->state != FETCH_RUNNING)
		return CURL_READFUNC_ABORT;
	if (r->starved)
		return CURL_READFUNC_PAUSE;
	int64_t got = r->cb->on_need(r, into, n, r->arg);
	if (r->state != FETCH_RUNNING)
		return CURL_READFUNC_ABORT;
	if (got == ERR_AGAIN) {
		r->starved = true;
		return CURL_READFUNC_PAUSE;
	}
	if (got < 0) {
		r->err = (int)got;
		return CURL_READFUNC_ABORT;
	}
	return (size_t)got;
}

static int add_header(struct fetch *r, struct str name, struct str value)
{
	struct buf line;
	int err = ERR_NO_MEMORY;
	buf_init(&line, 16384);
	buf_put(&line, name);
	/* curl: "name:" takes a field out, "name;" sends an empty one */
	buf_put(&line, value.len ? STR(": ") : STR(";"));
	buf_put(&line, value);
	if (memchr(value.ptr ? value.ptr : "", '\n', value.len) ||
		memchr(value.ptr ? value.ptr : "", '\0', value.len)) {
		r->err = ERR_BAD_FIELD;
		err = 0;
		goto out;
	}
	buf_put_c(&line, '\0');
	struct curl_slist *more = buf_ok(&line) ? curl_slist_append(r->headers, line.ptr) : NULL;
	if (more) {
		r->headers = more;
		err = 0;
	}
out:
	buf_fini(&line);
	return err;
}

static int take_out_header(struct fetch *r, const char *name_and_colon)
{
	struct curl_slist *more = curl_slist_append(r->headers, name_and_colon);
	if (more)
		r->headers = more;
	return more ? 0 : ERR_NO_MEMORY;
}

static int prepare_headers(struct fetch *r, const struct fetch_request *q)
{
	bool has_type = false;
	for (size_t i = 0; i < q->n_headers; i++) {
		has_type |= str_eq_nocase(str_of(q->headers[i].name), STR("content-type"));
		if (add_header(r, str_of(q->headers[i].name), q->headers[i].value) < 0)
			return ERR_NO_MEMORY;
	}
	/* curl's own ideas: waiting for 100 Continue, and a form's type for a body without one. A signature would count
	 * what is taken out as an empty field. */
	if (q->sigv4)
		curl_easy_setopt(r->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 200L);
	else if (take_out_header(r, "Expect:") < 0 || (!has_type && take_out_header(r, "Content-Type:") < 0))
		return ERR_NO_MEMORY;
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	return 0;
}

static int prepare_body(struct fetch *r, const struct fetch_request *q)
{
	const char *method = q->method ? q->method : "GET";
	if (q->streams_body) {
		curl_easy_setopt(r->easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(r->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->upload_length);
		curl_easy_setopt(r->easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(r->easy, CURLOPT_READDATA, r);
	} else if (q->body.len || strcmp(method, "POST") == 0) {
		r->sent = mem_dup(q->body);
		if (!r->sent)
			return ERR_NO_MEMORY;
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->sent);
	}
	if (strcmp(method, "HEAD") == 0)
		curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
	return 0;
}

static void prepare_sigv4(struct fetch *r, const struct fetch_sigv4 *sig)
{
	char what[200];
	curl_easy_setopt(r->easy, CURLOPT_USERNAME, sig->key_id);
	curl_easy_setopt(r->easy, CURLOPT_PASSWORD, sig->secret);
	snprintf(what, sizeof what, "aws:amz:%s:%s", sig->region, sig->service);
	curl_easy_setopt(r->easy, CURLOPT_AWS_SIGV4, what);
}

static long long_or(int64_t given, int64_t otherwise)
{
	int64_t ms = given ? given : otherwise;
	return ms > LONG_MAX ? LONG_MAX : (long)ms;
}

/* In any span of stall_ms at least a byte a second must move. */
static void prepare_times(struct fetch *r, const struct fetch_request *q)
{
	curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT_MS, long_or(q->connect_ms, CONNECT_MS));
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, q->total_ms < 0 ? 0L : long_or(q->total_ms, TOTAL_MS));
	curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME, (long_or(q->stall_ms, STALL_MS) + 999) / 1000);
	/* a name that takes for ever holds up nobody who gives up on it */
	curl_easy_setopt(r->easy, CURLOPT_QUICK_EXIT, 1L);
}

static void prepare_reach(struct fetch *r, const struct fetch_request *q)
{
	const char *schemes = r->f->allow_http ? "http,https" : "https";
	curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(r->easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, q->max_redirects ? 1L : 0L);
	curl_easy_setopt(r->easy, CURLOPT_MAXREDIRS, (long)q->max_redirects);
	curl_easy_setopt(r->easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETDATA, r);
	if (r->f->ca_file)
		curl_easy_setopt(r->easy, CURLOPT_CAINFO, r->f->ca_file);
}

int fetch_prepare(struct fetch *r, const struct fetch_request *q)
{
	r->cb = q->cb;
	r->arg = q->arg;
	r->max_response = q->max_response ? q->max_response : q->cb->on_data ? SIZE_MAX : MAX_RESPONSE;
	buf_init(&r->body, r->max_response == SIZE_MAX ? 0 : r->max_response);
	r->easy = curl_easy_init();
	if (!r->easy || prepare_headers(r, q) < 0 || prepare_body(r, q) < 0)
		return ERR_NO_MEMORY;
	if (curl_easy_setopt(r->easy, CURLOPT_URL, q->url) != CURLE_OK)
		return ERR_NO_MEMORY;
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->detail);
	curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	prepare_reach(r, q);
	prepare_times(r, q);
	if (q->sigv4)
		prepare_sigv4(r, q->sigv4);
	return 0;
}

void fetch_free(struct fetch *r)
{
	if (r->easy)
		curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	mem_free(r->sent);
	buf_fini(&r->body);
	mem_free(r);
}

int fetch_err_of(const struct fetch *r, CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	if (r->err)
		return r->err;
	switch (code) {
	case CURLE_OUT_OF_MEMORY: return ERR_NO_MEMORY;
	case CURLE_OPERATION_TIMEDOUT: return ERR_REQUEST_TIMEOUT;
	case CURLE_UNSUPPORTED_PROTOCOL: return r->connects ? ERR_PROTOCOL : ERR_BAD_FIELD;
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED: return ERR_BAD_FIELD;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_TOO_MANY_REDIRECTS: return ERR_PROTOCOL;
	default: return ERR_IO;
	}
}

struct str fetch_header(struct fetch *r, const char *name)
{
	struct curl_header *h;
	if (curl_easy_header(r->easy, name, 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return (struct str){NULL, 0};
	return str_of(h->value);
}

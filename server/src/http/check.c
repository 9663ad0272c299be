/* The rules of a header as a whole: target, Host, the body's length, expectations. */
#include "base/err.h"
#include "http/head.h"

/* RFC 9112 §6.1: a length that a double holds too. */
#define MAX_CONTENT_LENGTH ((uint64_t)1 << 53)

/* Fields that mean something only once. Two of them would be read differently by different readers. */
static const char *const once_only[] = {"host", "content-length", "transfer-encoding", "content-type", "authorization",
	"origin", "upgrade", "expect", "range", "if-range", "sec-websocket-key", "sec-websocket-version"};

/* llhttp lets an empty name pass. */
static int check_names(const struct http_head *h)
{
	for (size_t i = 0; i < h->n_fields; i++)
		if (!head_is_token(h->fields[i].name))
			return ERR_BAD_REQUEST;
	return 0;
}

static int check_once(const struct http_head *h)
{
	for (size_t i = 0; i < sizeof once_only / sizeof *once_only; i++) {
		size_t n = 0;
		for (size_t k = 0; k < h->n_fields; k++)
			n += str_eq_nocase(h->fields[k].name, str_of(once_only[i]));
		if (n > 1)
			return ERR_BAD_REQUEST;
	}
	return 0;
}

/* RFC 3986 §3.2 without user information: what a host and port are written with. */
static bool is_authority(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!letter && (c == 0 || !strchr("-._~%!$&'()*+,;=:[]", c)))
			return false;
	}
	return s.len > 0;
}

/* RFC 9112 §3.2: exactly one in HTTP/1.1. */
static int check_host(struct http_head *h)
{
	h->host = head_field(h, STR("host"));
	if (!h->host.ptr)
		return h->http_1_0 ? 0 : ERR_BAD_REQUEST;
	return is_authority(h->host) ? 0 : ERR_BAD_REQUEST;
}

/* "http://host/path" (RFC 9112 §3.2.2): the host must be the one in Host; what follows it is left in *rest. */
static int cut_absolute(const struct http_head *h, struct str *rest)
{
	size_t scheme = str_starts_with(*rest, STR("http://")) ? 7 : str_starts_with(*rest, STR("https://")) ? 8 : 0;
	if (!scheme)
		return ERR_BAD_REQUEST;
	struct str after = str_n(rest->ptr + scheme, rest->len - scheme);
	size_t end = 0;
	while (end < after.len && after.ptr[end] != '/' && after.ptr[end] != '?')
		end++;
	struct str authority = str_n(after.ptr, end);
	if (!is_authority(authority) || (h->host.ptr && !str_eq_nocase(authority, h->host)))
		return ERR_BAD_REQUEST;
	*rest = str_n(after.ptr + end, after.len - end);
	return 0;
}

static int check_target(struct http_head *h)
{
	struct str rest = h->target;
	for (size_t i = 0; i < rest.len; i++)
		if (rest.ptr[i] <= ' ' || rest.ptr[i] >= 0x7F || rest.ptr[i] == '#')
			return ERR_BAD_REQUEST;
	if (str_eq_z(h->method, "CONNECT") || str_eq_z(h->method, "TRACE"))
		return ERR_NOT_IMPLEMENTED;
	if (str_eq_z(rest, "*")) {
		h->path = rest;
		return str_eq_z(h->method, "OPTIONS") ? 0 : ERR_BAD_REQUEST;
	}
	if (rest.len && rest.ptr[0] != '/') {
		int err = cut_absolute(h, &rest);
		if (err)
			return err;
	}
	h->path = str_cut(&rest, '?');
	h->query = rest;
	if (h->path.len == 0)
		h->path = STR("/");
	return h->path.ptr[0] == '/' ? 0 : ERR_BAD_REQUEST;
}

/* RFC 9112 §6: how long the body is. */
static int check_body(struct http_head *h)
{
	struct str coding = head_field(h, STR("transfer-encoding"));
	struct str length = head_field(h, STR("content-length"));
	if (coding.ptr) {
		h->content_length = -1;
		bool fits = !length.ptr && !h->http_1_0 && str_eq_nocase(coding, STR("chunked"));
		return fits ? 0 : ERR_BAD_REQUEST;
	}
	uint64_t n = 0;
	if (length.ptr && str_parse_u64(length, MAX_CONTENT_LENGTH, &n) < 0)
		return ERR_BAD_REQUEST;
	h->content_length = (int64_t)n;
	return 0;
}

/* RFC 9110 §10.1.1 */
static int check_expectation(struct http_head *h)
{
	struct str expect = head_field(h, STR("expect"));
	if (!expect.ptr || h->http_1_0)
		return 0;
	h->wants_continue = h->content_length != 0;
	return str_eq_nocase(expect, STR("100-continue")) ? 0 : ERR_BAD_EXPECTATION;
}

int head_check(struct http_head *h)
{
	int err = check_names(h);
	if (!err)
		err = check_once(h);
	if (!err)
		err = check_host(h);
	if (!err)
		err = check_target(h);
	if (!err)
		err = check_body(h);
	return err ? err : check_expectation(h);
}

bool head_list_has(struct str list, const char *token)
{
	while (list.ptr)
		if (str_eq_nocase(str_trim(str_cut(&list, ',')), str_of(token)))
			return true;
	return false;
}

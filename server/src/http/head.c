/* Collects a request's header line by line, then lets llhttp take it apart.
 *
 * The collecting knows nothing but line ends and limits, and stops at the first byte that no header may have; llhttp
 * then sees one run of whole lines, so that every name and value is one piece.
 */
#include "http/head.h"

#include <llhttp/llhttp.h>

#include "base/err.h"
#include "base/mem.h"

#define LINE_EXTRA 32	   /* of the request line beyond its target: method, blanks, version */
#define MAX_EMPTY_BEFORE 4 /* bytes of empty lines before the request line (RFC 9112 §2.2) */

void head_init(struct http_head *h, const struct head_limits *limits)
{
	*h = (struct http_head){0};
	buf_init(&h->text, limits->max_target + LINE_EXTRA + limits->max_bytes);
}

void head_fini(struct http_head *h)
{
	buf_fini(&h->text);
	mem_free(h->fields);
	h->fields = NULL;
}

struct str head_field(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->n_fields; i++)
		if (str_eq_nocase(h->fields[i].name, name))
			return h->fields[i].value;
	return str_n(NULL, 0);
}

/* What a line may hold: visible bytes, blanks, and bytes above ASCII (RFC 9110 §5.5). */
static bool is_line_byte(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7F);
}

/* One byte of the header: the next state, or an error. `at` bytes came before it. */
static int next_state(struct http_head *h, unsigned char c, size_t at)
{
	switch (h->state) {
	case HEAD_BEFORE:
		if (c == '\r' || c == '\n')
			return at < MAX_EMPTY_BEFORE && (c == '\r') == (at % 2 == 0) ? HEAD_BEFORE : ERR_BAD_REQUEST;
		h->line_at = at;
		return at % 2 == 0 && c > ' ' && is_line_byte(c) ? HEAD_LINE : ERR_BAD_REQUEST;
	case HEAD_LINE_START:
		h->line_at = at;
		if (c == '\r')
			return HEAD_LAST_CR;
		return c != ' ' && c != '\t' && is_line_byte(c) ? HEAD_LINE : ERR_BAD_REQUEST;
	case HEAD_LINE:
		if (c == '\r')
			return HEAD_CR;
		return is_line_byte(c) ? HEAD_LINE : ERR_BAD_REQUEST;
	case HEAD_CR: h->n_lines++; return c == '\n' ? HEAD_LINE_START : ERR_BAD_REQUEST;
	default: return c == '\n' ? HEAD_WHOLE : ERR_BAD_REQUEST;
	}
}

/* Whether what has come is within the limits. */
static int check_size(const struct http_head *h, const struct head_limits *limits, size_t at)
{
	if (h->n_lines == 0)
		return at - h->line_at > limits->max_target + LINE_EXTRA ? ERR_URI_TOO_LONG : 0;
	bool fits = h->n_lines <= limits->max_fields + 1 && at - h->fields_at <= limits->max_bytes;
	return fits ? 0 : ERR_HEADERS_TOO_LARGE;
}

static int collect(struct http_head *h, const struct head_limits *limits, struct str bytes, size_t *used)
{
	size_t before = h->text.len;
	size_t i = 0;
	while (i < bytes.len && h->state != HEAD_WHOLE) {
		int next = next_state(h, (unsigned char)bytes.ptr[i], before + i);
		if (next < 0)
			return next;
		h->state = (enum head_state)next;
		i++;
		int err = check_size(h, limits, before + i);
		if (err)
			return err;
	}
	*used = i;
	buf_put(&h->text, str_n(bytes.ptr, i));
	return h->text.err == ERR_TOO_LARGE ? ERR_HEADERS_TOO_LARGE : h->text.err;
}

static int on_target(llhttp_t *ll, const char *at, size_t n)
{
	struct http_head *h = ll->data;
	h->target = str_n(at, n);
	return 0;
}

static int on_name(llhttp_t *ll, const char *at, size_t n)
{
	struct http_head *h = ll->data;
	if (h->n_fields + 1 >= h->n_lines)
		return HPE_USER;
	h->fields[h->n_fields++] = (struct http_field){str_n(at, n), str_n("", 0)};
	return 0;
}

static int on_value(llhttp_t *ll, const char *at, size_t n)
{
	struct http_head *h = ll->data;
	if (h->n_fields == 0)
		return HPE_USER;
	h->fields[h->n_fields - 1].value = str_trim(str_n(at, n));
	return 0;
}

static int on_whole(llhttp_t *ll)
{
	struct http_head *h = ll->data;
	h->http_1_0 = ll->http_major == 1 && ll->http_minor == 0;
	h->method = str_of(llhttp_method_name((llhttp_method_t)ll->method));
	h->keep_alive = llhttp_should_keep_alive(ll) != 0;
	h->wants_upgrade = (ll->flags & F_UPGRADE) && (ll->flags & F_CONNECTION_UPGRADE);
	if (ll->http_major != 1 || ll->http_minor > 1)
		return HPE_USER;
	return 2; /* the body is ours: llhttp stops here */
}

bool head_is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c <= ' ' || c >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return s.len > 0;
}

/* A request line that is right but for a version that we do not speak. */
static bool is_other_version(struct str line)
{
	line.len = str_find(line, '\r');
	if (line.len < 9 || !str_starts_with(str_n(line.ptr + line.len - 9, 9), STR(" HTTP/")))
		return false;
	const char *v = line.ptr + line.len - 3;
	bool known = v[0] == '1' && (v[2] == '0' || v[2] == '1');
	return v[0] >= '1' && v[0] <= '9' && v[1] == '.' && v[2] >= '0' && v[2] <= '9' && !known;
}

/* What llhttp's refusal means for the peer. */
static int refusal(const struct http_head *h, llhttp_errno_t why)
{
	struct str line = str_n(h->text.ptr + h->line_at, h->text.len - h->line_at);
	struct str first = str_n(line.ptr, str_find(line, ' '));
	if (why == HPE_INVALID_METHOD && first.len < 32 && head_is_token(first))
		return ERR_NOT_IMPLEMENTED;
	return is_other_version(line) ? ERR_HTTP_VERSION : ERR_BAD_REQUEST;
}

/* RFC 9112 §3: two blanks and no more; llhttp would take several for one. */
static bool has_two_blanks(const struct http_head *h)
{
	size_t n = 0;
	for (size_t i = h->line_at; i < h->text.len && h->text.ptr[i] != '\r'; i++)
		n += h->text.ptr[i] == ' ';
	return n == 2;
}

static int take_apart(struct http_head *h)
{
	static const llhttp_settings_t settings = {.on_url = on_target,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_headers_complete = on_whole};
	llhttp_t ll;
	llhttp_init(&ll, HTTP_REQUEST, &settings);
	ll.data = h;
	if (h->n_lines > 1 && !(h->fields = mem_new((h->n_lines - 1) * sizeof *h->fields)))
		return ERR_NO_MEMORY;
	if (!has_two_blanks(h))
		return ERR_BAD_REQUEST;
	llhttp_errno_t got = llhttp_execute(&ll, h->text.ptr, h->text.len);
	if (got == HPE_PAUSED_UPGRADE && llhttp_get_error_pos(&ll) == h->text.ptr + h->text.len)
		return head_check(h);
	return refusal(h, got);
}

/* Where the request line began, once it is whole: line_at moved on. */
static void find_first_line(struct http_head *h)
{
	h->line_at = 0;
	while (h->text.ptr[h->line_at] == '\r' || h->text.ptr[h->line_at] == '\n')
		h->line_at++;
}

int head_feed(struct http_head *h, const struct head_limits *limits, struct str bytes, size_t *used)
{
	*used = 0;
	int err = collect(h, limits, bytes, used);
	if (err || h->state != HEAD_WHOLE)
		return err;
	find_first_line(h);
	err = take_apart(h);
	return err ? err : 1;
}

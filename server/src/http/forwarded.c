/* What proxies say about their clients: believed when the proxy is one of those that the operator names.
 *
 * Each proxy adds, at the end of X-Forwarded-For, the address that it was spoken to from. Read from the end, the first
 * address that is no trusted proxy is the client; what stands before it, the client may have written itself.
 */
#include "base/err.h"
#include "http/conn.h"

bool forwarded_trusts(const struct http_server *s, const struct addr *peer)
{
	for (size_t i = 0; i < s->config.n_trusted; i++)
		if (addr_net_has(&s->trusted[i], peer))
			return true;
	return false;
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711" and "[2001:db8::1]". */
static int parse_client(struct str text, struct addr *out)
{
	char with_port[ADDR_TEXT_SIZE];
	size_t colon = str_find(text, ':');
	bool bracketed = text.len && text.ptr[0] == '[';
	bool bare_v6 = !bracketed && colon < text.len &&
		       str_find(str_n(text.ptr + colon + 1, text.len - colon - 1), ':') < text.len - colon - 1;
	if (text.len == 0 || text.len > ADDR_TEXT_SIZE - 5)
		return ERR_BAD_FIELD;
	bool has_port = bracketed ? text.ptr[text.len - 1] != ']' : !bare_v6 && colon < text.len;
	const char *form = has_port ? "%.*s" : bare_v6 ? "[%.*s]:0" : "%.*s:0";
	snprintf(with_port, sizeof with_port, form, STR_ARG(text));
	int err = addr_parse(str_of(with_port), out);
	addr_set_port(out, 0);
	return err;
}

/* The last item of a comma-separated list, cut off it; ptr null when there is none left. */
static struct str cut_last(struct str *list)
{
	size_t at = list->len;
	if (!list->ptr)
		return *list;
	while (at > 0 && list->ptr[at - 1] != ',')
		at--;
	struct str last = str_trim(str_n(list->ptr + at, list->len - at));
	*list = at ? str_n(list->ptr, at - 1) : str_n(NULL, 0);
	return last;
}

/* True when the search is over. */
static bool read_back(const struct http_server *s, struct str list, struct addr *peer)
{
	struct addr client;
	for (struct str item = cut_last(&list); item.ptr; item = cut_last(&list)) {
		if (parse_client(item, &client) != 0)
			return true;
		*peer = client;
		if (!forwarded_trusts(s, &client))
			return true;
	}
	return false;
}

void forwarded_apply(const struct http_server *s, const struct http_head *head, struct addr *peer, bool *is_https)
{
	struct str scheme = str_n(NULL, 0);
	bool found = false;
	for (size_t i = head->n_fields; i-- > 0;) {
		const struct http_field *f = &head->fields[i];
		if (!found && str_eq_nocase(f->name, STR("x-forwarded-for")))
			found = read_back(s, f->value, peer);
		if (!scheme.ptr && str_eq_nocase(f->name, STR("x-forwarded-proto"))) {
			struct str list = f->value;
			scheme = cut_last(&list);
		}
	}
	if (scheme.ptr)
		*is_https = str_eq_nocase(scheme, STR("https"));
}

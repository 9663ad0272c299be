/* JSON in and out. */
#include "base/json.h"

#include "base/clock.h"
#include "base/err.h"

/* jansson bounds nesting only at 2,048, which is deep enough to hurt: look before parsing. */
static bool too_deep(struct str text)
{
	int depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_MAX_NESTING)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

int json_read(struct str text, json_t **out)
{
	*out = NULL;
	/* jansson passes over a NUL behind a number. */
	if (too_deep(text) || str_find(text, 0) < text.len)
		return ERR_BAD_JSON;
	*out = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	return *out ? 0 : ERR_BAD_JSON;
}

int json_read_object(struct str text, json_t **out)
{
	int err = json_read(text, out);
	if (err < 0)
		return err;
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	return ERR_BAD_JSON;
}

int json_get_str(const json_t *object, const char *key, struct str *out)
{
	const json_t *value = json_object_get(object, key);
	*out = str_n(NULL, 0);
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return ERR_BAD_FIELD;
	*out = str_n(json_string_value(value), json_string_length(value));
	return 0;
}

int json_get_bool(const json_t *object, const char *key, bool *out)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return ERR_BAD_FIELD;
	*out = json_is_true(value);
	return 0;
}

int json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(object, key);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < min || json_integer_value(value) > max)
		return ERR_BAD_FIELD;
	*out = json_integer_value(value);
	return 0;
}

static void before_value(struct json_writer *w)
{
	if (w->needs_comma)
		buf_put_c(w->out, ',');
	w->needs_comma = true;
}

static void opening(struct json_writer *w, char c)
{
	before_value(w);
	buf_put_c(w->out, c);
	w->needs_comma = false;
}

static void closing(struct json_writer *w, char c)
{
	buf_put_c(w->out, c);
	w->needs_comma = true;
}

void jw_object(struct json_writer *w)
{
	opening(w, '{');
}

void jw_end_object(struct json_writer *w)
{
	closing(w, '}');
}

void jw_array(struct json_writer *w)
{
	opening(w, '[');
}

void jw_end_array(struct json_writer *w)
{
	closing(w, ']');
}

static void put_escaped(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"': buf_put(out, STR("\\\"")); return;
	case '\\': buf_put(out, STR("\\\\")); return;
	case '\n': buf_put(out, STR("\\n")); return;
	case '\r': buf_put(out, STR("\\r")); return;
	case '\t': buf_put(out, STR("\\t")); return;
	default: buf_printf(out, "\\u%04x", c); return;
	}
}

static void put_quoted(struct buf *out, struct str s)
{
	size_t from = 0;
	buf_put_c(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		buf_put(out, str_n(s.ptr + from, i - from));
		put_escaped(out, c);
		from = i + 1;
	}
	buf_put(out, str_n(s.ptr + from, s.len - from));
	buf_put_c(out, '"');
}

/* What is not UTF-8 should never have come this far; it must not make the whole document unreadable all the same. */
static void put_repaired(struct buf *out, struct str s)
{
	buf_put_c(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c >= 0x80)
			buf_put(out, STR("\xEF\xBF\xBD"));
		else if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			put_escaped(out, c);
		else
			buf_put_c(out, (char)c);
	}
	buf_put_c(out, '"');
}

void jw_key(struct json_writer *w, const char *key)
{
	before_value(w);
	put_quoted(w->out, str_of(key));
	buf_put_c(w->out, ':');
	w->needs_comma = false;
}

void jw_str(struct json_writer *w, struct str s)
{
	if (!s.ptr) {
		jw_null(w);
		return;
	}
	before_value(w);
	if (str_is_utf8(s))
		put_quoted(w->out, s);
	else
		put_repaired(w->out, s);
}

void jw_int(struct json_writer *w, int64_t n)
{
	before_value(w);
	if (n < 0)
		buf_put_c(w->out, '-');
	buf_put_u64(w->out, n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n);
}

void jw_bool(struct json_writer *w, bool b)
{
	before_value(w);
	buf_put(w->out, b ? STR("true") : STR("false"));
}

void jw_null(struct json_writer *w)
{
	before_value(w);
	buf_put(w->out, STR("null"));
}

void jw_raw(struct json_writer *w, struct str json)
{
	before_value(w);
	buf_put(w->out, json);
}

void jw_time(struct json_writer *w, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];
	if (!wall_ms) {
		jw_null(w);
		return;
	}
	clock_format(wall_ms, text);
	jw_str(w, str_of(text));
}

void jw_kstr(struct json_writer *w, const char *key, struct str s)
{
	jw_key(w, key);
	jw_str(w, s);
}

void jw_kz(struct json_writer *w, const char *key, const char *z)
{
	jw_kstr(w, key, str_of(z));
}

void jw_kint(struct json_writer *w, const char *key, int64_t n)
{
	jw_key(w, key);
	jw_int(w, n);
}

void jw_kbool(struct json_writer *w, const char *key, bool b)
{
	jw_key(w, key);
	jw_bool(w, b);
}

void jw_knull(struct json_writer *w, const char *key)
{
	jw_key(w, key);
	jw_null(w);
}

void jw_kraw(struct json_writer *w, const char *key, struct str json)
{
	jw_key(w, key);
	jw_raw(w, json);
}

void jw_ktime(struct json_writer *w, const char *key, int64_t wall_ms)
{
	jw_key(w, key);
	jw_time(w, wall_ms);
}

/* multipart/form-data, byte by byte through a small machine.
 *
 *   START --boundary--> AFTER --CRLF--> HEAD --empty line--> DATA --boundary--> AFTER --"--"--> EPILOGUE
 *
 * The marker that parts are parted by begins with CR LF. A body that begins with a boundary is read as if CR LF had
 * come before it.
 */
#include "recording/multipart.h"

#include "base/err.h"

/* RFC 2046 §5.1.1 */
static bool is_boundary(struct str s)
{
	if (!s.len || s.len > MULTIPART_MAX_BOUNDARY || s.ptr[s.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool letter = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!letter && (!c || !strchr("'()+_,-./:=? ", c)))
			return false;
	}
	return true;
}

/* One parameter of a header field off *rest: name=value, the value perhaps in quotes. False at the end. */
static bool next_parameter(struct str *rest, struct str *name, struct str *value)
{
	*rest = str_trim(*rest);
	if (!rest->len)
		return false;
	size_t at = str_find(*rest, '=');
	*name = str_trim(str_n(rest->ptr, at));
	*value = str_n(NULL, 0);
	if (at == rest->len) {
		rest->len = 0;
		return true;
	}
	struct str after = str_n(rest->ptr + at + 1, rest->len - at - 1);
	size_t n = 0;
	if (after.len && after.ptr[0] == '"') {
		for (n = 1; n < after.len && after.ptr[n] != '"'; n++)
			n += after.ptr[n] == '\\' && n + 1 < after.len;
		*value = str_n(after.ptr + 1, (n < after.len ? n : after.len) - 1);
		n += n < after.len;
	} else {
		n = str_find(after, ';');
		*value = str_trim(str_n(after.ptr, n));
	}
	after = str_n(after.ptr + n, after.len - n);
	size_t end = str_find(after, ';');
	*rest = end < after.len ? str_n(after.ptr + end + 1, after.len - end - 1) : str_n(after.ptr, 0);
	return true;
}

int multipart_init(struct multipart *m, struct str content_type, struct multipart_cb cb)
{
	struct str name, value, rest = content_type;
	*m = (struct multipart){.cb = cb};
	if (!content_type.ptr || !str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("multipart/form-data")))
		return ERR_BAD_MEDIA_TYPE;
	while (rest.ptr && next_parameter(&rest, &name, &value)) {
		if (!str_eq_nocase(name, STR("boundary")))
			continue;
		if (!is_boundary(value) || m->n_marker)
			return ERR_BAD_MEDIA_TYPE;
		memcpy(m->marker, "\r\n--", 4);
		memcpy(m->marker + 4, value.ptr, value.len);
		m->n_marker = 4 + value.len;
	}
	m->matched = 2; /* as if a line had just ended */
	return m->n_marker ? 0 : ERR_BAD_MEDIA_TYPE;
}

static int read_field(struct str line, struct multipart_part *part)
{
	struct str name, value, rest = line;
	struct str field = str_cut(&rest, ':');
	if (!rest.ptr || !field.len)
		return ERR_BAD_REQUEST;
	if (str_eq_nocase(field, STR("content-type")))
		part->content_type = str_trim(rest);
	if (!str_eq_nocase(field, STR("content-disposition")))
		return 0;
	if (!str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("form-data")))
		return ERR_BAD_REQUEST;
	while (rest.ptr && next_parameter(&rest, &name, &value)) {
		if (str_eq_nocase(name, STR("name")))
			part->name = value;
		else if (str_eq_nocase(name, STR("filename")))
			part->filename = value;
	}
	return 0;
}

static int end_head(struct multipart *m)
{
	struct multipart_part part = {0};
	struct str rest = str_n(m->head, m->n_head);
	while (rest.ptr && rest.len) {
		struct str line = str_cut(&rest, '\n');
		if (!line.len || line.ptr[line.len - 1] != '\r')
			return ERR_BAD_REQUEST;
		line.len--;
		int err = line.len ? read_field(line, &part) : 0;
		if (err < 0)
			return err;
	}
	if (!part.name.ptr || ++m->n_parts > MULTIPART_MAX_PARTS)
		return ERR_BAD_REQUEST;
	m->n_head = 0;
	m->state = MP_DATA;
	m->matched = 0;
	return m->cb.on_part(m->cb.arg, &part);
}

/* The header ends with an empty line, which may be all of it. */
static int take_head(struct multipart *m, char c)
{
	if (m->n_head == sizeof m->head)
		return ERR_BAD_REQUEST;
	m->head[m->n_head++] = c;
	struct str head = str_n(m->head, m->n_head);
	if (str_ends_with(head, STR("\r\n\r\n")) || str_eq(head, STR("\r\n")))
		return end_head(m);
	return 0;
}

/* Behind a boundary: CR LF, or "--" at the end; blanks before them are allowed (RFC 2046 §5.1.1). */
static int take_after(struct multipart *m, char c)
{
	if (m->n_after == 0 && (c == ' ' || c == '\t'))
		return 0;
	m->after[m->n_after++] = c;
	if (m->n_after < 2)
		return c == '\r' || c == '-' ? 0 : ERR_BAD_REQUEST;
	m->n_after = 0;
	if (memcmp(m->after, "--", 2) == 0)
		m->state = MP_EPILOGUE;
	else if (memcmp(m->after, "\r\n", 2) == 0)
		m->state = MP_HEAD;
	else
		return ERR_BAD_REQUEST;
	return 0;
}

static int give(struct multipart *m, const char *ptr, size_t n)
{
	return n && m->state == MP_DATA ? m->cb.on_data(m->cb.arg, str_n(ptr, n)) : 0;
}

/* Data up to the next marker. Only CR begins one, and none stands inside it: so what was taken for the beginning of a
 * marker and was none is given whole, and the search goes on at this byte. */
static int take_data(struct multipart *m, struct str bytes, size_t *at)
{
	size_t start = *at;
	int err = 0;
	while (*at < bytes.len && !err) {
		if (bytes.ptr[*at] == m->marker[m->matched]) {
			if (m->matched == 0)
				err = give(m, bytes.ptr + start, *at - start);
			++*at;
			if (++m->matched == m->n_marker) {
				m->state = MP_AFTER;
				m->matched = 0;
				return err;
			}
			start = *at;
		} else if (m->matched) {
			err = give(m, m->marker, m->matched);
			m->matched = 0;
			start = *at;
		} else {
			const char *cr = memchr(bytes.ptr + *at, '\r', bytes.len - *at);
			*at = cr ? (size_t)(cr - bytes.ptr) : bytes.len;
		}
	}
	if (!err && m->matched == 0)
		err = give(m, bytes.ptr + start, *at - start);
	return err;
}

int multipart_feed(struct multipart *m, struct str bytes)
{
	size_t at = 0;
	int err = 0;
	while (at < bytes.len && !err) {
		switch (m->state) {
		case MP_START:
		case MP_DATA: err = take_data(m, bytes, &at); break;
		case MP_AFTER: err = take_after(m, bytes.ptr[at++]); break;
		case MP_HEAD: err = take_head(m, bytes.ptr[at++]); break;
		case MP_EPILOGUE: at = bytes.len; break;
		}
	}
	return err;
}

int multipart_end(const struct multipart *m)
{
	return m->state == MP_EPILOGUE ? 0 : ERR_BAD_REQUEST;
}

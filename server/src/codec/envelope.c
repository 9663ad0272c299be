/* Events in, relayed events out, as slices of what came. */
#include "codec/envelope.h"

#include <assert.h>

#include "base/err.h"
#include "codec/json_scan.h"

static bool is_known(const struct envelope *e, struct str key)
{
	for (size_t i = 0; i < e->n_members; i++)
		if (str_eq(e->members[i].key, key))
			return true;
	return false;
}

/* Notes one member. False when it makes the event unfit; the scan of the JSON goes on all the same. */
static bool note_member(struct envelope *e, struct envelope_member m, bool plain)
{
	if (!plain || e->n_members == ENVELOPE_MAX_MEMBERS || is_known(e, m.key))
		return false;
	e->members[e->n_members++] = m;
	return true;
}

static bool scan_members(struct json_scan *s, struct envelope *e, bool *fit)
{
	e->is_object = true;
	if (!json_scan_char(s, '{'))
		return false;
	if (json_scan_char(s, '}'))
		return true;
	do {
		struct envelope_member m;
		bool plain;
		if (!json_scan_string(s, &m.key, &plain) || !json_scan_char(s, ':') || !json_scan_value(s, &m.value))
			return false;
		if (!note_member(e, m, plain))
			*fit = false;
	} while (json_scan_char(s, ','));
	return json_scan_char(s, '}');
}

static bool scan_argument(struct json_scan *s, struct envelope *e, bool *fit)
{
	if (e->n_arguments++ > 0)
		return json_scan_value(s, NULL);
	if (json_scan_peek(s) != '{')
		return json_scan_value(s, &e->argument);
	const char *start = s->at;
	s->depth++;
	if (!scan_members(s, e, fit))
		return false;
	s->depth--;
	e->argument = str_n(start, (size_t)(s->at - start));
	return true;
}

int envelope_scan(struct str payload, struct envelope *out)
{
	struct json_scan s = json_scan(payload);
	bool plain, fit = true;
	out->argument = str_n(NULL, 0);
	out->n_arguments = 0;
	out->n_members = 0;
	out->is_object = false;
	s.depth = 1; /* inside the array */
	if (!json_scan_char(&s, '[') || !json_scan_string(&s, &out->event, &plain))
		return ERR_PROTOCOL;
	while (json_scan_char(&s, ','))
		if (!scan_argument(&s, out, &fit))
			return ERR_PROTOCOL;
	if (!json_scan_char(&s, ']') || !json_scan_done(&s))
		return ERR_PROTOCOL;
	return plain && fit ? 0 : ERR_BAD_EVENT;
}

struct str envelope_get(const struct envelope *e, const char *key)
{
	for (size_t i = 0; i < e->n_members; i++)
		if (str_eq_z(e->members[i].key, key))
			return e->members[i].value;
	return str_n(NULL, 0);
}

bool envelope_get_text(const struct envelope *e, const char *key, struct str *out)
{
	struct str raw = envelope_get(e, key);
	if (raw.len < 2 || raw.ptr[0] != '"' || memchr(raw.ptr, '\\', raw.len))
		return false;
	*out = str_n(raw.ptr + 1, raw.len - 2);
	return true;
}

static bool is_stamped(struct str key)
{
	return str_eq_z(key, "to") || str_eq_z(key, "from") || str_eq_z(key, "userId") || str_eq_z(key, "callId");
}

/* The members from..to with all that stands between them: from the opening quote of the first key to the end of the
 * last value. */
static struct str run_text(const struct envelope_member *from, const struct envelope_member *to)
{
	const char *start = from->key.ptr - 1;
	return str_n(start, (size_t)(to->value.ptr + to->value.len - start));
}

/* Adds the runs of members that are passed on, parted by commas. */
static void put_runs(const struct envelope *e, struct envelope_relayed *out)
{
	size_t i = 0;
	while (i < e->n_members) {
		if (is_stamped(e->members[i].key)) {
			i++;
			continue;
		}
		size_t first = i;
		while (i < e->n_members && !is_stamped(e->members[i].key))
			i++;
		if (out->n_parts > 1) /* the head brings its own comma */
			out->parts[out->n_parts++] = STR(",");
		out->parts[out->n_parts++] = run_text(&e->members[first], &e->members[i - 1]);
	}
}

static bool put_head(struct envelope_relayed *out, const struct str *pieces, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].len > sizeof out->head - 1 - len) /* one for the comma */
			return false;
		memcpy(out->head + len, pieces[i].ptr, pieces[i].len);
		len += pieces[i].len;
	}
	out->parts[0] = str_n(out->head, len);
	out->n_parts = 1;
	return true;
}

int envelope_relay(
	const struct envelope *e, struct str prefix, const struct envelope_stamp *stamp, struct envelope_relayed *out)
{
	assert(e->is_object);
	const struct str head[] = {prefix, STR("[\""), e->event, STR("\",{\"from\":"), stamp->from, STR(",\"userId\":"),
		stamp->user_id, STR(",\"callId\":"), stamp->call_id};
	if (!put_head(out, head, sizeof head / sizeof *head))
		return ERR_TOO_LARGE;
	put_runs(e, out);
	if (out->n_parts > 1)
		out->head[out->parts[0].len++] = ',';
	out->parts[out->n_parts++] = STR("}]");
	return 0;
}

/* Cursors: written so that they are opaque, read so that nothing but a place can come out. */
#include "api/cursor.h"

#include <stdio.h>

#define PLACE_SIZE 80 /* "started_at.id": 19 digits, a point, a UUID */

void api_cursor_format(struct buf *out, const struct store_read_history *read)
{
	char place[PLACE_SIZE];
	if (!read->has_more)
		return;
	const struct call *last = read->calls[read->n_calls - 1];
	int n = snprintf(place, sizeof place, "%lld.%s", (long long)last->started_at, last->id);
	id_base64url_encode(out, str_n(place, (size_t)n));
}

bool api_cursor_parse(struct str text, struct history_cursor *out)
{
	char place[PLACE_SIZE];
	uint64_t started_at;
	int n = id_base64url_decode(text, place, sizeof place);
	if (n <= 0)
		return false;
	struct str id = str_n(place, (size_t)n);
	struct str number = str_cut(&id, '.');
	if (str_parse_u64(number, INT64_MAX, &started_at) < 0 || started_at == 0 || !id_is_uuid(id))
		return false;
	out->started_at = (int64_t)started_at;
	return str_copy(out->call_id, sizeof out->call_id, id) == 0;
}

void api_cursor_format_event(struct buf *out, int64_t event_id)
{
	char place[PLACE_SIZE];
	int n = snprintf(place, sizeof place, "e.%lld", (long long)event_id);
	id_base64url_encode(out, str_n(place, (size_t)n));
}

bool api_cursor_parse_event(struct str text, int64_t *out_event_id)
{
	char place[PLACE_SIZE];
	uint64_t id;
	int n = id_base64url_decode(text, place, sizeof place);
	if (n <= 2 || memcmp(place, "e.", 2) != 0 || str_parse_u64(str_n(place + 2, (size_t)n - 2), INT64_MAX, &id) < 0)
		return false;
	*out_event_id = (int64_t)id;
	return true;
}

/* cursor: the place in a history where the next page begins, as text for a client to bring back. Private to api/. */
#ifndef BELLWIRE_API_CURSOR_H
#define BELLWIRE_API_CURSOR_H

#include "base/buf.h"
#include "store/store.h"

#define API_CURSOR_MAX 128 /* characters */

/* Of the page after this one: base64url of "started_at.id". It names a place and gives no right. Nothing is appended
 * when this is the last page. */
void api_cursor_format(struct buf *out, const struct store_read_history *read);

/* False when it is no such text. */
bool api_cursor_parse(struct str text, struct history_cursor *out);

/* The same for a place in the order of all events. */
void api_cursor_format_event(struct buf *out, int64_t event_id);
bool api_cursor_parse_event(struct str text, int64_t *out_event_id);

#endif

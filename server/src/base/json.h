/* json: reading with jansson under our limits, writing straight into a buffer.
 *
 * Requests are read into jansson's tree; answers and events are written without one.
 */
#ifndef BELLWIRE_BASE_JSON_H
#define BELLWIRE_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define JSON_MAX_NESTING 32

/* Parses one value: strict UTF-8, no NUL in strings, no duplicate keys, nesting up to JSON_MAX_NESTING.
 * *out is the caller's (json_decref). ERR_BAD_JSON otherwise. */
int json_read(struct str text, json_t **out);

/* The same, for an object only. */
int json_read_object(struct str text, json_t **out);

/* A string member; len 0 and ptr null when it is absent or null, ERR_BAD_FIELD when it is something else. */
int json_get_str(const json_t *object, const char *key, struct str *out);

/* Absent leaves *out as it is. ERR_BAD_FIELD when it is not a boolean, or not an integer within min..max. */
int json_get_bool(const json_t *object, const char *key, bool *out);
int json_get_int(const json_t *object, const char *key, int64_t min, int64_t max, int64_t *out);

/* A writer that places the commas. Errors stick to the buffer: ask buf_ok once at the end. */
struct json_writer {
	struct buf *out; /* borrowed */
	bool needs_comma;
};

static inline struct json_writer json_writer(struct buf *out)
{
	return (struct json_writer){out, false};
}

void jw_object(struct json_writer *w);
void jw_end_object(struct json_writer *w);
void jw_array(struct json_writer *w);
void jw_end_array(struct json_writer *w);

/* A key, before its value. */
void jw_key(struct json_writer *w, const char *key);

/* Values. jw_str escapes; bytes that are not UTF-8 are written as U+FFFD. A null pointer is written as null. */
void jw_str(struct json_writer *w, struct str s);
void jw_int(struct json_writer *w, int64_t n);
void jw_bool(struct json_writer *w, bool b);
void jw_null(struct json_writer *w);

/* JSON that is known to be well-formed, as it is. */
void jw_raw(struct json_writer *w, struct str json);

/* A time as RFC 3339 text; null for 0. */
void jw_time(struct json_writer *w, int64_t wall_ms);

/* Key and value in one. */
void jw_kstr(struct json_writer *w, const char *key, struct str s);
void jw_kz(struct json_writer *w, const char *key, const char *z);
void jw_kint(struct json_writer *w, const char *key, int64_t n);
void jw_kbool(struct json_writer *w, const char *key, bool b);
void jw_knull(struct json_writer *w, const char *key);
void jw_kraw(struct json_writer *w, const char *key, struct str json);
void jw_ktime(struct json_writer *w, const char *key, int64_t wall_ms);

#endif

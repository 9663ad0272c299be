/* log: one line per event on standard error, in logfmt.
 *
 *   log_info("call answered", LOG_S("call", id), LOG_I("seq", seq));
 *   -> time=2026-11-23T10:15:30.123Z level=info msg="call answered" call=0190… seq=4
 *
 * Values are escaped, so that one event is one line whatever a peer sends. Tokens and keys are never logged; SDP only
 * at debug. An error is logged once, where it stops travelling.
 */
#ifndef BELLWIRE_BASE_LOG_H
#define BELLWIRE_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *key;
	struct str text; /* ptr null: the number is meant */
	int64_t number;
};

#define LOG_S(k, z) ((struct log_field){(k), str_of((z) ? (z) : "-"), 0})
#define LOG_STR(k, s) ((struct log_field){(k), (s).ptr ? (s) : STR(""), 0})
#define LOG_I(k, n) ((struct log_field){(k), {NULL, 0}, (int64_t)(n)})
#define LOG_E(err) LOG_S("err", err_name(err))

/* Below `level` nothing is written. Set once at start, before other threads run. */
void log_set_level(enum log_level level);
int log_parse_level(struct str name, enum log_level *out);

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n_fields);

#define LOG_AT(level, msg, ...)                                                                                        \
	log_write((level), (msg), (const struct log_field[]){{0}, ##__VA_ARGS__},                                      \
		sizeof((const struct log_field[]){{0}, ##__VA_ARGS__}) / sizeof(struct log_field))

#define log_debug(msg, ...) LOG_AT(LOG_DEBUG, msg, ##__VA_ARGS__)
#define log_info(msg, ...) LOG_AT(LOG_INFO, msg, ##__VA_ARGS__)
#define log_warn(msg, ...) LOG_AT(LOG_WARN, msg, ##__VA_ARGS__)
#define log_error(msg, ...) LOG_AT(LOG_ERROR, msg, ##__VA_ARGS__)

#endif

/* logfmt lines, each written whole. */
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define LOG_MAX_LINE 4096
#define LOG_MAX_VALUE 512

static enum log_level min_level = LOG_INFO;
static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_set_level(enum log_level level)
{
	min_level = level;
}

int log_parse_level(struct str name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
		if (str_eq_z(name, level_names[i])) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return ERR_BAD_FIELD;
}

static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return s.len > 0;
}

static void put_value(struct buf *line, struct str s)
{
	if (s.len > LOG_MAX_VALUE)
		s.len = LOG_MAX_VALUE;
	if (is_plain(s)) {
		buf_put(line, s);
		return;
	}
	buf_put_c(line, '"');
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			buf_printf(line, "\\x%02x", c);
		else
			buf_put_c(line, (char)c);
	}
	buf_put_c(line, '"');
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n_fields)
{
	if (level < min_level)
		return;
	char now[CLOCK_TEXT_SIZE];
	struct buf line;
	buf_init(&line, LOG_MAX_LINE);
	clock_format(clock_wall_ms(), now);
	buf_printf(&line, "time=%s level=%s msg=", now, level_names[level]);
	put_value(&line, str_of(msg));
	for (size_t i = 0; i < n_fields; i++) {
		if (!fields[i].key)
			continue; /* the empty first one, which lets the macro take no fields at all */
		buf_printf(&line, " %s=", fields[i].key);
		if (fields[i].text.ptr)
			put_value(&line, fields[i].text);
		else
			buf_printf(&line, "%lld", (long long)fields[i].number);
	}
	line.err = 0; /* a line cut at its limit is still worth reading */
	if (line.len == line.max)
		line.len--;
	buf_put_c(&line, '\n');
	ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
	(void)written; /* nobody to tell */
	buf_fini(&line);
}

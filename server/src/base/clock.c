/* Time now, and time as text. */
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "base/err.h"

static int64_t now_us(clockid_t id)
{
	struct timespec t;
	int rc = clock_gettime(id, &t);
	assert(rc == 0);
	(void)rc;
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	int64_t ms = wall_ms % 1000;
	time_t seconds = (time_t)(wall_ms / 1000);
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm t;
	gmtime_r(&seconds, &t);
	/* The moduli only tell the compiler what gmtime promises: that it fits. */
	snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(t.tm_year + 1900) % 10000,
		(unsigned)(t.tm_mon + 1) % 100, (unsigned)t.tm_mday % 100, (unsigned)t.tm_hour % 100,
		(unsigned)t.tm_min % 100, (unsigned)t.tm_sec % 100, (unsigned)ms % 1000);
}

/* Reads exactly n digits at *at into *out. */
static bool digits(struct str s, size_t *at, size_t n, int *out)
{
	uint64_t value;
	if (s.len - *at < n || str_parse_u64(str_n(s.ptr + *at, n), 9999, &value) < 0)
		return false;
	*out = (int)value;
	*at += n;
	return true;
}

static bool one_of(struct str s, size_t *at, const char *set)
{
	if (*at >= s.len || !s.ptr[*at] || !strchr(set, s.ptr[*at]))
		return false;
	(*at)++;
	return true;
}

static bool fraction_ms(struct str s, size_t *at, int *out_ms)
{
	*out_ms = 0;
	if (*at >= s.len || s.ptr[*at] != '.')
		return true;
	size_t n = 0;
	int factor = 100;
	for ((*at)++; *at < s.len && s.ptr[*at] >= '0' && s.ptr[*at] <= '9'; (*at)++, n++, factor /= 10)
		*out_ms += (s.ptr[*at] - '0') * factor;
	return n >= 1 && n <= 9;
}

static bool offset_minutes(struct str s, size_t *at, int *out)
{
	*out = 0;
	if (one_of(s, at, "Zz"))
		return true;
	int sign = *at < s.len && s.ptr[*at] == '-' ? -1 : 1;
	int hours, minutes;
	if (!one_of(s, at, "+-") || !digits(s, at, 2, &hours) || !one_of(s, at, ":") || !digits(s, at, 2, &minutes))
		return false;
	*out = sign * (hours * 60 + minutes);
	return hours <= 23 && minutes <= 59;
}

int clock_parse(struct str text, int64_t *out_wall_ms)
{
	struct tm t = {0};
	size_t at = 0;
	int ms, offset;
	bool ok = digits(text, &at, 4, &t.tm_year) && one_of(text, &at, "-") && digits(text, &at, 2, &t.tm_mon) &&
		  one_of(text, &at, "-") && digits(text, &at, 2, &t.tm_mday) && one_of(text, &at, "Tt ") &&
		  digits(text, &at, 2, &t.tm_hour) && one_of(text, &at, ":") && digits(text, &at, 2, &t.tm_min) &&
		  one_of(text, &at, ":") && digits(text, &at, 2, &t.tm_sec) && fraction_ms(text, &at, &ms) &&
		  offset_minutes(text, &at, &offset) && at == text.len;
	if (!ok || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
		return ERR_BAD_FIELD;
	int day = t.tm_mday;
	bool leap_second = t.tm_sec == 60; /* may move on to the next day */
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	int64_t seconds = timegm(&t);
	if (t.tm_mday != day && !leap_second)
		return ERR_BAD_FIELD; /* the 30th of February: timegm moved on to March */
	*out_wall_ms = (seconds - (int64_t)offset * 60) * 1000 + ms;
	return 0;
}

/* Borrowed strings: comparing, cutting, parsing. */
#include "base/str.h"

#include <strings.h>

#include "base/err.h"

bool str_eq_nocase(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_starts_with(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq(str_n(s.ptr, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_n(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

size_t str_find(struct str s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
	return at ? (size_t)(at - s.ptr) : s.len;
}

struct str str_trim(struct str s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

struct str str_cut(struct str *rest, char c)
{
	size_t at = str_find(*rest, c);
	struct str part = str_n(rest->ptr, at);
	if (at == rest->len)
		*rest = str_n(NULL, 0);
	else
		*rest = str_n(rest->ptr + at + 1, rest->len - at - 1);
	return part;
}

int str_copy(char *dst, size_t size, struct str s)
{
	if (s.len >= size || (s.len && memchr(s.ptr, 0, s.len))) {
		if (size)
			dst[0] = 0;
		return ERR_TOO_LARGE;
	}
	if (s.len)
		memcpy(dst, s.ptr, s.len);
	dst[s.len] = 0;
	return 0;
}

int str_parse_u64(struct str s, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	if (s.len == 0)
		return ERR_BAD_FIELD;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return ERR_BAD_FIELD;
		uint64_t digit = (uint64_t)(s.ptr[i] - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return ERR_BAD_FIELD;
		value = value * 10 + digit;
	}
	if (value > max)
		return ERR_BAD_FIELD;
	*out = value;
	return 0;
}

int str_parse_duration_ms(struct str s, int64_t *out_ms)
{
	static const struct {
		const char *suffix;
		uint64_t factor_ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {"", 1000}};
	size_t n_digits = 0;
	while (n_digits < s.len && s.ptr[n_digits] >= '0' && s.ptr[n_digits] <= '9')
		n_digits++;
	struct str suffix = str_n(s.ptr + n_digits, s.len - n_digits);
	uint64_t value;
	if (str_parse_u64(str_n(s.ptr, n_digits), (uint64_t)1 << 40, &value) < 0)
		return ERR_BAD_FIELD;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!str_eq_z(suffix, units[i].suffix))
			continue;
		uint64_t limit = (uint64_t)INT64_MAX / units[i].factor_ms;
		if (value > limit)
			return ERR_BAD_FIELD;
		*out_ms = (int64_t)(value * units[i].factor_ms);
		return 0;
	}
	return ERR_BAD_FIELD;
}

/* Length of the well-formed sequence at p (RFC 3629 §4), or 0. */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char c = p[0];
	size_t len = c < 0x80		      ? 1
		     : c >= 0xC2 && c <= 0xDF ? 2
		     : (c & 0xF0) == 0xE0     ? 3
		     : c >= 0xF0 && c <= 0xF4 ? 4
					      : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if (c == 0xE0 && p[1] < 0xA0)
		return 0; /* overlong */
	if (c == 0xED && p[1] > 0x9F)
		return 0; /* surrogate */
	if (c == 0xF0 && p[1] < 0x90)
		return 0; /* overlong */
	if (c == 0xF4 && p[1] > 0x8F)
		return 0; /* above U+10FFFF */
	return len;
}

bool str_is_utf8(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t i = 0;
	while (i < s.len) {
		size_t n = utf8_sequence(p + i, s.len - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool str_eq_secret(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	unsigned char differ = 0;
	for (size_t i = 0; i < a.len; i++)
		differ = (unsigned char)(differ | (unsigned char)(a.ptr[i] ^ b.ptr[i]));
	return differ == 0;
}

size_t str_distance(struct str a, struct str b)
{
	size_t row[65];
	if (a.len > 64 || b.len > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t replace = diagonal + (a.ptr[i - 1] == b.ptr[j - 1] ? 0 : 1);
			size_t insert = row[j - 1] + 1;
			size_t erase = row[j] + 1;
			diagonal = row[j];
			row[j] = replace < insert ? replace : insert;
			row[j] = row[j] < erase ? row[j] : erase;
		}
	}
	return row[b.len];
}

/* A strict JSON walker: recursive, but never deeper than JSON_MAX_NESTING. */
#include "codec/json_scan.h"

#include <endian.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/json.h"

/* Together they stay below the largest double (RFC 8259 §6 leaves the range to us). */
#define NUMBER_MAX_LEN 40
#define EXPONENT_MAX 250

static void skip_space(struct json_scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

char json_scan_peek(struct json_scan *s)
{
	skip_space(s);
	return s->at < s->end ? *s->at : 0;
}

bool json_scan_done(struct json_scan *s)
{
	skip_space(s);
	return s->at == s->end;
}

bool json_scan_char(struct json_scan *s, char c)
{
	skip_space(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* How many of the next STEP bytes stand before one that needs a look: a quote, a backslash, a control character or the
 * start of a long sequence. An offer is 2 kB of such text: on this hangs what it costs to relay one. */
#ifdef __SSE2__
#define STEP 16
static unsigned n_plain(const char *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
	__m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
	__m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
	__m128i outside = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* signed: from 0x80 on it is negative */
	int found = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), outside));
	return found ? (unsigned)__builtin_ctz((unsigned)found) : STEP;
}
#else
#define STEP 8
#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL
/* A borrow may mark bytes behind the first that is found wrongly, never before it. */
static unsigned n_plain(const char *at)
{
	uint64_t w;
	memcpy(&w, at, sizeof w);
	w = le64toh(w);
	uint64_t quote = w ^ (ONES * '"');
	uint64_t slash = w ^ (ONES * '\\');
	uint64_t found = ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) | ((w - ONES * 0x20) & ~w) | w;
	found &= HIGHS;
	return found ? (unsigned)__builtin_ctzll(found) / 8 : STEP;
}
#endif

static bool is_line_end(const char *at)
{
	return at[0] == '\\' && (at[1] == 'n' || at[1] == 'r');
}

/* Escaped line ends, which session descriptions are full of, are passed over on the way. */
static const char *skip_plain(const char *at, const char *end, bool *escaped)
{
	while (end - at > STEP) {
		unsigned n = n_plain(at);
		at += n;
		if (n == STEP)
			continue;
		if (!is_line_end(at)) /* two bytes are there: more than STEP were */
			break;
		*escaped = true;
		at += end - at >= 4 && is_line_end(at + 2) ? 4 : 2;
	}
	return at;
}

static int hex4(struct json_scan *s)
{
	int value = 0;
	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *s->at++;
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* After "\u": no NUL, and surrogates only in pairs (RFC 8259 §7, §8.2). */
static bool skip_unicode(struct json_scan *s)
{
	int unit = hex4(s);
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return false;
	if (unit < 0xd800 || unit > 0xdbff)
		return true;
	if (s->end - s->at < 2 || s->at[0] != '\\' || s->at[1] != 'u')
		return false;
	s->at += 2;
	int low = hex4(s);
	return low >= 0xdc00 && low <= 0xdfff;
}

static bool skip_escape(struct json_scan *s)
{
	if (s->at == s->end)
		return false;
	switch (*s->at++) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't': return true;
	case 'u': return skip_unicode(s);
	default: return false;
	}
}

bool json_scan_string(struct json_scan *s, struct str *inner, bool *plain)
{
	if (!json_scan_char(s, '"'))
		return false;
	const char *start = s->at;
	bool escaped = false, ascii = true;
	for (;;) {
		s->at = skip_plain(s->at, s->end, &escaped);
		if (s->at == s->end)
			return false;
		unsigned char c = (unsigned char)*s->at++;
		if (c == '"')
			break;
		if (c < 0x20)
			return false;
		if (c >= 0x80) {
			ascii = false;
		} else if (c == '\\') {
			escaped = true;
			if (!skip_escape(s))
				return false;
		}
	}
	struct str text = str_n(start, (size_t)(s->at - 1 - start));
	if (inner)
		*inner = text;
	if (plain)
		*plain = !escaped;
	return ascii || str_is_utf8(text);
}

/* Returns how many digits were passed over. */
static size_t skip_digits(struct json_scan *s)
{
	const char *start = s->at;
	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return (size_t)(s->at - start);
}

static bool skip_exponent(struct json_scan *s)
{
	if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
		s->at++;
	const char *start = s->at;
	uint64_t exponent;
	return skip_digits(s) && str_parse_u64(str_n(start, (size_t)(s->at - start)), EXPONENT_MAX, &exponent) == 0;
}

static bool skip_number(struct json_scan *s)
{
	const char *start = s->at;
	if (s->at < s->end && *s->at == '-')
		s->at++;
	const char *first = s->at;
	size_t n = skip_digits(s);
	if (n == 0 || (n > 1 && *first == '0'))
		return false;
	if (s->at < s->end && *s->at == '.') {
		s->at++;
		if (!skip_digits(s))
			return false;
	}
	if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
		s->at++;
		if (!skip_exponent(s))
			return false;
	}
	return s->at - start <= NUMBER_MAX_LEN;
}

static bool skip_word(struct json_scan *s, struct str word)
{
	if ((size_t)(s->end - s->at) < word.len || memcmp(s->at, word.ptr, word.len) != 0)
		return false;
	s->at += word.len;
	return true;
}

static bool skip_array(struct json_scan *s)
{
	s->at++;
	if (json_scan_char(s, ']'))
		return true;
	do {
		if (!json_scan_value(s, NULL))
			return false;
	} while (json_scan_char(s, ','));
	return json_scan_char(s, ']');
}

static bool skip_object(struct json_scan *s)
{
	s->at++;
	if (json_scan_char(s, '}'))
		return true;
	do {
		if (!json_scan_string(s, NULL, NULL) || !json_scan_char(s, ':') || !json_scan_value(s, NULL))
			return false;
	} while (json_scan_char(s, ','));
	return json_scan_char(s, '}');
}

static bool skip_nested(struct json_scan *s)
{
	if (s->depth >= JSON_MAX_NESTING)
		return false;
	s->depth++;
	bool ok = *s->at == '{' ? skip_object(s) : skip_array(s);
	s->depth--;
	return ok;
}

bool json_scan_value(struct json_scan *s, struct str *raw)
{
	bool ok;
	char first = json_scan_peek(s);
	const char *start = s->at;
	switch (first) {
	case '{':
	case '[': ok = skip_nested(s); break;
	case '"': ok = json_scan_string(s, NULL, NULL); break;
	case 't': ok = skip_word(s, STR("true")); break;
	case 'f': ok = skip_word(s, STR("false")); break;
	case 'n': ok = skip_word(s, STR("null")); break;
	default: ok = skip_number(s); break;
	}
	if (ok && raw)
		*raw = str_n(start, (size_t)(s->at - start));
	return ok;
}

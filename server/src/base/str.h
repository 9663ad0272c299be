/* str: a borrowed run of bytes, not NUL-terminated.
 *
 * What parsers hand out: it points into somebody else's memory and lives as long as that does.
 */
#ifndef BELLWIRE_BASE_STR_H
#define BELLWIRE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *ptr; /* borrowed; may be null when len is 0 */
	size_t len;
};

/* A string literal as a str. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* For printf: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).len, (s).ptr

static inline struct str str_of(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

static inline struct str str_n(const char *ptr, size_t len)
{
	return (struct str){ptr, len};
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_eq_z(struct str a, const char *z)
{
	return str_eq(a, str_of(z));
}

/* Equal but for the case of ASCII letters (header field names, RFC 9110 §5.1). */
bool str_eq_nocase(struct str a, struct str b);

bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* Index of the first `c`, or s.len when there is none. */
size_t str_find(struct str s, char c);

/* Without leading and trailing spaces and tabs. */
struct str str_trim(struct str s);

/* Cuts the part before the first `c` off *rest and returns it; the rest follows `c` (empty when there was none).
 * Call it while rest->ptr is not null: the last part leaves rest->ptr null. */
struct str str_cut(struct str *rest, char c);

/* Copies with a closing NUL. ERR_TOO_LARGE when it does not fit or holds a NUL itself; dst is then "". */
int str_copy(char *dst, size_t size, struct str s);

/* Parses an unsigned decimal number without sign or spaces. ERR_BAD_FIELD when it is none or above max. */
int str_parse_u64(struct str s, uint64_t max, uint64_t *out);

/* Parses a duration: "300ms", "5s", "2m", "1h", "7d"; a bare number means seconds. ERR_BAD_FIELD when it is none. */
int str_parse_duration_ms(struct str s, int64_t *out_ms);

/* Well-formed UTF-8 without surrogates and overlong forms (RFC 3629). */
bool str_is_utf8(struct str s);

/* Compares without telling by its time where the difference is. Lengths are not secret. */
bool str_eq_secret(struct str a, struct str b);

/* Number of edits that turn a into b, for "did you mean"; both at most 64 bytes, else a large number. */
size_t str_distance(struct str a, struct str b);

#endif

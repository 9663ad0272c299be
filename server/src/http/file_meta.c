/* Types, validators and ranges of files. */
#include "http/file_meta.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define HASH_CHARS 8

static const struct {
	const char *ending;
	const char *type;
} types[] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".webmanifest", "application/manifest+json"},
	{".yaml", "application/yaml"},
	{".txt", "text/plain; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".jpg", "image/jpeg"},
	{".webp", "image/webp"},
	{".ico", "image/x-icon"},
	{".woff2", "font/woff2"},
	{".wasm", "application/wasm"},
	{".mp3", "audio/mpeg"},
	{".ogg", "audio/ogg"},
	{".wav", "audio/wav"},
	{".webm", "video/webm"},
	{".mp4", "video/mp4"},
};

const char *file_type(struct str name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (str_ends_with(name, str_of(types[i].ending)))
			return types[i].type;
	return "application/octet-stream";
}

static bool is_hash_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool file_is_hashed(struct str path)
{
	struct str name = path;
	bool in_assets = false;
	while (str_find(name, '/') < name.len)
		in_assets = str_eq_z(str_cut(&name, '/'), "assets") || in_assets;
	size_t dot = name.len;
	while (dot > 0 && name.ptr[dot - 1] != '.')
		dot--;
	if (!in_assets || dot < HASH_CHARS + 3)
		return false;
	const char *hash = name.ptr + dot - 1 - HASH_CHARS;
	for (size_t i = 0; i < HASH_CHARS; i++)
		if (!is_hash_char(hash[i]))
			return false;
	return hash[-1] == '-';
}

bool file_path_ok(struct str path)
{
	if (path.len == 0)
		return true;
	while (path.ptr) {
		struct str segment = str_cut(&path, '/');
		bool is_last = !path.ptr;
		if ((segment.len == 0 && !is_last) || (segment.len && segment.ptr[0] == '.'))
			return false;
	}
	return true;
}

bool file_takes_coding(struct str accept_encoding, const char *coding)
{
	bool any = false;
	while (accept_encoding.ptr) {
		struct str params = str_cut(&accept_encoding, ',');
		struct str name = str_trim(str_cut(&params, ';'));
		struct str q = str_trim(params);
		bool refused = str_starts_with(q, STR("q=0"));
		for (size_t i = 2; refused && i < q.len; i++)
			refused = q.ptr[i] == '0' || q.ptr[i] == '.';
		if (str_eq_nocase(name, str_of(coding)))
			return !refused;
		any = any || (str_eq_z(name, "*") && !refused);
	}
	return any;
}

void file_etag(const struct timespec *mtime, int64_t size, const char *suffix, char out[FILE_ETAG_SIZE])
{
	snprintf(out, FILE_ETAG_SIZE, "\"%llx.%lx-%llx%.4s\"", (unsigned long long)mtime->tv_sec, mtime->tv_nsec,
		(unsigned long long)size, suffix);
}

void file_date(time_t t, char out[FILE_DATE_SIZE])
{
	struct tm utc = {0};
	gmtime_r(&t, &utc);
	strftime(out, FILE_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

bool file_etag_listed(struct str if_none_match, const char *etag)
{
	if (str_eq_z(str_trim(if_none_match), "*"))
		return true;
	while (if_none_match.ptr) {
		struct str one = str_trim(str_cut(&if_none_match, ','));
		if (str_starts_with(one, STR("W/")))
			one = str_n(one.ptr + 2, one.len - 2);
		if (str_eq_z(one, etag))
			return true;
	}
	return false;
}

int file_range(struct str range, int64_t size, int64_t *out_first, int64_t *out_n)
{
	if (!str_starts_with(range, STR("bytes=")))
		return ERR_NOT_FOUND;
	struct str last_text = str_trim(str_n(range.ptr + 6, range.len - 6));
	if (str_find(last_text, ',') < last_text.len || str_find(last_text, '-') == last_text.len)
		return ERR_NOT_FOUND;
	struct str first_text = str_cut(&last_text, '-');
	uint64_t first = 0;
	uint64_t last = INT64_MAX - 1;
	if ((first_text.len && str_parse_u64(first_text, INT64_MAX - 1, &first) < 0) ||
		(last_text.len && str_parse_u64(last_text, INT64_MAX - 1, &last) < 0) ||
		(!first_text.len && !last_text.len))
		return ERR_NOT_FOUND;
	if (!first_text.len) { /* the last so many bytes */
		first = last < (uint64_t)size ? (uint64_t)size - last : 0;
		if (last == 0)
			return ERR_BAD_RANGE;
		last = INT64_MAX - 1;
	}
	if (last < first)
		return ERR_NOT_FOUND;
	if (first >= (uint64_t)size)
		return ERR_BAD_RANGE;
	if (last >= (uint64_t)size)
		last = (uint64_t)size - 1;
	*out_first = (int64_t)first;
	*out_n = (int64_t)(last - first + 1);
	return 0;
}

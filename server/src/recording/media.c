/* MP4 and Ogg are stored as they came; only their duration is read. */
#include "recording/media.h"

#include "base/err.h"

int media_sniff(struct str first, enum media_kind *out)
{
	static const struct {
		enum media_kind kind;
		size_t at;
		struct str magic;
	} known[] = {
		{MEDIA_WEBM, 0, {"\x1a\x45\xdf\xa3", 4}}, {MEDIA_OGG, 0, {"OggS", 4}}, {MEDIA_MP4, 4, {"ftyp", 4}}};
	bool possible = false;
	*out = MEDIA_UNKNOWN;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		size_t have = first.len > known[i].at ? first.len - known[i].at : 0;
		size_t n = have < known[i].magic.len ? have : known[i].magic.len;
		if (n && memcmp(first.ptr + known[i].at, known[i].magic.ptr, n) != 0)
			continue;
		possible = true;
		if (n == known[i].magic.len)
			*out = known[i].kind;
	}
	return possible ? 0 : ERR_NOT_MEDIA;
}

const char *media_type(enum media_kind kind, struct str declared)
{
	bool sound = str_starts_with(declared, STR("audio/"));
	bool pictures = str_starts_with(declared, STR("video/"));
	switch (kind) {
	case MEDIA_WEBM: return sound ? "audio/webm" : "video/webm";
	case MEDIA_OGG: return pictures ? "video/ogg" : "audio/ogg";
	case MEDIA_MP4: return sound ? "audio/mp4" : "video/mp4";
	case MEDIA_UNKNOWN: break;
	}
	return "application/octet-stream";
}

static uint64_t big_endian(const unsigned char *p, unsigned n)
{
	uint64_t value = 0;
	while (n-- > 0)
		value = value << 8 | *p++;
	return value;
}

static bool read_at(const struct webm_source *s, int64_t at, void *into, size_t n)
{
	return at >= 0 && at <= s->size - (int64_t)n && s->read(s->arg, at, into, n) == (int64_t)n;
}

/* --- MP4 (ISO/IEC 14496-12) --- */

struct box {
	int64_t body;
	int64_t end;
	char type[4];
};

static bool read_box(const struct webm_source *s, int64_t at, int64_t limit, struct box *out)
{
	unsigned char head[16];
	if (!read_at(s, at, head, 8))
		return false;
	uint64_t size = big_endian(head, 4);
	out->body = at + 8;
	memcpy(out->type, head + 4, 4);
	if (size == 1 && read_at(s, at, head, 16)) {
		size = big_endian(head + 8, 8);
		out->body = at + 16;
	}
	if (size == 0)
		size = (uint64_t)(limit - at);
	if (size < (uint64_t)(out->body - at) || size > (uint64_t)(limit - at))
		return false;
	out->end = at + (int64_t)size;
	return true;
}

static bool find_box(const struct webm_source *s, const struct box *in, const char *type, struct box *out)
{
	for (int64_t at = in->body; at < in->end; at = out->end) {
		if (!read_box(s, at, in->end, out))
			return false;
		if (memcmp(out->type, type, 4) == 0)
			return true;
	}
	return false;
}

/* mvhd and mdhd alike: version, two times, scale, duration. */
static bool read_times(const struct webm_source *s, const struct box *b, uint64_t *scale, uint64_t *duration)
{
	unsigned char v[32];
	if (!read_at(s, b->body, v, sizeof v))
		return false;
	*scale = big_endian(v + (v[0] == 1 ? 20 : 12), 4);
	*duration = v[0] == 1 ? big_endian(v + 24, 8) : big_endian(v + 16, 4);
	if (v[0] != 1 && *duration == UINT32_MAX)
		*duration = 0;
	return *scale != 0;
}

/* The units that the first track counts in, which fragments are told in. */
static uint64_t track_scale(const struct webm_source *s, const struct box *moov)
{
	struct box trak, mdia, mdhd;
	uint64_t scale = 0, duration;
	if (find_box(s, moov, "trak", &trak) && find_box(s, &trak, "mdia", &mdia) && find_box(s, &mdia, "mdhd", &mdhd))
		read_times(s, &mdhd, &scale, &duration);
	return scale;
}

/* When a fragment begins (tfdt). */
static bool fragment_time(const struct webm_source *s, const struct box *moof, uint64_t *out)
{
	struct box traf, tfdt;
	unsigned char v[12];
	if (!find_box(s, moof, "traf", &traf) || !find_box(s, &traf, "tfdt", &tfdt) || !read_at(s, tfdt.body, v, 12))
		return false;
	*out = v[0] == 1 ? big_endian(v + 4, 8) : big_endian(v + 4, 4);
	return true;
}

static int64_t in_ms(uint64_t units, uint64_t scale)
{
	double ms = scale ? (double)units * 1000.0 / (double)scale : 0;
	return ms < 1e12 ? (int64_t)ms : 0;
}

/* Of a file in fragments: the last one's beginning, and as long again as the one before it lasted. */
int64_t media_mp4_duration_ms(const struct webm_source *s)
{
	struct box b, mvhd;
	uint64_t scale = 0, duration = 0, units = 0, last = 0, step = 0, time;
	for (int64_t at = 0; read_box(s, at, s->size, &b); at = b.end) {
		if (memcmp(b.type, "moov", 4) == 0) {
			if (find_box(s, &b, "mvhd", &mvhd))
				read_times(s, &mvhd, &scale, &duration);
			units = track_scale(s, &b);
		} else if (memcmp(b.type, "moof", 4) == 0 && fragment_time(s, &b, &time)) {
			step = time > last ? time - last : step;
			last = time;
		}
	}
	return duration ? in_ms(duration, scale) : in_ms(last + step, units);
}

/* --- Ogg (RFC 3533), Opus in it (RFC 7845) --- */

#define OGG_TAIL 65536

static uint64_t little_endian(const unsigned char *p, unsigned n)
{
	uint64_t value = 0;
	while (n-- > 0)
		value = value << 8 | p[n];
	return value;
}

/* The last page's position in samples of 48 kHz, less what the decoder skips first. */
int64_t media_ogg_duration_ms(const struct webm_source *s)
{
	static unsigned char tail[OGG_TAIL]; /* one completion at a time */
	unsigned char first[64];
	int64_t from = s->size > OGG_TAIL ? s->size - OGG_TAIL : 0;
	size_t n = (size_t)(s->size - from);
	if (!read_at(s, 0, first, sizeof first) || memcmp(first + 28, "OpusHead", 8) != 0 || !read_at(s, from, tail, n))
		return 0;
	for (size_t at = n - 14; at > 0 && at < n; at--) {
		uint64_t position = little_endian(tail + at + 6, 8);
		if (memcmp(tail + at, "OggS", 4) != 0 || position == UINT64_MAX)
			continue;
		uint64_t skip = little_endian(first + 28 + 10, 2);
		return position > skip ? in_ms(position - skip, 48000) : 0;
	}
	return 0;
}

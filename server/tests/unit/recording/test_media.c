/* What a file is by its first bytes, and the duration of MP4 and Ogg, whole, in fragments, and damaged. */
#include "recording/media.h"

#include "base/err.h"
#include "build.h"
#include "check.h"

static void check_sniff(const char *bytes, size_t n, int err, enum media_kind kind)
{
	enum media_kind got;
	assert_int_equal(media_sniff(str_n(bytes, n), &got), err);
	if (!err)
		assert_int_equal(got, kind);
}

static void test_sniff(void **state)
{
	(void)state;
	check_sniff("\x1a\x45\xdf\xa3\x9f\x42\x86\x81", 8, 0, MEDIA_WEBM);
	check_sniff("OggS\0\2\0\0", 8, 0, MEDIA_OGG);
	check_sniff("\0\0\0\x18"
		    "ftyp",
		8, 0, MEDIA_MP4);
	for (size_t n = 0; n < 4; n++)
		check_sniff("\x1a\x45\xdf\xa3", n, 0, MEDIA_UNKNOWN);
	check_sniff("<htm", 4, 0, MEDIA_UNKNOWN); /* a box may be of any size */
	check_sniff("<html><s", 8, ERR_NOT_MEDIA, MEDIA_UNKNOWN);
	check_sniff("\0\0\0\x18"
		    "ftyX",
		8, ERR_NOT_MEDIA, MEDIA_UNKNOWN);
	check_sniff("\x1a\x45\xdf\xa4\0\0\0\0", 8, ERR_NOT_MEDIA, MEDIA_UNKNOWN);
}

static void test_type(void **state)
{
	(void)state;
	assert_string_equal(media_type(MEDIA_WEBM, STR("")), "video/webm");
	assert_string_equal(media_type(MEDIA_WEBM, STR("audio/webm")), "audio/webm");
	assert_string_equal(media_type(MEDIA_MP4, STR("text/html")), "video/mp4");
	assert_string_equal(media_type(MEDIA_OGG, STR("text/html")), "audio/ogg");
	assert_string_equal(media_type(MEDIA_UNKNOWN, STR("text/html")), "application/octet-stream");
}

static void put_be(struct buf *b, uint64_t value, unsigned n)
{
	while (n-- > 0)
		buf_put_c(b, (char)(n < sizeof value ? value >> (8 * n) : 0));
}

/* Where the box begins; its size is set by end_box. */
static size_t begin_box(struct buf *b, const char *type)
{
	put_be(b, 0, 4);
	buf_put(b, str_n(type, 4));
	return b->len - 8;
}

static void end_box(struct buf *b, size_t at)
{
	size_t size = b->len - at;
	for (unsigned i = 0; i < 4; i++)
		b->ptr[at + i] = (char)(size >> (8 * (3 - i)));
}

/* mvhd or mdhd, version 0 or 1. */
static void put_times(struct buf *b, const char *type, int version, uint64_t scale, uint64_t duration)
{
	unsigned wide = version ? 8 : 4;
	size_t box = begin_box(b, type);
	put_be(b, (uint64_t)version << 24, 4);
	put_be(b, 0, wide);
	put_be(b, 0, wide);
	put_be(b, scale, 4);
	put_be(b, duration, wide);
	put_be(b, 0, 80);
	end_box(b, box);
}

static void put_moov(struct buf *b, int version, uint64_t duration)
{
	size_t moov = begin_box(b, "moov");
	put_times(b, "mvhd", version, 1000, duration);
	size_t trak = begin_box(b, "trak"), mdia = begin_box(b, "mdia");
	put_times(b, "mdhd", version, 48000, 0);
	end_box(b, mdia);
	end_box(b, trak);
	end_box(b, moov);
}

static void put_fragment(struct buf *b, uint64_t time)
{
	size_t moof = begin_box(b, "moof"), traf = begin_box(b, "traf"), tfdt = begin_box(b, "tfdt");
	put_be(b, 1u << 24, 4);
	put_be(b, time, 8);
	end_box(b, tfdt);
	end_box(b, traf);
	end_box(b, moof);
	size_t mdat = begin_box(b, "mdat");
	put_be(b, 0, 40);
	end_box(b, mdat);
}

static int64_t mp4_duration(const struct buf *b, size_t n)
{
	struct buf part;
	buf_init(&part, b->len + 1);
	buf_put(&part, str_n(b->ptr, n));
	struct webm_source source = build_source(&part);
	int64_t ms = media_mp4_duration_ms(&source);
	buf_fini(&part);
	return ms;
}

static void test_mp4(void **state)
{
	(void)state;
	for (int version = 0; version < 2; version++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		put_moov(&b, version, 12345);
		assert_int_equal(mp4_duration(&b, b.len), 12345);
		b.len = 0;
		put_moov(&b, version, 0);
		for (uint64_t i = 0; i < 5; i++)
			put_fragment(&b, i * 48000);
		assert_int_equal(mp4_duration(&b, b.len), 5000);
		int64_t last = 0;
		for (size_t n = 0; n <= b.len; n++) {
			int64_t ms = mp4_duration(&b, n);
			assert_in_range(ms, last, 5000);
			last = ms;
		}
		buf_fini(&b);
	}
}

/* Boxes of no size, of all the rest, of sixty-four bits, and of less than their own header. */
static void test_mp4_sizes(void **state)
{
	static const struct {
		const char *head;
		size_t n;
		int64_t want;
	} before[] = {{"\0\0\0\0junk", 8, 0}, {"\0\0\0\1junk\0\0\0\0\0\0\0\x10", 16, 777}, {"\0\0\0\x8junk", 8, 777},
		{"\0\0\0\x7junk", 8, 0}, {"\0\0\0\1junk\xff\xff\xff\xff\xff\xff\xff\xff", 16, 0},
		{"\0\0\0\1junk\0\0\0\0\0\0\0\x1", 16, 0}, {"\xff\xff\xff\xffjunk", 8, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		struct buf b;
		buf_init(&b, 1 << 20);
		buf_put(&b, str_n(before[i].head, before[i].n));
		put_moov(&b, 0, 777);
		assert_int_equal(mp4_duration(&b, b.len), before[i].want);
		buf_fini(&b);
	}
}

static void put_page(struct buf *b, uint64_t position, struct str body)
{
	buf_put(b, str_n("OggS\0\0", 6));
	for (unsigned i = 0; i < 8; i++)
		buf_put_c(b, (char)(position >> (8 * i)));
	put_be(b, 0, 12);
	buf_put_c(b, 1);
	buf_put_c(b, (char)body.len);
	buf_put(b, body);
}

static void test_ogg(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, 1 << 20);
	put_page(&b, 0, str_n("OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0", 19));
	struct webm_source source = build_source(&b);
	assert_int_equal(media_ogg_duration_ms(&source), 0); /* too short to be one */
	for (uint64_t i = 1; i <= 600; i++)
		put_page(&b, 312 + i * 48000, STR("two hundred bytes of sound, or as good as that"));
	put_page(&b, UINT64_MAX, STR("a packet that goes on"));
	source = build_source(&b);
	assert_int_equal(media_ogg_duration_ms(&source), 600000);
	b.ptr[28] = 'X'; /* no Opus: units unknown */
	assert_int_equal(media_ogg_duration_ms(&source), 0);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sniff),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_mp4),
		cmocka_unit_test(test_mp4_sizes),
		cmocka_unit_test(test_ogg),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

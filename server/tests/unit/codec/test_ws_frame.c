/* WebSocket frames: the rules of RFC 6455 §5, cut in every place, and with no memory. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "codec/ws_frame.h"

#define MAX_MESSAGE 70000

static unsigned char wire[2 * MAX_MESSAGE];
static size_t n_wire;

/* Appends one masked frame. first: FIN, reserved bits and opcode as they stand in the first byte. */
static void put_frame(unsigned first, struct str payload)
{
	static const unsigned char mask[4] = {0x37, 0xFA, 0x21, 0x3D};
	wire[n_wire++] = (unsigned char)first;
	if (payload.len < 126) {
		wire[n_wire++] = (unsigned char)(0x80 | payload.len);
	} else if (payload.len <= 0xFFFF) {
		wire[n_wire++] = 0x80 | 126;
		wire[n_wire++] = (unsigned char)(payload.len >> 8);
		wire[n_wire++] = (unsigned char)payload.len;
	} else {
		wire[n_wire++] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			wire[n_wire++] = (unsigned char)(payload.len >> shift);
	}
	memcpy(wire + n_wire, mask, 4);
	n_wire += 4;
	for (size_t i = 0; i < payload.len; i++)
		wire[n_wire++] = (unsigned char)payload.ptr[i] ^ mask[i % 4];
}

/* Feeds the wire in pieces of `step` bytes and writes what came of it: "text:Hello|ping:|close 1000:bye|", or an error.
 */
static int decode(size_t step, struct buf *seen)
{
	static unsigned char copy[sizeof wire];
	struct ws_decoder d;
	int got = 0;
	memcpy(copy, wire, n_wire);
	ws_decoder_init(&d, MAX_MESSAGE);
	buf_clear(seen);
	for (size_t at = 0; at < n_wire && got >= 0; at += step) {
		size_t n = n_wire - at < step ? n_wire - at : step;
		for (size_t used, in = 0;; in += used) {
			struct ws_event e;
			got = ws_decoder_feed(&d, copy + at + in, n - in, &used, &e);
			if (got <= 0)
				break;
			const char *name = e.opcode == WS_TEXT	   ? "text"
					   : e.opcode == WS_BINARY ? "binary"
					   : e.opcode == WS_PING   ? "ping"
					   : e.opcode == WS_PONG   ? "pong"
								   : "close";
			buf_put(seen, str_of(name));
			if (e.opcode == WS_CLOSE)
				buf_printf(seen, " %d", e.close_code);
			buf_put(seen, STR(":"));
			buf_put(seen, e.payload);
			buf_put(seen, STR("|"));
		}
	}
	ws_decoder_fini(&d);
	return got;
}

/* The same whatever the pieces. */
static void check_decodes(const char *want)
{
	struct buf seen;
	buf_init(&seen, sizeof wire);
	for (size_t step = 1; step <= n_wire; step += step < 40 ? 1 : 977) {
		assert_int_equal(decode(step, &seen), 0);
		check_str(buf_str(&seen), want);
	}
	buf_fini(&seen);
	n_wire = 0;
}

static void check_refused(int want)
{
	struct buf seen;
	buf_init(&seen, sizeof wire);
	for (size_t step = 1; step <= n_wire; step += step < 40 ? 1 : 977)
		assert_int_equal(decode(step, &seen), want);
	buf_fini(&seen);
	n_wire = 0;
}

static void messages_come_whole(void **state)
{
	(void)state;
	put_frame(0x81, STR("Hello"));
	check_decodes("text:Hello|");
	put_frame(0x82, STR("\xFF\x01"));
	check_decodes("binary:\xFF\x01|");
	put_frame(0x81, STR(""));
	put_frame(0x81, STR("a"));
	check_decodes("text:|text:a|");
}

static void fragments_are_joined_and_controls_come_between(void **state)
{
	(void)state;
	put_frame(0x01, STR("Hel"));
	put_frame(0x89, STR("p"));
	put_frame(0x00, STR(""));
	put_frame(0x8A, STR(""));
	put_frame(0x80, STR("lo"));
	put_frame(0x01, STR(""));
	put_frame(0x80, STR("x"));
	check_decodes("ping:p|pong:|text:Hello|text:x|");
}

static void a_fragmented_message_ends_before_the_next(void **state)
{
	(void)state;
	put_frame(0x80, STR("x"));
	check_refused(ERR_PROTOCOL);
	put_frame(0x01, STR("a"));
	put_frame(0x81, STR("b"));
	check_refused(ERR_PROTOCOL);
	put_frame(0x01, STR("a"));
	put_frame(0x80, STR("b"));
	put_frame(0x80, STR("c"));
	check_refused(ERR_PROTOCOL);
}

static void controls_are_short_and_whole(void **state)
{
	(void)state;
	static char text[126];
	memset(text, 'a', sizeof text);
	put_frame(0x89, str_n(text, 126));
	check_refused(ERR_PROTOCOL);
	put_frame(0x09, STR("a"));
	check_refused(ERR_PROTOCOL);
	put_frame(0x08, STR(""));
	check_refused(ERR_PROTOCOL);
	put_frame(0x8A, str_n(text, 125));
	struct buf seen;
	buf_init(&seen, 1000);
	assert_int_equal(decode(7, &seen), 0);
	assert_int_equal(seen.len, 5 + 125 + 1);
	buf_fini(&seen);
	n_wire = 0;
}

static void reserved_bits_and_opcodes_are_refused(void **state)
{
	(void)state;
	static const unsigned bad[] = {0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0xF1};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put_frame(bad[i], STR("x"));
		check_refused(ERR_PROTOCOL);
	}
}

static void frames_must_be_masked(void **state)
{
	(void)state;
	memcpy(wire, "\x81\x01x", 3);
	n_wire = 3;
	check_refused(ERR_PROTOCOL);
}

static void check_raw_refused(const char *bytes, size_t n, int want)
{
	memcpy(wire, bytes, n);
	n_wire = n;
	check_refused(want);
}

static void lengths_are_in_the_shortest_form(void **state)
{
	(void)state;
	check_raw_refused("\x82\xFE\x00\x7D\0\0\0\0", 8, ERR_PROTOCOL);
	check_raw_refused("\x82\xFF\0\0\0\0\0\0\xFF\xFF\0\0\0\0", 14, ERR_PROTOCOL);
	check_raw_refused("\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0", 14, ERR_PROTOCOL);
	check_raw_refused("\x82\xFF\x7F\0\0\0\0\0\0\0\0\0\0\0", 14, ERR_TOO_LARGE);
}

static void long_messages_up_to_the_limit(void **state)
{
	(void)state;
	static char text[MAX_MESSAGE + 1];
	static char want[MAX_MESSAGE + 16];
	static const size_t sizes[] = {125, 126, 127, 65535, 65536, MAX_MESSAGE};
	memset(text, 'z', sizeof text);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		memcpy(want, "text:", 5);
		memset(want + 5, 'z', sizes[i]);
		memcpy(want + 5 + sizes[i], "|", 2);
		put_frame(0x81, str_n(text, sizes[i]));
		struct buf seen;
		buf_init(&seen, sizeof wire);
		for (size_t step = 1000; step < 90000; step += 44000) {
			assert_int_equal(decode(step, &seen), 0);
			check_str(buf_str(&seen), want);
		}
		buf_fini(&seen);
		n_wire = 0;
	}
	put_frame(0x81, str_n(text, MAX_MESSAGE + 1));
	struct buf seen;
	buf_init(&seen, sizeof wire);
	assert_int_equal(decode(5000, &seen), ERR_TOO_LARGE);
	n_wire = 0;
	put_frame(0x01, str_n(text, MAX_MESSAGE));
	put_frame(0x80, STR("x"));
	assert_int_equal(decode(5000, &seen), ERR_TOO_LARGE);
	buf_fini(&seen);
	n_wire = 0;
}

static void text_is_utf8_however_it_is_cut(void **state)
{
	(void)state;
	put_frame(0x01, STR("\xF0\x9F"));
	put_frame(0x89, STR(""));
	put_frame(0x00, STR("\x98"));
	put_frame(0x80, STR("\x80!"));
	check_decodes("ping:|text:\xF0\x9F\x98\x80!|");
	static const char *const bad[] = {"\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x9F\xBF", "\xED\xA0\x80",
		"\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFFz", "\xC3("};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		put_frame(0x81, str_of(bad[i]));
		check_refused(ERR_BAD_FIELD);
	}
	/* refused at the first wrong byte, before the message ends */
	put_frame(0x01, STR("\xC0"));
	check_refused(ERR_BAD_FIELD);
}

static void close_frames_carry_a_code_and_a_reason(void **state)
{
	(void)state;
	put_frame(0x88, STR(""));
	check_decodes("close 1005:|");
	put_frame(0x88, STR("\x03\xE8"
			    "bye"));
	check_decodes("close 1000:bye|");
	put_frame(0x88, STR("\x0F\xA0"));
	check_decodes("close 4000:|");
	put_frame(0x88, STR("\x03"));
	check_refused(ERR_PROTOCOL);
	put_frame(0x88, STR("\x03\xE8\xFF"));
	check_refused(ERR_BAD_FIELD);
	static const unsigned bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char code[2] = {(char)(bad[i] >> 8), (char)bad[i]};
		put_frame(0x88, str_n(code, 2));
		check_refused(ERR_PROTOCOL);
		assert_false(ws_close_code_valid(bad[i]));
	}
}

static void heads_are_written_in_the_shortest_form(void **state)
{
	(void)state;
	unsigned char out[WS_HEAD_MAX];
	assert_int_equal(ws_head_write(out, WS_TEXT, 125), 2);
	assert_memory_equal(out, "\x81\x7D", 2);
	assert_int_equal(ws_head_write(out, WS_BINARY, 126), 4);
	assert_memory_equal(out, "\x82\x7E\x00\x7E", 4);
	assert_int_equal(ws_head_write(out, WS_BINARY, 65535), 4);
	assert_int_equal(ws_head_write(out, WS_PONG, 65536), 10);
	assert_memory_equal(out, "\x8A\x7F\0\0\0\0\0\x01\0\0", 10);
}

static void failures_have_codes(void **state)
{
	(void)state;
	assert_int_equal(ws_close_code_of(ERR_PROTOCOL), 1002);
	assert_int_equal(ws_close_code_of(ERR_BAD_FIELD), 1007);
	assert_int_equal(ws_close_code_of(ERR_TOO_LARGE), 1009);
	assert_int_equal(ws_close_code_of(ERR_NO_MEMORY), 1011);
}

static void without_memory_it_says_so(void **state)
{
	(void)state;
	static char text[3000];
	memset(text, 'q', sizeof text);
	put_frame(0x01, str_n(text, sizeof text));
	put_frame(0x80, str_n(text, sizeof text));
	struct buf seen;
	buf_init(&seen, sizeof wire);
	assert_int_equal(decode(100, &seen), 0); /* seen has its room from here on */
	int got = -1;
	long n = 0;
	for (; got != 0; n++) {
		mem_fail_after(n);
		got = decode(100, &seen);
		mem_fail_after(-1);
		assert_true(got == 0 || got == ERR_NO_MEMORY);
	}
	assert_true(n > 2);
	buf_fini(&seen);
	n_wire = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole),
		cmocka_unit_test(fragments_are_joined_and_controls_come_between),
		cmocka_unit_test(a_fragmented_message_ends_before_the_next),
		cmocka_unit_test(controls_are_short_and_whole),
		cmocka_unit_test(reserved_bits_and_opcodes_are_refused),
		cmocka_unit_test(frames_must_be_masked),
		cmocka_unit_test(lengths_are_in_the_shortest_form),
		cmocka_unit_test(long_messages_up_to_the_limit),
		cmocka_unit_test(text_is_utf8_however_it_is_cut),
		cmocka_unit_test(close_frames_carry_a_code_and_a_reason),
		cmocka_unit_test(heads_are_written_in_the_shortest_form),
		cmocka_unit_test(failures_have_codes),
		cmocka_unit_test(without_memory_it_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

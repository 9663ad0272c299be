/* Samples of quality: the wire's numbers, the stored bytes, and what damage does. */
#include "base/err.h"
#include "check.h"
#include "codec/quality.h"

#define START 1700000000000LL
#define PEER_A "01234567-89ab-7cde-8f01-23456789abcd"
#define PEER_B "fedcba98-7654-7210-8edc-ba9876543210"

static struct quality_sample sample_at(int64_t at, const char *peer)
{
	struct quality_sample s = {.at = at};
	str_copy(s.peer_id, sizeof s.peer_id, str_of(peer));
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++)
		s.values[f] = QUALITY_UNKNOWN;
	return s;
}

static int read_text(const char *text, struct quality_sample *out)
{
	json_t *json;
	assert_int_equal(json_read(str_of(text), &json), 0);
	int err = quality_read_sample(json, START, out);
	json_decref(json);
	return err;
}

static void a_sample_is_an_array_of_numbers(void **state)
{
	(void)state;
	struct quality_sample s;
	assert_int_equal(read_text("[2000,1,93,null,42.6]", &s), 0);
	assert_int_equal(s.at, START - 2000);
	assert_int_equal(s.values[QUALITY_FIELD_LEVEL], 1);
	assert_int_equal(s.values[QUALITY_FIELD_VIDEO_SCORE], QUALITY_UNKNOWN);
	assert_int_equal(s.values[QUALITY_FIELD_RTT], 43);
	assert_int_equal(s.values[QUALITY_FIELD_BUFFER_MS], QUALITY_UNKNOWN);
	assert_int_equal(read_text("[0,99]", &s), 0);
	assert_int_equal(s.values[QUALITY_FIELD_LEVEL], 4); /* cut to the largest */

	static const char *const bad[] = {"[]", "{}", "[null]", "[-1]", "[600001]", "[0,\"1\"]", "[0,-1]", "[0,true]",
		"[0,[1]]", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_text(bad[i], &s), ERR_BAD_FIELD);
}

/* An hour's worth of a call with one other, wandering as real ones do. */
static struct quality_sample wandering(int i, const char *peer)
{
	struct quality_sample s = sample_at(START + i * 2000LL + i % 3 * 20, peer);
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++)
		s.values[f] = (int32_t)((size_t)(i * 7919 % 23) + f);
	s.values[QUALITY_FIELD_LEVEL] = 1;
	s.values[QUALITY_FIELD_PATH] = 3;
	s.values[QUALITY_FIELD_LIMIT] = 0;
	s.values[QUALITY_FIELD_SENDS] = s.values[QUALITY_FIELD_EXPECTS] = 3;
	s.values[QUALITY_FIELD_IN_HEIGHT] = s.values[QUALITY_FIELD_OUT_HEIGHT] = 720;
	s.values[QUALITY_FIELD_IN_VIDEO_KBPS] = 1200 + i * 7919 % 200;
	return s;
}

static void check_same(const struct quality_sample *got, const struct quality_sample *put)
{
	static const bool is_rate[QUALITY_N_FIELDS] = {[QUALITY_FIELD_IN_AUDIO_KBPS] = true,
		[QUALITY_FIELD_IN_VIDEO_KBPS] = true,
		[QUALITY_FIELD_OUT_AUDIO_KBPS] = true,
		[QUALITY_FIELD_OUT_VIDEO_KBPS] = true,
		[QUALITY_FIELD_AVAILABLE_KBPS] = true};
	assert_string_equal(got->peer_id, put->peer_id);
	assert_in_range(got->at - put->at + 50, 0, 100);
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++) {
		int32_t most = is_rate[f] && put->values[f] > 0 ? 1 + put->values[f] / 50 : 0;
		assert_in_range(got->values[f] - put->values[f] + most, 0, 2 * most);
	}
}

static void what_is_written_is_read_again(void **state)
{
	(void)state;
	struct quality_reader w, r;
	struct quality_sample got;
	struct buf block;
	buf_init(&block, QUALITY_BLOCK_MAX);
	quality_write_begin(&w, &block, START);
	for (int i = 0; i < 40; i++) {
		struct quality_sample put =
			i == 5 ? sample_at(START + 10000, PEER_A) : wandering(i, i % 2 ? PEER_B : PEER_A);
		assert_int_equal(quality_write(&w, &block, &put), 0);
		if (i % 10 == 9) /* taken up again later */
			assert_int_equal(quality_read_begin(&w, buf_str(&block), START), 0);
		while (i % 10 == 9 && quality_read_next(&w, &got) == 1)
			continue;
	}
	assert_int_equal(quality_read_begin(&r, buf_str(&block), START), 0);
	for (int i = 0; i < 40; i++) {
		struct quality_sample put =
			i == 5 ? sample_at(START + 10000, PEER_A) : wandering(i, i % 2 ? PEER_B : PEER_A);
		assert_int_equal(quality_read_next(&r, &got), 1);
		check_same(&got, &put);
	}
	assert_int_equal(quality_read_next(&r, &got), 0);
	print_message("bytes per sample: %.1f\n", (double)block.len / 40);
	assert_in_range(block.len / 40, 1, 40);
	buf_fini(&block);
}

static void damage_ends_the_reading(void **state)
{
	(void)state;
	struct quality_reader r;
	struct quality_sample s = wandering(0, PEER_A), got;
	struct buf block;
	buf_init(&block, QUALITY_BLOCK_MAX);
	quality_write_begin(&r, &block, START);
	assert_int_equal(quality_write(&r, &block, &s), 0);
	for (size_t n = 2; n < block.len; n++) {
		assert_int_equal(quality_read_begin(&r, str_n(block.ptr, n), START), 0);
		assert_int_equal(quality_read_next(&r, &got), ERR_PROTOCOL);
	}
	block.ptr[1] = 7; /* a peer that was never named */
	assert_int_equal(quality_read_begin(&r, buf_str(&block), START), 0);
	assert_int_equal(quality_read_next(&r, &got), ERR_PROTOCOL);
	block.ptr[0] = 9;
	assert_int_equal(quality_read_begin(&r, buf_str(&block), START), ERR_VERSION);
	buf_fini(&block);
}

static void a_block_has_room_for_so_many_peers(void **state)
{
	(void)state;
	struct quality_reader w;
	struct buf block;
	char peer[ID_UUID_SIZE] = PEER_A;
	buf_init(&block, QUALITY_BLOCK_MAX);
	quality_write_begin(&w, &block, START);
	for (int i = 0; i <= QUALITY_PEERS_MAX; i++) {
		peer[0] = (char)('a' + i % 6);
		peer[1] = (char)('0' + i / 6 % 10);
		peer[2] = (char)('0' + i / 60);
		struct quality_sample s = sample_at(START, peer);
		assert_int_equal(quality_write(&w, &block, &s), i < QUALITY_PEERS_MAX ? 0 : ERR_TOO_LARGE);
	}
	buf_fini(&block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_an_array_of_numbers),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(damage_ends_the_reading),
		cmocka_unit_test(a_block_has_room_for_so_many_peers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The SHA-256 of a file's part, read by a second thread: whatever its length is in pieces, and when it ends too early.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "recording/inner.h"

#define FILE_SIZE (17 << 20)

struct file {
	int fd;
	unsigned char *bytes; /* owned */
};

static int set_up(void **state)
{
	static struct file file;
	FILE *stream = tmpfile();
	file.bytes = mem_new(FILE_SIZE);
	uint32_t x = 1;
	for (size_t i = 0; i < FILE_SIZE; i++)
		file.bytes[i] = (unsigned char)((x = x * 1664525u + 1013904223u) >> 24);
	file.fd = dup(fileno(stream));
	*state = &file;
	fclose(stream);
	return dir_write(file.fd, file.bytes, FILE_SIZE, 0);
}

static int tear_down(void **state)
{
	struct file *file = *state;
	mem_free(file->bytes);
	return close(file->fd);
}

static void test_lengths(void **state)
{
	const struct file *file = *state;
	static const int64_t lengths[] = {
		0, 1, 65537, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 8 << 20, (12 << 20) + 1, 16 << 20};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		unsigned char sum[EVP_MAX_MD_SIZE];
		char want[RECORDING_SHA_SIZE], got[RECORDING_SHA_SIZE];
		int64_t from = 4093;
		assert_int_equal(EVP_Digest(file->bytes + from, (size_t)lengths[i], sum, NULL, EVP_sha256(), NULL), 1);
		sha_hex(sum, want);
		assert_int_equal(sha_file(file->fd, from, lengths[i], got), 0);
		assert_string_equal(got, want);
	}
}

static void test_ends_early(void **state)
{
	const struct file *file = *state;
	char got[RECORDING_SHA_SIZE];
	assert_int_equal(sha_file(file->fd, 0, FILE_SIZE + 1, got), ERR_IO);
	assert_int_equal(sha_file(file->fd, FILE_SIZE, 1, got), ERR_IO);
	assert_int_equal(sha_file(-1, 0, 1, got), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lengths), cmocka_unit_test(test_ends_early)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* Clocks that stand, and random bytes that repeat. meson.build links clock_wall_ms to the one here; libFuzzer's own
 * clock stays the system's. */
#define OPENSSL_SUPPRESS_DEPRECATED /* a RAND_METHOD is the short way to replace OpenSSL's random bytes */

#include "still.h"

#include <openssl/rand.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t mono_ms = 1000000, began_ms = 1000000;
static uint64_t state;

void still_pass(int64_t ms)
{
	mono_ms += ms;
}

int64_t __wrap_clock_wall_ms(void);

int64_t __wrap_clock_wall_ms(void)
{
	return STILL_WALL_MS + mono_ms - began_ms;
}

/* Instead of libc's, also for libuv. */
int clock_gettime(clockid_t id, struct timespec *out)
{
	if (id == CLOCK_REALTIME)
		return (int)syscall(SYS_clock_gettime, id, out);
	*out = (struct timespec){mono_ms / 1000, mono_ms % 1000 * 1000000};
	return 0;
}

/* SplitMix64. */
static uint64_t next_random(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Instead of libc's. */
ssize_t getrandom(void *out, size_t n, unsigned flags)
{
	(void)flags;
	for (size_t at = 0; at < n; at += sizeof state) {
		uint64_t word = next_random();
		memcpy((char *)out + at, &word, n - at < sizeof word ? n - at : sizeof word);
	}
	return (ssize_t)n;
}

static int random_bytes(unsigned char *out, int n)
{
	return getrandom(out, (size_t)n, 0) == n;
}

static int random_status(void)
{
	return 1;
}

void still_begin(void)
{
	static const RAND_METHOD method = {.bytes = random_bytes, .pseudorand = random_bytes, .status = random_status};
	if (!state)
		RAND_set_rand_method(&method);
	state = 1;
	began_ms = mono_ms;
}

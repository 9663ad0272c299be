/* The SHA-256 of a file's part. What it waits for is the arithmetic: a second thread reads the next piece meanwhile. */
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "recording/inner.h"

/* Each costs two wakings of a thread, which may take as long as hashing 64 kB: of half a megabyte they were a
 * twentieth. And one lasts longer than the reader waits for a core that is busy. */
#define PIECE (4 << 20)
#define PIECES 2

struct ahead {
	int fd;
	int64_t at;
	int64_t left;	     /* to be read */
	char *pieces;	     /* owned; in turns */
	int64_t got[PIECES]; /* bytes of each, or an ERR_* */
	sem_t full;
	sem_t empty;
};

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0 && errno == EINTR)
		;
}

/* On the other thread. Ends with the last byte, or with the first error. */
static void *read_ahead(void *arg)
{
	struct ahead *a = arg;
	for (size_t i = 0; a->left > 0; i = (i + 1) % PIECES) {
		wait_for(&a->empty);
		size_t want = a->left < PIECE ? (size_t)a->left : PIECE;
		int64_t n = dir_read(a->fd, a->pieces + i * PIECE, want, a->at);
		n = n == 0 ? ERR_IO : n;
		a->got[i] = n;
		a->at += n;
		a->left = n < 0 ? 0 : a->left - n;
		sem_post(&a->full);
	}
	return NULL;
}

static int hash(struct ahead *a, int64_t n, EVP_MD_CTX *md)
{
	for (size_t i = 0; n > 0; i = (i + 1) % PIECES) {
		wait_for(&a->full);
		int64_t got = a->got[i];
		if (got < 0)
			return (int)got;
		EVP_DigestUpdate(md, a->pieces + i * PIECE, (size_t)got);
		n -= got;
		sem_post(&a->empty);
	}
	return 0;
}

static int hash_ahead(struct ahead *a, EVP_MD_CTX *md)
{
	int64_t n = a->left;
	pthread_t reader;
	sem_init(&a->full, 0, 0);
	sem_init(&a->empty, 0, PIECES);
	int err = pthread_create(&reader, NULL, read_ahead, a) ? ERR_NO_MEMORY : 0;
	if (!err) {
		err = hash(a, n, md);
		pthread_join(reader, NULL);
	}
	sem_destroy(&a->full);
	sem_destroy(&a->empty);
	return err;
}

void sha_hex(const unsigned char sum[32], char out[RECORDING_SHA_SIZE])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

int sha_file(int fd, int64_t from, int64_t n, char out[RECORDING_SHA_SIZE])
{
	unsigned char sum[32];
	struct ahead a = {.fd = fd, .at = from, .left = n, .pieces = mem_new((size_t)PIECES * PIECE)};
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int err = md && a.pieces && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 ? 0 : ERR_NO_MEMORY;
	if (!err)
		err = hash_ahead(&a, md);
	if (!err && EVP_DigestFinal_ex(md, sum, NULL) != 1)
		err = ERR_NO_MEMORY;
	if (!err)
		sha_hex(sum, out);
	EVP_MD_CTX_free(md);
	mem_free(a.pieces);
	return err;
}

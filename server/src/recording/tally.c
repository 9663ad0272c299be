/* What is learnt of an upload's bytes while they come in, so that completing it need not read them for that. */
#include "recording/tally.h"

#include <openssl/evp.h>

#include "base/err.h"
#include "base/mem.h"

#define LOOK_EVERY (4 << 20) /* bytes: what is left to be looked at in the end takes no time */
#define SCANS_ALL (8 << 20)  /* memory for what is known of all WebM that are coming in */

struct tally {
	int64_t n; /* -1: not known any more */
	EVP_MD_CTX *sum;
	struct webm_scan *scan; /* of the first n_scanned bytes; null: none begun, or given up */
	int64_t n_scanned;
	size_t n_counted; /* bytes in recordings.n_tally */
};

struct tally *tally_new(void)
{
	struct tally *t = mem_new(sizeof *t);
	if (!t)
		return NULL;
	t->sum = EVP_MD_CTX_new();
	t->scan = webm_scan_new();
	if (t->sum && t->scan && EVP_DigestInit_ex(t->sum, EVP_sha256(), NULL) == 1)
		return t;
	EVP_MD_CTX_free(t->sum);
	webm_scan_free(t->scan);
	mem_free(t);
	return NULL;
}

static void give_up_scan(struct tally *t)
{
	webm_scan_free(t->scan);
	t->scan = NULL;
}

void tally_free(struct recordings *r, struct tally *t)
{
	if (!t)
		return;
	r->n_tally -= t->n_counted;
	give_up_scan(t);
	EVP_MD_CTX_free(t->sum);
	mem_free(t);
}

bool tally_is_of(const struct tally *t, int64_t n)
{
	return t && t->n == n;
}

int tally_add(struct tally *t, struct str bytes)
{
	if (t->n >= 0)
		t->n = EVP_DigestUpdate(t->sum, bytes.ptr, bytes.len) == 1 ? t->n + (int64_t)bytes.len : -1;
	return t->n < 0 ? ERR_NO_MEMORY : 0;
}

struct place {
	int fd;
	int64_t base;
};

static int64_t read_place(void *arg, int64_t at, void *into, size_t n)
{
	const struct place *p = arg;
	return dir_read(p->fd, into, n, p->base + at);
}

void tally_look(struct tally *t, int fd, int64_t base)
{
	struct place place = {fd, base};
	struct webm_source source = {read_place, &place, t->n};
	if (!t->scan || t->n < t->n_scanned + LOOK_EVERY)
		return;
	t->n_scanned = t->n;
	if (base != WEBM_GAP || webm_scan_more(t->scan, &source) < 0)
		give_up_scan(t);
}

void tally_count(struct recordings *r, struct tally *t)
{
	size_t size = t->scan ? webm_scan_size(t->scan) : 0;
	if (size > t->n_counted && r->n_tally + size - t->n_counted > SCANS_ALL) {
		give_up_scan(t);
		size = 0;
	}
	r->n_tally += size - t->n_counted;
	t->n_counted = size;
}

int tally_sum(struct tally *t, char out[RECORDING_SHA_SIZE])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	if (EVP_DigestFinal_ex(t->sum, sum, NULL) != 1)
		return ERR_NO_MEMORY;
	sha_hex(sum, out);
	return 0;
}

struct webm_scan *tally_take_scan(struct tally *t)
{
	struct webm_scan *scan = t->scan;
	t->scan = NULL;
	return scan;
}

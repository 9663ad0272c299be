/* An append's bytes go to the disk, are checked, and made to last. For the writers, and the pool. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "base/err.h"
#include "recording/append.h"
#include "recording/tally.h"

#define SYNC_EVERY (16 << 20) /* bytes after which the kernel is asked to begin writing them out */

static int open_part(struct append *a)
{
	struct recordings *r = a->r;
	if (a->fd >= 0)
		return 0;
	if (a->md) { /* until it has been checked */
		struct upload_meta meta = a->meta;
		meta.pending = a->start;
		int err = meta_save(&r->dir, &meta);
		if (err)
			return err;
	}
	int fd = dir_file(r->dir.uploads, a->meta.row.id, ".part", O_RDWR);
	if (fd < 0)
		return fd;
	a->fd = fd;
	return 0;
}

int append_write(struct work *w)
{
	struct append *a = CONTAINER_OF(w, struct append, work);
	struct recordings *r = a->r;
	int err = dir_has_room(&r->dir, r->config.min_free_bytes);
	int64_t at = a->meta.base + a->start + a->n_written;
	err = err ? err : open_part(a);
	err = err ? err : dir_write(a->fd, a->flight.ptr, a->flight.len, at);
	if (!err && a->md && EVP_DigestUpdate(a->md, a->flight.ptr, a->flight.len) != 1)
		err = ERR_NO_MEMORY;
	if (!err && a->tally)
		err = tally_add(a->tally, buf_str(&a->flight));
	if (!err && a->tally)
		tally_look(a->tally, a->fd, a->meta.base);
	if (!err && at + (int64_t)a->flight.len - a->n_synced > SYNC_EVERY) {
		sync_file_range(a->fd, a->n_synced, at - a->n_synced, SYNC_FILE_RANGE_WRITE);
		a->n_synced = at;
	}
	return err;
}

static int check_sum(struct append *a)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (EVP_DigestFinal_ex(a->md, sum, &n) != 1)
		return ERR_NO_MEMORY;
	bool same = n == a->config.n_checksum && CRYPTO_memcmp(sum, a->config.checksum, n) == 0;
	return same ? 0 : ERR_CHECKSUM;
}

int append_settle(struct work *w)
{
	struct append *a = CONTAINER_OF(w, struct append, work);
	int err = a->md && !a->drop ? check_sum(a) : 0;
	a->drop |= err < 0;
	if (a->fd < 0)
		return err;
	if (a->drop && ftruncate(a->fd, a->meta.base + a->start) < 0)
		return ERR_IO;
	if (fdatasync(a->fd) < 0) {
		a->drop = true; /* what the disk holds is not known: what was acknowledged is */
		return dir_error(errno);
	}
	if (a->md) {
		struct upload_meta meta = a->meta;
		int unsaved = meta_save(&a->r->dir, &meta);
		a->drop |= unsaved < 0;
		err = err ? err : unsaved;
	}
	return err;
}

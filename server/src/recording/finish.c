/* The bytes of a whole upload become those of a recording: hashed, given a duration and an index, moved to where they
 * stay. For the pool. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "recording/inner.h"

#define COPY_MOST (64 << 20)

struct finishing {
	const struct dir *dir;
	struct upload_meta *meta;
	struct webm_scan *scan; /* borrowed; null */
	int fd;
};

static int64_t read_source(void *arg, int64_t at, void *into, size_t n)
{
	const struct finishing *c = arg;
	return dir_read(c->fd, into, n, c->meta->base + at);
}

/* An EBML header behind the gap is there as long as the gap is. */
static int64_t find_base(int fd)
{
	char magic[4];
	bool gap = dir_read(fd, magic, 4, WEBM_GAP) == 4 && memcmp(magic, "\x1a\x45\xdf\xa3", 4) == 0;
	return gap ? WEBM_GAP : 0;
}

static int shorten_cluster(const struct finishing *c, const struct webm *w)
{
	uint8_t size[8];
	if (!w->size_at)
		return 0;
	webm_format_size(w, size);
	return dir_write(c->fd, size, w->size_width, c->meta->base + w->size_at);
}

static int void_stale(const struct finishing *c, const struct webm *w)
{
	uint8_t header[16];
	int err = 0;
	for (size_t i = 0; i < w->n_stale && !err; i++) {
		size_t n = webm_format_void(&w->stale[i], header);
		err = dir_write(c->fd, header, n, c->meta->base + w->stale[i].at);
	}
	return err;
}

/* What is to be kept is decided and saved first; then head and index may be written any number of times. */
static int write_webm(struct finishing *c, const struct webm *w)
{
	struct buf head, index;
	buf_init(&head, WEBM_GAP);
	buf_init(&index, (size_t)WEBM_MAX_CUES * 64 + 64);
	int err = webm_write(w, &head, &index);
	if (!err) {
		c->meta->length = w->end;
		c->meta->row.duration_ms = webm_duration_ms(w);
		c->meta->row.is_cut |= w->is_cut;
		err = meta_save(c->dir, c->meta);
	}
	err = err ? err : shorten_cluster(c, w);
	err = err ? err : void_stale(c, w);
	int64_t end = c->meta->base + w->end;
	err = err ? err : dir_write(c->fd, index.ptr, index.len, end);
	c->meta->row.file_size = end + (int64_t)index.len;
	if (!err && ftruncate(c->fd, c->meta->row.file_size) < 0)
		err = dir_error(errno);
	err = err ? err : dir_write(c->fd, head.ptr, head.len, 0);
	buf_fini(&head);
	buf_fini(&index);
	return err;
}

/* A WebM that is no usual one is kept as it came: copied, without the gap. */
static int strip_gap(struct finishing *c)
{
	const struct dir *d = c->dir;
	char from[ID_UUID_SIZE + 8], to[ID_UUID_SIZE + 8];
	off_t at = c->meta->base;
	int out = dir_file(d->uploads, c->meta->row.id, ".out", O_RDWR | O_CREAT | O_TRUNC);
	if (out < 0)
		return out;
	for (int64_t left = c->meta->length; left > 0;) {
		ssize_t n = copy_file_range(c->fd, &at, out, NULL, left < COPY_MOST ? (size_t)left : COPY_MOST, 0);
		if (n <= 0) {
			close(out);
			return n < 0 ? dir_error(errno) : ERR_IO;
		}
		left -= n;
	}
	snprintf(from, sizeof from, "%s.out", c->meta->row.id);
	snprintf(to, sizeof to, "%s.part", c->meta->row.id);
	close(c->fd);
	c->fd = out;
	c->meta->base = 0;
	return fsync(out) < 0 || renameat(d->uploads, from, d->uploads, to) < 0 ? dir_error(errno) : 0;
}

static int finish_webm(struct finishing *c, const struct webm_source *source)
{
	struct webm w;
	int err = c->scan ? webm_scan_end(c->scan, source, &w) : webm_scan(source, &w);
	err = err ? err : write_webm(c, &w);
	webm_fini(&w);
	if (err != ERR_PROTOCOL && err != ERR_TOO_LARGE)
		return err;
	return c->meta->row.is_cut ? ERR_NOT_MEDIA : strip_gap(c);
}

static int finish_kind(struct finishing *c, enum media_kind kind)
{
	struct recording *row = &c->meta->row;
	struct webm_source source = {read_source, c, c->meta->length};
	row->file_size = c->meta->length;
	if (kind == MEDIA_UNKNOWN)
		return ERR_NOT_MEDIA;
	if (kind == MEDIA_WEBM && c->meta->base)
		return finish_webm(c, &source);
	row->duration_ms = kind == MEDIA_MP4 ? media_mp4_duration_ms(&source) : media_ogg_duration_ms(&source);
	return 0;
}

/* What stands behind the last byte that counts goes first. */
static int finish_file(struct finishing *c)
{
	struct recording *row = &c->meta->row;
	enum media_kind kind;
	char first[MEDIA_MAGIC];
	c->meta->base = find_base(c->fd);
	int64_t n = read_source(c, 0, first, sizeof first);
	int err = n < 0 ? (int)n : media_sniff(str_n(first, (size_t)n), &kind);
	if (!err && !row->upload_sha256[0])
		err = sha_file(c->fd, c->meta->base, c->meta->length, row->upload_sha256);
	err = err ? err : finish_kind(c, kind);
	if (err)
		return err;
	str_copy(row->media_type, sizeof row->media_type, str_of(media_type(kind, str_of(row->media_type))));
	row->ended_at = c->meta->touched_at;
	row->started_at = row->duration_ms ? row->ended_at - row->duration_ms : row->started_at;
	row->created_at = clock_wall_ms();
	if (kind == MEDIA_WEBM && c->meta->base)
		err = sha_file(c->fd, 0, row->file_size, row->sha256);
	else
		memcpy(row->sha256, row->upload_sha256, sizeof row->sha256);
	return !err && fdatasync(c->fd) < 0 ? dir_error(errno) : err;
}

static int finish(struct finishing *c)
{
	int err = meta_save(c->dir, c->meta);
	c->fd = err ? err : dir_file(c->dir->uploads, c->meta->row.id, ".part", O_RDWR);
	if (c->fd < 0)
		return c->fd;
	err = finish_file(c);
	close(c->fd);
	c->meta->state = UPLOAD_STORED;
	return err ? err : meta_save(c->dir, c->meta);
}

int finish_upload(const struct dir *d, struct upload_meta *m, struct webm_scan *scan)
{
	struct finishing c = {.dir = d, .meta = m, .scan = scan, .fd = -1};
	int err = m->state == UPLOAD_COMPLETING ? finish(&c) : 0;
	return err ? err : dir_rename(d, m->row.id);
}

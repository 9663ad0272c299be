/* An upload becomes a recording: hashed, given a duration and an index, moved to where it stays, and told of.
 *
 *   COMPLETING --files (pool), one at a time--> STORED --row and event--> DONE
 *
 * Each step can be repeated after a crash: what an upload's bytes were stays readable until the row is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "recording/inner.h"
#include "recording/s3.h"

#define COPY_MOST (64 << 20)

struct completion {
	struct work work;
	struct upload *u;
	struct recordings *r;
	struct upload_meta meta; /* a copy, for the pool */
	int fd;
};

/* --- on the pool --- */

static int64_t read_source(void *arg, int64_t at, void *into, size_t n)
{
	const struct completion *c = arg;
	return dir_read(c->fd, into, n, c->meta.base + at);
}

/* An EBML header behind the gap is there as long as the gap is. */
static int64_t find_base(int fd)
{
	char magic[4];
	bool gap = dir_read(fd, magic, 4, WEBM_GAP) == 4 && memcmp(magic, "\x1a\x45\xdf\xa3", 4) == 0;
	return gap ? WEBM_GAP : 0;
}

static int shorten_cluster(const struct completion *c, const struct webm *w)
{
	uint8_t size[8];
	if (!w->size_at)
		return 0;
	webm_format_size(w, size);
	return dir_write(c->fd, size, w->size_width, c->meta.base + w->size_at);
}

static int void_stale(const struct completion *c, const struct webm *w)
{
	uint8_t header[16];
	int err = 0;
	for (size_t i = 0; i < w->n_stale && !err; i++) {
		size_t n = webm_format_void(&w->stale[i], header);
		err = dir_write(c->fd, header, n, c->meta.base + w->stale[i].at);
	}
	return err;
}

/* What is to be kept is decided and saved first; then head and index may be written any number of times. */
static int write_webm(struct completion *c, const struct webm *w)
{
	struct buf head, index;
	buf_init(&head, WEBM_GAP);
	buf_init(&index, (size_t)WEBM_MAX_CUES * 64 + 64);
	int err = webm_write(w, &head, &index);
	if (!err) {
		c->meta.length = w->end;
		c->meta.row.duration_ms = webm_duration_ms(w);
		c->meta.row.is_cut |= w->is_cut;
		err = meta_save(&c->r->dir, &c->meta);
	}
	err = err ? err : shorten_cluster(c, w);
	err = err ? err : void_stale(c, w);
	int64_t end = c->meta.base + w->end;
	err = err ? err : dir_write(c->fd, index.ptr, index.len, end);
	c->meta.row.file_size = end + (int64_t)index.len;
	if (!err && ftruncate(c->fd, c->meta.row.file_size) < 0)
		err = dir_error(errno);
	err = err ? err : dir_write(c->fd, head.ptr, head.len, 0);
	buf_fini(&head);
	buf_fini(&index);
	return err;
}

/* A WebM that is no usual one is kept as it came: copied, without the gap. */
static int strip_gap(struct completion *c)
{
	const struct dir *d = &c->r->dir;
	char from[ID_UUID_SIZE + 8], to[ID_UUID_SIZE + 8];
	off_t at = c->meta.base;
	int out = dir_file(d->uploads, c->meta.row.id, ".out", O_RDWR | O_CREAT | O_TRUNC);
	if (out < 0)
		return out;
	for (int64_t left = c->meta.length; left > 0;) {
		ssize_t n = copy_file_range(c->fd, &at, out, NULL, left < COPY_MOST ? (size_t)left : COPY_MOST, 0);
		if (n <= 0) {
			close(out);
			return n < 0 ? dir_error(errno) : ERR_IO;
		}
		left -= n;
	}
	snprintf(from, sizeof from, "%s.out", c->meta.row.id);
	snprintf(to, sizeof to, "%s.part", c->meta.row.id);
	close(c->fd);
	c->fd = out;
	c->meta.base = 0;
	return fsync(out) < 0 || renameat(d->uploads, from, d->uploads, to) < 0 ? dir_error(errno) : 0;
}

static int finish_webm(struct completion *c, const struct webm_source *source)
{
	struct webm w;
	int err = webm_scan(source, &w);
	err = err ? err : write_webm(c, &w);
	webm_fini(&w);
	if (err != ERR_PROTOCOL && err != ERR_TOO_LARGE)
		return err;
	return c->meta.row.is_cut ? ERR_NOT_MEDIA : strip_gap(c);
}

static int finish_kind(struct completion *c, enum media_kind kind)
{
	struct recording *row = &c->meta.row;
	struct webm_source source = {read_source, c, c->meta.length};
	row->file_size = c->meta.length;
	if (kind == MEDIA_UNKNOWN)
		return ERR_NOT_MEDIA;
	if (kind == MEDIA_WEBM && c->meta.base)
		return finish_webm(c, &source);
	row->duration_ms = kind == MEDIA_MP4 ? media_mp4_duration_ms(&source) : media_ogg_duration_ms(&source);
	return 0;
}

/* What stands behind the last byte that counts goes first. */
static int finish_file(struct completion *c)
{
	struct recording *row = &c->meta.row;
	enum media_kind kind;
	char first[MEDIA_MAGIC];
	c->meta.base = find_base(c->fd);
	int64_t n = read_source(c, 0, first, sizeof first);
	int err = n < 0 ? (int)n : media_sniff(str_n(first, (size_t)n), &kind);
	if (!err && !row->upload_sha256[0])
		err = dir_sha256(c->fd, c->meta.base, c->meta.length, row->upload_sha256);
	err = err ? err : finish_kind(c, kind);
	if (err)
		return err;
	str_copy(row->media_type, sizeof row->media_type, str_of(media_type(kind, str_of(row->media_type))));
	row->ended_at = c->meta.touched_at;
	row->started_at = row->duration_ms ? row->ended_at - row->duration_ms : row->started_at;
	row->created_at = clock_wall_ms();
	if (kind == MEDIA_WEBM && c->meta.base)
		err = dir_sha256(c->fd, 0, row->file_size, row->sha256);
	else
		memcpy(row->sha256, row->upload_sha256, sizeof row->sha256);
	return !err && fdatasync(c->fd) < 0 ? dir_error(errno) : err;
}

static int complete_files(struct work *w)
{
	struct completion *c = CONTAINER_OF(w, struct completion, work);
	const struct dir *d = &c->r->dir;
	int err = 0;
	if (c->meta.state == UPLOAD_COMPLETING) {
		err = meta_save(d, &c->meta);
		c->fd = err ? err : dir_file(d->uploads, c->meta.row.id, ".part", O_RDWR);
		if (c->fd < 0)
			return c->fd;
		err = finish_file(c);
		close(c->fd);
		c->meta.state = UPLOAD_STORED;
		err = err ? err : meta_save(d, &c->meta);
	}
	return err ? err : dir_rename(d, c->meta.row.id);
}

/* --- on the loop --- */

static void on_done_saved(void *arg, int err)
{
	struct upload *u = arg;
	if (err)
		log_warn("recording's upload not tidied up", LOG_S("recording", u->meta.row.id), LOG_E(err));
	if (u->to_drop)
		upload_drop(u);
}

static void answer_form(struct upload *u, int err)
{
	struct http_req *req = u->wants_result;
	u->wants_result = NULL;
	if (!req)
		return;
	if (err) {
		http_respond_problem(req, err, NULL, NULL);
		return;
	}
	struct buf body;
	buf_init(&body, 4096);
	struct json_writer w = json_writer(&body);
	jw_object(&w);
	jw_key(&w, "recording");
	recording_write_json(&w, &u->meta.row);
	jw_end_object(&w);
	http_resp_header(req, "Location", str_of(u->meta.row.url));
	http_respond_json(req, 201, buf_str(&body));
	buf_fini(&body);
}

static void on_announced(void *arg, int err)
{
	struct upload *u = arg;
	struct recordings *r = u->r;
	u->announcing = false;
	if (err == 0 || err == ERR_CONFLICT) {
		log_info("recording ready", LOG_S("recording", u->meta.row.id), LOG_S("call", u->meta.row.call_id),
			LOG_I("bytes", u->meta.row.file_size), LOG_I("ms", u->meta.row.duration_ms));
		u->meta.state = UPLOAD_DONE;
		call_use_change(r, u->meta.row.call_id, u->meta.row.file_size);
		upload_touch(u);
		answer_form(u, 0);
		upload_save(u, on_done_saved, u);
	} else if (err == ERR_CALL_NOT_FOUND) {
		log_warn("recording of a call that is not there", LOG_S("recording", u->meta.row.id));
		answer_form(u, err);
		upload_drop(u); /* and its file at the next start, as an orphan */
	} else {
		log_warn("recording not announced yet", LOG_S("recording", u->meta.row.id), LOG_E(err));
	}
	recordings_end(r);
}

static void announce(struct upload *u)
{
	const struct recording_host *host = &u->r->config.host;
	if (u->announcing || u->r->is_closing)
		return;
	u->announcing = true;
	recordings_begin(u->r);
	host->ready(host->arg, &u->meta.row, on_announced, u);
}

static void next(struct recordings *r);

static void on_remote(void *arg, int err)
{
	struct upload *u = arg;
	struct recordings *r = u->r;
	u->is_busy = false;
	if (err)
		log_warn("recording not in S3 yet", LOG_S("recording", u->meta.row.id), LOG_E(err));
	else
		announce(u);
	recordings_end(r);
}

static void stored(struct upload *u)
{
	struct recordings *r = u->r;
	if (!r->s3) {
		announce(u);
		return;
	}
	u->is_busy = true;
	recordings_begin(r);
	s3_put(r->s3, u->meta.row.id, u->meta.row.media_type, on_remote, u);
}

static void on_completed(struct work *w, int err)
{
	struct completion *c = CONTAINER_OF(w, struct completion, work);
	struct recordings *r = c->r;
	struct upload *u = c->u;
	int64_t before = u->offset;
	r->is_completing = false;
	u->is_busy = false;
	if (err == 0) {
		bool was_stored = u->meta.state == UPLOAD_STORED;
		u->meta = c->meta;
		r->n_bytes += was_stored ? 0 : u->meta.row.file_size - before;
		stored(u);
	} else if (err == ERR_NOT_MEDIA) {
		log_info("upload holds nothing to play", LOG_S("upload", u->meta.row.id));
		answer_form(u, err);
		r->n_bytes -= before;
		upload_drop(u);
	} else { /* the disk is full, or worse: at the next tick */
		log_warn("recording not completed yet", LOG_S("recording", u->meta.row.id), LOG_E(err));
	}
	mem_free(c);
	next(r);
	recordings_end(r);
}

/* What the bytes came to while they came in, unless a restart lay between. */
static void take_sum(struct upload *u)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	struct recording *row = &u->meta.row;
	bool known = u->sum && u->summed == u->meta.length && !row->upload_sha256[0];
	if (known && EVP_DigestFinal_ex(u->sum, sum, NULL) == 1)
		dir_hex(sum, row->upload_sha256);
	EVP_MD_CTX_free(u->sum);
	u->sum = NULL;
}

static void next(struct recordings *r)
{
	struct list *link = r->is_completing || r->is_closing ? NULL : list_shift(&r->completing);
	struct completion *c = link ? mem_new(sizeof *c) : NULL;
	if (!c)
		return;
	struct upload *u = CONTAINER_OF(link, struct upload, completing);
	take_sum(u);
	*c = (struct completion){.u = u, .r = r, .meta = u->meta, .fd = -1};
	r->is_completing = u->is_busy = true;
	recordings_begin(r);
	work_start(r->config.loop, &c->work, complete_files, on_completed);
}

void complete_resume(struct upload *u)
{
	if (u->is_busy || u->announcing || !list_empty(&u->completing))
		return;
	list_push(&u->r->completing, &u->completing);
	next(u->r);
}

void complete_start(struct upload *u)
{
	u->r->n_open--;
	u->meta.row.is_cut = u->meta.length != u->offset;
	u->meta.state = UPLOAD_COMPLETING;
	u->meta.length = u->offset;
	complete_resume(u);
}

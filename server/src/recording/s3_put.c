/* A file into the bucket: in parts, of which one is in memory at a time, and nothing is left of it when it fails.
 *
 *   POST ?uploads= -> PUT ?partNumber=1&uploadId=… -> … -> POST ?uploadId=… -> the local file goes
 *                       '--failed--> DELETE ?uploadId=…
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "recording/s3_inner.h"

#define PART_SIZE (8 << 20)
#define PARTS_MOST 10000 /* by the protocol */
#define ID_SIZE 1024

struct put {
	struct work work;
	struct list link;
	struct s3 *s; /* borrowed */
	char id[ID_UUID_SIZE];
	char media_type[RECORDING_TYPE_SIZE];
	recording_err_cb done;
	void *arg;
	int fd;
	int64_t size;
	size_t part_size;
	char upload_id[ID_SIZE]; /* encoded for a query; "" until there is one */
	unsigned n_parts;	 /* sent */
	char *part;		 /* owned */
	size_t n_part;
	size_t n_sent; /* of it */
	char sha256[RECORDING_SHA_SIZE];
	struct buf tags; /* the list of parts, for the end */
	int err;
};

static void begin_next(struct s3 *s);

static void put_end(struct put *p, int err)
{
	struct s3 *s = p->s;
	struct recordings *r = s->r;
	if (p->fd >= 0)
		close(p->fd);
	s->is_putting = false;
	p->done(p->arg, err);
	buf_fini(&p->tags);
	mem_free(p->part);
	mem_free(p);
	begin_next(s);
	recordings_end(r);
}

/* --- giving up --- */

static void on_aborted(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct put *p = arg;
	(void)f;
	s3_result("abort", result);
	put_end(p, p->err);
}

static void give_up(struct put *p, int err)
{
	static const struct fetch_cb cb = {.on_done = on_aborted};
	char query[ID_SIZE + 16];
	p->err = err;
	snprintf(query, sizeof query, "?uploadId=%s", p->upload_id);
	struct s3_call call = {.method = "DELETE", .key = p->id, .query = query, .cb = &cb, .arg = p};
	if (!p->upload_id[0] || s3_request(p->s, &call, NULL) < 0)
		put_end(p, err);
}

/* --- the end --- */

static int remove_local(struct work *w)
{
	struct put *p = CONTAINER_OF(w, struct put, work);
	return dir_remove(p->s->r->dir.media, p->id, "");
}

static void on_local_gone(struct work *w, int err)
{
	put_end(CONTAINER_OF(w, struct put, work), err);
}

/* An error may come with status 200 here, in the body. */
static void on_finished(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct put *p = arg;
	(void)f;
	bool refused = memmem(result->body.ptr ? result->body.ptr : "", result->body.len, "<Error>", 7) != NULL;
	if (s3_result("finish", result) < 0 || refused)
		give_up(p, ERR_IO);
	else
		work_start(p->s->r->config.loop, &p->work, remove_local, on_local_gone);
}

static void finish(struct put *p)
{
	static const struct fetch_cb cb = {.on_done = on_finished};
	char query[ID_SIZE + 16];
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n;
	buf_put(&p->tags, STR("</CompleteMultipartUpload>"));
	int err = buf_ok(&p->tags) ? 0 : p->tags.err;
	if (!err && EVP_Digest(p->tags.ptr, p->tags.len, sum, &n, EVP_sha256(), NULL) != 1)
		err = ERR_NO_MEMORY;
	for (unsigned i = 0; !err && i < n; i++)
		snprintf(p->sha256 + (size_t)2 * i, 3, "%02x", sum[i]);
	snprintf(query, sizeof query, "?uploadId=%s", p->upload_id);
	struct s3_call call = {.method = "POST",
		.key = p->id,
		.query = query,
		.sha256 = p->sha256,
		.content_type = "application/xml",
		.body = buf_str(&p->tags),
		.cb = &cb,
		.arg = p};
	err = err ? err : s3_request(p->s, &call, NULL);
	if (err)
		give_up(p, err);
}

/* --- one part after another --- */

static void next_part(struct put *p);

static int64_t on_need(struct fetch *f, char *into, size_t size, void *arg)
{
	struct put *p = arg;
	(void)f;
	size_t left = p->n_part - p->n_sent;
	size_t n = left < size ? left : size;
	memcpy(into, p->part + p->n_sent, n);
	p->n_sent += n;
	return (int64_t)n;
}

static void on_part_sent(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct put *p = arg;
	struct str tag = fetch_header(f, "etag");
	int err = s3_result("part", result);
	if (err || !tag.len || tag.len > 200 || memchr(tag.ptr, '<', tag.len)) {
		give_up(p, ERR_IO);
		return;
	}
	p->n_parts++;
	buf_printf(&p->tags, "<Part><PartNumber>%u</PartNumber><ETag>%.*s</ETag></Part>", p->n_parts, STR_ARG(tag));
	next_part(p);
}

static int read_part(struct work *w)
{
	struct put *p = CONTAINER_OF(w, struct put, work);
	int64_t at = (int64_t)p->n_parts * (int64_t)p->part_size;
	int64_t n = dir_read(p->fd, p->part, p->part_size, at);
	p->n_part = n > 0 ? (size_t)n : 0;
	p->n_sent = 0;
	return n <= 0 ? ERR_IO : sha_file(p->fd, at, n, p->sha256);
}

static void on_part_read(struct work *w, int err)
{
	static const struct fetch_cb cb = {.on_need = on_need, .on_done = on_part_sent};
	struct put *p = CONTAINER_OF(w, struct put, work);
	char query[ID_SIZE + 48];
	snprintf(query, sizeof query, "?partNumber=%u&uploadId=%s", p->n_parts + 1, p->upload_id);
	struct s3_call call = {.method = "PUT",
		.key = p->id,
		.query = query,
		.sha256 = p->sha256,
		.upload_length = (int64_t)p->n_part,
		.cb = &cb,
		.arg = p};
	err = err ? err : s3_request(p->s, &call, NULL);
	if (err)
		give_up(p, err);
}

static void next_part(struct put *p)
{
	if ((int64_t)p->n_parts * (int64_t)p->part_size >= p->size)
		finish(p);
	else
		work_start(p->s->r->config.loop, &p->work, read_part, on_part_read);
}

/* --- the beginning --- */

/* What stands between <name> and </name>, from *rest on; ptr null when there is none. */
static struct str between(struct str *rest, const char *name)
{
	char open[32], close[32];
	snprintf(open, sizeof open, "<%s>", name);
	snprintf(close, sizeof close, "</%s>", name);
	const char *from = rest->len ? memmem(rest->ptr, rest->len, open, strlen(open)) : NULL;
	if (!from)
		return str_n(NULL, 0);
	from += strlen(open);
	size_t left = rest->len - (size_t)(from - rest->ptr);
	const char *to = memmem(from, left, close, strlen(close));
	if (!to)
		return str_n(NULL, 0);
	*rest = str_n(to, left - (size_t)(to - from));
	return str_n(from, (size_t)(to - from));
}

static bool encode(struct str s, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len && n + 4 < size; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("-._~", c));
		n += (size_t)snprintf(out + n, size - n, plain ? "%c" : "%%%02X", c);
	}
	out[n] = 0;
	return n + 4 < size && n > 0;
}

static void on_begun(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct put *p = arg;
	struct str rest = result->body;
	(void)f;
	int err = s3_result("begin", result);
	struct str id = err ? str_n(NULL, 0) : between(&rest, "UploadId");
	if (err || !encode(id, p->upload_id, sizeof p->upload_id)) {
		p->upload_id[0] = 0;
		give_up(p, ERR_IO);
		return;
	}
	buf_put(&p->tags, STR("<CompleteMultipartUpload>"));
	next_part(p);
}

static int open_local(struct work *w)
{
	struct put *p = CONTAINER_OF(w, struct put, work);
	p->fd = dir_file(p->s->r->dir.media, p->id, "", O_RDONLY);
	p->size = p->fd < 0 ? 0 : lseek(p->fd, 0, SEEK_END);
	return p->fd < 0 ? p->fd : 0;
}

static void on_local_open(struct work *w, int err)
{
	static const struct fetch_cb cb = {.on_done = on_begun};
	struct put *p = CONTAINER_OF(w, struct put, work);
	if (err) { /* not found: it is there since before a crash */
		put_end(p, err == ERR_NOT_FOUND ? 0 : err);
		return;
	}
	p->part_size = p->size / PARTS_MOST >= PART_SIZE ? (size_t)(p->size / PARTS_MOST) + 1 : PART_SIZE;
	p->part = mem_new(p->part_size);
	struct s3_call call = {.method = "POST",
		.key = p->id,
		.query = "?uploads=",
		.content_type = p->media_type,
		.cb = &cb,
		.arg = p};
	err = p->part ? s3_request(p->s, &call, NULL) : ERR_NO_MEMORY;
	if (err)
		put_end(p, err);
}

static void begin_next(struct s3 *s)
{
	struct list *link = s->is_putting ? NULL : list_shift(&s->puts);
	if (!link)
		return;
	struct put *p = CONTAINER_OF(link, struct put, link);
	s->is_putting = true;
	work_start(s->r->config.loop, &p->work, open_local, on_local_open);
}

void s3_put(struct s3 *s, const char *id, const char *media_type, recording_err_cb done, void *arg)
{
	struct put *p = mem_new(sizeof *p);
	if (!p) {
		done(arg, ERR_NO_MEMORY);
		return;
	}
	p->s = s;
	p->done = done;
	p->arg = arg;
	p->fd = -1;
	str_copy(p->id, sizeof p->id, str_of(id));
	str_copy(p->media_type, sizeof p->media_type, str_of(media_type));
	buf_init(&p->tags, 4 << 20);
	list_init(&p->link);
	list_push(&s->puts, &p->link);
	recordings_begin(s->r);
	begin_next(s);
}

/* --- what a former life left --- */

static void on_abandoned_gone(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct s3 *s = arg;
	(void)f;
	s3_result("abort", result);
	recordings_end(s->r);
}

static void abort_one(struct s3 *s, struct str key, struct str upload_id)
{
	static const struct fetch_cb cb = {.on_done = on_abandoned_gone};
	char id[ID_UUID_SIZE], coded[ID_SIZE], query[ID_SIZE + 16];
	if (!id_is_uuid(key) || str_copy(id, sizeof id, key) < 0 || !encode(upload_id, coded, sizeof coded))
		return; /* somebody else's */
	snprintf(query, sizeof query, "?uploadId=%s", coded);
	struct s3_call call = {.method = "DELETE", .key = id, .query = query, .cb = &cb, .arg = s};
	recordings_begin(s->r);
	if (s3_request(s, &call, NULL) < 0)
		recordings_end(s->r);
}

static void on_abandoned(struct fetch *f, const struct fetch_result *result, void *arg)
{
	struct s3 *s = arg;
	struct str rest = result->body;
	struct str key;
	(void)f;
	if (s3_result("list uploads", result) == 0)
		while ((key = between(&rest, "Key")).ptr)
			abort_one(s, key, between(&rest, "UploadId"));
	recordings_end(s->r);
}

void s3_abort_abandoned(struct s3 *s)
{
	static const struct fetch_cb cb = {.on_done = on_abandoned};
	struct s3_call call = {.method = "GET", .key = "", .query = "?uploads=", .cb = &cb, .arg = s};
	recordings_begin(s->r);
	if (s3_request(s, &call, NULL) < 0)
		recordings_end(s->r);
}

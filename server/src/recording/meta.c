/* uploads/ID.json: what must be known of an upload beside its bytes, replaced as a whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "recording/inner.h"

#define META_MAX 4096

static void write_meta(struct json_writer *w, const struct upload_meta *m)
{
	const struct recording *r = &m->row;
	jw_object(w);
	jw_kint(w, "state", m->state);
	jw_kint(w, "length", m->length);
	jw_kint(w, "base", m->base);
	jw_kint(w, "pending", m->pending);
	jw_kint(w, "touchedAt", m->touched_at);
	jw_kbool(w, "isRemote", m->is_remote);
	jw_kz(w, "callId", r->call_id);
	jw_kz(w, "userId", r->user_id);
	jw_kz(w, "mediaType", r->media_type);
	jw_kz(w, "fileName", r->file_name);
	jw_kz(w, "sha256", r->sha256);
	jw_kz(w, "uploadSha256", r->upload_sha256);
	jw_kint(w, "fileSize", r->file_size);
	jw_kint(w, "durationMs", r->duration_ms);
	jw_kbool(w, "isCut", r->is_cut);
	jw_kint(w, "startedAt", r->started_at);
	jw_kint(w, "endedAt", r->ended_at);
	jw_kint(w, "createdAt", r->created_at);
	jw_end_object(w);
}

static int save(const struct dir *d, const char *id, struct str text)
{
	char from[ID_UUID_SIZE + 8], to[ID_UUID_SIZE + 8];
	int fd = dir_file(d->uploads, id, ".tmp", O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return fd;
	int err = dir_write(fd, text.ptr, text.len, 0);
	if (!err && fsync(fd) < 0)
		err = dir_error(errno);
	close(fd);
	snprintf(from, sizeof from, "%s.tmp", id);
	snprintf(to, sizeof to, "%s.json", id);
	if (!err && renameat(d->uploads, from, d->uploads, to) < 0)
		err = dir_error(errno);
	if (!err && fsync(d->uploads) < 0)
		err = dir_error(errno);
	if (err)
		unlinkat(d->uploads, from, 0);
	return err;
}

int meta_save(const struct dir *d, const struct upload_meta *m)
{
	struct buf text;
	buf_init(&text, META_MAX);
	struct json_writer w = json_writer(&text);
	write_meta(&w, m);
	int err = buf_ok(&text) ? save(d, m->row.id, buf_str(&text)) : text.err;
	buf_fini(&text);
	return err;
}

static int get_text(const json_t *j, const char *key, char *out, size_t size)
{
	struct str s;
	int err = json_get_str(j, key, &s);
	return err < 0 ? err : str_copy(out, size, s);
}

static int get_texts(const json_t *j, struct recording *r)
{
	int err = get_text(j, "callId", r->call_id, sizeof r->call_id);
	err = err ? err : get_text(j, "userId", r->user_id, sizeof r->user_id);
	err = err ? err : get_text(j, "mediaType", r->media_type, sizeof r->media_type);
	err = err ? err : get_text(j, "fileName", r->file_name, sizeof r->file_name);
	err = err ? err : get_text(j, "sha256", r->sha256, sizeof r->sha256);
	return err ? err : get_text(j, "uploadSha256", r->upload_sha256, sizeof r->upload_sha256);
}

static int get_numbers(const json_t *j, struct upload_meta *m)
{
	int64_t state = 0;
	const struct {
		const char *key;
		int64_t *out;
	} numbers[] = {{"length", &m->length}, {"base", &m->base}, {"pending", &m->pending},
		{"touchedAt", &m->touched_at}, {"fileSize", &m->row.file_size}, {"durationMs", &m->row.duration_ms},
		{"startedAt", &m->row.started_at}, {"endedAt", &m->row.ended_at}, {"createdAt", &m->row.created_at}};
	int err = json_get_int(j, "state", UPLOAD_OPEN, UPLOAD_DONE, &state);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !err; i++)
		err = json_get_int(j, numbers[i].key, -1, INT64_MAX, numbers[i].out);
	m->state = (enum upload_state)state;
	err = err ? err : json_get_bool(j, "isCut", &m->row.is_cut);
	return err ? err : json_get_bool(j, "isRemote", &m->is_remote);
}

int meta_load(const struct dir *d, const char *id, struct upload_meta *out)
{
	char text[META_MAX];
	json_t *j = NULL;
	int fd = dir_file(d->uploads, id, ".json", O_RDONLY);
	if (fd < 0)
		return fd;
	*out = (struct upload_meta){0};
	int64_t n = dir_read(fd, text, sizeof text, 0);
	close(fd);
	int err = n < 0 ? (int)n : json_read_object(str_n(text, (size_t)n), &j);
	err = err ? err : get_texts(j, &out->row);
	err = err ? err : get_numbers(j, out);
	json_decref(j);
	str_copy(out->row.id, sizeof out->row.id, str_of(id));
	snprintf(out->row.url, sizeof out->row.url, "/api/recordings/%s", id);
	return err;
}

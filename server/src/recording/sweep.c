/* What time does to recordings: uploads expire, old recordings go, and after a crash what was left is taken up or swept
 * away. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "recording/s3.h"

#define TICK_MS 10000
#define PAGE 100
#define GONE_MS 60000
#define REMEMBER_MS 600000 /* at least so long HEAD is answered for what is done */

/* --- deleting one --- */

struct removal {
	struct work work;
	struct recordings *r;
	struct store_delete_recording row;
	char call_id[ID_UUID_SIZE];
	int64_t n_bytes;
	recording_err_cb done;
	void *arg;
};

static void removal_end(struct removal *d, int err)
{
	struct recordings *r = d->r;
	if (!err)
		r->n_bytes -= d->n_bytes;
	d->done(d->arg, err);
	mem_free(d);
	recordings_end(r);
}

static void on_remote_gone(void *arg, int err)
{
	removal_end(arg, err);
}

static int remove_media(struct work *w)
{
	struct removal *d = CONTAINER_OF(w, struct removal, work);
	return dir_remove(d->r->dir.media, d->row.id, "");
}

static void on_media_gone(struct work *w, int err)
{
	struct removal *d = CONTAINER_OF(w, struct removal, work);
	if (!err && d->r->s3)
		s3_remove(d->r->s3, d->row.id, on_remote_gone, d);
	else
		removal_end(d, err);
}

static void on_row_gone(struct store_job *job, int err)
{
	struct removal *d = job->arg;
	if (err || !d->row.found) {
		removal_end(d, err ? err : ERR_RECORDING_NOT_FOUND);
		return;
	}
	call_use_change(d->r, d->call_id, -d->n_bytes);
	work_start(d->r->config.loop, &d->work, remove_media, on_media_gone);
}

void sweep_delete(struct recordings *r, const struct recording *row, recording_err_cb done, void *arg)
{
	struct removal *d = mem_new(sizeof *d);
	struct upload *u = upload_find(r, str_of(row->id));
	if (!d) {
		done(arg, ERR_NO_MEMORY);
		return;
	}
	*d = (struct removal){.r = r, .n_bytes = row->file_size, .done = done, .arg = arg};
	memcpy(d->row.id, row->id, sizeof d->row.id);
	memcpy(d->call_id, row->call_id, sizeof d->call_id);
	d->row.job = (struct store_job){.done = on_row_gone, .arg = d};
	if (u && u->meta.state == UPLOAD_DONE)
		upload_drop(u);
	recordings_begin(r);
	store_delete_recording(r->config.store, &d->row);
}

/* --- expiry --- */

/* What was never finished becomes what there is of it. */
static void expire(struct upload *u)
{
	if (u->offset == 0) {
		upload_drop(u);
		return;
	}
	log_info("upload expired, kept as it is", LOG_S("upload", u->meta.row.id), LOG_I("bytes", u->offset));
	complete_start(u);
}

static void look_after(struct upload *u, int64_t now)
{
	int64_t age = now - u->meta.touched_at;
	bool is_old = age > u->r->config.expire_ms;
	if (u->is_busy || u->holder)
		return;
	switch (u->meta.state) {
	case UPLOAD_OPEN:
		if (u->offset == u->meta.length) /* a crash came before it was told so */
			complete_start(u);
		else if (is_old)
			expire(u);
		break;
	case UPLOAD_COMPLETING:
	case UPLOAD_STORED: complete_resume(u); break;
	case UPLOAD_DONE:
		if (is_old && age > REMEMBER_MS)
			upload_drop(u);
		break;
	}
}

/* --- retention, and what the host deleted --- */

struct retention {
	struct recordings *r;
	struct store_list_recordings list;
	size_t at;
};

static void delete_next(struct retention *t);

static void on_old_gone(void *arg, int err)
{
	struct retention *t = arg;
	const struct recording *row = &t->list.recordings[t->at++];
	const char *why = t->list.is_gone ? "the host deleted its row" : "old";
	if (err)
		log_warn("recording not deleted", LOG_S("recording", row->id), LOG_S("why", why), LOG_E(err));
	else
		log_info("recording deleted", LOG_S("recording", row->id), LOG_S("call", row->call_id),
			LOG_S("why", why));
	delete_next(t);
}

static void delete_next(struct retention *t)
{
	struct recordings *r = t->r;
	if (t->at < t->list.n_recordings && !r->is_closing) {
		sweep_delete(r, &t->list.recordings[t->at], on_old_gone, t);
		return;
	}
	r->is_sweeping = false;
	mem_free(t->list.recordings);
	mem_free(t);
	recordings_end(r);
}

static void on_old_listed(struct store_job *job, int err)
{
	struct retention *t = job->arg;
	if (err)
		log_warn("old recordings not looked for", LOG_E(err));
	delete_next(t);
}

static void keep_young(struct recordings *r, int64_t now)
{
	bool is_gone = now >= r->gone_at;
	struct retention *t = (is_gone || r->config.keep_ms) && !r->is_sweeping ? mem_new(sizeof *t) : NULL;
	if (!t)
		return;
	t->r = r;
	t->list = (struct store_list_recordings){
		.job = {.done = on_old_listed, .arg = t}, .is_gone = is_gone, .limit = PAGE};
	if (is_gone)
		r->gone_at = now + (r->config.expire_ms < GONE_MS ? r->config.expire_ms : GONE_MS);
	else
		t->list.created_before = now - r->config.keep_ms;
	r->is_sweeping = true;
	recordings_begin(r);
	store_list_recordings(r->config.store, &t->list);
}

static void on_tick(struct timer *t, void *arg)
{
	struct recordings *r = arg;
	int64_t now = clock_wall_ms();
	struct map_node *node = map_next(&r->uploads, NULL);
	while (node) {
		struct map_node *next = map_next(&r->uploads, node);
		look_after(CONTAINER_OF(node, struct upload, node), now);
		node = next;
	}
	keep_young(r, now);
	int64_t pause = r->config.expire_ms / 4 < TICK_MS ? r->config.expire_ms / 4 : TICK_MS;
	timer_start(r->config.loop, t, pause > 100 ? pause : 100, on_tick, r);
}

/* --- after a crash --- */

/* A file without a row that no upload speaks of: its call was gone, or its deletion was not finished. */
struct orphan {
	struct recordings *r;
	struct store_read_recording read;
	struct work work;
};

static int remove_orphan(struct work *w)
{
	struct orphan *o = CONTAINER_OF(w, struct orphan, work);
	return dir_remove(o->r->dir.media, o->read.id, "");
}

static void orphan_end(struct orphan *o)
{
	struct recordings *r = o->r;
	mem_free(o);
	recordings_end(r);
}

static void on_orphan_gone(struct work *w, int err)
{
	struct orphan *o = CONTAINER_OF(w, struct orphan, work);
	log_info("file without a recording removed", LOG_S("recording", o->read.id), LOG_E(err));
	orphan_end(o);
}

static void on_orphan_read(struct store_job *job, int err)
{
	struct orphan *o = job->arg;
	if (err || o->read.found)
		orphan_end(o);
	else
		work_start(o->r->config.loop, &o->work, remove_orphan, on_orphan_gone);
}

static void check_orphan(struct recordings *r, const char *id)
{
	struct orphan *o = mem_new(sizeof *o);
	if (!o)
		return;
	o->r = r;
	memcpy(o->read.id, id, sizeof o->read.id);
	o->read.job = (struct store_job){.done = on_orphan_read, .arg = o};
	recordings_begin(r);
	store_read_recording(r->config.store, &o->read);
}

/* What the disk holds of an upload counts, but for what a checksum was promised for. */
static int take_up(struct recordings *r, const struct upload_meta *m)
{
	struct stat st = {0};
	struct upload *u = upload_add(r, m);
	if (!u)
		return ERR_NO_MEMORY;
	u->offset = m->length > 0 ? m->length : 0;
	if (m->state != UPLOAD_OPEN) {
		if (m->state == UPLOAD_COMPLETING)
			r->n_bytes += u->offset;
		return 0;
	}
	int fd = dir_file(r->dir.uploads, m->row.id, ".part", O_RDWR);
	int64_t gap = 0;
	char first[MEDIA_MAGIC] = {0};
	if (fd < 0 || fstat(fd, &st) < 0)
		return fd < 0 ? fd : ERR_IO;
	if (st.st_size > WEBM_GAP && dir_read(fd, first, 1, 0) == 1 && !first[0])
		gap = dir_read(fd, first, 4, WEBM_GAP) > 0 && first[0] == 0x1a ? WEBM_GAP : 0;
	u->meta.base = st.st_size ? gap : -1;
	u->offset = st.st_size > gap ? st.st_size - gap : 0;
	if (m->pending >= 0 && m->pending < u->offset)
		u->offset = m->pending;
	if (m->length >= 0 && u->offset > m->length)
		u->offset = m->length;
	u->meta.pending = -1;
	int64_t n = dir_read(fd, u->first, sizeof u->first, gap);
	u->n_first = n > 0 ? (size_t)(n < u->offset ? n : u->offset) : 0;
	int err = ftruncate(fd, u->offset ? gap + u->offset : 0) < 0 || fdatasync(fd) < 0 ? ERR_IO : 0;
	close(fd);
	r->n_bytes += u->offset;
	return err;
}

static void recover_one(struct recordings *r, struct str name)
{
	char id[ID_UUID_SIZE];
	struct upload_meta meta;
	size_t dot = str_find(name, '.');
	bool ours = dot == ID_UUID_SIZE - 1 && id_is_uuid(str_n(name.ptr, dot));
	if (!ours)
		return;
	str_copy(id, sizeof id, str_n(name.ptr, dot));
	if (upload_find(r, str_of(id)))
		return;
	int err = meta_load(&r->dir, id, &meta);
	err = err ? err : take_up(r, &meta);
	if (err == ERR_NOT_FOUND) { /* it was never acknowledged */
		dir_remove(r->dir.uploads, id, ".part");
		dir_remove(r->dir.uploads, id, ".tmp");
		dir_remove(r->dir.uploads, id, ".out");
	} else if (err) {
		log_error("upload not taken up", LOG_S("upload", &id[0]), LOG_E(err));
	}
}

static int each_file(int folder, struct recordings *r, void (*cb)(struct recordings *r, struct str name))
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	for (struct dirent *e; (e = readdir(d));)
		cb(r, str_of(e->d_name));
	closedir(d);
	return 0;
}

static void count_media(struct recordings *r, struct str name)
{
	struct stat st;
	if (id_is_uuid(name) && fstatat(r->dir.media, name.ptr, &st, AT_SYMLINK_NOFOLLOW) == 0)
		r->n_bytes += st.st_size;
}

static void look_for_orphan(struct recordings *r, struct str name)
{
	const struct upload *u = upload_find(r, name);
	if (id_is_uuid(name) && (!u || u->meta.state == UPLOAD_DONE))
		check_orphan(r, name.ptr);
}

int sweep_recover(struct recordings *r)
{
	int err = each_file(r->dir.uploads, r, recover_one);
	return err ? err : each_file(r->dir.media, r, count_media);
}

void sweep_start(struct recordings *r)
{
	each_file(r->dir.media, r, look_for_orphan);
	timer_start(r->config.loop, &r->tick, 0, on_tick, r);
}

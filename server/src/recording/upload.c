/* Uploads that are open: who may begin one, how large it may get, and how it is forgotten. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "recording/tally.h"

struct upload *upload_find(struct recordings *r, struct str id)
{
	struct map_node *node = map_get(&r->uploads, id);
	return node ? CONTAINER_OF(node, struct upload, node) : NULL;
}

struct upload *upload_add(struct recordings *r, const struct upload_meta *m)
{
	struct upload *u = mem_new(sizeof *u);
	if (!u)
		return NULL;
	u->r = r;
	u->meta = *m;
	u->max_bytes = r->config.max_bytes;
	list_init(&u->completing);
	u->use = call_use_hold(r, u->meta.row.call_id);
	if (!u->use || map_put(&r->uploads, &u->node, str_of(u->meta.row.id)) < 0) {
		if (u->use)
			call_use_release(r, u->use);
		mem_free(u);
		return NULL;
	}
	list_push(&u->use->uploads, &u->of_call);
	r->n_open += m->state == UPLOAD_OPEN;
	return u;
}

int64_t upload_limit(const struct upload *u)
{
	return u->meta.length >= 0 && u->meta.length < u->max_bytes ? u->meta.length : u->max_bytes;
}

void upload_measure(struct upload *u)
{
	const struct recordings_config *config = &u->r->config;
	int64_t left = config->max_call_bytes - call_use_all(u->r, u->use, u);
	u->max_bytes = left < config->max_bytes ? left : config->max_bytes;
}

void upload_touch(struct upload *u)
{
	u->meta.touched_at = clock_wall_ms();
}

/* --- one piece of work on its files --- */

struct filework {
	struct work work;
	struct upload *u;
	struct recordings *r;
	struct upload_meta meta; /* a copy, for the pool */
	recording_err_cb done;
	void *arg;
};

void upload_forget(struct upload *u)
{
	struct recordings *r = u->r;
	r->n_open -= u->meta.state == UPLOAD_OPEN;
	map_remove(&r->uploads, &u->node);
	list_remove(&u->of_call);
	call_use_release(r, u->use);
	list_remove(&u->completing);
	timer_stop(r->config.loop, &u->again);
	tally_free(r, u->tally);
	mem_free(u);
}

static int remove_files(struct work *w)
{
	struct filework *f = CONTAINER_OF(w, struct filework, work);
	dir_remove(f->r->dir.uploads, f->meta.row.id, ".part");
	return dir_remove(f->r->dir.uploads, f->meta.row.id, ".json");
}

static void on_removed(struct work *w, int err)
{
	struct filework *f = CONTAINER_OF(w, struct filework, work);
	(void)err; /* what is left is swept at the next start */
	recordings_end(f->r);
	mem_free(f);
}

void upload_drop(struct upload *u)
{
	struct recordings *r = u->r;
	if (u->is_busy || u->holder) {
		u->to_drop = true;
		if (u->holder)
			append_break(u->holder);
		return;
	}
	struct filework *f = mem_new(sizeof *f);
	if (f) {
		f->r = r;
		f->meta = u->meta;
		recordings_begin(r);
		work_start(r->config.loop, &f->work, remove_files, on_removed);
	}
	if (u->meta.state == UPLOAD_OPEN)
		r->n_bytes -= u->offset;
	upload_forget(u);
}

static int save_meta(struct work *w)
{
	struct filework *f = CONTAINER_OF(w, struct filework, work);
	return meta_save(&f->r->dir, &f->meta);
}

static void on_saved(struct work *w, int err)
{
	struct filework *f = CONTAINER_OF(w, struct filework, work);
	struct upload *u = f->u;
	u->is_busy = false;
	f->done(f->arg, err);
	recordings_end(f->r);
	mem_free(f);
}

void upload_save(struct upload *u, recording_err_cb done, void *arg)
{
	struct filework *f = mem_new(sizeof *f);
	if (!f) {
		done(arg, ERR_NO_MEMORY);
		return;
	}
	*f = (struct filework){.u = u, .r = u->r, .meta = u->meta, .done = done, .arg = arg};
	u->is_busy = true;
	recordings_begin(u->r);
	work_start(u->r->config.loop, &f->work, save_meta, on_saved);
}

void upload_go_on(struct upload *u)
{
	if (u->to_drop)
		upload_drop(u);
	else if (u->meta.state == UPLOAD_OPEN && u->meta.length >= 0 && u->offset == u->meta.length)
		complete_start(u);
}

/* --- a new one --- */

static int make_files(struct work *w)
{
	struct admission *a = CONTAINER_OF(w, struct admission, work);
	const struct dir *d = &a->r->dir;
	int err = dir_has_room(d, a->r->config.min_free_bytes);
	int fd = err ? err : dir_file(d->uploads, a->meta.row.id, ".part", O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return fd;
	close(fd);
	err = meta_save(d, &a->meta);
	if (err)
		dir_remove(d->uploads, a->meta.row.id, ".part");
	return err;
}

static void end(struct admission *a, struct upload *u, int err)
{
	struct recordings *r = a->r;
	list_remove(&a->link);
	if (a->count.use)
		call_use_release(r, a->count.use);
	a->done(a, u, err);
	recordings_end(r);
}

static void on_made(struct work *w, int err)
{
	struct admission *a = CONTAINER_OF(w, struct admission, work);
	struct upload *u = err ? NULL : upload_add(a->r, &a->meta);
	list_remove(&a->link); /* now the upload counts */
	if (u)
		upload_measure(u);
	end(a, u, u || err ? err : ERR_NO_MEMORY);
}

/* What is open, or about to be, takes a place. */
static size_t count_own(const struct admission *a, size_t *n_open)
{
	size_t n_own = 0;
	*n_open = a->r->n_open;
	LIST_EACH(&a->r->admitting, link)
	{
		const struct admission *other = CONTAINER_OF(link, struct admission, link);
		n_own += strcmp(other->asker.user_id, a->asker.user_id) == 0;
		++*n_open;
	}
	struct map_node *node = NULL;
	while ((node = map_next(&a->r->uploads, node))) {
		const struct upload *u = CONTAINER_OF(node, struct upload, node);
		n_own += u->meta.state == UPLOAD_OPEN && strcmp(u->meta.row.user_id, a->asker.user_id) == 0;
	}
	return n_own;
}

static int check_quotas(struct admission *a)
{
	const struct recordings_config *c = &a->r->config;
	int64_t length = a->meta.length > 0 ? a->meta.length : 0;
	int64_t n_used = call_use_all(a->r, a->count.use, NULL);
	size_t n_open, n_own = count_own(a, &n_open);
	if (n_open >= (size_t)c->max_uploads || (!a->asker.is_server && n_own >= (size_t)c->max_uploads_of_one))
		return ERR_TOO_MANY_UPLOADS;
	if (length > c->max_bytes || n_used + length > c->max_call_bytes || n_used >= c->max_call_bytes)
		return ERR_PAYLOAD_TOO_LARGE;
	return c->max_all_bytes && a->r->n_bytes + length >= c->max_all_bytes ? ERR_STORAGE_FULL : 0;
}

static void admit(struct admission *a)
{
	struct recording *row = &a->meta.row;
	int64_t now = clock_wall_ms();
	id_uuid7(now, row->id);
	snprintf(row->url, sizeof row->url, "/api/recordings/%s", row->id);
	str_copy(row->user_id, sizeof row->user_id, str_of(a->asker.user_id));
	list_push(&a->r->admitting, &a->link);
	row->started_at = a->meta.touched_at = now;
	a->meta.base = a->meta.pending = -1;
	work_start(a->r->config.loop, &a->work, make_files, on_made);
}

static void on_counted(struct call_count *c, int err)
{
	struct admission *a = CONTAINER_OF(c, struct admission, count);
	err = err ? err : check_quotas(a);
	if (err)
		end(a, NULL, err);
	else
		admit(a);
}

static void on_allowed(void *arg, int err)
{
	struct admission *a = arg;
	a->count.use = err ? NULL : call_use_hold(a->r, a->meta.row.call_id);
	if (!a->count.use) {
		end(a, NULL, err ? err : ERR_NO_MEMORY);
		return;
	}
	a->count.r = a->r;
	a->count.done = on_counted;
	call_count_start(&a->count);
}

struct admission *admission_new(struct recordings *r, struct http_req *req)
{
	struct admission *a = mem_new(sizeof *a);
	if (!a) {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
		return NULL;
	}
	a->r = r;
	a->arg = req;
	return a;
}

void upload_admit(struct admission *a)
{
	const struct recording_host *host = &a->r->config.host;
	list_init(&a->link);
	recordings_begin(a->r);
	if (!a->asker.may_record)
		end(a, NULL, ERR_FORBIDDEN);
	else
		host->may(host->arg, &a->asker, a->meta.row.call_id, true, on_allowed, a);
}

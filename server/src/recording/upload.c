/* Uploads that are open: who may begin one, how large it may get, and how it is forgotten. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "recording/inner.h"

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
	if (map_put(&r->uploads, &u->node, str_of(u->meta.row.id)) < 0) {
		mem_free(u);
		return NULL;
	}
	r->n_open += m->state == UPLOAD_OPEN;
	return u;
}

int64_t upload_limit(const struct upload *u)
{
	return u->meta.length >= 0 && u->meta.length < u->max_bytes ? u->meta.length : u->max_bytes;
}

static bool same_call(const struct upload *a, const struct upload *b)
{
	return strcmp(a->meta.row.call_id, b->meta.row.call_id) == 0;
}

void upload_measure(struct upload *u)
{
	const struct recordings_config *config = &u->r->config;
	int64_t left = config->max_call_bytes - u->n_call;
	struct map_node *node = NULL;
	while ((node = map_next(&u->r->uploads, node))) {
		const struct upload *v = CONTAINER_OF(node, struct upload, node);
		if (v == u || v->meta.state == UPLOAD_DONE || !same_call(u, v))
			continue;
		left -= v->meta.length >= 0 ? v->meta.length : v->offset;
	}
	u->max_bytes = left < config->max_bytes ? left : config->max_bytes;
}

void upload_count(const struct upload *u)
{
	struct map_node *node = NULL;
	while ((node = map_next(&u->r->uploads, node))) {
		struct upload *v = CONTAINER_OF(node, struct upload, node);
		if (v != u && same_call(u, v))
			v->n_call += u->meta.row.file_size;
	}
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
	list_remove(&u->completing);
	EVP_MD_CTX_free(u->sum);
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

static void refuse(struct admission *a, int err)
{
	struct recordings *r = a->r;
	list_remove(&a->link);
	a->done(a, NULL, err);
	recordings_end(r);
}

static void on_made(struct work *w, int err)
{
	struct admission *a = CONTAINER_OF(w, struct admission, work);
	struct recordings *r = a->r;
	struct upload *u = err ? NULL : upload_add(r, &a->meta);
	if (!u) {
		refuse(a, err ? err : ERR_NO_MEMORY);
		return;
	}
	list_remove(&a->link);
	u->n_call = a->n_call;
	upload_measure(u);
	a->done(a, u, 0);
	recordings_end(r);
}

static void count_one(const struct admission *a, const struct upload_meta *m, size_t *n_own, int64_t *n_used)
{
	*n_own += strcmp(m->row.user_id, a->asker.user_id) == 0;
	if (strcmp(m->row.call_id, a->meta.row.call_id) == 0)
		*n_used += m->length > 0 ? m->length : 0;
}

/* What is open, or about to be, counts with all that it may become, if that is known; what is being completed has no
 * row yet. */
static void count_open(const struct admission *a, size_t *n_open, size_t *n_own, int64_t *n_used)
{
	*n_open = a->r->n_open;
	LIST_EACH(&a->r->admitting, link)
	{
		count_one(a, &CONTAINER_OF(link, struct admission, link)->meta, n_own, n_used);
		++*n_open;
	}
	struct map_node *node = NULL;
	while ((node = map_next(&a->r->uploads, node))) {
		const struct upload *u = CONTAINER_OF(node, struct upload, node);
		bool same_call = strcmp(u->meta.row.call_id, a->meta.row.call_id) == 0;
		if (u->meta.state == UPLOAD_OPEN)
			count_one(a, &u->meta, n_own, n_used);
		if (same_call && (u->meta.state == UPLOAD_OPEN ? u->meta.length < 0 : u->meta.state != UPLOAD_DONE))
			*n_used += u->offset;
	}
}

static int check_quotas(struct admission *a)
{
	const struct recordings_config *c = &a->r->config;
	int64_t length = a->meta.length > 0 ? a->meta.length : 0;
	size_t n_open, n_own = 0;
	count_open(a, &n_open, &n_own, &a->n_used);
	if (n_open >= (size_t)c->max_uploads || (!a->asker.is_server && n_own >= (size_t)c->max_uploads_of_one))
		return ERR_TOO_MANY_UPLOADS;
	if (length > c->max_bytes || a->n_used + length > c->max_call_bytes || a->n_used >= c->max_call_bytes)
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

static void list_page(struct admission *a);

static void on_listed(struct store_job *job, int err)
{
	struct admission *a = job->arg;
	size_t n = a->list.n_recordings;
	for (size_t i = 0; i < n; i++)
		a->n_used += a->list.recordings[i].file_size;
	bool has_more = !err && a->list.has_more;
	if (has_more)
		memcpy(a->list.after_id, a->list.recordings[n - 1].id, sizeof a->list.after_id);
	mem_free(a->list.recordings);
	a->n_call = a->n_used;
	err = err || has_more ? err : check_quotas(a);
	if (err)
		refuse(a, err);
	else if (has_more)
		list_page(a);
	else
		admit(a);
}

/* What the call's recordings take, as many as there are. */
static void list_page(struct admission *a)
{
	a->list.job = (struct store_job){.done = on_listed, .arg = a};
	a->list.limit = STORE_RECORDINGS_MAX;
	store_list_recordings(a->r->config.store, &a->list);
}

static void on_allowed(void *arg, int err)
{
	struct admission *a = arg;
	if (err) {
		refuse(a, err);
		return;
	}
	memcpy(a->list.call_id, a->meta.row.call_id, sizeof a->list.call_id);
	list_page(a);
}

void upload_admit(struct admission *a)
{
	const struct recording_host *host = &a->r->config.host;
	list_init(&a->link);
	recordings_begin(a->r);
	if (!a->asker.may_record)
		refuse(a, ERR_FORBIDDEN);
	else
		host->may(host->arg, &a->asker, a->meta.row.call_id, true, on_allowed, a);
}

/* What the recordings of a call take: those that have rows by what the store says, uploads by themselves; each byte in
 * one of the two. */
#include "base/err.h"
#include "base/mem.h"
#include "recording/inner.h"

struct call_use *call_use_hold(struct recordings *r, const char *call_id)
{
	struct map_node *node = map_get(&r->calls, str_of(call_id));
	struct call_use *use = node ? CONTAINER_OF(node, struct call_use, node) : mem_new(sizeof *use);
	if (!use)
		return NULL;
	if (!node) {
		list_init(&use->uploads);
		str_copy(use->call_id, sizeof use->call_id, str_of(call_id));
		if (map_put(&r->calls, &use->node, str_of(use->call_id)) < 0) {
			mem_free(use);
			return NULL;
		}
	}
	use->n_holders++;
	return use;
}

void call_use_release(struct recordings *r, struct call_use *use)
{
	if (--use->n_holders)
		return;
	map_remove(&r->calls, &use->node);
	mem_free(use);
}

void call_use_change(struct recordings *r, const char *call_id, int64_t n_bytes)
{
	struct map_node *node = map_get(&r->calls, str_of(call_id));
	if (!node)
		return;
	struct call_use *use = CONTAINER_OF(node, struct call_use, node);
	use->n_rows += n_bytes;
	use->n_changes++;
}

/* Until it is done it has no row, or one that is not counted. */
static int64_t taken_by(const struct upload *u)
{
	switch (u->meta.state) {
	case UPLOAD_OPEN: return u->meta.length >= 0 ? u->meta.length : u->offset;
	case UPLOAD_COMPLETING: return u->offset;
	case UPLOAD_STORED: return u->meta.row.file_size;
	case UPLOAD_DONE: return 0;
	}
	return 0;
}

int64_t call_use_all(const struct recordings *r, const struct call_use *use, const struct upload *but)
{
	int64_t n = use->n_rows;
	LIST_EACH(&use->uploads, link)
	{
		const struct upload *u = CONTAINER_OF(link, struct upload, of_call);
		n += u != but ? taken_by(u) : 0;
	}
	LIST_EACH(&r->admitting, link)
	{
		const struct admission *a = CONTAINER_OF(link, struct admission, link);
		n += a->count.use == use && a->meta.length > 0 ? a->meta.length : 0;
	}
	return n;
}

static void begin(struct call_count *c);
static void list_page(struct call_count *c);

static void take_page(struct call_count *c)
{
	for (size_t i = 0; i < c->list.n_recordings; i++) {
		const struct recording *row = &c->list.recordings[i];
		const struct upload *u = upload_find(c->r, str_of(row->id));
		c->n_rows += u && u->meta.state != UPLOAD_DONE ? 0 : row->file_size;
		memcpy(c->list.after_id, row->id, sizeof c->list.after_id);
	}
	mem_free(c->list.recordings);
	c->list.recordings = NULL;
}

static void on_listed(struct store_job *job, int err)
{
	struct call_count *c = job->arg;
	take_page(c);
	if (!err && c->n_changes != c->use->n_changes) { /* what was read may be from before it, or after */
		begin(c);
	} else if (!err && c->list.has_more) {
		list_page(c);
	} else {
		c->use->n_rows = err ? c->use->n_rows : c->n_rows;
		c->use->is_known |= !err;
		c->done(c, err);
	}
}

static void list_page(struct call_count *c)
{
	c->list.job = (struct store_job){.done = on_listed, .arg = c};
	c->list.limit = STORE_RECORDINGS_MAX;
	store_list_recordings(c->r->config.store, &c->list);
}

static void begin(struct call_count *c)
{
	c->n_rows = 0;
	c->n_changes = c->use->n_changes;
	c->list = (struct store_list_recordings){0};
	memcpy(c->list.call_id, c->use->call_id, sizeof c->list.call_id);
	list_page(c);
}

void call_count_start(struct call_count *c)
{
	begin(c);
}

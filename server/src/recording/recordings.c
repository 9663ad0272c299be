/* The module's life, opened with what a former life left, closed when no work is under way; and who asks it. */
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/pool.h"
#include "recording/s3.h"

#define OR(value, otherwise) ((value) ? (value) : (otherwise))
#define GIB (1ll << 30)

void recordings_begin(struct recordings *r)
{
	r->n_works++;
}

static void drop(struct recordings *r)
{
	struct map_node *node;
	while ((node = map_next(&r->uploads, NULL)))
		upload_forget(CONTAINER_OF(node, struct upload, node));
	map_fini(&r->uploads);
	map_fini(&r->calls);
	dir_close(&r->dir);
	if (r->writers)
		pool_free(r->writers);
	mem_free(r);
}

static void on_s3_closed(void *arg)
{
	struct recordings *r = arg;
	void (*cb)(void *) = r->on_closed;
	void *cb_arg = r->on_closed_arg;
	drop(r);
	cb(cb_arg);
}

static void close_when_idle(struct recordings *r)
{
	if (!r->is_closing || r->n_works)
		return;
	timer_stop(r->config.loop, &r->tick);
	if (r->s3)
		s3_close(r->s3, on_s3_closed, r);
	else
		on_s3_closed(r);
}

void recordings_end(struct recordings *r)
{
	r->n_works--;
	close_when_idle(r);
}

static void fill_config(struct recordings *r, const struct recordings_config *config)
{
	struct recordings_config *c = &r->config;
	*c = *config;
	c->max_bytes = OR(c->max_bytes, 8 * GIB);
	c->max_call_bytes = OR(c->max_call_bytes, 32 * GIB);
	c->min_free_bytes = OR(c->min_free_bytes, GIB);
	c->max_uploads = OR(c->max_uploads, 1000);
	c->max_uploads_of_one = OR(c->max_uploads_of_one, 20);
	c->expire_ms = OR(c->expire_ms, 3600000);
	c->link_ms = OR(c->link_ms, 3600000);
}

bool ask_who(struct recordings *r, struct http_req *req, struct recording_asker *out)
{
	*out = (struct recording_asker){0};
	int err = r->config.host.identify(r->config.host.arg, req, out);
	if (err < 0)
		http_respond_problem(req, err, NULL, NULL);
	return err == 0;
}

int recordings_open(const struct recordings_config *config, struct recordings **out, struct buf *why)
{
	struct recordings *r = mem_new(sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	fill_config(r, config);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	r->writers = pool_new(config->loop, cores > 3 ? (size_t)cores / 2 : 1);
	map_init(&r->uploads);
	map_init(&r->calls);
	list_init(&r->admitting);
	list_init(&r->completing);
	int err = r->writers ? dir_open(&r->dir, config->dir) : ERR_NO_MEMORY;
	err = err ? err : sweep_recover(r);
	if (err)
		buf_printf(why, "--recording-dir: %s cannot be used: %s", config->dir, err_text(err));
	if (!err && config->s3.endpoint && config->s3.endpoint[0])
		err = s3_open(r, &r->s3, why);
	err = err ? err : tus_routes(r);
	err = err ? err : form_routes(r);
	err = err ? err : play_routes(r);
	if (err) {
		drop(r);
		return why->len ? ERR_CONFIG : err;
	}
	sweep_start(r);
	*out = r;
	return 0;
}

void recordings_close(struct recordings *r, void (*cb)(void *arg), void *arg)
{
	r->is_closing = true;
	r->on_closed = cb;
	r->on_closed_arg = arg;
	close_when_idle(r);
}

void recordings_stats(const struct recordings *r, struct recordings_stats *out)
{
	*out = (struct recordings_stats){.n_open = r->n_open, .n_bytes = r->n_bytes};
	for (const struct list *l = r->completing.next; l != &r->completing; l = l->next)
		out->n_completing++;
}

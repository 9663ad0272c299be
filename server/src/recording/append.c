/* Bytes of a request on their way into an upload: one buffer fills while another is written.
 *
 *   on_data -> fill --full, or the end--> flight -> written (writers) -> … --all--> settled (pool) -> done
 *                '--both full: the request is paused
 *
 * Whatever came before a connection broke is kept, unless a checksum was promised for it.
 */
#include "recording/append.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "loop/pool.h"
#include "recording/tally.h"

#define FILL_FIRST 16384 /* bytes that wait before they are written */
#define FILL_MOST (512 * 1024)
#define FILL_ALL (16 << 20) /* by which all fast ones together may have more */

static void append_free(struct append *a)
{
	a->r->n_fill -= a->fill_at - FILL_FIRST;
	if (a->fd >= 0)
		close(a->fd);
	EVP_MD_CTX_free(a->md);
	tally_free(a->r, a->tally);
	mem_free(a->form);
	buf_fini(&a->fill);
	buf_fini(&a->flight);
	mem_free(a);
}

static void on_settled(struct work *w, int err)
{
	struct append *a = CONTAINER_OF(w, struct append, work);
	struct upload *u = a->u;
	struct recordings *r = u->r;
	int64_t kept = a->drop ? 0 : a->n_written;
	if (a->drop && a->start == 0)
		u->n_first = 0;
	u->offset = a->start + kept;
	if (!a->drop) {
		u->tally = a->tally;
		a->tally = NULL;
	}
	r->n_bytes += kept;
	u->holder = NULL;
	upload_touch(u);
	void (*next)(struct upload * u, struct http_req * req) = u->next;
	struct http_req *next_req = u->next_req;
	char id[ID_UUID_SIZE];
	memcpy(id, u->meta.row.id, sizeof id);
	u->next = NULL;
	a->config.done(u, a->config.req, a->err ? a->err : err);
	u = upload_find(r, str_of(id)); /* it may be gone now */
	if (next && u)
		next(u, next_req);
	else if (next)
		http_respond_problem(next_req, ERR_UPLOAD_NOT_FOUND, NULL, NULL);
	append_free(a);
	recordings_end(r);
}

static void proceed(struct append *a);

/* Twice as much may wait, as long as there are not too many who want that. */
static void widen(struct append *a)
{
	struct recordings *r = a->r;
	if (a->fill_at >= FILL_MOST || r->n_fill + a->fill_at > FILL_ALL)
		return;
	r->n_fill += a->fill_at;
	a->fill_at *= 2;
}

static void on_written(struct work *w, int err)
{
	struct append *a = CONTAINER_OF(w, struct append, work);
	a->is_writing = false;
	if (a->tally)
		tally_count(a->r, a->tally);
	if (err) { /* what was written before stays */
		a->err = a->err ? a->err : err;
		a->is_over = true;
		buf_clear(&a->fill);
	} else {
		a->n_written += (int64_t)a->flight.len;
	}
	buf_clear(&a->flight);
	if (a->fill_at == FILL_FIRST) { /* a slow one holds what it has, no more */
		buf_fini(&a->flight);
		buf_init(&a->flight, 4 * FILL_MOST);
	}
	proceed(a);
}

static void write_on(struct append *a)
{
	struct buf swap = a->flight;
	a->flight = a->fill;
	a->fill = swap;
	a->is_writing = true;
	a->meta = a->u->meta;
	pool_start(a->r->writers, &a->work, append_write, on_written);
}

static void proceed(struct append *a)
{
	if (!a->is_writing && a->fill.len && (a->fill.len >= a->fill_at || a->is_over) && !a->drop) {
		write_on(a);
	} else if (!a->is_writing && a->is_over) {
		a->meta = a->u->meta;
		work_start(a->r->config.loop, &a->work, append_settle, on_settled);
		return;
	}
	if (a->is_paused && a->fill.len < a->fill_at) {
		a->is_paused = false;
		http_req_resume(a->config.req);
	}
}

/* Ends it; with an error that speaks against the bytes nothing of them is kept. */
static void end(struct append *a, int err, bool drop)
{
	if (a->is_over)
		return;
	a->is_over = true;
	a->err = err;
	a->drop = drop || (err && a->md);
	if (!a->is_writing)
		proceed(a);
}

/* The first bytes tell what it is, and where it is stored. */
static int look(struct append *a, struct str bytes)
{
	struct upload *u = a->u;
	enum media_kind kind;
	size_t n = sizeof u->first - u->n_first;
	n = n < bytes.len ? n : bytes.len;
	memcpy(u->first + u->n_first, bytes.ptr, n);
	u->n_first += n;
	if (u->meta.base < 0 || a->start + a->n_taken == 0)
		u->meta.base = u->first[0] == 0x1a ? WEBM_GAP : 0;
	return media_sniff(str_n(u->first, u->n_first), &kind);
}

static int take(void *arg, struct str bytes)
{
	struct append *a = arg;
	if (a->is_over || !bytes.len || (a->form && !a->in_recording))
		return a->err;
	if (a->start + a->n_taken + (int64_t)bytes.len > upload_limit(a->u))
		return ERR_PAYLOAD_TOO_LARGE;
	const struct recordings *r = a->u->r;
	if (r->config.max_all_bytes && r->n_bytes + a->n_taken > r->config.max_all_bytes)
		return ERR_STORAGE_FULL;
	int err = a->u->n_first < sizeof a->u->first ? look(a, bytes) : 0;
	if (err)
		return err;
	a->n_taken += (int64_t)bytes.len;
	buf_put(&a->fill, bytes);
	if (!buf_ok(&a->fill))
		return ERR_NO_MEMORY;
	if (a->fill.len >= a->fill_at && a->is_writing && !a->is_paused) {
		a->is_paused = true;
		widen(a);
		http_req_pause(a->config.req);
	} else if (a->fill.len >= a->fill_at && !a->is_writing) {
		write_on(a);
	}
	return 0;
}

static int on_part(void *arg, const struct multipart_part *part)
{
	struct append *a = arg;
	struct recording *row = &a->u->meta.row;
	a->in_recording = str_eq(part->name, STR("recording"));
	if (!a->in_recording)
		return 0;
	if (a->had_recording)
		return ERR_BAD_REQUEST;
	a->had_recording = true;
	if (part->content_type.len < sizeof row->media_type && str_is_utf8(part->content_type))
		str_copy(row->media_type, sizeof row->media_type, part->content_type);
	if (part->filename.len < sizeof row->file_name && str_is_utf8(part->filename))
		str_copy(row->file_name, sizeof row->file_name, part->filename);
	return 0;
}

static void on_data(struct http_req *req, struct str bytes, void *arg)
{
	struct append *a = arg;
	(void)req;
	if (a->is_over)
		return;
	int err = a->form ? multipart_feed(a->form, bytes) : take(a, bytes);
	if (err)
		end(a, err, true);
}

static void on_end(struct http_req *req, void *arg)
{
	struct append *a = arg;
	(void)req;
	int err = a->form ? multipart_end(a->form) : 0;
	if (!err && a->form && !a->had_recording)
		err = ERR_BAD_REQUEST;
	end(a, err, err < 0);
}

static void on_abort(struct http_req *req, int err, void *arg)
{
	struct append *a = arg;
	(void)req;
	end(a, err, err == ERR_PAYLOAD_TOO_LARGE);
}

void append_break(struct append *a)
{
	end(a, ERR_UPLOAD_LOCKED, false);
}

static int begin(struct append *a)
{
	struct multipart_cb cb = {on_part, take, a};
	const struct append_config *config = &a->config;
	if (config->checksum_name.len) {
		const EVP_MD *kind = str_eq_z(config->checksum_name, "sha1") ? EVP_sha1() : EVP_sha256();
		a->md = EVP_MD_CTX_new();
		if (!a->md || EVP_DigestInit_ex(a->md, kind, NULL) != 1)
			return ERR_NO_MEMORY;
	}
	if (!config->is_form)
		return 0;
	a->form = mem_new(sizeof *a->form);
	if (!a->form)
		return ERR_NO_MEMORY;
	return multipart_init(a->form, http_req_header(config->req, "content-type"), cb);
}

/* What is known of all bytes so far is carried on: a restart forgets it. Null: to be found out in the end. */
static struct tally *take_tally(struct upload *u)
{
	struct tally *tally = u->tally;
	u->tally = NULL;
	if (u->offset > 0 && tally_is_of(tally, u->offset))
		return tally;
	tally_free(u->r, tally);
	return u->offset > 0 ? NULL : tally_new();
}

int append_start(struct upload *u, const struct append_config *config)
{
	static const struct http_body_cb body = {on_data, on_end, on_abort};
	struct append *a = mem_new(sizeof *a);
	if (!a)
		return ERR_NO_MEMORY;
	a->u = u;
	a->r = u->r;
	a->config = *config;
	a->fd = -1;
	a->start = u->offset;
	a->n_synced = u->offset;
	a->fill_at = FILL_FIRST;
	buf_init(&a->fill, 4 * FILL_MOST);
	buf_init(&a->flight, 4 * FILL_MOST);
	int err = begin(a);
	if (err) {
		append_free(a);
		return err;
	}
	a->tally = take_tally(u);
	u->holder = a;
	recordings_begin(u->r);
	http_req_read(config->req, &body, a);
	return 0;
}

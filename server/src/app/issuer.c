/* The keys of whoever issues tokens (--jwks): from a file that is watched, or from a URL, kept until newer ones come.
 */
#include "app/issuer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/jwks.h"
#include "fetch/fetch.h"

#define FILE_LOOK_MS 5000
#define ANSWER_MS 5000
#define ASK_AGAIN_MS 30000	/* no sooner, however many unknown keys are named */
#define STALE_MS (24 * 3600000) /* keys of an issuer that is silent for so long are forgotten */

/* What tells one state of a file from another. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed;
};

struct issuer {
	struct loop *loop;     /* borrowed, as the next three */
	struct jwt_keys *keys; /* where the set is put */
	const char *where;
	int64_t refresh_ms;
	struct jwks *set; /* owned; null before the first */
	int64_t good_at;  /* monotonic: when the issuer last told it */
	int64_t asked_at;
	struct timer timer;

	struct fetcher *fetcher; /* owned; null: a file */
	struct fetch *fetch;	 /* null: none under way */

	struct work work;
	bool working; /* the next three are the pool's */
	bool forced;  /* read it even if it is as it was */
	struct stamp seen;
	struct buf text; /* what was read; empty when nothing had changed */

	bool is_closing;
	void (*closed)(void *arg);
	void *arg;
};

static bool is_url(const char *where)
{
	return strstr(where, "://") != NULL;
}

/* --- a new set --- */

static void take(struct issuer *i, struct str json)
{
	struct jwks *fresh;
	struct buf why;
	buf_init(&why, 1024);
	int err = jwks_read(json, &fresh, &why);
	if (err < 0) {
		log_error("the issuer's keys stay as they were", LOG_S("jwks", i->where),
			LOG_STR("why", why.len ? buf_str(&why) : str_of(err_text(err))));
	} else {
		jwks_free(i->set);
		i->keys->issuer = i->set = fresh;
		i->good_at = clock_mono_ms();
		log_info("the issuer's keys were read", LOG_S("jwks", i->where), LOG_I("n", jwks_count(fresh)));
	}
	buf_fini(&why);
}

static void forget_stale(struct issuer *i)
{
	if (!i->set || clock_mono_ms() - i->good_at < STALE_MS)
		return;
	log_error("the issuer has been silent for a day: its keys are forgotten", LOG_S("jwks", i->where));
	i->keys->issuer = NULL;
	jwks_free(i->set);
	i->set = NULL;
}

/* --- a file --- */

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Reads the file into *out unless it is as *seen says. ERR_IO with errno. */
static int read_file(const char *path, struct stamp *seen, struct buf *out)
{
	char piece[16384];
	struct stat st;
	size_t n;
	FILE *f = fopen(path, "re");
	if (!f || fstat(fileno(f), &st) < 0) {
		if (f)
			fclose(f);
		return ERR_IO;
	}
	struct stamp now = {st.st_dev, st.st_ino, st.st_size, st.st_mtim};
	bool changed = !is_same(seen, &now);
	while (changed && buf_ok(out) && (n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_put(out, str_n(piece, n));
	int err = ferror(f) ? ERR_IO : 0;
	fclose(f);
	*seen = now;
	return err;
}

static int look(struct work *w)
{
	struct issuer *i = CONTAINER_OF(w, struct issuer, work);
	if (i->forced)
		i->seen = (struct stamp){0};
	return read_file(i->where, &i->seen, &i->text);
}

static void finish(struct issuer *i);

static void on_looked(struct work *w, int err)
{
	struct issuer *i = CONTAINER_OF(w, struct issuer, work);
	bool was_forced = i->forced;
	i->working = i->forced = false;
	if (i->is_closing) {
		finish(i);
		return;
	}
	if (err < 0 && was_forced)
		log_error("the issuer's keys stay as they were: the file cannot be read", LOG_S("jwks", i->where));
	else if (err == 0 && i->text.len)
		take(i, buf_str(&i->text));
	buf_fini(&i->text);
	buf_init(&i->text, JWKS_MAX_BYTES + 1);
}

/* --- a URL --- */

static void on_answer(struct fetch *r, const struct fetch_result *result, void *arg)
{
	struct issuer *i = arg;
	(void)r;
	i->fetch = NULL;
	if (result->err == 0 && result->status == 200)
		take(i, result->body);
	else
		log_error("the issuer's keys could not be fetched", LOG_S("jwks", i->where), LOG_E(result->err),
			LOG_I("status", result->status), LOG_S("why", result->detail));
}

static void ask(struct issuer *i)
{
	static const struct fetch_cb cb = {.on_done = on_answer};
	const struct fetch_request request = {.url = i->where,
		.max_response = JWKS_MAX_BYTES,
		.connect_ms = ANSWER_MS,
		.total_ms = ANSWER_MS,
		.cb = &cb,
		.arg = i};
	if (i->fetch || i->is_closing)
		return;
	i->asked_at = clock_mono_ms();
	if (fetch_start(i->fetcher, &request, &i->fetch) < 0)
		log_error("the issuer's keys could not be fetched", LOG_E(ERR_NO_MEMORY));
}

/* --- when to look --- */

static void go_and_look(struct issuer *i)
{
	if (i->fetcher) {
		ask(i);
	} else if (!i->working && !i->is_closing) {
		i->working = true;
		work_start(i->loop, &i->work, look, on_looked);
	}
}

static void on_time(struct timer *t, void *arg)
{
	struct issuer *i = arg;
	int64_t file_ms = i->refresh_ms < FILE_LOOK_MS ? i->refresh_ms : FILE_LOOK_MS;
	if (i->fetcher)
		forget_stale(i);
	go_and_look(i);
	if (timer_start(i->loop, t, i->fetcher ? i->refresh_ms : file_ms, on_time, i) < 0)
		log_error("the issuer's keys are no longer looked at", LOG_E(ERR_NO_MEMORY));
}

/* Somebody shows a token of a key that is not there: it may be new. A file is looked at soon anyway. */
static void on_unknown_key(void *arg)
{
	struct issuer *i = arg;
	int64_t least_ms = i->refresh_ms < ASK_AGAIN_MS ? i->refresh_ms : ASK_AGAIN_MS;
	if (i->fetcher && clock_mono_ms() - i->asked_at >= least_ms)
		ask(i);
}

/* --- life --- */

/* Without TLS only this machine is asked. */
static bool allow_loopback(const struct addr *a, void *arg)
{
	(void)arg;
	return addr_is_loopback(a);
}

int issuer_check(const char *where, struct buf *why)
{
	struct stamp none = {0};
	struct buf text;
	struct jwks *set;
	if (is_url(where)) {
		bool known = str_starts_with(str_of(where), STR("https://")) ||
			     str_starts_with(str_of(where), STR("http://"));
		if (!known)
			buf_printf(why, "--jwks: %s is neither a file nor an https:// address", where);
		return known ? 0 : ERR_CONFIG;
	}
	buf_init(&text, JWKS_MAX_BYTES + 1);
	buf_printf(why, "--jwks: %s: ", where);
	int err = read_file(where, &none, &text);
	if (err < 0)
		buf_printf(why, "%s", strerror(errno));
	else
		err = jwks_read(buf_str(&text), &set, why);
	buf_fini(&text);
	if (err < 0)
		return ERR_CONFIG;
	jwks_free(set);
	buf_clear(why);
	return 0;
}

static int begin(struct issuer *i)
{
	bool is_plain = str_starts_with(str_of(i->where), STR("http://"));
	const struct fetch_config config = {
		.allow = is_plain ? allow_loopback : fetch_allow_any, .allow_http = is_plain, .max_connections = 1};
	if (is_url(i->where))
		return fetcher_new(i->loop, &config, &i->fetcher);
	int err = read_file(i->where, &i->seen, &i->text);
	if (err == 0)
		take(i, buf_str(&i->text));
	buf_clear(&i->text);
	return err;
}

int issuer_open(const struct issuer_config *config, struct issuer **out)
{
	struct issuer *i = mem_new(sizeof *i);
	if (!i)
		return ERR_NO_MEMORY;
	i->loop = config->loop;
	i->keys = config->keys;
	i->where = config->where;
	i->refresh_ms = config->refresh_ms;
	buf_init(&i->text, JWKS_MAX_BYTES + 1);
	int err = begin(i);
	if (err == 0)
		err = timer_start(i->loop, &i->timer, i->fetcher ? 0 : FILE_LOOK_MS, on_time, i);
	*out = i;
	i->keys->on_unknown_key = on_unknown_key;
	i->keys->arg = i;
	return err;
}

void issuer_reload(struct issuer *i)
{
	if (!i->working) /* what the pool reads is not to be touched; it is looking anyway */
		i->forced = !i->fetcher;
	go_and_look(i);
}

static void finish(struct issuer *i)
{
	void (*closed)(void *arg) = i->closed;
	void *arg = i->arg;
	jwks_free(i->set);
	buf_fini(&i->text);
	mem_free(i);
	closed(arg);
}

static void on_fetcher_closed(void *arg)
{
	finish(arg);
}

void issuer_close(struct issuer *i, void (*closed)(void *arg), void *arg)
{
	i->closed = closed;
	i->arg = arg;
	i->is_closing = true;
	i->keys->issuer = NULL;
	i->keys->on_unknown_key = NULL;
	timer_stop(i->loop, &i->timer);
	if (i->fetcher)
		fetcher_close(i->fetcher, on_fetcher_closed, i);
	else if (!i->working)
		finish(i);
}

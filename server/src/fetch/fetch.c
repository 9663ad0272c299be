/* A fetcher: curl's sockets watched by the loop, its time-outs kept by our timers, its requests begun and ended. */
#include "fetch/fetch.h"

#include <assert.h>
#include <pthread.h>

#include "base/err.h"
#include "base/mem.h"
#include "fetch/inner.h"

/* A socket of curl's. */
struct watched {
	uv_poll_t poll;
	struct list link;
	struct fetcher *f; /* borrowed */
	curl_socket_t fd;
	int events; /* of uv_poll */
};

static void end_request(struct fetch *r, CURLcode code)
{
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	struct fetch_result result = {
		.err = fetch_err_of(r, code),
		.detail = r->detail[0] ? r->detail : curl_easy_strerror(code),
		.status = (int)status,
		.body = buf_str(&r->body),
	};
	list_remove(&r->link);
	if (code == CURLE_OK && !r->told_head && r->cb->on_head)
		r->cb->on_head(r, result.status, r->arg);
	if (r->state == FETCH_RUNNING)
		r->cb->on_done(r, &result, r->arg);
	curl_multi_remove_handle(r->f->multi, r->easy);
	fetch_free(r);
}

/* Outside curl's callbacks: tells of what has ended. */
static void reap(struct fetcher *f)
{
	CURLMsg *m;
	int left;
	while ((m = curl_multi_info_read(f->multi, &left))) {
		struct fetch *r;
		CURLcode code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
		if (m->msg == CURLMSG_DONE && r->state == FETCH_RUNNING)
			end_request(r, code);
	}
}

static void act(struct fetcher *f, curl_socket_t fd, int events)
{
	int running;
	curl_multi_socket_action(f->multi, fd, events, &running);
	reap(f);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watched *w = CONTAINER_OF(poll, struct watched, poll);
	int what = (events & UV_READABLE ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
	/* What came before the error may still be read, and curl will meet the error itself. */
	if (status < 0) {
		what = CURL_CSELECT_IN | CURL_CSELECT_OUT;
		uv_poll_start(poll, w->events, on_poll);
	}
	act(w->f, w->fd, what);
}

static void finish_closing(struct fetcher *f)
{
	if (!f->closing || !list_empty(&f->sockets) || timer_running(&f->turn))
		return;
	void (*cb)(void *) = f->on_closed;
	void *arg = f->on_closed_arg;
	mem_free(f->ca_file);
	mem_free(f);
	cb(arg);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct watched *w = CONTAINER_OF(handle, struct watched, poll);
	struct fetcher *f = w->f;
	list_remove(&w->link);
	mem_free(w);
	finish_closing(f);
}

static struct watched *watch(struct fetcher *f, curl_socket_t fd)
{
	struct watched *w = mem_new(sizeof *w);
	if (!w)
		return NULL;
	*w = (struct watched){.f = f, .fd = fd};
	if (uv_poll_init(&f->loop->uv, &w->poll, fd) != 0) {
		mem_free(w);
		return NULL;
	}
	list_push(&f->sockets, &w->link);
	curl_multi_assign(f->multi, fd, w);
	return w;
}

/* curl wants a socket watched, or not any more. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched)
{
	struct fetcher *f = arg;
	struct watched *w = watched;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			curl_multi_assign(f->multi, fd, NULL);
			uv_poll_stop(&w->poll);
			uv_close((uv_handle_t *)&w->poll, on_poll_closed);
		}
		return 0;
	}
	if (!w && !(w = watch(f, fd)))
		return -1;
	w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	return uv_poll_start(&w->poll, w->events, on_poll) == 0 ? 0 : -1;
}

static void on_wait(struct timer *t, void *arg)
{
	(void)t;
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_wait_ms(CURLM *multi, long ms, void *arg)
{
	struct fetcher *f = arg;
	(void)multi;
	if (ms < 0) {
		timer_stop(f->loop, &f->wait);
		return 0;
	}
	return timer_start(f->loop, &f->wait, ms, on_wait, f) == 0 ? 0 : -1;
}

static void turn_one(struct fetcher *f, struct fetch *r)
{
	if (r->state == FETCH_CANCELLED) {
		list_remove(&r->link);
		curl_multi_remove_handle(f->multi, r->easy);
		fetch_free(r);
	} else if (r->state == FETCH_NEW) {
		r->state = FETCH_RUNNING;
		if (r->err || curl_multi_add_handle(f->multi, r->easy) != CURLM_OK)
			end_request(r, CURLE_OUT_OF_MEMORY);
	} else if (r->to_resume) {
		r->to_resume = false;
		curl_easy_pause(r->easy, CURLPAUSE_CONT);
	}
}

/* Each step may tell callbacks, which may cancel others: those stay in the list until their own step. */
static void on_turn(struct timer *t, void *arg)
{
	struct fetcher *f = arg;
	(void)t;
	LIST_EACH(&f->all, link)
	turn_one(f, CONTAINER_OF(link, struct fetch, link));
	if (!f->closing) {
		reap(f);
		return;
	}
	assert(list_empty(&f->all));
	curl_multi_cleanup(f->multi);
	timer_stop(f->loop, &f->wait);
	finish_closing(f);
}

void fetcher_turn_soon(struct fetcher *f)
{
	if (!timer_running(&f->turn))
		timer_start(f->loop, &f->turn, 0, on_turn, f);
}

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int fetcher_new(struct loop *loop, const struct fetch_config *config, struct fetcher **out)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init_curl);
	struct fetcher *f = mem_new(sizeof *f);
	if (!f)
		return ERR_NO_MEMORY;
	f->loop = loop;
	f->allow = config->allow ? config->allow : fetch_allow_public;
	f->allow_arg = config->allow_arg;
	f->allow_http = config->allow_http;
	list_init(&f->all);
	list_init(&f->sockets);
	f->multi = curl_multi_init();
	f->ca_file = config->ca_file ? mem_dup(str_of(config->ca_file)) : NULL;
	if (!f->multi || (config->ca_file && !f->ca_file)) {
		if (f->multi)
			curl_multi_cleanup(f->multi);
		mem_free(f->ca_file);
		mem_free(f);
		return ERR_NO_MEMORY;
	}
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_wait_ms);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
		(long)(config->max_connections ? config->max_connections : 64));
	*out = f;
	return 0;
}

void fetcher_close(struct fetcher *f, void (*cb)(void *arg), void *arg)
{
	assert(!f->closing);
	f->closing = true;
	f->on_closed = cb;
	f->on_closed_arg = arg;
	LIST_EACH(&f->all, link)
	CONTAINER_OF(link, struct fetch, link)->state = FETCH_CANCELLED;
	fetcher_turn_soon(f);
}

int fetch_start(struct fetcher *f, const struct fetch_request *request, struct fetch **out)
{
	struct fetch *r = mem_new(sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	r->f = f;
	list_init(&r->link);
	int err = fetch_prepare(r, request);
	if (err < 0) {
		fetch_free(r);
		return err;
	}
	list_push(&f->all, &r->link);
	fetcher_turn_soon(f);
	if (out)
		*out = r;
	return 0;
}

void fetch_cancel(struct fetch *r)
{
	r->state = FETCH_CANCELLED;
	fetcher_turn_soon(r->f);
}

void fetch_pause(struct fetch *r)
{
	r->paused = true;
}

void fetch_resume(struct fetch *r)
{
	r->paused = false;
	r->starved = false;
	r->to_resume = true;
	fetcher_turn_soon(r->f);
}

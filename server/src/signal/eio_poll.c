/* The polling transport: one GET that waits for packets, POSTs that bring them. */
#include "base/err.h"
#include "signal/eio_inner.h"

static void respond_text(struct http_req *req, struct str body)
{
	http_respond(req, 200, "text/plain; charset=UTF-8", body);
}

void eio_poll_answer(struct eio_session *s)
{
	struct http_req *req = s->poll;
	if (!req || s->out.len == 0)
		return;
	s->poll = NULL;
	respond_text(req, buf_str(&s->out));
	buf_fini(&s->out); /* a session that waits holds no memory for what it has sent */
}

void eio_poll_release(struct eio_session *s)
{
	struct http_req *req = s->poll;
	if (!req)
		return;
	if (s->out.len) {
		eio_poll_answer(s);
		return;
	}
	s->poll = NULL;
	respond_text(req, STR("6"));
}

/* The client has gone away from under its poll: what was sent to it may be lost, so the session is. */
static void on_gone(struct http_req *req, void *arg)
{
	struct eio_session *s = arg;
	if (s->poll != req)
		return;
	s->poll = NULL;
	http_respond(req, 204, NULL, STR(""));
	eio_close(s, "poll aborted");
}

static void on_probe_poll(struct timer *t, void *arg)
{
	(void)t;
	eio_poll_release(arg);
}

void eio_poll_get(struct eio_session *s, struct http_req *req)
{
	if (eio_session_is_over(s))
		eio_close(s, "no pong");
	else if (s->poll)
		eio_close(s, "two polls at once");
	if (s->closed) {
		eio_refuse(req, EIO_BAD_REQUEST);
		return;
	}
	s->poll = req;
	if (s->out.len) {
		eio_poll_answer(s);
		return;
	}
	http_req_on_gone(req, on_gone, s);
	/* Without memory for the timer the poll is let go at once. */
	if (s->probed && timer_start(s->server->config.loop, &s->poll_timer, EIO_PROBE_POLL_MS, on_probe_poll, s) < 0)
		eio_poll_release(s);
}

static bool take_binary(struct eio_session *s, const struct engineio_packet *p)
{
	const struct eio_handlers *h = &s->server->config.handlers;
	struct buf bytes;
	buf_init(&bytes, p->data.len);
	if (engineio_decode(p, &bytes) == 0)
		h->on_message(s, true, buf_str(&bytes), h->arg);
	else
		eio_close(s, "broken base64");
	buf_fini(&bytes);
	return !s->closed;
}

/* Returns false when the body is malformed, which ends the session. */
static bool take_body(struct eio_session *s, struct str body)
{
	struct str rest = body.ptr ? body : STR("");
	struct engineio_packet p;
	bool open = true;
	if (!str_is_utf8(body)) {
		eio_close(s, "body is not UTF-8");
		return false;
	}
	while (rest.ptr && open) {
		if (engineio_next(&rest, &p) < 0) {
			eio_close(s, "broken packet");
			return false;
		}
		open = p.base64 ? take_binary(s, &p) : eio_session_packet(s, &p);
		if (!open && p.type != ENGINEIO_CLOSE)
			return false;
	}
	return true;
}

void eio_poll_post(struct eio_session *s, struct http_req *req)
{
	struct str type = http_req_header(req, "Content-Type");
	bool ok = false;
	if (str_eq_nocase(type, STR("application/octet-stream"))) /* of protocol 3 */
		eio_close(s, "binary body");
	else
		ok = take_body(s, http_req_body(req));
	if (ok)
		respond_text(req, STR("ok"));
	else
		eio_refuse(req, EIO_BAD_REQUEST);
}

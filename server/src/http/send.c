/* A file as an answer's body: read on the pool, sent from the loop as fast as the peer takes it.
 *
 *   read (pool) -> write, wait if asked -> read … -> end
 */
#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"

#define READ_SIZE 65536

struct sending {
	struct work work; /* one read at a time */
	struct http_req *req;
	struct loop *loop; /* borrowed */
	int fd;		   /* owned */
	int64_t at;
	int64_t left;
	size_t n_bytes;
	bool waiting; /* for the peer to take what was written */
	char bytes[READ_SIZE];
};

static void sending_free(struct sending *s)
{
	close(s->fd);
	mem_free(s);
}

/* On the pool: the next bytes. */
static int read_some(struct work *w)
{
	struct sending *s = CONTAINER_OF(w, struct sending, work);
	size_t want = s->left < READ_SIZE ? (size_t)s->left : READ_SIZE;
	ssize_t n;
	do
		n = pread(s->fd, s->bytes, want, s->at);
	while (n < 0 && errno == EINTR);
	s->n_bytes = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : ERR_IO; /* 0: the file was cut short meanwhile */
}

static void on_read(struct work *w, int err);

static void read_next(struct sending *s)
{
	if (s->left == 0 || http_resp_write(s->req, STR("")) != 0) {
		http_resp_end(s->req);
		sending_free(s);
		return;
	}
	work_start(s->loop, &s->work, read_some, on_read);
}

static void on_drain(struct http_req *req, void *arg)
{
	(void)req;
	struct sending *s = arg;
	if (!s->waiting)
		return;
	s->waiting = false;
	read_next(s);
}

static void on_read(struct work *w, int err)
{
	struct sending *s = CONTAINER_OF(w, struct sending, work);
	if (err) {
		http_resp_abort(s->req);
		sending_free(s);
		return;
	}
	s->at += (int64_t)s->n_bytes;
	s->left -= (int64_t)s->n_bytes;
	s->waiting = http_resp_write(s->req, str_n(s->bytes, s->n_bytes)) == ERR_AGAIN;
	if (!s->waiting)
		read_next(s);
}

void http_resp_file(struct http_req *req, int fd, int64_t at, int64_t n)
{
	struct sending *s = n ? mem_new(sizeof *s) : NULL;
	if (!s) {
		close(fd);
		if (n)
			http_resp_abort(req);
		else
			http_resp_end(req);
		return;
	}
	s->req = req;
	s->loop = req->server->loop;
	s->fd = fd;
	s->at = at;
	s->left = n;
	http_resp_on_drain(req, on_drain, s);
	read_next(s);
}

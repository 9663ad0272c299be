/* A file as an answer's body, sent from the loop as fast as the peer takes it. What the system has in memory is read on
 * the loop, what must come from the disk on the pool.
 *
 *   take --in memory--> write, wait if asked -> take … -> end       after TURN bytes: in the next turn
 *     '--not--> read (pool) --'
 */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"

#define READ_SIZE 65536
#define TURN (4 * READ_SIZE) /* bytes after which others have their turn: some 0.2 ms */

struct sending {
	struct work work; /* one read at a time */
	struct post soon;
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

/* The next bytes; flags as of preadv2. False: none; 0 read means that the file was cut short meanwhile. */
static bool read_bytes(struct sending *s, int flags)
{
	struct iovec room = {s->bytes, s->left < READ_SIZE ? (size_t)s->left : READ_SIZE};
	ssize_t n;
	do
		n = preadv2(s->fd, &room, 1, s->at, flags);
	while (n < 0 && errno == EINTR);
	s->n_bytes = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* On the pool. */
static int read_some(struct work *w)
{
	return read_bytes(CONTAINER_OF(w, struct sending, work), 0) ? 0 : ERR_IO;
}

/* Whether more may be written now. */
static bool write_some(struct sending *s)
{
	s->at += (int64_t)s->n_bytes;
	s->left -= (int64_t)s->n_bytes;
	s->waiting = http_resp_write(s->req, str_n(s->bytes, s->n_bytes)) == ERR_AGAIN;
	return !s->waiting;
}

static void on_read(struct work *w, int err);
static void go_on(struct sending *s);

static void on_soon(struct post *p)
{
	go_on(CONTAINER_OF(p, struct sending, soon));
}

static void go_on(struct sending *s)
{
	for (int64_t end = s->at + TURN; s->at < end;) {
		if (s->left == 0 || http_resp_write(s->req, STR("")) != 0) {
			http_resp_end(s->req);
			sending_free(s);
			return;
		}
		if (!read_bytes(s, RWF_NOWAIT)) {
			work_start(s->loop, &s->work, read_some, on_read);
			return;
		}
		if (!write_some(s))
			return;
	}
	loop_soon(s->loop, &s->soon);
}

static void on_drain(struct http_req *req, void *arg)
{
	(void)req;
	struct sending *s = arg;
	if (!s->waiting)
		return;
	s->waiting = false;
	go_on(s);
}

static void on_read(struct work *w, int err)
{
	struct sending *s = CONTAINER_OF(w, struct sending, work);
	if (err) {
		http_resp_abort(s->req);
		sending_free(s);
		return;
	}
	if (write_some(s))
		go_on(s);
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
	s->soon.run = on_soon;
	s->loop = req->server->loop;
	s->fd = fd;
	s->at = at;
	s->left = n;
	http_resp_on_drain(req, on_drain, s);
	go_on(s);
}

/* A file as an answer's body, sent from the loop as fast as the peer takes it. What the system has in memory goes to
 * the socket without a copy here (sendfile) or, through TLS, is read on the loop; what must come from the disk, on the
 * pool.
 *
 *   in memory --plain--> sendfile, until the socket is full --.
 *     |        '--else--> read (loop) -----------------------> write, wait for the queue to empty -> … -> end
 *     '--not--> read (pool) ---------------------------------'                after TURN bytes: in the next turn
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"

#define READ_SIZE 65536
#define TURN (4 * READ_SIZE) /* bytes after which others have their turn: some 0.2 ms */
#define FULL_READ 4096	     /* into a full socket: enough to learn when it has room again */
#define PAGE_LEAST 4096

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
	char *map;    /* owned; never read, only asked about; null: none */
	size_t map_len;
	int64_t map_at;
	char bytes[READ_SIZE];
};

static void sending_free(struct sending *s)
{
	if (s->map)
		munmap(s->map, s->map_len);
	close(s->fd);
	mem_free(s);
}

/* --- without a copy --- */

/* So that the system can be asked what it holds in memory; it answers that only of files of our own. */
static void map_file(struct sending *s)
{
	struct stat st;
	int64_t page = sysconf(_SC_PAGESIZE);
	bool plain = s->req->conn && !s->req->conn->stream.ssl && !s->req->no_body;
	if (!plain || s->left <= READ_SIZE || fstat(s->fd, &st) < 0 || (st.st_uid != geteuid() && geteuid() != 0))
		return;
	s->map_at = s->at - s->at % page;
	s->map_len = (size_t)(s->at + s->left - s->map_at);
	s->map = mmap(NULL, s->map_len, PROT_READ, MAP_SHARED, s->fd, s->map_at);
	if (s->map == MAP_FAILED)
		s->map = NULL;
}

/* Bytes from s->at on that are in memory, at most `most`. */
static size_t in_memory(const struct sending *s, size_t most)
{
	unsigned char pages[TURN / PAGE_LEAST + 1];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	size_t skip = (size_t)(s->at - s->map_at), from = skip - skip % page;
	size_t want = skip - from + most;
	if (want > s->map_len - from)
		want = s->map_len - from;
	if (mincore(s->map + from, want, pages) < 0)
		return 0;
	while (n * page < want && pages[n] & 1)
		n++;
	size_t have = n * page < want ? n * page : want;
	return have > skip - from ? have - (skip - from) : 0;
}

/* True when the socket took all that is in memory of a turn's bytes. */
static bool send_mapped(struct sending *s, int64_t end)
{
	size_t most = (size_t)(end - s->at < s->left ? end - s->at : s->left);
	size_t n = s->map && s->req->conn ? in_memory(s, most) : 0;
	size_t sent = n ? stream_send_file(&s->req->conn->stream, s->fd, s->at, n) : 0;
	s->at += (int64_t)sent;
	s->left -= (int64_t)sent;
	s->req->resp_left -= (int64_t)sent;
	return n && sent == n;
}

/* --- with one --- */

/* The next bytes; flags as of preadv2. False: none; 0 read means that the file was cut short meanwhile. */
static bool read_bytes(struct sending *s, size_t most, int flags)
{
	struct iovec room = {s->bytes, s->left < (int64_t)most ? (size_t)s->left : most};
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
	return read_bytes(CONTAINER_OF(w, struct sending, work), READ_SIZE, 0) ? 0 : ERR_IO;
}

/* Whether more may be written now. */
static bool write_some(struct sending *s)
{
	s->at += (int64_t)s->n_bytes;
	s->left -= (int64_t)s->n_bytes;
	int sent = http_resp_write(s->req, str_n(s->bytes, s->n_bytes));
	s->waiting = sent == ERR_AGAIN || (sent == 0 && stream_queued(&s->req->conn->stream) > 0);
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
		int64_t before = s->at;
		if (send_mapped(s, end))
			continue;
		if (!read_bytes(s, s->at > before ? FULL_READ : READ_SIZE, RWF_NOWAIT)) {
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
	map_file(s);
	http_resp_on_drain(req, on_drain, s);
	go_on(s);
}

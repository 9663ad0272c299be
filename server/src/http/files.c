/* Static files: found on the pool, then sent.
 *
 *   request -> find (pool) -> conditions, range -> begin -> http_resp_file
 */
#include "http/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "http/conn.h"
#include "http/file_meta.h"

#define PATH_SIZE 1024
#define POLICY                                                                                                         \
	"default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src 'self' data: blob:; "  \
	"style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"

/* A folder that is served. */
struct folder {
	struct list link;
	struct http_server *server; /* borrowed: it owns us */
	int fd;			    /* owned */
	char *fallback;		    /* owned; null: none */
	char *pattern;		    /* owned */
	char param[32];
};

/* One request for a file. */
struct job {
	struct work work; /* find */
	struct folder *folder;
	struct http_req *req;
	char path[PATH_SIZE]; /* what is served, without the ending of its coding */
	bool wants_html;
	bool takes_br;
	bool takes_gzip;
	const char *coding; /* null: as it is */
	int fd;		    /* owned; -1 */
	struct stat stat;
	char etag[FILE_ETAG_SIZE];
	char date[FILE_DATE_SIZE];
	int64_t at;
	int64_t left;
};

static void job_free(struct job *j)
{
	if (j->fd >= 0)
		close(j->fd);
	mem_free(j);
}

/* Opens a path beneath the folder, one segment after another and none of them a link. The descriptor, or -1. */
static int open_beneath(int root, const char *path)
{
	char copy[PATH_SIZE + 4];
	int at = root;
	snprintf(copy, sizeof copy, "%s", path);
	char *segment = copy;
	for (char *slash; (slash = strchr(segment, '/')) != NULL; segment = slash + 1) {
		*slash = 0;
		int next = openat(at, segment, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (at != root)
			close(at);
		if (next < 0)
			return -1;
		at = next;
	}
	int fd = openat(at, *segment ? segment : ".", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (at != root)
		close(at);
	return fd;
}

/* Opens path + ending if it is a file. */
static bool open_file(struct job *j, const char *ending)
{
	char name[PATH_SIZE + 4];
	snprintf(name, sizeof name, "%s%s", j->path, ending);
	int fd = open_beneath(j->folder->fd, name);
	if (fd < 0)
		return false;
	if (fstat(fd, &j->stat) < 0 || !S_ISREG(j->stat.st_mode)) {
		close(fd);
		return false;
	}
	j->fd = fd;
	return true;
}

/* The file at j->path, in the best coding that the peer takes. */
static bool open_best(struct job *j)
{
	if (j->takes_br && open_file(j, ".br"))
		j->coding = "br";
	else if (j->takes_gzip && open_file(j, ".gz"))
		j->coding = "gzip";
	return j->coding || open_file(j, "");
}

static bool append_index(struct job *j)
{
	size_t n = strlen(j->path);
	const char *index = n == 0 || j->path[n - 1] == '/' ? "index.html" : "/index.html";
	if (n + strlen(index) >= sizeof j->path)
		return false;
	memcpy(j->path + n, index, strlen(index) + 1);
	return true;
}

/* On the pool. */
static int find(struct work *w)
{
	struct job *j = CONTAINER_OF(w, struct job, work);
	size_t n = strlen(j->path);
	if (n && j->path[n - 1] != '/' && open_best(j))
		return 0;
	if (append_index(j) && open_best(j))
		return 0;
	if (!j->folder->fallback || !j->wants_html)
		return ERR_NOT_FOUND;
	str_copy(j->path, sizeof j->path, str_of(j->folder->fallback));
	return open_best(j) ? 0 : ERR_NOT_FOUND;
}

static void add_headers(struct job *j)
{
	struct http_req *req = j->req;
	struct str path = str_of(j->path);
	http_resp_header(req, "ETag", str_of(j->etag));
	http_resp_header(req, "Last-Modified", str_of(j->date));
	http_resp_header(req, "Vary", STR("Accept-Encoding"));
	http_resp_header(req, "Accept-Ranges", STR("bytes"));
	http_resp_header(req, "Cache-Control",
		file_is_hashed(path) ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
	if (j->coding)
		http_resp_header(req, "Content-Encoding", str_of(j->coding));
	if (str_ends_with(path, STR(".html")))
		http_resp_header(req, "Content-Security-Policy", STR(POLICY));
}

static bool is_unchanged(const struct job *j)
{
	struct str etags = http_req_header(j->req, "if-none-match");
	if (etags.ptr)
		return file_etag_listed(etags, j->etag);
	return str_eq_z(http_req_header(j->req, "if-modified-since"), j->date);
}

/* The range to send: 206, 200 for all of it, or 416. */
static int choose_range(struct job *j)
{
	struct str range = http_req_header(j->req, "range");
	struct str if_range = http_req_header(j->req, "if-range");
	j->left = j->stat.st_size;
	if (!range.ptr || j->req->is_head)
		return 200;
	if (if_range.ptr && !str_eq_z(if_range, j->etag) && !str_eq_z(if_range, j->date))
		return 200;
	int64_t first, n;
	int err = file_range(range, j->stat.st_size, &first, &n);
	if (err == ERR_NOT_FOUND)
		return 200;
	if (err)
		return 416;
	j->at = first;
	j->left = n;
	return 206;
}

static void add_content_range(struct job *j, int status)
{
	char text[80];
	long long size = j->stat.st_size;
	if (status == 206)
		snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)j->at, (long long)(j->at + j->left - 1),
			size);
	else
		snprintf(text, sizeof text, "bytes */%lld", size);
	http_resp_header(j->req, "Content-Range", str_of(text));
}

static void answer(struct job *j)
{
	int status = is_unchanged(j) ? 304 : choose_range(j);
	if (status == 206 || status == 416)
		add_content_range(j, status);
	if (status == 416) {
		http_respond_problem(j->req, ERR_BAD_RANGE, NULL, NULL);
		job_free(j);
		return;
	}
	add_headers(j);
	if (status == 304 || j->req->is_head)
		j->left = status == 304 ? 0 : j->left;
	http_resp_begin(j->req, status, status == 304 ? NULL : file_type(str_of(j->path)), j->left);
	if (status == 304 || j->req->is_head)
		j->left = 0;
	http_resp_file(j->req, j->fd, j->at, j->left);
	j->fd = -1;
	job_free(j);
}

static void on_found(struct work *w, int err)
{
	struct job *j = CONTAINER_OF(w, struct job, work);
	if (err) {
		http_respond_problem(j->req, err, NULL, NULL);
		job_free(j);
		return;
	}
	file_etag(&j->stat.st_mtim, j->stat.st_size, j->coding ? j->coding : "", j->etag);
	file_date(j->stat.st_mtime, j->date);
	answer(j);
}

static void on_request(struct http_req *req, void *arg)
{
	struct folder *f = arg;
	struct str path = http_req_param(req, f->param);
	struct str coding = http_req_header(req, "accept-encoding");
	struct job *j = file_path_ok(path) ? mem_new(sizeof *j) : NULL;
	if (!j || str_copy(j->path, sizeof j->path, path) < 0) {
		http_respond_problem(req, j || !file_path_ok(path) ? ERR_NOT_FOUND : ERR_NO_MEMORY, NULL, NULL);
		mem_free(j);
		return;
	}
	bool whole = !http_req_header(req, "range").ptr;
	j->fd = -1;
	j->folder = f;
	j->req = req;
	j->wants_html = str_starts_with(http_req_header(req, "accept"), STR("text/html"));
	j->takes_br = whole && coding.ptr && file_takes_coding(coding, "br");
	j->takes_gzip = whole && coding.ptr && file_takes_coding(coding, "gzip");
	work_start(f->server->loop, &j->work, find, on_found);
}

static void folder_free(struct folder *f)
{
	list_remove(&f->link);
	if (f->fd >= 0)
		close(f->fd);
	mem_free(f->fallback);
	mem_free(f->pattern);
	mem_free(f);
}

void http_files_free(struct http_server *s)
{
	LIST_EACH(&s->files, item)
	folder_free(CONTAINER_OF(item, struct folder, link));
}

static int folder_open(struct folder *f, const struct http_files_config *config)
{
	const char *star = strrchr(config->pattern, '*');
	f->fd = open(config->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0 || !star)
		return ERR_NOT_FOUND;
	f->pattern = mem_dup(str_of(config->pattern));
	if (config->fallback)
		f->fallback = mem_dup(str_of(config->fallback));
	if (!f->pattern || (config->fallback && !f->fallback))
		return ERR_NO_MEMORY;
	return str_copy(f->param, sizeof f->param, str_of(star + 1));
}

int http_files(struct http_server *s, const struct http_files_config *config)
{
	struct folder *f = mem_new(sizeof *f);
	if (!f)
		return ERR_NO_MEMORY;
	f->server = s;
	list_push(&s->files, &f->link);
	int err = folder_open(f, config);
	if (!err)
		err = http_route(s,
			&(struct http_route){.method = "GET", .pattern = f->pattern, .handler = on_request, .arg = f});
	if (err)
		folder_free(f);
	return err;
}

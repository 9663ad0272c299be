/* Listening sockets: polled by libuv, accepted from by us, since its own accept loop never ends when the process has
 * run out of descriptors and its reserve is gone. */
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#define BACKLOG 4096	/* a crowd that finds it full comes again only a second later */
#define ACCEPT_BATCH 64 /* per turn, so that those who are connected get theirs */
#define RETRY_MS 100

static int err_of_errno(int e)
{
	switch (e) {
	case EADDRINUSE: return ERR_EXISTS;
	case EACCES: return ERR_FORBIDDEN;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT: return ERR_BAD_FIELD;
	default: return ERR_IO;
	}
}

/* A listening socket bound to *addr, which gets the true port. Returns it, or an error. */
static int bind_socket(struct addr *addr)
{
	int on = 1;
	int fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_of_errno(errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	socklen_t len = addr_len(addr);
	if (bind(fd, &addr->any, len) < 0 || listen(fd, BACKLOG) < 0 || getsockname(fd, &addr->any, &len) < 0) {
		int err = err_of_errno(errno);
		close(fd);
		return err;
	}
	return fd;
}

static void on_retry(struct timer *t, void *arg)
{
	(void)t;
	struct listener *l = arg;
	if (!l->paused)
		listener_resume(l);
}

/* No descriptor is left: refuse the one who waits longest with the reserve, and look again a little later. */
static void out_of_descriptors(struct listener *l)
{
	log_warn("no descriptors left, connections are refused", LOG_I("retry_ms", RETRY_MS));
	if (l->net->reserve_fd >= 0) {
		close(l->net->reserve_fd);
		int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
	}
	l->net->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uv_poll_stop(&l->poll);
	if (timer_start(l->net->loop, &l->retry, RETRY_MS, on_retry, l) != 0)
		listener_resume(l);
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *l)
{
	struct addr peer = {0};
	socklen_t len = sizeof peer;
	int fd = accept4(l->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		l->on_accept(l, fd, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		out_of_descriptors(l);
		return false;
	}
	return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)events;
	struct listener *l = CONTAINER_OF(poll, struct listener, poll);
	if (status < 0)
		return;
	for (int i = 0; i < ACCEPT_BATCH && !l->paused; i++)
		if (!accept_one(l))
			return;
}

int listener_open(struct listener *l, struct net *net, const struct addr *addr, listener_accept_cb on_accept, void *arg)
{
	struct addr bound = *addr;
	int fd = bind_socket(&bound);
	if (fd < 0)
		return fd;
	*l = (struct listener){.net = net, .fd = fd, .addr = bound, .on_accept = on_accept, .arg = arg};
	if (uv_poll_init(&net->loop->uv, &l->poll, fd) < 0) {
		close(fd);
		return ERR_IO;
	}
	listener_resume(l);
	return 0;
}

void listener_pause(struct listener *l)
{
	l->paused = true;
	timer_stop(l->net->loop, &l->retry);
	uv_poll_stop(&l->poll);
}

void listener_resume(struct listener *l)
{
	l->paused = false;
	uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

static void on_uv_closed(uv_handle_t *handle)
{
	struct listener *l = CONTAINER_OF(handle, struct listener, poll);
	close(l->fd);
	l->on_closed(l);
}

void listener_close(struct listener *l, void (*on_closed)(struct listener *l))
{
	listener_pause(l);
	l->on_closed = on_closed;
	uv_close((uv_handle_t *)&l->poll, on_uv_closed);
}

/* Raw clients of a server that runs in the same thread. */
#include "host.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define WAIT_MS 3000
#define MAX_ANSWER (64u << 20)

void host_start(struct host *h, struct http_config config)
{
	struct addr any;
	*h = (struct host){0};
	addr_parse(STR("127.0.0.1:0"), &any);
	config.listen = &any;
	config.n_listen = 1;
	if (loop_init(&h->loop) != 0 || http_server_new(&h->loop, &config, NULL, &h->server) != 0)
		abort();
}

static void on_closed(void *arg)
{
	((struct host *)arg)->closed = true;
}

static void turn(struct host *h)
{
	if (uv_run(&h->loop.uv, UV_RUN_NOWAIT) >= 0)
		nanosleep(&(struct timespec){0, 200000}, NULL);
}

void host_stop(struct host *h)
{
	http_server_close(h->server, on_closed, h);
	int64_t until = clock_mono_ms() + WAIT_MS;
	while (!h->closed && clock_mono_ms() < until)
		turn(h);
	if (!h->closed)
		abort();
	loop_fini(&h->loop);
}

void host_run(struct host *h, int ms)
{
	int64_t until = clock_mono_ms() + ms;
	do
		turn(h);
	while (clock_mono_ms() < until);
}

int host_connect(struct host *h)
{
	const struct addr *to = http_server_addr(h->server, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &to->any, addr_len(to)) < 0)
		abort();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

bool host_send(struct host *h, int fd, struct str bytes)
{
	int64_t until = clock_mono_ms() + WAIT_MS;
	while (bytes.len && clock_mono_ms() < until) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0)
			bytes = str_n(bytes.ptr + n, bytes.len - (size_t)n);
		turn(h);
	}
	return bytes.len == 0;
}

bool host_read(struct host *h, int fd, const char *until, struct buf *out)
{
	int64_t end = clock_mono_ms() + WAIT_MS;
	while (clock_mono_ms() < end) {
		char *room = buf_reserve(out, 65536);
		ssize_t n = recv(fd, room, 65535, 0);
		if (n > 0)
			buf_commit(out, (size_t)n);
		out->ptr[out->len] = 0;
		if (until && strstr(out->ptr, until))
			return true;
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return !until;
		if (n < 0)
			turn(h);
	}
	return false;
}

const char *host_exchange(struct host *h, struct str request, size_t step)
{
	static struct buf answer;
	if (!answer.max)
		buf_init(&answer, MAX_ANSWER);
	buf_clear(&answer);
	int fd = host_connect(h);
	for (size_t at = 0; at < request.len; at += step)
		if (!host_send(h, fd, str_n(request.ptr + at, request.len - at < step ? request.len - at : step)))
			break;
	shutdown(fd, SHUT_WR);
	if (!host_read(h, fd, NULL, &answer))
		buf_clear(&answer);
	close(fd);
	host_run(h, 1);
	buf_reserve(&answer, 1);
	answer.ptr[answer.len] = 0;
	return answer.ptr;
}

int host_status(const char *answer)
{
	int status = 0;
	return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

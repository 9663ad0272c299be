/* A server that takes uploads and throws them away: what clients and kernel cost, whoever serves.
 *
 *   upload_sink
 *
 * Prints where it listens as bellwire does. Answers a request when its body is over: POST with 201 and a place, all
 * others with 204. Reads what upload_load and fetch() send, and trusts them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 10000 /* descriptors */
#define EVENTS 64

struct client {
	size_t body_left; /* of the request at hand */
	bool is_new;	  /* it makes an upload */
};

static struct client *clients[MOST]; /* by descriptor */
static int poller;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "upload_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
		give_up("epoll_ctl");
}

static int listen_somewhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 1024) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &size) < 0)
		give_up("listen");
	printf("ready http=http://127.0.0.1:%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void welcome(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 || fd >= MOST)
		give_up("accept");
	clients[fd] = calloc(1, sizeof *clients[fd]);
	if (!clients[fd])
		give_up("memory");
	watch(fd);
}

static void part(int fd)
{
	free(clients[fd]);
	clients[fd] = NULL;
	close(fd);
}

static void answer(int fd, bool is_new)
{
	const char *text = is_new ? "HTTP/1.1 201 Created\r\nLocation: /upload\r\nContent-Length: 0\r\n\r\n"
				  : "HTTP/1.1 204 No Content\r\n\r\n";
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		give_up("send");
}

/* Its clients write a head at once and wait for each answer. Returns what of the bytes is head. */
static size_t read_head(struct client *c, char *bytes, size_t n)
{
	bytes[n] = '\0';
	const char *end = strstr(bytes, "\r\n\r\n");
	if (!end)
		give_up("half a head");
	const char *length = strcasestr(bytes, "\r\nContent-Length:");
	c->body_left = length && length < end ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	c->is_new = strncmp(bytes, "POST ", 5) == 0;
	return (size_t)(end - bytes) + 4;
}

static void serve(int fd)
{
	static char bytes[65536 + 1];
	struct client *c = clients[fd];
	ssize_t n = recv(fd, bytes, sizeof bytes - 1, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		part(fd);
		return;
	}
	size_t n_body = (size_t)n;
	if (!c->body_left)
		n_body -= read_head(c, bytes, n_body);
	c->body_left -= n_body < c->body_left ? n_body : c->body_left;
	if (!c->body_left)
		answer(fd, c->is_new);
}

int main(void)
{
	struct epoll_event events[EVENTS];
	poller = epoll_create1(EPOLL_CLOEXEC);
	int listener = listen_somewhere();
	watch(listener);
	for (;;) {
		int n = epoll_wait(poller, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				welcome(listener);
			else
				serve(events[i].data.fd);
		}
	}
}

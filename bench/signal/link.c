/* The bytes of a client: WebSocket frames, or HTTP requests for long polling. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_EVENTS 512
#define SCRATCH 262144
#define SEPARATOR '\x1e'

static int epoll;
static char scratch[SCRATCH];

void link_init(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		give_up("epoll");
}

/* Watched until it is connected, then for what comes. The data: the client's number, and whether it is the connection
 * that posts. */
static void watch(const struct client *c, bool posts, int fd, bool is_new)
{
	struct epoll_event e = {
		.events = is_new ? EPOLLOUT : EPOLLIN, .data.u64 = (uint64_t)(c - clients) << 1 | posts};
	if (epoll_ctl(epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) < 0)
		give_up("epoll_ctl");
}

static int open_socket(const struct client *c, bool posts)
{
	int fd = wire_connect();
	watch(c, posts, fd, true);
	return fd;
}

/* --- out --- */

static void get(struct client *c)
{
	char text[512];
	int n = snprintf(text, sizeof text,
		"GET /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
		c->sid[0] ? "&sid=" : "", c->sid);
	wire_put(c, c->fd, text, (size_t)n);
}

/* On loopback it is there at once. */
static void open_post(struct client *c)
{
	struct pollfd out = {.events = POLLOUT};
	out.fd = c->post_fd = open_socket(c, true);
	if (poll(&out, 1, 10000) != 1)
		give_up("connect");
	watch(c, true, c->post_fd, false);
}

static void post(struct client *c, struct str body)
{
	char text[16384];
	if (body.len > sizeof text / 2)
		give_up("a long body");
	int n = snprintf(text, sizeof text,
		"POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n%.*s",
		c->sid, body.len, STR_ARG(body));
	if (c->post_fd < 0)
		open_post(c);
	wire_put(c, c->post_fd, text, (size_t)n);
	c->posting = true;
}

/* Adds a packet to the next body. */
static void wait(struct client *c, struct str packet)
{
	struct rest *w = &c->waiting;
	w->bytes = realloc(w->bytes, w->len + packet.len + 1);
	if (!w->bytes)
		give_up("memory");
	if (w->len)
		w->bytes[w->len++] = SEPARATOR;
	memcpy(w->bytes + w->len, packet.ptr, packet.len);
	w->len += packet.len;
}

static void fetch_first(const struct client *c)
{
	char text[512];
	int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", setup.first);
	wire_put(c, c->fd, text, (size_t)n);
}

static void upgrade(const struct client *c)
{
	static const char text[] = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
				   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	wire_put(c, c->fd, text, sizeof text - 1);
}

/* The first request. */
static void begin(struct client *c)
{
	if (setup.polling)
		get(c);
	else if (setup.first)
		fetch_first(c);
	else
		upgrade(c);
}

void link_open(struct client *c)
{
	c->fd = open_socket(c, false);
	c->post_fd = -1;
}

void link_cut(struct client *c)
{
	wire_cut(c);
	free(c->rest.bytes);
	c->rest = (struct rest){0};
	c->fetched = c->upgraded = false;
	c->sid[0] = '\0';
	c->step = STEP_OPENING;
}

/* The mask is 0, so that a frame can be made once: the server unmasks all the same. */
void link_send(struct client *c, struct str packet)
{
	unsigned char frame[FRAME_HEAD + 4096] = {0x81, 0x80};
	size_t head = packet.len < 126 ? 6 : FRAME_HEAD;
	if (setup.polling) {
		if (!c->posting)
			post(c, packet);
		else
			wait(c, packet);
		return;
	}
	if (packet.len > sizeof frame - FRAME_HEAD)
		give_up("a long packet");
	frame[1] = (unsigned char)(0x80 | (packet.len < 126 ? packet.len : 126));
	if (head == FRAME_HEAD) {
		frame[2] = (unsigned char)(packet.len >> 8);
		frame[3] = (unsigned char)packet.len;
	}
	memcpy(frame + head, packet.ptr, packet.len);
	wire_put(c, c->fd, frame, head + packet.len);
}

void link_send_message(struct client *c, const struct message *m)
{
	if (setup.polling)
		link_send(c, str_n(m->bytes + FRAME_HEAD, m->len - FRAME_HEAD));
	else
		wire_put(c, c->fd, m->bytes, m->len);
}

/* --- in: each returns how many bytes it took, 0 when the unit is not whole --- */

static size_t take_upgrade(struct client *c, struct str in)
{
	const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
	if (!end)
		return 0;
	if (memcmp(in.ptr, "HTTP/1.1 101", 12) != 0)
		give_up("an upgrade was refused");
	c->upgraded = true;
	return (size_t)(end - in.ptr) + 4;
}

static size_t take_frame(struct client *c, struct str in)
{
	const unsigned char *b = (const unsigned char *)in.ptr;
	if (in.len < 2)
		return 0;
	size_t head = b[1] < 126 ? 2 : b[1] == 126 ? 4 : 10;
	if (in.len < head)
		return 0;
	size_t len = b[1];
	if (head > 2)
		len = 0;
	for (size_t i = 2; i < head; i++)
		len = len << 8 | b[i];
	if (in.len - head < len)
		return 0;
	if (b[0] != 0x81 && !storming)
		give_up("the server closed a WebSocket");
	if (b[0] != 0x81)
		shutdown(c->fd, SHUT_RDWR); /* its end is seen next, and it comes again */
	else
		client_packet(c, str_n(in.ptr + head, len));
	return head + len;
}

/* One whole answer, its body in *body. */
static size_t take_answer(struct str in, struct str *body)
{
	const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
	const char *length = end ? strcasestr(in.ptr, "\r\ncontent-length:") : NULL;
	if (!end)
		return 0;
	if (!length || length > end || memcmp(in.ptr + 9, "200", 3) != 0) {
		fprintf(stderr, "%.*s\n", STR_ARG(in));
		give_up("an answer that is no 200 of a known length");
	}
	size_t head = (size_t)(end - in.ptr) + 4;
	*body = str_n(in.ptr + head, strtoul(length + 17, NULL, 10));
	return in.len - head < body->len ? 0 : head + body->len;
}

static size_t take_poll(struct client *c, struct str in)
{
	struct str body;
	size_t used = take_answer(in, &body);
	if (!used)
		return 0;
	while (body.ptr)
		client_packet(c, str_cut(&body, SEPARATOR));
	get(c);
	return used;
}

static size_t take_posted(struct client *c, struct str in)
{
	struct str body;
	size_t used = take_answer(in, &body);
	if (!used)
		return 0;
	c->posting = false;
	if (c->waiting.len)
		post(c, str_n(c->waiting.bytes, c->waiting.len));
	c->waiting.len = 0;
	return used;
}

static size_t take_first(struct client *c, struct str in)
{
	struct str body;
	size_t used = take_answer(in, &body);
	if (!used)
		return 0;
	c->fetched = true;
	upgrade(c);
	return used;
}

static size_t take(struct client *c, bool posts, struct str in)
{
	if (posts)
		return take_posted(c, in);
	if (setup.polling)
		return take_poll(c, in);
	if (setup.first && !c->fetched)
		return take_first(c, in);
	return c->upgraded ? take_frame(c, in) : take_upgrade(c, in);
}

static void keep(struct rest *rest, struct str in)
{
	free(rest->bytes);
	*rest = (struct rest){in.len ? malloc(in.len) : NULL, in.len};
	if (in.len)
		memcpy(rest->bytes, in.ptr, in.len);
}

/* The server ended it. In a storm the client comes again. */
static void ended(struct client *c, bool posts, const char *how)
{
	if (posts && !c->posting) { /* it was idle between two runs for too long */
		close(c->post_fd);
		c->post_fd = -1;
		return;
	}
	if (!storming)
		give_up(how);
	n_again++;
	link_cut(c);
	link_open(c);
}

static void readable(struct client *c, bool posts)
{
	struct rest *rest = posts ? &c->post_rest : &c->rest;
	if (rest->len)
		memcpy(scratch, rest->bytes, rest->len);
	long n = wire_get(c, posts ? c->post_fd : c->fd, scratch + rest->len, SCRATCH - 1 - rest->len);
	if (n == WIRE_NOTHING)
		return;
	if (n <= 0) {
		ended(c, posts, n == 0 ? "the server closed a connection" : "recv");
		return;
	}
	struct str in = str_n(scratch, rest->len + (size_t)n);
	scratch[in.len] = '\0';
	for (size_t used = 1; used && in.len;) {
		used = take(c, posts, in);
		in = str_n(in.ptr + used, in.len - used);
	}
	if (in.len || rest->len)
		keep(rest, in);
}

/* What happened to one of its sockets. */
static void on_event(struct client *c, bool posts)
{
	if (posts || c->wire == WIRE_OPEN) {
		readable(c, posts);
		return;
	}
	if (c->wire == WIRE_CONNECTING)
		watch(c, false, c->fd, false);
	int got = wire_open(c);
	if (got < 0)
		ended(c, false, "no connection");
	else if (got > 0)
		begin(c);
}

void link_turn(int64_t timeout_us)
{
	struct epoll_event events[N_EVENTS];
	const struct timespec timeout = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
	int n = epoll_pwait2(epoll, events, N_EVENTS, &timeout, NULL);
	if (n < 0 && errno != EINTR)
		give_up("epoll_wait");
	for (int i = 0; i < n; i++)
		on_event(&clients[events[i].data.u64 >> 1], events[i].data.u64 & 1);
}

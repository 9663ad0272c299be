/* A forwarder with nothing of TURN in it: the floor under any relay that has a socket for each client's peers.
 *
 *   turn_bare gso|mmsg|plain
 *
 * A client's first packet names its peer (a sockaddr_in) and is answered with the port that the peer is to use; after
 * that packets go through unread. `plain` is recvfrom and sendto, `mmsg` recvmmsg and sendmmsg, `gso` adds GRO and GSO.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SLOT 66048

enum mode { PLAIN, MMSG, GSO };

struct flow {
	int fd;
	struct sockaddr_in client, peer;
};

static enum mode mode;
static int entry;
static struct flow flows[65536]; /* by the client's port */
static uint8_t slots[BATCH][SLOT];
static struct mmsghdr in[BATCH];
static struct iovec in_iov[BATCH];
static struct sockaddr_in from[BATCH];
static char in_control[BATCH][64];

/* What goes out: groups of packets of one size to one address. */
static struct group {
	int fd;
	const struct sockaddr_in *to;
	uint16_t size;
	unsigned n;
	struct iovec iov[BATCH];
	char control[CMSG_SPACE(sizeof(uint16_t))];
} groups[BATCH];
static unsigned n_groups;

static void flush(void)
{
	struct mmsghdr out[BATCH];
	for (unsigned at = 0; at < n_groups;) {
		unsigned n = 0;
		int fd = groups[at].fd;
		for (; at < n_groups && groups[at].fd == fd; at++, n++) {
			struct group *g = &groups[at];
			out[n].msg_hdr =
				(struct msghdr){(void *)(uintptr_t)g->to, sizeof *g->to, g->iov, g->n, NULL, 0, 0};
			if (g->n == 1)
				continue;
			struct cmsghdr *c = (struct cmsghdr *)(void *)g->control;
			*c = (struct cmsghdr){CMSG_LEN(sizeof g->size), SOL_UDP, UDP_SEGMENT};
			memcpy(CMSG_DATA(c), &g->size, sizeof g->size);
			out[n].msg_hdr.msg_control = g->control;
			out[n].msg_hdr.msg_controllen = sizeof g->control;
		}
		sendmmsg(fd, out, n, MSG_DONTWAIT);
	}
	n_groups = 0;
}

static void forward(int fd, const struct sockaddr_in *to, uint8_t *data, size_t len)
{
	struct group *g = n_groups ? &groups[n_groups - 1] : NULL;
	if (mode == PLAIN) {
		sendto(fd, data, len, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof *to);
		return;
	}
	if (mode == GSO && g && g->fd == fd && g->to == to && g->size == len && g->n < 48) {
		g->iov[g->n++] = (struct iovec){data, len};
		return;
	}
	if (n_groups == BATCH)
		flush();
	g = &groups[n_groups++];
	g->fd = fd;
	g->to = to;
	g->size = (uint16_t)len;
	g->n = 1;
	g->iov[0] = (struct iovec){data, len};
}

/* A GRO buffer goes on whole: its parts are of one size, and the kernel cuts it again. */
static void forward_whole(int fd, const struct sockaddr_in *to, unsigned slot, uint16_t part)
{
	if (n_groups == BATCH)
		flush();
	struct group *g = &groups[n_groups++];
	g->fd = fd;
	g->to = to;
	g->size = part;
	g->n = 0;
	for (size_t at = 0; at < in[slot].msg_len; at += part)
		g->iov[g->n++] =
			(struct iovec){slots[slot] + at, in[slot].msg_len - at < part ? in[slot].msg_len - at : part};
}

static void open_flow(int epoll, unsigned slot)
{
	struct flow *f = &flows[ntohs(from[slot].sin_port)];
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int one = 1;
	f->client = from[slot];
	memcpy(&f->peer, slots[slot], sizeof f->peer);
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bind(f->fd, (struct sockaddr *)&at, sizeof at);
	getsockname(f->fd, (struct sockaddr *)&at, &len);
	if (mode == GSO)
		setsockopt(f->fd, SOL_UDP, UDP_GRO, &one, sizeof one);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = f};
	epoll_ctl(epoll, EPOLL_CTL_ADD, f->fd, &e);
	sendto(entry, &at.sin_port, sizeof at.sin_port, 0, (struct sockaddr *)&f->client, sizeof f->client);
}

static uint16_t part_size(unsigned slot)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(&in[slot].msg_hdr);
	int size = 0;
	if (mode == GSO && c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO)
		memcpy(&size, CMSG_DATA(c), sizeof size);
	return (uint16_t)size;
}

static void move_on(int epoll, struct flow *f, unsigned slot)
{
	int fd = f ? entry : -1;
	const struct sockaddr_in *to = f ? &f->client : NULL;
	if (!f) {
		f = &flows[ntohs(from[slot].sin_port)];
		if (!f->fd) {
			open_flow(epoll, slot);
			return;
		}
		fd = f->fd;
		to = &f->peer;
	}
	uint16_t part = part_size(slot);
	if (part && part < in[slot].msg_len)
		forward_whole(fd, to, slot, part);
	else
		forward(fd, to, slots[slot], in[slot].msg_len);
}

static unsigned used;

static void read_from(int epoll, struct flow *f)
{
	unsigned want = mode == PLAIN ? 1 : f ? 16 : BATCH;
	if (used + 16 > BATCH || !f) {
		flush();
		used = 0;
	}
	for (unsigned i = used; i < used + want && i < BATCH; i++) {
		in_iov[i] = (struct iovec){slots[i], 65536};
		in[i].msg_hdr = (struct msghdr){
			&from[i], sizeof from[i], &in_iov[i], 1, in_control[i], sizeof in_control[i], 0};
	}
	int n;
	if (mode == PLAIN) {
		n = (int)recvmsg(f ? f->fd : entry, &in[used].msg_hdr, MSG_DONTWAIT);
		in[used].msg_len = (unsigned)n;
		n = n > 0;
	} else {
		n = recvmmsg(f ? f->fd : entry, in + used, want, MSG_DONTWAIT, NULL);
	}
	unsigned first = used;
	used += n > 0 ? (unsigned)n : 0;
	for (unsigned i = first; i < used; i++)
		move_on(epoll, f, i);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int one = 1, buffer = 4 << 20;
	const char *name = argc > 1 ? argv[1] : "gso";
	mode = strcmp(name, "plain") == 0 ? PLAIN : strcmp(name, "mmsg") == 0 ? MMSG : GSO;
	entry = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(entry, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	setsockopt(entry, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	if (mode == GSO)
		setsockopt(entry, SOL_UDP, UDP_GRO, &one, sizeof one);
	if (bind(entry, (struct sockaddr *)&at, sizeof at) != 0 ||
		getsockname(entry, (struct sockaddr *)&at, &len) != 0)
		return 1;
	printf("ready turn=127.0.0.1:%u\n", ntohs(at.sin_port));
	fflush(stdout);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, events[256];
	epoll_ctl(epoll, EPOLL_CTL_ADD, entry, &e);
	for (;;) {
		int n = epoll_wait(epoll, events, 256, -1);
		for (int i = 0; i < n; i++)
			read_from(epoll, events[i].data.ptr);
		flush();
		used = 0;
	}
}

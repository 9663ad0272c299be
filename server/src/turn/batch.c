/* Datagrams on their way out: groups for GSO, runs for sendmmsg. */
#include "turn/batch.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define MAX_IOVECS (BATCH_MAX_SEGMENTS * 3 * 4)

/* What one run needs, filled anew for each; big, so not on the stack. */
static _Thread_local struct {
	struct mmsghdr msgs[BATCH_RUN];
	struct iovec iovecs[MAX_IOVECS];
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control[BATCH_RUN];
	uint32_t group[BATCH_RUN];
} run;

void turn_batch_init(struct batch *b)
{
	b->serial = 1;
	b->no_gso = false;
	b->n_items = b->n_groups = 0;
	b->failed = 0;
}

struct batch_item *turn_batch_item(struct batch *b)
{
	if (b->n_items == BATCH_MAX_ITEMS || b->n_groups == BATCH_MAX_GROUPS)
		turn_batch_flush(b);
	return &b->items[b->n_items];
}

static unsigned addr_size(const union turn_addr *a)
{
	return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static bool same_addr(const union turn_addr *a, const union turn_addr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(a, b, sizeof a->v6) == 0;
}

/* Whether the group takes one more of that size: all are alike, but the last may be shorter and ends it. */
static bool takes(const struct batch *b, const struct batch_group *g, uint32_t size, const struct batch_target *t)
{
	return !b->no_gso && !g->closed && size <= g->size && g->n_items < BATCH_MAX_SEGMENTS &&
	       g->bytes + size <= BATCH_MAX_BYTES && g->fd == t->fd && same_addr(&g->to, t->to);
}

static void open_group(struct batch *b, uint32_t item, uint32_t size, const struct batch_target *t)
{
	struct batch_group *g = &b->groups[b->n_groups];
	g->fd = t->fd;
	memcpy(&g->to, t->to, addr_size(t->to));
	g->from.any.sa_family = 0;
	if (t->from)
		g->from = *t->from;
	g->size = g->bytes = size;
	g->n_items = 1;
	g->first = g->last = item;
	g->closed = size == 0;
	*t->batch = b->serial;
	*t->group = b->n_groups++;
}

void turn_batch_add(struct batch *b, uint32_t size, const struct batch_target *t)
{
	uint32_t at = b->n_items++;
	if (*t->batch != b->serial || !takes(b, &b->groups[*t->group], size, t)) {
		open_group(b, at, size, t);
		return;
	}
	struct batch_group *g = &b->groups[*t->group];
	b->items[g->last].next = at;
	g->last = at;
	g->n_items++;
	g->bytes += size;
	g->closed = size < g->size;
}

static void put_control(struct msghdr *h, const struct batch_group *g, char *bytes)
{
	size_t used = 0;
	if (g->n_items > 1) {
		uint16_t size = (uint16_t)g->size;
		struct cmsghdr *c = (struct cmsghdr *)(void *)bytes;
		*c = (struct cmsghdr){CMSG_LEN(sizeof size), SOL_UDP, UDP_SEGMENT};
		memcpy(CMSG_DATA(c), &size, sizeof size);
		used = CMSG_SPACE(sizeof size);
	}
	struct cmsghdr *c = (struct cmsghdr *)(void *)(bytes + used);
	if (g->from.any.sa_family == AF_INET) {
		struct in_pktinfo info = {.ipi_spec_dst = g->from.v4.sin_addr};
		*c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof info);
		used += CMSG_SPACE(sizeof info);
	} else if (g->from.any.sa_family == AF_INET6) {
		struct in6_pktinfo info = {.ipi6_addr = g->from.v6.sin6_addr};
		*c = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO};
		memcpy(CMSG_DATA(c), &info, sizeof info);
		used += CMSG_SPACE(sizeof info);
	}
	h->msg_control = used ? bytes : NULL;
	h->msg_controllen = used;
}

/* Each packet of a group by itself: for kernels and routes that refuse GSO (a segment above the route's MTU). */
static void send_singly(struct batch *b, const struct batch_group *g)
{
	struct batch_group one = *g;
	one.n_items = 1;
	uint32_t at = g->first;
	for (uint32_t i = 0; i < g->n_items; i++, at = b->items[at].next) {
		struct msghdr h = {.msg_name = &one.to, .msg_namelen = addr_size(&one.to)};
		h.msg_iov = b->items[at].iov;
		h.msg_iovlen = b->items[at].n_iov;
		put_control(&h, &one, run.control[0].bytes);
		if (sendmsg(g->fd, &h, MSG_DONTWAIT) < 0)
			b->failed++;
	}
}

static void send_run(struct batch *b, int fd, unsigned n)
{
	for (unsigned at = 0; at < n;) {
		int sent = sendmmsg(fd, run.msgs + at, n - at, MSG_DONTWAIT);
		if (sent > 0) {
			at += (unsigned)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		struct batch_group *g = &b->groups[run.group[at]];
		if (g->n_items > 1 && (errno == EINVAL || errno == EIO || errno == EMSGSIZE)) {
			b->no_gso = b->no_gso || errno == EIO;
			send_singly(b, g);
			/* put_control of the singles used slot 0, which was sent before unless it is this one */
		} else {
			b->failed += g->n_items;
		}
		at++;
	}
}

static size_t put_group(struct batch *b, uint32_t group, unsigned n, size_t n_iov)
{
	struct batch_group *g = &b->groups[group];
	struct msghdr *h = &run.msgs[n].msg_hdr;
	h->msg_name = &g->to;
	h->msg_namelen = addr_size(&g->to);
	h->msg_iov = &run.iovecs[n_iov];
	uint32_t at = g->first;
	for (uint32_t i = 0; i < g->n_items; i++, at = b->items[at].next)
		for (uint8_t k = 0; k < b->items[at].n_iov; k++)
			run.iovecs[n_iov++] = b->items[at].iov[k];
	h->msg_iovlen = (size_t)(&run.iovecs[n_iov] - h->msg_iov);
	put_control(h, g, run.control[n].bytes);
	run.group[n] = group;
	return n_iov;
}

void turn_batch_flush(struct batch *b)
{
	unsigned n = 0;
	size_t n_iov = 0;
	for (uint32_t i = 0; i < b->n_groups; i++) {
		bool same = n && b->groups[i].fd == b->groups[i - 1].fd;
		if (n && (!same || n == BATCH_RUN || n_iov + BATCH_MAX_SEGMENTS * 3 > MAX_IOVECS)) {
			send_run(b, b->groups[i - 1].fd, n);
			n = 0;
			n_iov = 0;
		}
		n_iov = put_group(b, i, n++, n_iov);
	}
	if (n)
		send_run(b, b->groups[b->n_groups - 1].fd, n);
	b->n_items = b->n_groups = 0;
	if (++b->serial == 0)
		b->serial = 1;
}

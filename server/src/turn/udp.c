/* Datagrams through a worker: from clients and from peers, in batches. */
#include <errno.h>
#include <netinet/udp.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "turn/worker.h"

static uint8_t *slot_data(struct inbox *in, unsigned i)
{
	return in->slots + (size_t)i * WORKER_SLOT_STRIDE + TURN_HEADROOM;
}

static void prepare(struct inbox *in, unsigned i)
{
	in->iovecs[i] = (struct iovec){slot_data(in, i), WORKER_SLOT_DATA};
	in->msgs[i].msg_hdr = (struct msghdr){.msg_name = &in->from[i],
		.msg_namelen = sizeof in->from[i],
		.msg_iov = &in->iovecs[i],
		.msg_iovlen = 1,
		.msg_control = in->control[i].bytes,
		.msg_controllen = sizeof in->control[i].bytes};
}

bool turn_inbox_init(struct inbox *in)
{
	in->slots = mem_new((size_t)WORKER_SLOTS * WORKER_SLOT_STRIDE);
	for (unsigned i = 0; in->slots && i < WORKER_SLOTS; i++)
		prepare(in, i);
	return in->slots != NULL;
}

/* The kernel wrote into what was used, and into nothing else. */
void turn_inbox_clear(struct inbox *in)
{
	for (unsigned i = 0; i < in->used; i++)
		prepare(in, i);
	in->used = 0;
}

/* Up to `want` datagrams into free slots; returns how many, beginning at slot in->used. */
static unsigned receive(struct worker *w, int fd, unsigned want)
{
	struct inbox *in = &w->inbox;
	if (in->used == WORKER_SLOTS)
		turn_worker_flush(w);
	unsigned first = in->used, n = WORKER_SLOTS - first < want ? WORKER_SLOTS - first : want;
	int got = recvmmsg(fd, in->msgs + first, n, MSG_DONTWAIT, NULL);
	if (got <= 0)
		return 0;
	in->used += (unsigned)got;
	return (unsigned)got;
}

/* What the kernel says beside a datagram: the size of its parts (GRO), and the address that it was sent to. */
static size_t read_control(struct msghdr *h, struct stun_addr *local)
{
	size_t segment = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof size);
			segment = size > 0 ? (size_t)size : 0;
		} else if (local && c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			memcpy(local->ip, &info.ipi_addr, 4);
		} else if (local && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			memcpy(local->ip, &info.ipi6_addr, 16);
		}
	}
	return segment;
}

static void set_df(struct turn_relay *r, bool on)
{
	if (r->dont_fragment == on)
		return;
	r->dont_fragment = on;
	if (r->local.family == STUN_IPV4) {
		int mode = on ? IP_PMTUDISC_DO : IP_PMTUDISC_OMIT;
		setsockopt(r->fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode);
	} else {
		int mode = on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_OMIT;
		setsockopt(r->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &mode, sizeof mode);
	}
}

static void to_peer(struct worker *w, const struct turn_move *move)
{
	struct turn_relay *r = move->relay;
	w->turn_packets++;
	/* The flag belongs to the socket: what waits goes out as it was meant first. */
	if (r->dont_fragment != move->dont_fragment) {
		turn_batch_flush(&w->to_peers);
		set_df(r, move->dont_fragment);
	}
	struct batch_item *item = turn_batch_item(&w->to_peers);
	item->iov[0] = (struct iovec){move->data, move->len};
	item->n_iov = 1;
	struct batch_target target = {r->fd, move->to, NULL, &r->batch, &r->group};
	turn_batch_add(&w->to_peers, (uint32_t)move->len, &target);
}

void turn_worker_send_datagram(struct worker *w, const struct turn_path *path, struct listener *l, struct str bytes)
{
	union turn_addr to, from;
	uint32_t batch = 0, group = 0;
	unsigned to_len = turn_policy_to_sockaddr(&path->key.client, &to);
	if (!l->wildcard) {
		if (sendto(l->fd, bytes.ptr, bytes.len, MSG_DONTWAIT, &to.any, to_len) < 0)
			w->to_clients.failed++;
		return;
	}
	turn_policy_to_sockaddr(&path->key.server, &from);
	struct batch_item *item = turn_batch_item(&w->to_clients);
	item->iov[0] = (struct iovec){(void *)(uintptr_t)bytes.ptr, bytes.len};
	item->n_iov = 1;
	struct batch_target target = {l->fd, &to, &from, &batch, &group};
	turn_batch_add(&w->to_clients, (uint32_t)bytes.len, &target);
	turn_batch_flush(&w->to_clients);
}

void turn_worker_move(struct worker *w, struct turn_path *path, enum turn_verdict verdict, const struct turn_move *move)
{
	struct iovec reply = {w->core.reply, w->core.reply_len};
	if (verdict == TURN_TO_PEER)
		to_peer(w, move);
	else if (verdict == TURN_REPLY && path->key.transport == TURN_UDP)
		turn_worker_send_datagram(w, path, path->io, str_n((char *)w->core.reply, w->core.reply_len));
	else if (verdict == TURN_REPLY)
		turn_stream_send(w, path->io, &reply, 1);
}

/* The 5-tuple of a datagram. Clients send in bursts: what was found for the one before is often right again. */
static void follow_path(struct turn_path *path, const struct listener *l, const union turn_addr *from)
{
	struct turn_key key = {.client = turn_policy_from_sockaddr(from), .server = l->addr};
	if (l->wildcard || memcmp(&key, &path->key, sizeof key) != 0)
		path->alloc = NULL;
	path->key = key;
}

/* One datagram of a client, or several that GRO put together. */
static void from_client(struct worker *w, struct turn_path *path, unsigned slot)
{
	struct inbox *in = &w->inbox;
	struct listener *l = path->io;
	struct turn_move move;
	uint8_t *data = slot_data(in, slot);
	size_t len = in->msgs[slot].msg_len;
	follow_path(path, l, &in->from[slot]);
	size_t segment = read_control(&in->msgs[slot].msg_hdr, l->wildcard ? &path->key.server : NULL);
	if (!segment)
		segment = len;
	for (size_t at = 0; at < len; at += segment) {
		size_t n = len - at < segment ? len - at : segment;
		/* RFC 7983 §7: 20 to 63 is DTLS. */
		if (data[at] >= 20 && data[at] <= 63)
			turn_dtls_receive(w, l, &path->key, str_n((char *)data + at, n));
		else
			turn_worker_move(w, path, turn_core_from_client(&w->core, path, data + at, n, &move), &move);
	}
}

void turn_worker_read_udp(struct worker *w, struct listener *l)
{
	struct turn_path path = {.io = l};
	unsigned want = WORKER_SLOTS, got = 0;
	/* A flood from clients must not starve the relays: four rounds at most. */
	for (int round = 0; round < 4; round++) {
		got = receive(w, l->fd, want);
		for (unsigned i = w->inbox.used - got; got && i < w->inbox.used; i++)
			from_client(w, &path, i);
		if (got < WORKER_SLOTS)
			return;
	}
}

static void to_client_udp(struct worker *w, const struct turn_move *move, const uint8_t *head)
{
	static const uint8_t zeros[4];
	struct turn_alloc *a = move->alloc;
	struct listener *l = a->path.io;
	union turn_addr to, from;
	struct batch_item *item = turn_batch_item(&w->to_clients);
	uint8_t *header = (uint8_t *)(uintptr_t)head + TURN_HEADROOM - move->head_len;
	uint8_t n = 0;
	if (header + move->head_len == move->data) {
		item->iov[n++] = (struct iovec){header, move->head_len + move->len};
	} else {
		item->iov[n++] = (struct iovec){header, move->head_len};
		item->iov[n++] = (struct iovec){move->data, move->len};
	}
	if (move->pad_len)
		item->iov[n++] = (struct iovec){(void *)(uintptr_t)zeros, move->pad_len};
	item->n_iov = n;
	turn_policy_to_sockaddr(&a->path.key.client, &to);
	if (l->wildcard)
		turn_policy_to_sockaddr(&a->path.key.server, &from);
	struct batch_target target = {l->fd, &to, l->wildcard ? &from : NULL, &a->batch, &a->group};
	turn_batch_add(&w->to_clients, (uint32_t)(move->head_len + move->len + move->pad_len), &target);
}

static void to_client_stream(struct worker *w, const struct turn_move *move, const uint8_t *head)
{
	static const uint8_t zeros[4];
	struct iovec iov[3] = {{(void *)(uintptr_t)(head + TURN_HEADROOM - move->head_len), move->head_len},
		{move->data, move->len}, {(void *)(uintptr_t)zeros, move->pad_len}};
	turn_stream_send(w, move->alloc->path.io, iov, 3);
}

/* The header goes right before the first part; parts behind it get theirs elsewhere, and the kernel gathers. */
static void from_peer(struct worker *w, struct turn_relay *r, unsigned slot)
{
	struct inbox *in = &w->inbox;
	struct turn_move move;
	uint8_t *data = slot_data(in, slot);
	size_t len = in->msgs[slot].msg_len;
	size_t segment = read_control(&in->msgs[slot].msg_hdr, NULL);
	if (!segment || segment > len)
		segment = len;
	struct turn_sender sender;
	if (!turn_core_admit(&w->core, r, &in->from[slot], len, &sender))
		return;
	size_t at = 0;
	do {
		size_t n = len - at < segment ? len - at : segment;
		if (at && w->n_heads == BATCH_MAX_ITEMS)
			return;
		uint8_t *head = at ? w->heads[w->n_heads++] : data - TURN_HEADROOM;
		struct str packet = str_n((char *)data + at, n);
		if (turn_core_from_peer(&w->core, r, &sender, packet, head, &move) == TURN_TO_CLIENT) {
			w->turn_packets++;
			if (r->alloc->path.key.transport == TURN_UDP)
				to_client_udp(w, &move, head);
			else
				to_client_stream(w, &move, head);
		}
		at += n;
	} while (at < len);
}

void turn_worker_read_relay(struct worker *w, struct turn_relay *r)
{
	unsigned want = r->bursts ? 16 : 2;
	unsigned got = receive(w, r->fd, want);
	r->bursts = got > 1;
	for (unsigned i = w->inbox.used - got; got && i < w->inbox.used; i++)
		from_peer(w, r, i);
}

int turn_worker_set_udp(int fd, uint8_t family)
{
	int one = 1, omit4 = IP_PMTUDISC_OMIT, omit6 = IPV6_PMTUDISC_OMIT;
	setsockopt(fd, SOL_UDP, UDP_GRO, &one, sizeof one);
	if (family == STUN_IPV4)
		return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit4, sizeof omit4);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	return setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit6, sizeof omit6);
}

static int on_bind(void *arg, const struct stun_addr *at)
{
	union turn_addr addr;
	unsigned len = turn_policy_to_sockaddr(at, &addr);
	(void)arg;
	int fd = socket(addr.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	if (turn_worker_set_udp(fd, at->family) != 0 || bind(fd, &addr.any, len) != 0) {
		close(fd);
		return ERR_IO;
	}
	return fd;
}

static int on_watch(void *arg, struct turn_relay *r)
{
	struct worker *w = arg;
	r->kind = SOURCE_RELAY;
	return turn_worker_watch(w, r->fd, EPOLLIN, r) ? 0 : ERR_IO;
}

/* What waits for this socket must leave before its number can mean another. */
static void on_close(void *arg, int fd)
{
	struct worker *w = arg;
	turn_batch_flush(&w->to_peers);
	close(fd);
}

static void on_gone(void *arg, struct turn_alloc *a)
{
	struct worker *w = arg;
	turn_worker_forget(w, &a->relays[0]);
	turn_worker_forget(w, &a->relays[1]);
	if (a->path.key.transport != TURN_UDP)
		turn_stream_forget_alloc(a->path.io);
}

const struct turn_ops turn_worker_ops = {on_bind, on_watch, on_close, on_gone};

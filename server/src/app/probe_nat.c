/* What a NAT does, seen by one port of ours from two places: the relay's own port, and the port of an allocation on it,
 * which tells where a datagram came from. Nothing is sent to anybody else. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "app/probe_stun.h"
#include "base/err.h"

#define TRIES 4

/* Two sockets to the relay: one holds an allocation, the other is the one that is looked at. */
struct nat_probe {
	struct probe holder;
	struct probe own;
	struct probe_credentials credentials;
	struct stun_addr seen;
	struct stun_addr relayed;
};

static struct stun_addr from_sockaddr(const struct sockaddr_storage *s)
{
	struct stun_addr out = {0};
	if (s->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)s;
		out.family = STUN_IPV4;
		out.port = ntohs(v4->sin_port);
		memcpy(out.ip, &v4->sin_addr, 4);
	} else if (s->ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)s;
		out.family = STUN_IPV6;
		out.port = ntohs(v6->sin6_port);
		memcpy(out.ip, &v6->sin6_addr, 16);
	}
	return out;
}

static socklen_t to_sockaddr(const struct stun_addr *addr, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (addr->family == STUN_IPV6) {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(addr->port);
		memcpy(&v6->sin6_addr, addr->ip, 16);
		return sizeof *v6;
	}
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	v4->sin_family = AF_INET;
	v4->sin_port = htons(addr->port);
	memcpy(&v4->sin_addr, addr->ip, 4);
	return sizeof *v4;
}

static bool is_same(const struct stun_addr *a, const struct stun_addr *b)
{
	return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Lets datagrams from where we seem to be reach the allocation. */
static int permit(struct nat_probe *n)
{
	uint8_t bytes[1024];
	struct stun_writer w;
	struct probe_answer a;
	probe_begin(&w, bytes, sizeof bytes, STUN_CREATE_PERMISSION);
	stun_put_xor_addr(&w, STUN_XOR_PEER_ADDRESS, &n->seen);
	probe_sign(&w, &n->credentials);
	int err = probe_exchange(&n->holder, true, &w, &a);
	return err < 0 ? err : a.msg.class == STUN_SUCCESS ? 0 : ERR_FORBIDDEN;
}

/* A datagram from our port to the allocation's; the relay tells where it came from. ERR_IO when it never arrives. */
static int look_from_elsewhere(struct nat_probe *n, struct stun_addr *out)
{
	struct sockaddr_storage to;
	struct probe_answer a;
	socklen_t size = to_sockaddr(&n->relayed, &to);
	struct timeval patience = {.tv_sec = 1};
	setsockopt(n->holder.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (int i = 0; i < TRIES; i++) {
		if (sendto(n->own.fd, "bellwire", 8, MSG_NOSIGNAL, (struct sockaddr *)&to, size) < 0)
			return ERR_IO;
		if (probe_read_message(&n->holder, true, &a) == 0 && a.msg.method == STUN_DATA)
			return probe_address(&a, STUN_XOR_PEER_ADDRESS, out);
	}
	return ERR_IO;
}

static int look(struct nat_probe *n, struct str password, struct probe_nat *out)
{
	struct stun_addr elsewhere;
	int err = probe_hold(&n->holder, true, password, &n->credentials, &n->relayed);
	if (err < 0)
		return err;
	probe_format(&n->relayed, out->relayed, sizeof out->relayed);
	err = permit(n);
	if (err == 0 && look_from_elsewhere(n, &elsewhere) == 0)
		probe_format(&elsewhere, out->elsewhere, sizeof out->elsewhere);
	probe_give_back(&n->holder, true, &n->credentials);
	return err;
}

int probe_nat(const struct probe_target *relay, struct str user, struct str password, struct probe_nat *out)
{
	struct nat_probe n = {.holder.fd = -1, .own.fd = -1, .credentials.user = user};
	struct sockaddr_storage local = {0};
	socklen_t size = sizeof local;
	struct buf why;
	*out = (struct probe_nat){0};
	buf_init(&why, 1000);
	int err = probe_open(relay, &n.own, &why);
	if (err == 0)
		err = probe_open(relay, &n.holder, &why);
	if (err == 0)
		err = probe_mapped(&n.own, true, &n.seen);
	if (err == 0) {
		getsockname(n.own.fd, (struct sockaddr *)&local, &size);
		struct stun_addr own = from_sockaddr(&local);
		probe_format(&own, out->local, sizeof out->local);
		probe_format(&n.seen, out->seen, sizeof out->seen);
		if (!is_same(&own, &n.seen))
			err = look(&n, password, out);
	}
	probe_close(&n.own);
	probe_close(&n.holder);
	buf_fini(&why);
	return err;
}

/* Asking a relay's own listener as a client would, to know that it is still there. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/id.h"
#include "codec/stun.h"
#include "turn/turn.h"

/* Where a listener on every address is reached from this machine. */
static union turn_addr reachable(const union turn_addr *bound)
{
	union turn_addr to = *bound;
	if (to.any.sa_family == AF_INET && to.v4.sin_addr.s_addr == htonl(INADDR_ANY))
		to.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (to.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&to.v6.sin6_addr))
		to.v6.sin6_addr = in6addr_loopback;
	return to;
}

static bool is_answer(const uint8_t *bytes, ssize_t n, const char *txid)
{
	struct stun_msg m;
	return n > 0 && stun_decode(bytes, (size_t)n, &m) == 0 && m.class == STUN_SUCCESS &&
	       memcmp(m.txid, txid, STUN_TXID_SIZE) == 0;
}

static int ask(int fd)
{
	uint8_t bytes[576];
	char txid[STUN_TXID_SIZE + 1];
	struct stun_writer w;
	id_token(txid, STUN_TXID_SIZE);
	stun_begin(&w, bytes, sizeof bytes);
	stun_put_header(&w, STUN_REQUEST, STUN_BINDING, (const uint8_t *)txid);
	if (send(fd, bytes, w.len, MSG_NOSIGNAL) < 0)
		return ERR_IO;
	ssize_t n = recv(fd, bytes, sizeof bytes, 0);
	return is_answer(bytes, n, txid) ? 0 : ERR_IO;
}

int turn_answers(const union turn_addr *listening, int timeout_ms)
{
	union turn_addr to = reachable(listening);
	socklen_t size = to.any.sa_family == AF_INET ? sizeof to.v4 : sizeof to.v6;
	struct timeval patience = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	int fd = socket(to.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_IO;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	int err = connect(fd, &to.any, size) < 0 ? ERR_IO : ask(fd);
	close(fd);
	return err;
}

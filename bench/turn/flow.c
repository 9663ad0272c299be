/* One client of a relay: allocates, binds a channel. Requests wait for their answer; packets come later. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/id.h"
#include "load.h"

static struct stun_addr from_in(const struct sockaddr_in *in)
{
	struct stun_addr a = {.family = STUN_IPV4, .port = ntohs(in->sin_port)};
	memcpy(a.ip, &in->sin_addr, 4);
	return a;
}

static uint8_t request[1024], answer[1500];

/* Sends the request, again when nothing comes, and reads its answer. */
static bool ask(struct flow *f, const struct stun_writer *w, struct stun_msg *out)
{
	for (int tries = 0; tries < 8; tries++) {
		if (send(f->fd, w->bytes, w->len, 0) < 0)
			return false;
		ssize_t n = recv(f->fd, answer, sizeof answer, 0);
		if (n > 0 && stun_decode(answer, (size_t)n, out) == 0 && memcmp(out->txid, w->bytes + 8, 12) == 0)
			return true;
	}
	fprintf(stderr, "load: no answer\n");
	return false;
}

static void begin(struct stun_writer *w, enum stun_method method)
{
	uint8_t txid[STUN_TXID_SIZE];
	id_random(txid, sizeof txid);
	stun_begin(w, request, sizeof request);
	stun_put_header(w, STUN_REQUEST, (uint16_t)method, txid);
}

static void sign(const struct flow *f, struct stun_writer *w)
{
	stun_put(w, STUN_USERNAME, str_of(f->username));
	stun_put(w, STUN_REALM, f->realm);
	stun_put(w, STUN_NONCE, str_of(f->nonce));
	stun_put_sha1(w, str_n((const char *)f->key, sizeof f->key));
}

static bool signed_ask(struct flow *f, struct stun_writer *w, struct stun_msg *out)
{
	sign(f, w);
	if (!ask(f, w, out))
		return false;
	if (out->class == STUN_SUCCESS)
		return true;
	unsigned code = 0;
	struct str reason;
	const struct stun_attr *error = stun_find(out, STUN_ERROR_CODE);
	if (error)
		stun_get_error(error, &code, &reason);
	fprintf(stderr, "load: refused with %u\n", code);
	return false;
}

static bool challenge(struct flow *f, const struct load_server *server, unsigned number)
{
	struct turn_credentials login;
	struct stun_writer w;
	struct stun_msg m;
	char user[32];
	snprintf(user, sizeof user, "u%u", number);
	if (turn_credentials_make(str_of(server->secret), str_of(user), time(NULL) + 3600, &login))
		return false;
	begin(&w, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	if (!ask(f, &w, &m) || str_copy(f->nonce, sizeof f->nonce, stun_find_str(&m, STUN_NONCE)) ||
		str_copy(f->realm_text, sizeof f->realm_text, stun_find_str(&m, STUN_REALM)))
		return false;
	f->realm = str_of(f->realm_text);
	memcpy(f->username, login.username, sizeof f->username);
	stun_key_md5(str_of(login.username), f->realm, str_of(login.password), f->key);
	return true;
}

bool flow_allocate(struct flow *f)
{
	struct stun_writer w;
	struct stun_msg m;
	struct stun_addr relayed;
	begin(&w, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	if (!signed_ask(f, &w, &m))
		return false;
	const struct stun_attr *a = stun_find(&m, STUN_XOR_RELAYED_ADDRESS);
	if (!a || stun_get_xor_addr(&m, a, &relayed))
		return false;
	f->relayed = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(relayed.port)};
	memcpy(&f->relayed.sin_addr, relayed.ip, 4);
	return true;
}

static void begin_channel(struct stun_writer *w, const struct sockaddr_in *peer)
{
	struct stun_addr to = from_in(peer);
	begin(w, STUN_CHANNEL_BIND);
	stun_put_u32(w, STUN_CHANNEL_NUMBER, 0x40000000);
	stun_put_xor_addr(w, STUN_XOR_PEER_ADDRESS, &to);
}

static bool bind_channel(struct flow *f, const struct sockaddr_in *peer)
{
	struct stun_writer w;
	struct stun_msg m;
	begin_channel(&w, peer);
	return signed_ask(f, &w, &m);
}

bool flow_renew(const struct flow *f, const struct sockaddr_in *peer)
{
	struct stun_writer w;
	begin(&w, STUN_REFRESH);
	stun_put_u32(&w, STUN_LIFETIME, 3600);
	sign(f, &w);
	if (send(f->fd, w.bytes, w.len, 0) < 0)
		return false;
	begin_channel(&w, peer);
	sign(f, &w);
	return send(f->fd, w.bytes, w.len, 0) >= 0;
}

/* The bare forwarder is told the peer and says its port. */
static bool open_bare(struct flow *f, const struct sockaddr_in *peer)
{
	uint16_t port;
	if (send(f->fd, peer, sizeof *peer, 0) < 0 || recv(f->fd, &port, sizeof port, 0) != sizeof port)
		return false;
	f->relayed = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	f->relayed.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return true;
}

bool flow_connect(struct flow *f, const struct load_server *server, unsigned number)
{
	struct timeval patience = {.tv_usec = 500000};
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f->fd < 0 || bind(f->fd, (struct sockaddr *)&any, sizeof any) != 0 ||
		connect(f->fd, (const struct sockaddr *)&server->addr, sizeof server->addr) != 0)
		return false;
	setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return !server->secret || challenge(f, server, number);
}

bool flow_open(struct flow *f, const struct load_server *server, const struct sockaddr_in *peer, unsigned number)
{
	if (!flow_connect(f, server, number))
		return false;
	return server->secret ? flow_allocate(f) && bind_channel(f, peer) : open_bare(f, peer);
}

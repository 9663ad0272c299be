/* Asking a relay as a client does (RFC 8656): a binding, and a real allocation that is given back at once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/probe.h"
#include "base/err.h"
#include "base/id.h"
#include "codec/stun.h"

#define TRIES 3 /* over UDP, where a packet may be lost */

struct answer {
	uint8_t bytes[1500];
	struct stun_msg msg;
};

/* One whole message: a datagram, or as many bytes as its header says. */
static int read_message(struct probe *p, bool is_udp, struct answer *out)
{
	size_t have = 0, want = 20;
	while (have < want) {
		size_t room = is_udp ? sizeof out->bytes : want - have;
		int n = probe_read(p, out->bytes + have, room);
		if (n <= 0)
			return ERR_IO;
		have += (size_t)n;
		if (have >= 20)
			want = 20 + ((size_t)out->bytes[2] << 8 | out->bytes[3]);
		if (want > sizeof out->bytes || is_udp)
			break;
	}
	return stun_decode(out->bytes, have, &out->msg);
}

static int exchange(struct probe *p, bool is_udp, const struct stun_writer *w, struct answer *out)
{
	int err = ERR_IO;
	if (stun_size(w) < 0)
		return ERR_TOO_LARGE;
	for (int i = 0; err == ERR_IO && i < (is_udp ? TRIES : 1); i++) {
		err = probe_write(p, str_n((const char *)w->bytes, w->len));
		if (err == 0)
			err = read_message(p, is_udp, out);
	}
	return err;
}

static void begin(struct stun_writer *w, uint8_t *bytes, size_t size, uint16_t method)
{
	char random[STUN_TXID_SIZE + 1];
	id_token(random, STUN_TXID_SIZE);
	stun_begin(w, bytes, size);
	stun_put_header(w, STUN_REQUEST, method, (const uint8_t *)random);
}

static int put_address(const struct answer *a, uint16_t type, char *where, size_t size)
{
	struct stun_addr addr;
	char text[INET6_ADDRSTRLEN];
	const struct stun_attr *attr = stun_find(&a->msg, type);
	if (!attr || stun_get_xor_addr(&a->msg, attr, &addr) < 0)
		return ERR_PROTOCOL;
	inet_ntop(addr.family == STUN_IPV4 ? AF_INET : AF_INET6, addr.ip, text, sizeof text);
	snprintf(where, size, addr.family == STUN_IPV4 ? "%s:%u" : "[%s]:%u", text, addr.port);
	return 0;
}

int probe_bind(struct probe *p, const struct probe_target *target, char *where, size_t size)
{
	uint8_t bytes[256];
	struct stun_writer w;
	struct answer a;
	begin(&w, bytes, sizeof bytes, STUN_BINDING);
	int err = exchange(p, target->is_udp, &w, &a);
	return err < 0 ? err : put_address(&a, STUN_XOR_MAPPED_ADDRESS, where, size);
}

/* What a request to the relay is signed with. */
struct credentials {
	struct str user;
	char realm[256];
	char nonce[256];
	uint8_t key[16];
};

static void sign(struct stun_writer *w, const struct credentials *c)
{
	stun_put(w, STUN_USERNAME, c->user);
	stun_put(w, STUN_REALM, str_of(c->realm));
	stun_put(w, STUN_NONCE, str_of(c->nonce));
	stun_put_sha1(w, str_n((const char *)c->key, sizeof c->key));
}

/* Without credentials first: the refusal tells realm and nonce. */
static int ask_realm(struct probe *p, bool is_udp, struct str password, struct credentials *c)
{
	uint8_t bytes[256];
	struct stun_writer w;
	struct answer a;
	begin(&w, bytes, sizeof bytes, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17U << 24);
	int err = exchange(p, is_udp, &w, &a);
	if (err < 0)
		return err;
	if (str_copy(c->realm, sizeof c->realm, stun_find_str(&a.msg, STUN_REALM)) < 0 ||
		str_copy(c->nonce, sizeof c->nonce, stun_find_str(&a.msg, STUN_NONCE)) < 0 || !c->nonce[0])
		return ERR_PROTOCOL;
	stun_key_md5(c->user, str_of(c->realm), password, c->key);
	return 0;
}

static void give_back(struct probe *p, bool is_udp, const struct credentials *c)
{
	uint8_t bytes[1024];
	struct stun_writer w;
	struct answer a;
	begin(&w, bytes, sizeof bytes, STUN_REFRESH);
	stun_put_u32(&w, STUN_LIFETIME, 0);
	sign(&w, c);
	exchange(p, is_udp, &w, &a); /* else it ends by itself */
}

int probe_allocate(struct probe *p, const struct probe_target *target, struct str user, struct str password,
	char *where, size_t size)
{
	uint8_t bytes[1024];
	struct stun_writer w;
	struct answer a;
	struct credentials c = {.user = user};
	int err = ask_realm(p, target->is_udp, password, &c);
	if (err < 0)
		return err;
	begin(&w, bytes, sizeof bytes, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17U << 24);
	sign(&w, &c);
	err = exchange(p, target->is_udp, &w, &a);
	if (err < 0)
		return err;
	if (a.msg.class != STUN_SUCCESS)
		return ERR_TOKEN_INVALID;
	err = put_address(&a, STUN_XOR_RELAYED_ADDRESS, where, size);
	give_back(p, target->is_udp, &c);
	return err;
}

/* Asking a relay as a client does (RFC 8656): a binding, and a real allocation that is given back at once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "app/probe_stun.h"
#include "base/err.h"
#include "base/id.h"

#define TRIES 3 /* over UDP, where a packet may be lost */

int probe_read_message(struct probe *p, bool is_udp, struct probe_answer *out)
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

/* Over UDP the answer to an earlier try may come late. */
static bool answers(const struct probe_answer *a, const struct stun_writer *w)
{
	return memcmp(a->msg.txid, w->bytes + 8, STUN_TXID_SIZE) == 0;
}

int probe_exchange(struct probe *p, bool is_udp, const struct stun_writer *w, struct probe_answer *out)
{
	int err = ERR_IO;
	if (stun_size(w) < 0)
		return ERR_TOO_LARGE;
	for (int i = 0; err == ERR_IO && i < (is_udp ? TRIES : 1); i++) {
		err = probe_write(p, str_n((const char *)w->bytes, w->len));
		if (err == 0)
			err = probe_read_message(p, is_udp, out);
		if (err == 0 && !answers(out, w))
			err = ERR_IO;
	}
	return err;
}

void probe_begin(struct stun_writer *w, uint8_t *bytes, size_t size, uint16_t method)
{
	char random[STUN_TXID_SIZE + 1];
	id_token(random, STUN_TXID_SIZE);
	stun_begin(w, bytes, size);
	stun_put_header(w, STUN_REQUEST, method, (const uint8_t *)random);
}

void probe_format(const struct stun_addr *addr, char *where, size_t size)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(addr->family == STUN_IPV4 ? AF_INET : AF_INET6, addr->ip, text, sizeof text);
	snprintf(where, size, addr->family == STUN_IPV4 ? "%s:%u" : "[%s]:%u", text, addr->port);
}

int probe_address(const struct probe_answer *a, uint16_t type, struct stun_addr *out)
{
	const struct stun_attr *attr = stun_find(&a->msg, type);
	return attr && stun_get_xor_addr(&a->msg, attr, out) == 0 ? 0 : ERR_PROTOCOL;
}

int probe_mapped(struct probe *p, bool is_udp, struct stun_addr *out)
{
	uint8_t bytes[256];
	struct stun_writer w;
	struct probe_answer a;
	probe_begin(&w, bytes, sizeof bytes, STUN_BINDING);
	int err = probe_exchange(p, is_udp, &w, &a);
	return err < 0 ? err : probe_address(&a, STUN_XOR_MAPPED_ADDRESS, out);
}

int probe_bind(struct probe *p, const struct probe_target *target, char *where, size_t size)
{
	struct stun_addr addr;
	int err = probe_mapped(p, target->is_udp, &addr);
	if (err == 0)
		probe_format(&addr, where, size);
	return err;
}

void probe_sign(struct stun_writer *w, const struct probe_credentials *c)
{
	stun_put(w, STUN_USERNAME, c->user);
	stun_put(w, STUN_REALM, str_of(c->realm));
	stun_put(w, STUN_NONCE, str_of(c->nonce));
	stun_put_sha1(w, str_n((const char *)c->key, sizeof c->key));
}

/* Without credentials first: the refusal tells realm and nonce. */
static int ask_realm(struct probe *p, bool is_udp, struct str password, struct probe_credentials *c)
{
	uint8_t bytes[256];
	struct stun_writer w;
	struct probe_answer a;
	probe_begin(&w, bytes, sizeof bytes, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17U << 24);
	int err = probe_exchange(p, is_udp, &w, &a);
	if (err < 0)
		return err;
	if (str_copy(c->realm, sizeof c->realm, stun_find_str(&a.msg, STUN_REALM)) < 0 ||
		str_copy(c->nonce, sizeof c->nonce, stun_find_str(&a.msg, STUN_NONCE)) < 0 || !c->nonce[0])
		return ERR_PROTOCOL;
	stun_key_md5(c->user, str_of(c->realm), password, c->key);
	return 0;
}

void probe_give_back(struct probe *p, bool is_udp, const struct probe_credentials *c)
{
	uint8_t bytes[1024];
	struct stun_writer w;
	struct probe_answer a;
	probe_begin(&w, bytes, sizeof bytes, STUN_REFRESH);
	stun_put_u32(&w, STUN_LIFETIME, 0);
	probe_sign(&w, c);
	probe_exchange(p, is_udp, &w, &a); /* else it ends by itself */
}

int probe_hold(struct probe *p, bool is_udp, struct str password, struct probe_credentials *c, struct stun_addr *out)
{
	uint8_t bytes[1024];
	struct stun_writer w;
	struct probe_answer a;
	int err = ask_realm(p, is_udp, password, c);
	if (err < 0)
		return err;
	probe_begin(&w, bytes, sizeof bytes, STUN_ALLOCATE);
	stun_put_u32(&w, STUN_REQUESTED_TRANSPORT, 17U << 24);
	probe_sign(&w, c);
	err = probe_exchange(p, is_udp, &w, &a);
	if (err < 0)
		return err;
	if (a.msg.class != STUN_SUCCESS)
		return ERR_TOKEN_INVALID;
	return probe_address(&a, STUN_XOR_RELAYED_ADDRESS, out);
}

int probe_allocate(struct probe *p, const struct probe_target *target, struct str user, struct str password,
	char *where, size_t size)
{
	struct probe_credentials c = {.user = user};
	struct stun_addr relayed;
	int err = probe_hold(p, target->is_udp, password, &c, &relayed);
	if (err < 0)
		return err;
	probe_format(&relayed, where, size);
	probe_give_back(p, target->is_udp, &c);
	return 0;
}

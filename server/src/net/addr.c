/* Addresses between text, the system's form and ours. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/err.h"

/* "HOST" into an address without its port. */
static int parse_host(struct str host, bool bracketed, struct addr *out)
{
	char text[INET6_ADDRSTRLEN];
	*out = (struct addr){0};
	if (str_copy(text, sizeof text, host) != 0)
		return ERR_BAD_FIELD;
	if (bracketed) {
		out->v6.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1 ? 0 : ERR_BAD_FIELD;
	}
	out->v4.sin_family = AF_INET;
	if (str_eq_z(host, "localhost"))
		out->v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (inet_pton(AF_INET, text, &out->v4.sin_addr) != 1)
		return ERR_BAD_FIELD;
	return 0;
}

int addr_parse(struct str text, struct addr *out)
{
	bool bracketed = text.len && text.ptr[0] == '[';
	size_t host_len = bracketed ? str_find(text, ']') : str_find(text, ':');
	size_t colon = bracketed ? host_len + 1 : host_len;
	if (colon >= text.len || text.ptr[colon] != ':')
		return ERR_BAD_FIELD;
	uint64_t port;
	if (str_parse_u64(str_n(text.ptr + colon + 1, text.len - colon - 1), UINT16_MAX, &port) < 0)
		return ERR_BAD_FIELD;
	struct str host = bracketed ? str_n(text.ptr + 1, host_len - 1) : str_n(text.ptr, host_len);
	int err = parse_host(host, bracketed, out);
	if (err)
		return err;
	addr_set_port(out, (uint16_t)port);
	return 0;
}

/* RFC 4291 §2.5.5.2: ::ffff:a.b.c.d */
static bool mapped_v4(const struct addr *a, struct in_addr *out)
{
	if (a->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		return false;
	memcpy(out, a->v6.sin6_addr.s6_addr + 12, 4);
	return true;
}

const char *addr_format_host(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	struct in_addr v4 = a->v4.sin_addr;
	if (a->any.sa_family == AF_INET || mapped_v4(a, &v4))
		inet_ntop(AF_INET, &v4, out, ADDR_TEXT_SIZE);
	else
		inet_ntop(AF_INET6, &a->v6.sin6_addr, out, ADDR_TEXT_SIZE);
	return out;
}

const char *addr_format(const struct addr *a, char out[ADDR_TEXT_SIZE])
{
	char host[ADDR_TEXT_SIZE];
	addr_format_host(a, host);
	bool brackets = strchr(host, ':') != NULL;
	snprintf(out, ADDR_TEXT_SIZE, brackets ? "[%.50s]:%u" : "%.50s:%u", host, addr_port(a));
	return out;
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	*out = (struct addr){0};
	if (sa->sa_family == AF_INET)
		memcpy(&out->v4, sa, sizeof out->v4);
	else if (sa->sa_family == AF_INET6)
		memcpy(&out->v6, sa, sizeof out->v6);
	else
		return ERR_BAD_FIELD;
	return 0;
}

uint16_t addr_port(const struct addr *a)
{
	return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->any.sa_family == AF_INET6)
		a->v6.sin6_port = htons(port);
	else
		a->v4.sin_port = htons(port);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	if (a->any.sa_family != b->any.sa_family || addr_port(a) != addr_port(b))
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0 &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

bool addr_is_loopback(const struct addr *a)
{
	struct in_addr v4 = a->v4.sin_addr;
	if (a->any.sa_family == AF_INET || mapped_v4(a, &v4))
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

size_t addr_ip(const struct addr *a, uint8_t out[16])
{
	struct in_addr v4 = a->v4.sin_addr;
	if (a->any.sa_family == AF_INET || mapped_v4(a, &v4)) {
		memcpy(out, &v4, 4);
		return 4;
	}
	memcpy(out, &a->v6.sin6_addr, 16);
	return 16;
}

/* Whether the bits of b behind the first `bits` of n bytes are zero. */
static bool ends_in_zeros(const uint8_t *b, size_t n, size_t bits)
{
	for (size_t i = bits; i < 8 * n; i++)
		if (b[i / 8] & (0x80u >> i % 8))
			return false;
	return true;
}

int addr_net_parse(struct str text, struct addr_net *out)
{
	struct str bits_text = text;
	struct str host = str_cut(&bits_text, '/');
	struct addr a;
	*out = (struct addr_net){0};
	if (parse_host(host, str_find(host, ':') < host.len, &a) != 0)
		return ERR_BAD_FIELD;
	size_t n = addr_ip(&a, out->ip);
	uint64_t bits = 8 * n;
	if (bits_text.ptr && str_parse_u64(bits_text, 8 * n, &bits) < 0)
		return ERR_BAD_FIELD;
	out->family = n == 4 ? AF_INET : AF_INET6;
	out->bits = (uint8_t)bits;
	return ends_in_zeros(out->ip, n, bits) ? 0 : ERR_BAD_FIELD;
}

bool addr_net_has(const struct addr_net *net, const struct addr *a)
{
	uint8_t ip[16];
	size_t n = addr_ip(a, ip);
	if ((n == 4) != (net->family == AF_INET))
		return false;
	size_t whole = net->bits / 8u;
	unsigned rest = net->bits % 8u;
	if (memcmp(ip, net->ip, whole) != 0)
		return false;
	return rest == 0 || (ip[whole] ^ net->ip[whole]) >> (8 - rest) == 0;
}

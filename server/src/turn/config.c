/* The configuration: defaults, and what its values look like as text. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/err.h"
#include "turn/turn.h"

void turn_config_init(struct turn_config *cfg)
{
	*cfg = (struct turn_config){
		.relay_port_min = 49152, /* RFC 8656 §7.2 */
		.relay_port_max = 65535,
		.gather_us = 150,
		.realm = STR("bellwire"),
		.nonce_lifetime_s = 3600, /* RFC 8656 §5: at least once an hour */
		.max_allocations = 16384,
		/* a call of eight: seven others, three transports, two families; twice that while ways are renewed */
		.max_allocations_per_user = 100,
		.max_permissions = 64,
		.max_channels = 64,
		.max_streams = 4096,
		.max_lifetime_s = 3600,
		.unauth_per_source_s = 10,
		.rate_allocation = 4 << 20,
		.rate_user = 16 << 20,
	};
}

static int parse_ip(struct str text, uint8_t *out_family, uint8_t ip[16])
{
	char z[INET6_ADDRSTRLEN];
	memset(ip, 0, 16);
	if (str_copy(z, sizeof z, text))
		return ERR_BAD_FIELD;
	if (inet_pton(AF_INET, z, ip) == 1)
		*out_family = AF_INET;
	else if (inet_pton(AF_INET6, z, ip) == 1)
		*out_family = AF_INET6;
	else
		return ERR_BAD_FIELD;
	return 0;
}

/* ADDR:PORT or [ADDR6]:PORT. */
static int parse_ip_port(struct str text, uint8_t *out_family, uint8_t ip[16], uint64_t *out_port)
{
	bool bracket = text.len && text.ptr[0] == '[';
	size_t end = bracket ? str_find(text, ']') : str_find(text, ':');
	size_t colon = end + bracket;
	if (colon >= text.len || text.ptr[colon] != ':')
		return ERR_BAD_FIELD;
	if (parse_ip(str_n(text.ptr + bracket, end - bracket), out_family, ip) || bracket != (*out_family == AF_INET6))
		return ERR_BAD_FIELD;
	return str_parse_u64(str_n(text.ptr + colon + 1, text.len - colon - 1), 65535, out_port);
}

static void set_addr(union turn_addr *out, uint8_t family, const uint8_t ip[16], uint16_t port)
{
	*out = (union turn_addr){0};
	if (family == AF_INET) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		memcpy(&out->v4.sin_addr, ip, 4);
	} else {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		memcpy(&out->v6.sin6_addr, ip, 16);
	}
}

int turn_addr_parse(struct str text, union turn_addr *out)
{
	uint8_t family, ip[16];
	uint64_t port;
	int err = parse_ip_port(text, &family, ip, &port);
	if (!err)
		set_addr(out, family, ip, (uint16_t)port);
	return err;
}

static bool has_bits_beyond(const struct turn_net *net)
{
	for (size_t bit = net->prefix; bit < (net->family == AF_INET ? 32u : 128u); bit++)
		if (net->ip[bit / 8] >> (7 - bit % 8) & 1)
			return true;
	return false;
}

/* One port of one address. */
static int parse_net_port(struct str text, struct turn_net *out)
{
	uint64_t port;
	if (parse_ip_port(text, &out->family, out->ip, &port) || port == 0)
		return ERR_BAD_FIELD;
	out->prefix = out->family == AF_INET ? 32 : 128;
	out->port = (uint16_t)port;
	return 0;
}

int turn_net_parse(struct str text, struct turn_net *out)
{
	struct str rest = text;
	uint64_t bits;
	*out = (struct turn_net){0};
	if (!text.len)
		return ERR_BAD_FIELD;
	struct str ip = str_cut(&rest, '/');
	if (parse_ip(ip, &out->family, out->ip))
		return ip.len == text.len ? parse_net_port(text, out) : ERR_BAD_FIELD;
	uint8_t most = out->family == AF_INET ? 32 : 128;
	out->prefix = most;
	if (ip.len == text.len)
		return 0;
	if (!rest.ptr || str_parse_u64(rest, most, &bits) || (rest.len > 1 && rest.ptr[0] == '0'))
		return ERR_BAD_FIELD;
	out->prefix = (uint8_t)bits;
	return has_bits_beyond(out) ? ERR_BAD_FIELD : 0;
}

int turn_external_parse(struct str text, struct turn_external *out)
{
	struct str rest = text;
	uint8_t outside, inside, ip[16];
	if (!text.len)
		return ERR_BAD_FIELD;
	if (parse_ip(str_cut(&rest, '/'), &outside, ip) || !rest.ptr)
		return ERR_BAD_FIELD;
	set_addr(&out->public_addr, outside, ip, 0);
	if (parse_ip(rest, &inside, ip) || inside != outside)
		return ERR_BAD_FIELD;
	set_addr(&out->private_addr, inside, ip, 0);
	return 0;
}

int turn_ports_parse(struct str text, uint16_t *out_min, uint16_t *out_max)
{
	struct str rest = text;
	uint64_t min, max;
	if (!text.len || str_parse_u64(str_cut(&rest, '-'), 65535, &min) || !rest.ptr ||
		str_parse_u64(rest, 65535, &max) || min == 0 || max < min)
		return ERR_BAD_FIELD;
	*out_min = (uint16_t)min;
	*out_max = (uint16_t)max;
	return 0;
}

void turn_addr_format(const union turn_addr *addr, char out[TURN_ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool v4 = addr->any.sa_family == AF_INET;
	const void *bytes = v4 ? (const void *)&addr->v4.sin_addr : (const void *)&addr->v6.sin6_addr;
	inet_ntop(addr->any.sa_family, bytes, ip, sizeof ip);
	snprintf(out, TURN_ADDR_TEXT, v4 ? "%s:%u" : "[%s]:%u", ip, ntohs(v4 ? addr->v4.sin_port : addr->v6.sin6_port));
}

/* Which addresses of the internet are special: IANA's registries as tables. */
#include "base/ip_range.h"

#include <string.h>

struct range {
	uint8_t prefix;
	bool lan;
	uint8_t ip[16];
};

/* IANA's IPv4 special-purpose registry (RFC 6890 and later), multicast and reserved. */
static const struct range ranges4[] = {
	{8, false, {0}},	     /* this network */
	{8, true, {10}},	     /* private */
	{10, false, {100, 64}},	     /* shared between carriers */
	{8, false, {127}},	     /* loopback */
	{16, false, {169, 254}},     /* link-local, cloud metadata */
	{12, true, {172, 16}},	     /* private */
	{24, false, {192, 0, 0}},    /* protocol assignments */
	{24, false, {192, 0, 2}},    /* documentation */
	{24, false, {192, 31, 196}}, /* AS112 */
	{24, false, {192, 52, 193}}, /* AMT */
	{24, false, {192, 88, 99}},  /* 6to4 relays */
	{16, true, {192, 168}},	     /* private */
	{24, false, {192, 175, 48}}, /* AS112 */
	{15, false, {198, 18}},	     /* benchmarking */
	{24, false, {198, 51, 100}}, /* documentation */
	{24, false, {203, 0, 113}},  /* documentation */
	{4, false, {224}},	     /* multicast */
	{4, false, {240}},	     /* reserved, broadcast */
};

/* The IPv6 registry. What carries IPv4 inside is refused here whole, whatever it carries. */
static const struct range ranges6[] = {
	{96, false, {0}},					 /* unspecified, loopback, compatible */
	{96, false, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, /* mapped */
	{96, false, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}},	 /* SIIT */
	{96, false, {0, 0x64, 0xff, 0x9b}},			 /* NAT64 */
	{48, false, {0, 0x64, 0xff, 0x9b, 0, 1}},		 /* local NAT64 */
	{64, false, {1}},					 /* discard */
	{64, false, {1, 0, 0, 0, 0, 0, 0, 1}},			 /* dummy prefix */
	{23, false, {0x20, 0x01}},				 /* Teredo, ORCHID, benchmarking */
	{32, false, {0x20, 0x01, 0x0d, 0xb8}},			 /* documentation */
	{16, false, {0x20, 0x02}},				 /* 6to4 */
	{48, false, {0x26, 0x20, 0, 0x4f, 0x80}},		 /* AS112 */
	{20, false, {0x3f, 0xff}},				 /* documentation */
	{16, false, {0x5f, 0x00}},				 /* segment routing */
	{128, false, {0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}}, /* cloud metadata */
	{7, true, {0xfc}},							       /* unique local */
	{10, false, {0xfe, 0x80}},						       /* link-local */
	{10, false, {0xfe, 0xc0}},						       /* site-local */
	{8, false, {0xff}},							       /* multicast */
};

bool ip_in_prefix(const uint8_t *ip, const uint8_t *net, unsigned bits)
{
	if (memcmp(ip, net, bits / 8) != 0)
		return false;
	unsigned rest = bits % 8;
	return rest == 0 || ((ip[bits / 8] ^ net[bits / 8]) >> (8 - rest)) == 0;
}

enum ip_kind ip_kind(const uint8_t *ip, size_t n_bytes)
{
	const struct range *r = n_bytes == 4 ? ranges4 : ranges6;
	size_t n = n_bytes == 4 ? sizeof ranges4 / sizeof *r : sizeof ranges6 / sizeof *r;
	for (size_t i = 0; i < n; i++)
		if (ip_in_prefix(ip, r[i].ip, r[i].prefix))
			return r[i].lan ? IP_LAN : IP_SPECIAL;
	return IP_PUBLIC;
}

/* How many of ranges6 end in an IPv4 address. */
#define N_ENDING_IN_IPV4 5

size_t ip_carried(const uint8_t ip[16], uint8_t out[2][4])
{
	static const uint8_t teredo[4] = {0x20, 0x01};
	if (ip[0] == 0x20 && ip[1] == 0x02) {
		memcpy(out[0], ip + 2, 4);
		return 1;
	}
	if (memcmp(ip, teredo, 4) == 0) {
		memcpy(out[0], ip + 4, 4);
		for (size_t i = 0; i < 4; i++)
			out[1][i] = ip[12 + i] ^ 0xff;
		return 2;
	}
	for (size_t i = 0; i < N_ENDING_IN_IPV4; i++)
		if (ip_in_prefix(ip, ranges6[i].ip, ranges6[i].prefix)) {
			memcpy(out[0], ip + 12, 4);
			return 1;
		}
	return 0;
}

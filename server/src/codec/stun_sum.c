/* The sums over STUN messages: integrity, fingerprint, long-term keys, XOR of addresses. */
#include "codec/stun_sum.h"

#include "base/err.h"

#define STUN_FINGERPRINT_XOR 0x5354554eu

int stun_sum_hmac(enum hmac_kind kind, struct str key, struct stun_cover cover, uint8_t out[32])
{
	uint8_t copy[STUN_MAX_SIGNED];
	if (cover.len > sizeof copy)
		return ERR_TOO_LARGE;
	memcpy(copy, cover.bytes, cover.len);
	size_t length = cover.len + cover.attr_size - STUN_HEADER_SIZE;
	copy[2] = (uint8_t)(length >> 8);
	copy[3] = (uint8_t)length;
	return hmac_sum(kind, key, str_n((const char *)copy, cover.len), out);
}

/* CRC-32 of ISO 3309, four bits at a time: a table of 64 bytes stays in the cache. */
static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t n)
{
	static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4,
		0xa00ae278, 0xbdbdf21c};
	for (; n; n--, p++) {
		crc = crc >> 4 ^ table[(crc ^ *p) & 15];
		crc = crc >> 4 ^ table[(crc ^ (uint32_t)*p >> 4) & 15];
	}
	return crc;
}

uint32_t stun_sum_fingerprint(const uint8_t *bytes, size_t len)
{
	size_t length = len + 8 - STUN_HEADER_SIZE;
	uint8_t head[4] = {bytes[0], bytes[1], (uint8_t)(length >> 8), (uint8_t)length};
	uint32_t crc = crc_add(0xffffffff, head, sizeof head);
	return ~crc_add(crc, bytes + 4, len - 4) ^ STUN_FINGERPRINT_XOR;
}

void stun_sum_xor(struct stun_addr *addr, const uint8_t *txid)
{
	static const uint8_t cookie[4] = {0x21, 0x12, 0xA4, 0x42};
	addr->port ^= STUN_COOKIE >> 16;
	for (size_t i = 0; i < 4; i++)
		addr->ip[i] ^= cookie[i];
	for (size_t i = 4; addr->family == STUN_IPV6 && i < 16; i++)
		addr->ip[i] ^= txid[i - 4];
}

void stun_key_md5(struct str user, struct str realm, struct str password, uint8_t out[16])
{
	hmac_hash(HMAC_MD5, (struct str[]){user, STR(":"), realm, STR(":"), password}, 5, out);
}

void stun_key_sha256(struct str user, struct str realm, struct str password, uint8_t out[32])
{
	hmac_hash(HMAC_SHA256, (struct str[]){user, STR(":"), realm, STR(":"), password}, 5, out);
}

void stun_userhash(struct str user, struct str realm, uint8_t out[32])
{
	hmac_hash(HMAC_SHA256, (struct str[]){user, STR(":"), realm}, 3, out);
}

/* Writing STUN messages. The length in the header is right after every step. */
#include "base/err.h"
#include "codec/stun.h"
#include "codec/stun_sum.h"

static void set16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

void stun_begin(struct stun_writer *w, void *mem, size_t cap)
{
	*w = (struct stun_writer){.bytes = mem, .cap = cap < 65536 ? cap : 65536};
}

void stun_put_header(struct stun_writer *w, enum stun_class class, uint16_t method, const uint8_t *txid)
{
	if (w->cap < STUN_HEADER_SIZE) {
		w->err = ERR_TOO_LARGE;
		return;
	}
	unsigned c = class, m = method;
	set16(w->bytes, (uint16_t)((m & 0xF80) << 2 | (m & 0x70) << 1 | (m & 0xF) | (c & 2) << 7 | (c & 1) << 4));
	set16(w->bytes + 2, 0);
	set16(w->bytes + 4, STUN_COOKIE >> 16);
	set16(w->bytes + 6, STUN_COOKIE & 0xFFFF);
	memcpy(w->bytes + 8, txid, STUN_TXID_SIZE);
	w->len = STUN_HEADER_SIZE;
}

/* Room for an attribute's value of n bytes, its header and padding written; null when it does not fit. */
static uint8_t *open_attr(struct stun_writer *w, uint16_t type, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;
	if (w->err || w->len < STUN_HEADER_SIZE || n > 65535 || w->cap - w->len < 4 + padded) {
		w->err = ERR_TOO_LARGE;
		return NULL;
	}
	uint8_t *p = w->bytes + w->len;
	set16(p, type);
	set16(p + 2, (uint16_t)n);
	memset(p + 4 + n, 0, padded - n);
	w->len += 4 + padded;
	set16(w->bytes + 2, (uint16_t)(w->len - STUN_HEADER_SIZE));
	return p + 4;
}

void stun_put(struct stun_writer *w, uint16_t type, struct str value)
{
	uint8_t *p = open_attr(w, type, value.len);
	if (p && value.len)
		memcpy(p, value.ptr, value.len);
}

void stun_put_u32(struct stun_writer *w, uint16_t type, uint32_t value)
{
	uint8_t *p = open_attr(w, type, 4);
	if (!p)
		return;
	set16(p, (uint16_t)(value >> 16));
	set16(p + 2, (uint16_t)value);
}

void stun_put_addr(struct stun_writer *w, uint16_t type, const struct stun_addr *addr)
{
	size_t n = addr->family == STUN_IPV4 ? 4 : 16;
	uint8_t *p = open_attr(w, type, 4 + n);
	if (!p)
		return;
	p[0] = 0;
	p[1] = addr->family;
	set16(p + 2, addr->port);
	memcpy(p + 4, addr->ip, n);
}

void stun_put_xor_addr(struct stun_writer *w, uint16_t type, const struct stun_addr *addr)
{
	struct stun_addr hidden = *addr;
	if (w->len >= STUN_HEADER_SIZE)
		stun_sum_xor(&hidden, w->bytes + 8);
	stun_put_addr(w, type, &hidden);
}

void stun_put_error(struct stun_writer *w, unsigned code, struct str reason)
{
	uint8_t *p = open_attr(w, STUN_ERROR_CODE, 4 + reason.len);
	if (!p)
		return;
	set16(p, 0);
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	if (reason.len)
		memcpy(p + 4, reason.ptr, reason.len);
}

void stun_put_unknown(struct stun_writer *w, const uint16_t *types, size_t n)
{
	uint8_t *p = open_attr(w, STUN_UNKNOWN_ATTRIBUTES, 2 * n);
	for (size_t i = 0; p && i < n; i++)
		set16(p + 2 * i, types[i]);
}

/* §14.11; neither MD5 nor SHA-256 has parameters. */
void stun_put_algorithms(struct stun_writer *w, const uint16_t *algorithms, size_t n)
{
	uint8_t *p = open_attr(w, STUN_PASSWORD_ALGORITHMS, 4 * n);
	for (size_t i = 0; p && i < n; i++) {
		set16(p + 4 * i, algorithms[i]);
		set16(p + 4 * i + 2, 0);
	}
}

static void put_hmac(struct stun_writer *w, enum hmac_kind kind, struct str key, size_t size)
{
	struct stun_cover cover = {w->bytes, w->len, 4 + size};
	uint8_t sum[32];
	if (w->err || w->len < STUN_HEADER_SIZE)
		return;
	w->err = stun_sum_hmac(kind, key, cover, sum);
	stun_put(w, kind == HMAC_SHA1 ? STUN_MESSAGE_INTEGRITY : STUN_MESSAGE_INTEGRITY_SHA256,
		str_n((const char *)sum, size));
}

void stun_put_sha1(struct stun_writer *w, struct str key)
{
	put_hmac(w, HMAC_SHA1, key, 20);
}

void stun_put_sha256(struct stun_writer *w, struct str key, size_t size)
{
	put_hmac(w, HMAC_SHA256, key, size);
}

void stun_put_fingerprint(struct stun_writer *w)
{
	if (!w->err && w->len >= STUN_HEADER_SIZE)
		stun_put_u32(w, STUN_FINGERPRINT, stun_sum_fingerprint(w->bytes, w->len));
}

int stun_size(const struct stun_writer *w)
{
	return w->err ? w->err : (int)w->len;
}

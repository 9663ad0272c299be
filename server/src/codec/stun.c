/* Reading STUN messages; writing them is in stun_write.c, the sums over them in stun_sum.c. */
#include "codec/stun.h"

#include "base/err.h"
#include "codec/stun_sum.h"

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Once integrity has been seen only the sums after it count, and nothing after the fingerprint (§14.5 to §14.7). */
static bool counts_after(uint16_t type, uint16_t last_sum)
{
	switch (last_sum) {
	case STUN_MESSAGE_INTEGRITY: return type == STUN_MESSAGE_INTEGRITY_SHA256 || type == STUN_FINGERPRINT;
	case STUN_MESSAGE_INTEGRITY_SHA256: return type == STUN_FINGERPRINT;
	case STUN_FINGERPRINT: return false;
	default: return true;
	}
}

static bool is_sum(uint16_t type)
{
	return type == STUN_MESSAGE_INTEGRITY || type == STUN_MESSAGE_INTEGRITY_SHA256 || type == STUN_FINGERPRINT;
}

static int read_attrs(struct stun_msg *m)
{
	uint16_t last_sum = 0;
	for (size_t at = STUN_HEADER_SIZE; at < m->len;) {
		if (m->len - at < 4)
			return ERR_PROTOCOL;
		struct stun_attr a = {get16(m->bytes + at), get16(m->bytes + at + 2), m->bytes + at + 4};
		size_t padded = ((size_t)a.len + 3) & ~(size_t)3;
		if (m->len - at - 4 < padded)
			return ERR_PROTOCOL;
		at += 4 + padded;
		if (!counts_after(a.type, last_sum))
			continue;
		if (is_sum(a.type))
			last_sum = a.type;
		if (m->n_attrs == STUN_MAX_ATTRS)
			return ERR_TOO_LARGE;
		m->attrs[m->n_attrs++] = a;
	}
	return 0;
}

/* §5: two zero bits, then method and class interleaved as M11-7 C1 M6-4 C0 M3-0. */
static void read_type(struct stun_msg *m, uint16_t type)
{
	m->class = (enum stun_class)((type >> 7 & 2) | (type >> 4 & 1));
	m->method = (uint16_t)((type >> 2 & 0xF80) | (type >> 1 & 0x70) | (type & 0xF));
}

static int check_fingerprint(const struct stun_msg *m)
{
	const struct stun_attr *a = stun_find(m, STUN_FINGERPRINT);
	if (!a)
		return 0;
	size_t covered = (size_t)(a->value - m->bytes) - 4;
	return a->len == 4 && get32(a->value) == stun_sum_fingerprint(m->bytes, covered) ? 0 : ERR_PROTOCOL;
}

int stun_decode(const uint8_t *bytes, size_t len, struct stun_msg *out)
{
	out->n_attrs = 0;
	if (len < STUN_HEADER_SIZE || (bytes[0] & 0xC0) || get32(bytes + 4) != STUN_COOKIE)
		return ERR_PROTOCOL;
	if ((len & 3) || get16(bytes + 2) != len - STUN_HEADER_SIZE)
		return ERR_PROTOCOL;
	out->bytes = bytes;
	out->len = len;
	out->txid = bytes + 8;
	read_type(out, get16(bytes));
	int err = read_attrs(out);
	return err ? err : check_fingerprint(out);
}

const struct stun_attr *stun_find(const struct stun_msg *m, uint16_t type)
{
	for (size_t i = 0; i < m->n_attrs; i++)
		if (m->attrs[i].type == type)
			return &m->attrs[i];
	return NULL;
}

struct str stun_find_str(const struct stun_msg *m, uint16_t type)
{
	const struct stun_attr *a = stun_find(m, type);
	return a ? str_n((const char *)a->value, a->len) : str_n(NULL, 0);
}

int stun_get_u32(const struct stun_attr *a, uint32_t *out)
{
	if (a->len != 4)
		return ERR_BAD_FIELD;
	*out = get32(a->value);
	return 0;
}

int stun_get_addr(const struct stun_attr *a, struct stun_addr *out)
{
	*out = (struct stun_addr){0};
	if (a->len < 4)
		return ERR_BAD_FIELD;
	size_t n = a->value[1] == STUN_IPV4 ? 4 : a->value[1] == STUN_IPV6 ? 16 : 0;
	if (!n || a->len != 4 + n)
		return ERR_BAD_FIELD;
	out->family = a->value[1];
	out->port = get16(a->value + 2);
	memcpy(out->ip, a->value + 4, n);
	return 0;
}

int stun_get_xor_addr(const struct stun_msg *m, const struct stun_attr *a, struct stun_addr *out)
{
	int err = stun_get_addr(a, out);
	if (!err)
		stun_sum_xor(out, m->txid);
	return err;
}

/* §14.8: 21 zero bits, the class (hundreds), the number below 100, then the reason. */
int stun_get_error(const struct stun_attr *a, unsigned *out_code, struct str *out_reason)
{
	if (a->len < 4)
		return ERR_BAD_FIELD;
	*out_code = (a->value[2] & 7u) * 100 + a->value[3];
	*out_reason = str_n((const char *)a->value + 4, a->len - 4u);
	return 0;
}

static bool listed(const uint16_t *list, uint16_t type)
{
	for (; *list; list++)
		if (*list == type)
			return true;
	return false;
}

size_t stun_unknown(const struct stun_msg *m, const uint16_t *known, uint16_t *out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < m->n_attrs && n < max; i++)
		if (m->attrs[i].type < 0x8000 && !listed(known, m->attrs[i].type))
			out[n++] = m->attrs[i].type;
	return n;
}

bool stun_check_sha1(const struct stun_msg *m, struct str key)
{
	const struct stun_attr *a = stun_find(m, STUN_MESSAGE_INTEGRITY);
	uint8_t want[32];
	if (!a || a->len != 20)
		return false;
	size_t covered = (size_t)(a->value - m->bytes) - 4;
	if (stun_sum_hmac(HMAC_SHA1, key, (struct stun_cover){m->bytes, covered, 24}, want))
		return false;
	return str_eq_secret(str_n((const char *)a->value, 20), str_n((const char *)want, 20));
}

bool stun_check_sha256(const struct stun_msg *m, struct str key, size_t least)
{
	const struct stun_attr *a = stun_find(m, STUN_MESSAGE_INTEGRITY_SHA256);
	uint8_t want[32];
	if (!a || a->len < 16 || a->len < least || a->len > 32 || a->len % 4)
		return false;
	size_t covered = (size_t)(a->value - m->bytes) - 4;
	if (stun_sum_hmac(HMAC_SHA256, key, (struct stun_cover){m->bytes, covered, 4u + a->len}, want))
		return false;
	return str_eq_secret(str_n((const char *)a->value, a->len), str_n((const char *)want, a->len));
}

int stun_get_algorithms(const struct stun_attr *a, uint16_t *out, size_t max)
{
	size_t n = 0;
	for (size_t at = 0; at < a->len;) {
		if (a->len - at < 4 || n == max)
			return ERR_BAD_FIELD;
		size_t params = ((size_t)get16(a->value + at + 2) + 3) & ~(size_t)3;
		if (a->len - at - 4 < params)
			return ERR_BAD_FIELD;
		out[n++] = get16(a->value + at);
		at += 4 + params;
	}
	return (int)n;
}

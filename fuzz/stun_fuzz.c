/* STUN messages: attributes lie inside the packet, values are read or refused, and sums are never right by chance. */
#include "codec/stun.h"
#include "fuzz.h"

#include <assert.h>

#include "base/err.h"

static void read_values(const struct stun_msg *m, const struct stun_attr *a)
{
	struct stun_addr addr;
	struct str reason;
	uint32_t n;
	unsigned code;
	uint16_t algorithms[4];
	assert(a->value >= m->bytes && a->value + a->len <= m->bytes + m->len);
	if (stun_get_xor_addr(m, a, &addr) == 0)
		assert(addr.family == STUN_IPV4 || addr.family == STUN_IPV6);
	assert((stun_get_u32(a, &n) == 0) == (a->len == 4));
	if (stun_get_error(a, &code, &reason) == 0)
		assert(code <= 955 && reason.len + 4 == a->len);
	assert(stun_get_algorithms(a, algorithms, 4) <= 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t known[] = {STUN_USERNAME, STUN_REALM, STUN_NONCE, 0};
	struct stun_msg m;
	uint16_t unknown[4];
	if (stun_decode(data, size, &m))
		return 0;
	assert(m.len == size && m.n_attrs <= STUN_MAX_ATTRS && m.method < 0x1000);
	for (size_t i = 0; i < m.n_attrs; i++)
		read_values(&m, &m.attrs[i]);
	assert(stun_unknown(&m, known, unknown, 4) <= 4);
	assert(!stun_check_sha1(&m, STR("a key that no corpus knows")));
	assert(!stun_check_sha256(&m, STR("a key that no corpus knows"), 16));
	return 0;
}

/* stun_sum: HMAC, CRC and XOR over STUN messages. Private to the codec. */
#ifndef BELLWIRE_CODEC_STUN_SUM_H
#define BELLWIRE_CODEC_STUN_SUM_H

#include "codec/hmac.h"
#include "codec/stun.h"

/* The part of a message that a sum covers, and the size of the attribute that will hold it: the length in the header
 * is taken as if the message ended after that (§14.5). */
struct stun_cover {
	const uint8_t *bytes;
	size_t len;
	size_t attr_size;
};

/* ERR_TOO_LARGE beyond STUN_MAX_SIGNED. out holds 20 or 32 bytes. */
int stun_sum_hmac(enum hmac_kind kind, struct str key, struct stun_cover cover, uint8_t out[32]);

/* §14.7: CRC-32 XOR 0x5354554e, with the length in the header counting the fingerprint itself. */
uint32_t stun_sum_fingerprint(const uint8_t *bytes, size_t len);

/* §14.2, both ways. */
void stun_sum_xor(struct stun_addr *addr, const uint8_t *txid);

#endif

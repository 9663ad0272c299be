/* UUIDs, random tokens, base64. */
#include "base/id.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/err.h"

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void id_random(void *out, size_t n)
{
	unsigned char *p = out;
	while (n) {
		long got = getrandom(p, n, 0);
		assert(got > 0 && "getrandom failed");
		p += got;
		n -= (size_t)got;
	}
}

void id_uuid7(int64_t wall_ms, char out[ID_UUID_SIZE])
{
	unsigned char b[16];
	id_random(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(wall_ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	snprintf(out, ID_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool id_is_uuid(struct str s)
{
	if (s.len != ID_UUID_SIZE - 1)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

void id_token(char *out, size_t n_chars)
{
	id_random(out, n_chars);
	for (size_t i = 0; i < n_chars; i++)
		out[i] = url_alphabet[out[i] & 63];
	out[n_chars] = 0;
}

static void encode(struct buf *out, struct str bytes, const char *alphabet, bool padded)
{
	const unsigned char *p = (const unsigned char *)bytes.ptr;
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;
		if (n > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			bits |= p[i + 2];
		char quad[4] = {
			alphabet[bits >> 18], alphabet[bits >> 12 & 63], alphabet[bits >> 6 & 63], alphabet[bits & 63]};
		buf_put(out, str_n(quad, n + 1));
		if (padded && n < 3)
			buf_put(out, str_n("==", 3 - n));
	}
}

static int value_of(char c, const char *alphabet)
{
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

static int decode(struct str text, unsigned char *out, size_t size, const char *alphabet)
{
	size_t n_out = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
	if (text.len % 4 == 1)
		return ERR_BAD_FIELD;
	if (n_out > size || n_out > INT32_MAX)
		return ERR_TOO_LARGE;
	uint32_t bits = 0;
	size_t n_bits = 0, at = 0;
	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.ptr[i], alphabet);
		if (value < 0)
			return ERR_BAD_FIELD;
		bits = bits << 6 | (uint32_t)value;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[at++] = (unsigned char)(bits >> n_bits);
		}
	}
	if (bits & ((1u << n_bits) - 1))
		return ERR_BAD_FIELD; /* stray bits: a second spelling of the same bytes */
	return (int)at;
}

void id_base64url_encode(struct buf *out, struct str bytes)
{
	encode(out, bytes, url_alphabet, false);
}

int id_base64url_decode(struct str text, void *out, size_t size)
{
	return decode(text, out, size, url_alphabet);
}

void id_base64_encode(struct buf *out, struct str bytes)
{
	encode(out, bytes, std_alphabet, true);
}

int id_base64_decode(struct str text, void *out, size_t size)
{
	if (text.len % 4)
		return ERR_BAD_FIELD;
	for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
		text.len--;
	return decode(text, out, size, std_alphabet);
}

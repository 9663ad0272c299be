/* Samples of quality: numbers of the wire in, a few bytes each out, and back. */
#include "codec/quality.h"

#include <math.h>

#include "base/err.h"

#define VERSION 1
#define UUID_BYTES 16
#define STEPS_PER_DOUBLING 32.0
#define AGE_MAX_MS 600000 /* a sample that waited longer than this is nobody's any more */

enum kind { COUNT, RATE };

static const struct {
	const char *name;
	int32_t max;
	enum kind kind;
} fields[QUALITY_N_FIELDS] = {
#define FIELD(name, wire, max, kind) {wire, max, kind},
	QUALITY_FIELDS(FIELD)
#undef FIELD
};

const char *quality_field_name(enum quality_field f)
{
	return fields[f].name;
}

/* --- the wire --- */

static int read_value(const json_t *json, enum quality_field f, int32_t *out)
{
	*out = QUALITY_UNKNOWN;
	if (!json || json_is_null(json))
		return 0;
	if (!json_is_number(json))
		return ERR_BAD_FIELD;
	double value = json_number_value(json);
	if (!(value >= 0))
		return ERR_BAD_FIELD;
	*out = value > fields[f].max ? fields[f].max : (int32_t)lround(value);
	return 0;
}

int quality_read_sample(const json_t *array, int64_t now, struct quality_sample *out)
{
	const json_t *age = json_array_get(array, 0);
	if (!json_is_array(array) || json_array_size(array) > 1 + QUALITY_N_FIELDS || !json_is_number(age))
		return ERR_BAD_FIELD;
	double ms = json_number_value(age);
	if (!(ms >= 0 && ms <= AGE_MAX_MS))
		return ERR_BAD_FIELD;
	out->at = now - (int64_t)ms;
	int err = 0;
	for (size_t f = 0; err == 0 && f < QUALITY_N_FIELDS; f++)
		err = read_value(json_array_get(array, f + 1), (enum quality_field)f, &out->values[f]);
	return err;
}

/* --- values as they are stored --- */

static int32_t pack(enum quality_field f, int32_t value)
{
	if (value < 0)
		return 0;
	return 1 + (fields[f].kind == RATE ? (int32_t)lround(STEPS_PER_DOUBLING * log2(1.0 + value)) : value);
}

static int32_t unpack(enum quality_field f, int32_t stored)
{
	if (stored <= 0)
		return QUALITY_UNKNOWN;
	double value = stored - 1;
	if (fields[f].kind == RATE)
		value = exp2(fmin(value, 1000) / STEPS_PER_DOUBLING) - 1.0;
	return value > fields[f].max ? fields[f].max : (int32_t)lround(value);
}

/* --- numbers --- */

static void put_number(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_put_c(out, (char)(0x80 | (n & 0x7f)));
	buf_put_c(out, (char)n);
}

static void put_signed(struct buf *out, int64_t n)
{
	put_number(out, ((uint64_t)n << 1) ^ (uint64_t)(n >> 63));
}

static bool get_number(struct str *in, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; in->len && shift < 63; shift += 7) {
		unsigned char c = (unsigned char)*in->ptr;
		*in = str_n(in->ptr + 1, in->len - 1);
		*out |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

/* Bounded, so that sums of a few never overflow. */
static bool get_signed(struct str *in, int64_t *out)
{
	uint64_t n;
	if (!get_number(in, &n) || n > (uint64_t)1 << 40)
		return false;
	*out = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
	return true;
}

static bool take(struct str *in, size_t n, const unsigned char **out)
{
	if (in->len < n)
		return false;
	*out = (const unsigned char *)in->ptr;
	*in = str_n(in->ptr + n, in->len - n);
	return true;
}

/* --- peers --- */

static void put_uuid(struct buf *out, const char *text)
{
	unsigned value = 0, n = 0;
	for (; *text; text++) {
		if (*text == '-')
			continue;
		value = value << 4 | (unsigned)(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
		if (++n % 2 == 0)
			buf_put_c(out, (char)(value & 0xff));
	}
}

static void format_uuid(const unsigned char *bytes, char out[ID_UUID_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *to = out;
	for (size_t i = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

static size_t find_peer(const struct quality_reader *r, const char *id)
{
	size_t i = 0;
	while (i < r->n_peers && strcmp(r->peer_ids[i], id) != 0)
		i++;
	return i;
}

static void add_peer(struct quality_reader *r, const char *id)
{
	memcpy(r->peer_ids[r->n_peers], id, ID_UUID_SIZE);
	memset(r->last[r->n_peers++], 0, sizeof r->last[0]);
}

/* --- reading --- */

int quality_read_begin(struct quality_reader *r, struct str block, int64_t start)
{
	r->n_peers = 0;
	r->at = start;
	r->rest = block;
	if (block.len == 0)
		return 0;
	r->rest = str_n(block.ptr + 1, block.len - 1);
	return block.ptr[0] == VERSION ? 0 : ERR_VERSION;
}

static bool read_peer(struct quality_reader *r, size_t *peer)
{
	uint64_t index;
	const unsigned char *bytes;
	char id[ID_UUID_SIZE];
	if (!get_number(&r->rest, &index) || index > r->n_peers)
		return false;
	*peer = (size_t)index;
	if (index < r->n_peers)
		return true;
	if (r->n_peers == QUALITY_PEERS_MAX || !take(&r->rest, UUID_BYTES, &bytes))
		return false;
	format_uuid(bytes, id);
	add_peer(r, id);
	return true;
}

static bool read_values(struct quality_reader *r, int32_t last[QUALITY_N_FIELDS])
{
	uint64_t mask;
	if (!get_number(&r->rest, &mask) || mask >> QUALITY_N_FIELDS)
		return false;
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++) {
		int64_t delta;
		if (!(mask >> f & 1))
			continue;
		if (!get_signed(&r->rest, &delta))
			return false;
		int64_t value = last[f] + delta;
		if (value < 0 || value > INT32_MAX / 2)
			return false;
		last[f] = (int32_t)value;
	}
	return true;
}

int quality_read_next(struct quality_reader *r, struct quality_sample *out)
{
	size_t peer;
	int64_t tenths;
	if (r->rest.len == 0)
		return 0;
	if (!read_peer(r, &peer) || !get_signed(&r->rest, &tenths) || !read_values(r, r->last[peer]))
		return ERR_PROTOCOL;
	r->at += tenths * 100;
	out->at = r->at;
	memcpy(out->peer_id, r->peer_ids[peer], ID_UUID_SIZE);
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++)
		out->values[f] = unpack((enum quality_field)f, r->last[peer][f]);
	return 1;
}

/* --- writing --- */

void quality_write_begin(struct quality_reader *r, struct buf *block, int64_t start)
{
	quality_read_begin(r, str_n(NULL, 0), start);
	buf_put_c(block, VERSION);
}

int quality_write(struct quality_reader *r, struct buf *block, const struct quality_sample *sample)
{
	size_t peer = find_peer(r, sample->peer_id);
	bool is_new = peer == r->n_peers;
	if (is_new && r->n_peers == QUALITY_PEERS_MAX)
		return ERR_TOO_LARGE;
	put_number(block, peer);
	if (is_new) {
		put_uuid(block, sample->peer_id);
		add_peer(r, sample->peer_id);
	}
	int64_t ms = sample->at - r->at;
	int64_t tenths = (ms + (ms < 0 ? -50 : 50)) / 100;
	put_signed(block, tenths);
	r->at += tenths * 100;

	int32_t deltas[QUALITY_N_FIELDS];
	uint64_t mask = 0;
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++) {
		int32_t value = pack((enum quality_field)f, sample->values[f]);
		deltas[f] = value - r->last[peer][f];
		r->last[peer][f] = value;
		mask |= (uint64_t)(deltas[f] != 0) << f;
	}
	put_number(block, mask);
	for (size_t f = 0; f < QUALITY_N_FIELDS; f++)
		if (mask >> f & 1)
			put_signed(block, deltas[f]);
	return block->err;
}

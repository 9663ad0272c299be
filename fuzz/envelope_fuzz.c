/* Event payloads: the scanner and the tree parser agree, and what is relayed is well-formed and stamped. */
#include "codec/envelope.h"
#include "fuzz.h"

#include <assert.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static void relayed_holds(const struct envelope *e)
{
	const struct envelope_stamp stamp = {STR("\"leg\""), STR("\"alice\""), STR("\"call\"")};
	struct envelope_relayed r;
	struct buf b;
	struct envelope again;
	struct str from;
	if (envelope_relay(e, STR(""), &stamp, &r) < 0)
		return;
	assert(r.n_parts <= ENVELOPE_MAX_PARTS);
	buf_init(&b, 1024 * 1024);
	for (size_t i = 0; i < r.n_parts; i++)
		buf_put(&b, r.parts[i]);
	int err = envelope_scan(buf_str(&b), &again);
	/* Three stamps may be more members than were there. */
	assert(err == 0 || (err == ERR_BAD_EVENT && e->n_members > ENVELOPE_MAX_MEMBERS - 3));
	assert(envelope_get_text(&again, "from", &from) && str_eq(from, STR("leg")));
	assert(!envelope_get(&again, "to").ptr);
	buf_fini(&b);
}

/* Numbers are where the two readers differ: leave texts alone in which one is long or has an exponent. */
static bool has_odd_number(struct str text)
{
	size_t run = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		run = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' ? run + 1 : 0;
		if (run > 17 || (run && i + 1 < text.len && (text.ptr[i + 1] | 0x20) == 'e'))
			return true;
	}
	return false;
}

/* The tree parser alone refuses doubled keys at any depth; what it takes, the scanner takes, and the other way round.
 */
static void readers_agree(struct str text, int err)
{
	json_t *strict;
	json_t *tree = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_DECODE_ANY, NULL);
	if (err != ERR_PROTOCOL)
		assert(tree);
	if (json_read(text, &strict) == 0) {
		bool is_event = json_is_array(strict) && json_is_string(json_array_get(strict, 0));
		assert(is_event == (err != ERR_PROTOCOL));
	}
	json_decref(strict);
	json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct envelope e;
	int err = envelope_scan(text, &e);
	if (!has_odd_number(text))
		readers_agree(text, err);
	if (err == 0 && e.is_object)
		relayed_holds(&e);
	return 0;
}

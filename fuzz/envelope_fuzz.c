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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_n((const char *)data, size);
	struct envelope e;
	int err = envelope_scan(text, &e);
	json_t *tree;
	/* The tree parser refuses doubled keys at any depth; what it takes, the scanner takes. */
	if (json_read(text, &tree) == 0) {
		bool is_event = json_is_array(tree) && json_is_string(json_array_get(tree, 0));
		assert(is_event == (err != ERR_PROTOCOL));
	}
	json_decref(tree);
	if (err == 0 && e.is_object)
		relayed_holds(&e);
	return 0;
}

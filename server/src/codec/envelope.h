/* envelope: the payload of a Socket.IO event, read without a JSON tree.
 *
 *   ["call.offer",{"to":"LEG","offer":{…}}]
 *
 * One pass proves that the text is well-formed JSON and finds the event's name and the top-level members of the first
 * argument, all as raw slices. A relayed event is then written as a list of slices: a new head, and the sender's own
 * bytes around whatever was left out. Nothing is copied or allocated.
 */
#ifndef BELLWIRE_CODEC_ENVELOPE_H
#define BELLWIRE_CODEC_ENVELOPE_H

#include <stdbool.h>

#include "base/str.h"

#define ENVELOPE_MAX_MEMBERS 32

struct envelope_member {
	struct str key;	  /* between the quotes; holds no escapes */
	struct str value; /* raw JSON */
};

struct envelope {
	struct str event;    /* the name, without quotes and escapes */
	struct str argument; /* the first argument, raw; ptr null when there is none */
	unsigned n_arguments;
	bool is_object; /* the first argument is one, and `members` are its members */
	size_t n_members;
	struct envelope_member members[ENVELOPE_MAX_MEMBERS];
};

/* Reads an event's payload; the slices point into it.
 * ERR_PROTOCOL when it is not a JSON array that begins with a string (the peer is broken).
 * ERR_BAD_EVENT when it is, but the name or a key of the first argument holds escapes, a key comes twice, or the
 * members are too many: no client of ours writes that, and a second spelling of "from" must not get past us. */
int envelope_scan(struct str payload, struct envelope *out);

/* The raw value of a member; ptr null when it is absent. */
struct str envelope_get(const struct envelope *e, const char *key);

/* The value of a string member without its quotes. False when it is absent, not a string, or holds escapes. */
bool envelope_get_text(const struct envelope *e, const char *key, struct str *out);

/* What the server stamps on a relayed event. All are raw JSON strings, quotes included. */
struct envelope_stamp {
	struct str from;
	struct str user_id;
	struct str call_id;
};

/* A relayed event as slices, to be sent one after another. */
#define ENVELOPE_HEAD_SIZE 1280
#define ENVELOPE_MAX_PARTS 11
struct envelope_relayed {
	struct str parts[ENVELOPE_MAX_PARTS];
	size_t n_parts; /* 2 or 3 in all usual cases: what is left out stands at an end */
	char head[ENVELOPE_HEAD_SIZE];
};

/* Builds
 *   PREFIX["call.offer",{"from":…,"userId":…,"callId":…, all other members as they came}]
 * from an object event; only the head is written anew, the rest are slices of the payload, and live as long as it and
 * *out do. ERR_TOO_LARGE when the head does not fit. */
int envelope_relay(
	const struct envelope *e, struct str prefix, const struct envelope_stamp *stamp, struct envelope_relayed *out);

#endif

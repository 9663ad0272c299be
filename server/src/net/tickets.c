/* Ticket keys: the newest seals, the ones before it still open, the oldest is forgotten. */
#include "net/tickets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

static bool make(struct ticket_key *key, int64_t now)
{
	key->made_at = now;
	key->usable = RAND_bytes(key->name, sizeof key->name) == 1 &&
		      RAND_priv_bytes(key->cipher, sizeof key->cipher) == 1 &&
		      RAND_priv_bytes(key->mac, sizeof key->mac) == 1;
	return key->usable;
}

const struct ticket_key *tickets_current(struct tickets *t, int64_t now)
{
	struct ticket_key *first = &t->keys[0];
	if (first->usable && now - first->made_at < TICKETS_ROTATE_S * 1000)
		return first;
	struct ticket_key fresh;
	if (!make(&fresh, now))
		return NULL;
	memmove(&t->keys[1], first, (TICKETS_KEYS - 1) * sizeof *first);
	*first = fresh;
	OPENSSL_cleanse(&fresh, sizeof fresh);
	return first;
}

const struct ticket_key *tickets_find(struct tickets *t, const unsigned char name[TICKETS_NAME_SIZE], int64_t now)
{
	for (size_t i = 0; i < TICKETS_KEYS; i++) {
		struct ticket_key *key = &t->keys[i];
		if (!key->usable || memcmp(key->name, name, TICKETS_NAME_SIZE) != 0)
			continue;
		if (now - key->made_at < TICKETS_KEYS * TICKETS_ROTATE_S * 1000)
			return key;
		OPENSSL_cleanse(key, sizeof *key);
	}
	return NULL;
}

void tickets_wipe(struct tickets *t)
{
	OPENSSL_cleanse(t, sizeof *t);
}

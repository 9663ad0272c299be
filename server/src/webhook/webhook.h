/* webhook: tells the host's backend what happened, by HTTP.
 *
 *   store's outbox -> window of events, a chain for each call -> signed POST -> settled -> the place is stored
 *
 * Each event is told at least once; a receiver that has seen an id can ignore it. The events of a call come in their
 * order and one after the other; those of different calls side by side. What fails is tried again, with longer and
 * longer pauses, and only holds its own call up. An event that the receiver does not take while it takes others, or
 * that is too old, is given up: a dead letter. Everything here runs on the loop's thread.
 */
#ifndef BELLWIRE_WEBHOOK_WEBHOOK_H
#define BELLWIRE_WEBHOOK_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "loop/loop.h"

struct store;
struct webhook;

struct webhook_config {
	struct loop *loop; /* borrowed, as the store */
	struct store *store;
	const char *url;    /* borrowed; webhook_check_url */
	struct str secret;  /* borrowed; what deliveries are signed with, raw or "whsec_" and base64 */
	bool allow_private; /* also plain http:, and receivers that are not in the public internet */
	int64_t timeout_ms; /* of one attempt */
	int64_t retry_ms;   /* the first pause; it doubles, up to 60 times as long */
	int64_t give_up_ms; /* an event that could not be delivered for so long is given up */
};

/* Whether it is an https: URL, or with allow_private an http: one. Else one line in *why and ERR_CONFIG. */
int webhook_check_url(struct str url, bool allow_private, struct buf *why);

/* Begins where the delivery ended, or, the first time, with the next event. ERR_NO_MEMORY, ERR_CONFIG (a secret of
 * "whsec_" that is no base64). */
int webhook_new(const struct webhook_config *config, struct webhook **out);

/* Breaks off what is under way, stores how far it has come, frees w and calls cb(arg). Before the store is closed. */
void webhook_close(struct webhook *w, void (*cb)(void *arg), void *arg);

#endif

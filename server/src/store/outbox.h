/* outbox: the events of all calls in the order of their commits, how far the delivery to the host has come, and what
 * could not be delivered.
 *
 * The table of events is the outbox: an event is in it with the change that it tells of, or neither is. Numbers (id)
 * rise with the order of commits and are never used twice: a reader that has seen a number never misses a lower one.
 */
#ifndef BELLWIRE_STORE_OUTBOX_H
#define BELLWIRE_STORE_OUTBOX_H

#include "store/store.h"

#define OUTBOX_ERROR_SIZE 161

struct outbox_event {
	int64_t id;
	char call_id[ID_UUID_SIZE];
	struct stored_event stored;
};
void outbox_events_free(struct outbox_event *events, size_t n);

/* Events that the host is told of (is_webhook), oldest first. */
struct store_read_outbox {
	struct store_job job;
	int64_t after_id; /* 0 = from the first on */
	int limit;	  /* 1…STORE_EVENTS_MAX */

	struct outbox_event *events; /* out, the caller's: outbox_events_free */
	size_t n_events;
	bool has_more;
};
void store_read_outbox(struct store *s, struct store_read_outbox *q);

/* Where the delivery goes on: after the newest event of all, when it has never begun. */
struct store_read_delivery {
	struct store_job job;
	int64_t after_id; /* out */
};
void store_read_delivery(struct store *s, struct store_read_delivery *q);

/* An event that was given up: a dead letter. */
struct outbox_failure {
	int64_t event_id;
	int64_t at; /* when it was given up */
	int attempts;
	int status;		       /* of the last answer; 0: none came */
	char error[OUTBOX_ERROR_SIZE]; /* in words */
};

/* Everything up to after_id is delivered or given up; with the failures that this is true of from now on. One
 * transaction. after_id never goes back. */
struct store_put_delivery {
	struct store_job job;
	int64_t after_id;
	const struct outbox_failure *failures; /* borrowed until done */
	size_t n_failures;
};
void store_put_delivery(struct store *s, struct store_put_delivery *q);

/* Dead letters with their events, in the order of the events. */
struct failed_event {
	struct outbox_failure failure;
	struct outbox_event event;
};
struct store_list_failures {
	struct store_job job;
	int64_t after_id; /* of an event; 0 = from the first on */
	int limit;	  /* 1…STORE_EVENTS_MAX */

	struct failed_event *failures; /* out, the caller's: failed_events_free */
	size_t n_failures;
	bool has_more;
};
void store_list_failures(struct store *s, struct store_list_failures *q);
void failed_events_free(struct failed_event *failures, size_t n);

/* Calls cb(arg) on the loop after commits that may have brought events. One watcher; null ends it. Other processes on
 * the same database are not heard: look now and then all the same. */
void store_watch_outbox(struct store *s, void (*cb)(void *arg), void *arg);

#endif

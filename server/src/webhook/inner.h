/* inner: what the files of webhook/ share. */
#ifndef BELLWIRE_WEBHOOK_INNER_H
#define BELLWIRE_WEBHOOK_INNER_H

#include "base/map.h"
#include "fetch/fetch.h"
#include "store/outbox.h"
#include "webhook/webhook.h"

#define WINDOW_MAX 1024 /* events in memory: how far a call may run ahead of one that is held up */
#define BUSY_MAX 16	/* attempts at once */
#define FAILURES_MAX 64 /* written at once */

/* An event that is not yet behind us. */
struct delivery {
	struct list in_window; /* of webhook.window, by id */
	struct list in_chain;
	struct list in_ready; /* while its call's turn has come and an attempt has not begun */
	struct webhook *webhook;
	struct chain *chain;	   /* null once it is settled */
	struct outbox_event event; /* owned */
	struct buf body;
	struct timer pause;
	struct fetch *fetch; /* the attempt under way; null: none */
	int attempts;
	int strikes;		 /* attempts that speak against this event, not against the receiver */
	int64_t first_failed_at; /* monotonic; 0: it has not failed */
	uint64_t delivered_then; /* webhook.n_delivered at that time */
};

/* Events of one call that wait for each other: the first is being delivered. */
struct chain {
	struct map_node node; /* of webhook.chains, by the call's id */
	char call_id[ID_UUID_SIZE];
	struct list deliveries;
};

struct webhook {
	struct webhook_config config;
	struct buf key; /* of signatures */
	struct fetcher *fetcher;

	struct list window;
	size_t n_window;
	struct map chains;
	struct list ready;
	size_t n_busy;
	uint64_t n_delivered;
	bool is_failing; /* the last attempt failed: said once */

	int64_t loaded_id; /* the window has everything up to here */
	int64_t after_id;  /* everything up to here is settled */
	int64_t stored_id;
	bool is_placed; /* stored at all */
	bool may_have_more;
	struct store_read_delivery begin;
	struct store_read_outbox load;
	struct store_put_delivery put;
	bool loading;
	bool putting;
	struct timer look;				  /* for events that nobody told us of */
	struct timer put_pause;				  /* so that places are stored a few at a time */
	struct outbox_failure failures[FAILURES_MAX];	  /* to be stored */
	struct outbox_failure put_failures[FAILURES_MAX]; /* being stored */
	size_t n_failures;
	size_t n_put_failures;

	bool closing;
	bool fetcher_closed;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* --- window.c --- */

/* Takes an event in behind all others; it takes over what the event owns. ERR_NO_MEMORY: the event is as it was. */
int window_add(struct webhook *w, struct outbox_event *event);

/* The event is behind us, delivered or given up: its call's next one gets its turn. */
void window_settle(struct delivery *d);
void window_free(struct webhook *w);

/* --- deliver.c --- */

/* Begins as many attempts as there may be. */
void deliver_ready(struct webhook *w);
int deliver_take_secret(struct webhook *w);

/* --- webhook.c --- */

/* Something was settled: the place may have moved. */
void webhook_moved(struct webhook *w);
bool webhook_give_up(struct delivery *d, int status, const char *why); /* false: no room to note it now */

#endif

/* fake_store: a store in memory whose every answer waits until the test lets it go, and whose commits fail on demand.
 */
#ifndef BELLWIRE_TESTS_FAKE_STORE_H
#define BELLWIRE_TESTS_FAKE_STORE_H

#include "store/flight.h"

#define FAKE_CALLS 32
#define FAKE_NOTES 32
#define FAKE_COMMANDS 256

struct store {
	struct list jobs; /* handed over, not answered */
	size_t n_jobs;
	struct call *calls[FAKE_CALLS]; /* owned: the rows */
	size_t n_calls;
	struct store_tombstone tombstones[FAKE_NOTES];
	size_t n_tombstones;
	struct store_reply replies[FAKE_NOTES]; /* bodies owned */
	size_t n_replies;
	char commands[FAKE_COMMANDS][ID_UUID_SIZE];
	size_t n_commands;
	struct call_event events[FAKE_COMMANDS]; /* payloads owned */
	char event_calls[FAKE_COMMANDS][ID_UUID_SIZE];
	size_t n_events;

	enum store_fault fault; /* of the next n_faults commits */
	int n_faults;
	int fault_at;  /* instead: of this commit alone, counted from 1 */
	bool is_vague; /* nobody can be told which commands are written */
	int n_applied;
	int n_commits; /* asked for */
	int n_flights;
	int n_in_flight;
	int max_in_flight; /* of commits of one owner at once: must stay 1 */
	int n_touches;
	const char *members; /* of every channel: "ann bob cat" */
	long memory_left;    /* allocations that the service still gets; negative: all */
};

void fake_store_init(struct store *s);
void fake_store_fini(struct store *s);

/* Answers the oldest job; false when there is none. */
bool fake_store_step(struct store *s);
void fake_store_run(struct store *s);

struct call *fake_store_call(struct store *s, const char *id);

#endif

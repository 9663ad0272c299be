/* flight: the flight recorder of calls, as the store keeps it: what devices measured, and what they tell of themselves.
 *
 * Samples are kept per leg in blocks (codec/quality.h), beside a count of levels per call from which calls are
 * compared. Notes are what happened without a seq: states of connections, restarts, mute, devices, steps of quality.
 * Nothing here takes part in deciding; it may be forgotten (store_config.flight_keep_ms) without any call being less
 * true.
 */
#ifndef BELLWIRE_STORE_FLIGHT_H
#define BELLWIRE_STORE_FLIGHT_H

#include "base/list.h"
#include "codec/quality.h"
#include "store/store.h"

#define FLIGHT_SAMPLES_MAX 256	   /* in one batch */
#define FLIGHT_NOTES_MAX 32	   /* in one batch */
#define FLIGHT_NOTE_TYPE_SIZE 33   /* with its NUL */
#define FLIGHT_NOTE_DATA_MAX 256   /* bytes of JSON */
#define FLIGHT_READ_NOTES_MAX 4000 /* the oldest of a call that are given */
#define FLIGHT_N_LEVELS 5	   /* an enum quality: 0 unknown */

struct flight_note {
	int64_t at;
	char type[FLIGHT_NOTE_TYPE_SIZE];
	char user_id[MODEL_USER_ID_SIZE];    /* who it is about */
	char leg_id[ID_UUID_SIZE];	     /* the device; "" = none */
	char data[FLIGHT_NOTE_DATA_MAX + 1]; /* a JSON object */
};

/* What one leg has sent at once. */
struct flight_batch {
	struct list link; /* in a store_put_flight */
	char call_id[ID_UUID_SIZE];
	char leg_id[ID_UUID_SIZE];
	char user_id[MODEL_USER_ID_SIZE];
	struct quality_sample *samples; /* owned, by time */
	size_t n_samples;
	struct flight_note *notes; /* owned */
	size_t n_notes;
	bool only_known; /* dropped, without an error, unless this leg of this user in this call has sent before */
};

/* Writes batches, oldest first: all of them or (an error) none. */
struct store_put_flight {
	struct store_job job;
	struct list batches; /* the caller's, before and after */
};
void store_put_flight(struct store *s, struct store_put_flight *q);

/* All that is known of a call. */
struct flight_block {
	int64_t start;
	char *data; /* owned */
	size_t len;
};
struct flight_leg {
	char leg_id[ID_UUID_SIZE];
	char user_id[MODEL_USER_ID_SIZE];
	struct flight_block *blocks; /* owned, by time */
	size_t n_blocks;
};
struct store_read_flight {
	struct store_job job;
	char call_id[ID_UUID_SIZE];
	bool only_notes;

	struct flight_leg *legs; /* out, the caller's with the notes: flight_free */
	size_t n_legs;
	struct flight_note *notes; /* by time */
	size_t n_notes;
};
void store_read_flight(struct store *s, struct store_read_flight *q);
void flight_free(struct store_read_flight *q);

/* What operators see of a span of time. Calls count where they started. */
#define OVERVIEW_BUCKETS_MAX 200
#define OVERVIEW_WORST 20

struct overview_bucket {
	int64_t calls;			 /* that are over, and those that live */
	int64_t answered;		 /* of them */
	int64_t levels[FLIGHT_N_LEVELS]; /* samples by level */
};
struct overview_call {
	char call_id[ID_UUID_SIZE];
	int64_t started_at;
	int64_t levels[FLIGHT_N_LEVELS];
};
struct store_read_overview {
	struct store_job job;
	int64_t since;
	int64_t until;
	int64_t bucket_ms; /* (until - since) / bucket_ms ≤ OVERVIEW_BUCKETS_MAX */

	struct overview_bucket *buckets; /* out, the caller's (mem_free) */
	size_t n_buckets;
	int64_t by_reason[END_REASON_COUNT];	    /* out: calls that are over */
	struct overview_call worst[OVERVIEW_WORST]; /* out: those with the largest share of poor and fair samples */
	size_t n_worst;
};
void store_read_overview(struct store *s, struct store_read_overview *q);

/* For backends: when the first of a batch was; 0 for an empty one. */
int64_t flight_batch_time(const struct flight_batch *b);

/* For backends: how many samples of a batch have each level. */
void flight_count_levels(const struct flight_batch *b, int64_t out[FLIGHT_N_LEVELS]);

/* For backends: the block after these samples of one leg were put to it. `old` (len 0: none) began at *start; samples
 * that it takes no more (time, size, peers) are left: *n_taken says how many were taken, at least one of those given
 * when old is empty; *start is then set to the first's time. ERR_NO_MEMORY. */
int flight_extend(struct str old, int64_t *start, const struct quality_sample *samples, size_t n, size_t *n_taken,
	struct buf *out);

#endif

/* recorder: what devices measure and tell of themselves, on its way into the store. Inside this module only.
 *
 * Nothing waits for it: batches gather for half a second and go into the store as one job, one job at a time. An answer
 * comes when the batch is on the disk.
 */
#ifndef BELLWIRE_CALL_RECORDER_H
#define BELLWIRE_CALL_RECORDER_H

#include "base/map.h"
#include "call/call.h"
#include "store/flight.h"

#define RECORDER_EVERY_MS 500
#define RECORDER_WAITING_MAX 4096 /* batches */

struct recorder {
	struct loop *loop; /* borrowed, as the store */
	struct store *store;
	struct list waiting; /* batches that no job carries yet */
	size_t n_waiting;
	struct map meters; /* by leg: how much each may still send */
	struct timer timer;
	struct store_put_flight put;
	bool is_writing;
	bool is_draining;
	uint64_t n_samples; /* taken since the start */
	void (*idle)(void *arg);
	void *arg;
};

/* `idle` is called whenever nothing is waiting any more. */
void recorder_init(struct recorder *r, struct loop *loop, struct store *store, void (*idle)(void *arg), void *arg);
void recorder_fini(struct recorder *r); /* after the store has stopped */

/* As calls_record; `call` is the call and `leg` the device that the batch is of. */
int recorder_take(struct recorder *r, const struct call_record *what, int64_t now, call_reply_cb cb, void *arg);

/* Notes the passing events of a change: mute, camera, screen, reconnecting, quality. */
void recorder_note(struct recorder *r, const struct call *call, const struct call_event *events, size_t n);

/* Writes what waits without waiting longer. */
void recorder_flush(struct recorder *r);

static inline bool recorder_is_idle(const struct recorder *r)
{
	return r->n_waiting == 0 && !r->is_writing;
}

#endif

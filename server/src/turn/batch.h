/* batch: datagrams on their way out, gathered so that the kernel is asked seldom. Private to turn/.
 *
 * Packets of one size from one socket to one address become a group, and leave as one GSO buffer; groups of one socket
 * leave in one sendmmsg. Nothing is copied: a batch points into receive buffers and must be flushed before they are
 * used again.
 */
#ifndef BELLWIRE_TURN_BATCH_H
#define BELLWIRE_TURN_BATCH_H

#include <sys/uio.h>

#include "turn/turn.h"

#define BATCH_MAX_ITEMS 4096
#define BATCH_MAX_GROUPS 512
#define BATCH_MAX_SEGMENTS 64 /* of one GSO buffer (Linux: UDP_MAX_SEGMENTS) */
#define BATCH_MAX_BYTES 65000 /* of one GSO buffer, headers left out */
#define BATCH_RUN 64	      /* messages of one sendmmsg */

struct batch_item {
	struct iovec iov[3]; /* header, data, padding; empty ones left out */
	uint8_t n_iov;
	uint32_t next;
};

struct batch_group {
	int fd;
	union turn_addr to;
	union turn_addr from; /* family 0: whatever the kernel chooses */
	uint32_t size;	      /* of each packet but the last */
	uint32_t bytes;
	uint32_t n_items;
	uint32_t first, last;
	bool closed; /* a shorter packet ends it */
};

struct batch {
	uint32_t serial; /* never 0; a new one after each flush, so that remembered group numbers lapse */
	bool no_gso;	 /* the kernel or a device refused it */
	uint32_t n_items, n_groups;
	struct batch_item items[BATCH_MAX_ITEMS];
	struct batch_group groups[BATCH_MAX_GROUPS];
	uint64_t failed; /* datagrams that the kernel did not take */
};

/* Where a packet goes. batch/group: the sender's memory of its open group, kept by the batch. */
struct batch_target {
	int fd;
	const union turn_addr *to;
	const union turn_addr *from; /* null: whatever the kernel chooses */
	uint32_t *batch;
	uint32_t *group;
};

void turn_batch_init(struct batch *b);

/* An item to fill (iov, n_iov), then to be added by turn_batch_add. Flushes when full. */
struct batch_item *turn_batch_item(struct batch *b);
void turn_batch_add(struct batch *b, uint32_t size, const struct batch_target *target);

void turn_batch_flush(struct batch *b);

#endif

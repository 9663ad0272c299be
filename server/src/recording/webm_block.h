/* webm_block: the children of clusters. Private to recording/. */
#ifndef BELLWIRE_RECORDING_WEBM_BLOCK_H
#define BELLWIRE_RECORDING_WEBM_BLOCK_H

#include "recording/ebml_read.h"

struct webm_cluster {
	struct ebml_element e;
	uint64_t time; /* in units of the scale: blocks count from it */
};

/* A child that is whole: cues and times go into w, the cluster's time into c. ERR_NO_MEMORY. */
int webm_take_child(struct ebml_reader *r, struct webm *w, const struct ebml_element *e, struct webm_cluster *c);

#endif

/* recording: recordings that are complete, as the store keeps them. Their bytes are elsewhere (recording/).
 *
 * A row comes into being with the event that tells of it, in one change set (change_set.recording), and so exactly
 * once. Where the host has a row of it too (PostgreSQL) and deletes that one, the recording is there no more.
 */
#ifndef BELLWIRE_STORE_RECORDING_H
#define BELLWIRE_STORE_RECORDING_H

#include "store/store.h"

#define RECORDING_URL_SIZE 64
#define RECORDING_TYPE_SIZE 32
#define RECORDING_NAME_SIZE 256
#define RECORDING_SHA_SIZE 65
#define STORE_RECORDINGS_MAX 500 /* in one page */

struct recording {
	char id[ID_UUID_SIZE];
	char call_id[ID_UUID_SIZE];
	char user_id[MODEL_USER_ID_SIZE];	/* who recorded; "" = the host's backend */
	char url[RECORDING_URL_SIZE];		/* a path of this server */
	char media_type[RECORDING_TYPE_SIZE];	/* "video/webm" */
	char file_name[RECORDING_NAME_SIZE];	/* a label from the client; may be "" */
	int64_t file_size;			/* bytes that are served */
	int64_t duration_ms;			/* 0 = not known */
	char sha256[RECORDING_SHA_SIZE];	/* of what is served, lower-case hexadecimal */
	char upload_sha256[RECORDING_SHA_SIZE]; /* of what was uploaded */
	bool is_cut;				/* the upload was never finished: playable up to its last stored byte */
	int64_t started_at;
	int64_t ended_at;
	int64_t created_at;
};

struct store_read_recording {
	struct store_job job;
	char id[ID_UUID_SIZE];
	bool found; /* out */
	struct recording recording;
};
void store_read_recording(struct store *s, struct store_read_recording *q);

/* By id, which is the order of time: of one call, or (call_id "") of all. */
struct store_list_recordings {
	struct store_job job;
	char call_id[ID_UUID_SIZE];
	char after_id[ID_UUID_SIZE]; /* "" = from the first on */
	int64_t created_before;	     /* created_at < this; 0 = no bound */
	bool is_gone;		     /* of all, those whose row the host has deleted from a table of its own */
	int limit;		     /* 1…STORE_RECORDINGS_MAX */

	struct recording *recordings; /* out, the caller's (mem_free); null when there is none */
	size_t n_recordings;
	bool has_more;
};
void store_list_recordings(struct store *s, struct store_list_recordings *q);

/* The row alone: remove the bytes first or after, as loss or leftovers are worse. */
struct store_delete_recording {
	struct store_job job;
	char id[ID_UUID_SIZE];
	bool found; /* out */
};
void store_delete_recording(struct store *s, struct store_delete_recording *q);

#endif

/* recording: recordings from the first uploaded byte to the last time somebody plays them.
 *
 *   upload (tus 1.0, or one multipart form) -> complete (duration, index, SHA-256) -> ready -> played, listed, deleted
 *
 * Bytes lie in one folder, uploads/ID.part beside uploads/ID.json while they come in and media/ID when they are
 * complete; where S3 is configured, what is complete moves there. An offset is acknowledged once its bytes are on the
 * disk. All file work is done off the loop; everything else here runs on the loop's thread. Who may do what, and how a
 * call learns of a recording, is the host's business (struct recording_host); app joins the two.
 */
#ifndef BELLWIRE_RECORDING_RECORDING_H
#define BELLWIRE_RECORDING_RECORDING_H

#include "http/http.h"
#include "store/recording.h"

struct recordings;

/* Who asks. */
struct recording_asker {
	char user_id[MODEL_USER_ID_SIZE];
	bool is_server;
	bool is_moderator;
	bool may_record; /* may start recordings and upload them */
};

typedef void (*recording_err_cb)(void *arg, int err);

struct recording_host {
	/* From the bearer token; an ERR_TOKEN_*. */
	int (*identify)(void *arg, struct http_req *req, struct recording_asker *out);

	/* Whether they have been in the call (the server always): 0, ERR_CALL_NOT_FOUND, ERR_STORE, ERR_NO_MEMORY; to
	 * upload also ERR_RECORDING_OFF. done is called once, perhaps from inside. asker is borrowed for the call. */
	void (*may)(void *arg, const struct recording_asker *asker, const char *call_id, bool to_upload,
		recording_err_cb done, void *done_arg);

	/* Writes the row and tells the call, exactly once. ERR_CALL_NOT_FOUND, ERR_CONFLICT (the row is there), others:
	 * again later. r is borrowed for the call. */
	void (*ready)(void *arg, const struct recording *r, recording_err_cb done, void *done_arg);

	/* A key's proof of a text, for links; 32 bytes. */
	int (*prove)(void *arg, struct str text, unsigned char out[32]);
	void *arg;
};

struct recording_s3 {
	const char *endpoint; /* "https://s3.example" without a path; "": none, the folder alone */
	const char *bucket;
	const char *region;
	const char *key_id;
	const char *secret;
};

/* 0 takes the default in brackets. Strings are borrowed for as long as it is open. */
struct recordings_config {
	struct loop *loop; /* borrowed, as the rest */
	struct http_server *http;
	struct store *store;
	struct recording_host host;
	const char *dir; /* made when absent */
	struct recording_s3 s3;
	int64_t max_bytes;	    /* of one recording [8 GiB] */
	int64_t max_call_bytes;	    /* of one call's [32 GiB] */
	int64_t max_all_bytes;	    /* of all [no limit] */
	int64_t min_free_bytes;	    /* of the disk, kept for the rest of the server [1 GiB] */
	int64_t max_uploads;	    /* open at once [1000] */
	int64_t max_uploads_of_one; /* … by one user [20] */
	int64_t expire_ms;	    /* an upload that nobody goes on with becomes what it is [1 h] */
	int64_t keep_ms;	    /* recordings are deleted after this [never] */
	int64_t link_ms;	    /* how long signed links work [1 h] */
};

/* Opens the folder, takes up what a former life left, adds the routes. ERR_CONFIG with one line in *why; ERR_EXISTS,
 * ERR_NO_MEMORY. */
int recordings_open(const struct recordings_config *config, struct recordings **out, struct buf *why);

/* After the HTTP server has closed: waits for work on files, then calls cb(arg). The store must still be there. */
void recordings_close(struct recordings *r, void (*cb)(void *arg), void *arg);

/* For metrics. */
struct recordings_stats {
	size_t n_open;
	size_t n_completing;
	int64_t n_bytes; /* stored, uploads included */
};
void recordings_stats(const struct recordings *r, struct recordings_stats *out);

/* The JSON object of a recording, as the API shows it. */
struct json_writer;
void recording_write_json(struct json_writer *w, const struct recording *r);

#endif

/* What the files of recording/ know of each other. Private to recording/. */
#ifndef BELLWIRE_RECORDING_INNER_H
#define BELLWIRE_RECORDING_INNER_H

#include "base/list.h"
#include "base/map.h"
#include "recording/media.h"
#include "recording/multipart.h"
#include "recording/recording.h"

struct append;
struct tally;
struct s3;
struct webm_scan;

/* The folder. */
struct dir {
	int root;
	int uploads;
	int media;
};

/*   OPEN --whole, expired--> COMPLETING --bytes ready--> STORED --row written--> DONE --forgotten
 *     '--terminated, nothing in it, no media--> forgotten            (DONE stays as long as an upload would, for HEAD)
 */
enum upload_state { UPLOAD_OPEN, UPLOAD_COMPLETING, UPLOAD_STORED, UPLOAD_DONE };

/* What is kept of an upload beside its bytes, in uploads/ID.json. */
struct upload_meta {
	struct recording row; /* media_type: as the client declares it, until it is stored */
	enum upload_state state;
	int64_t length;	 /* -1: not known yet */
	int64_t base;	 /* where its bytes begin in the file; -1: nothing written */
	int64_t pending; /* what stands behind it was not checked against its checksum; -1: nothing */
	int64_t touched_at;
	bool is_remote; /* its bytes are in S3 */
};

/* What the recordings of a call take, kept while there are uploads of it. */
struct call_use {
	struct map_node node;
	char call_id[ID_UUID_SIZE];
	struct list uploads; /* of the call */
	size_t n_holders;
	bool is_known;	    /* n_rows has been read from the store in this life */
	int64_t n_rows;	    /* bytes of those that have rows and no upload but one that is done */
	unsigned n_changes; /* of that by anything but reading it */
};

struct upload {
	struct map_node node;
	struct recordings *r; /* borrowed */
	struct upload_meta meta;
	struct call_use *use; /* held */
	struct list of_call;  /* in use->uploads */
	int64_t offset;	      /* on the disk */
	int64_t max_bytes;    /* by quotas, when it was last measured */
	char first[MEDIA_MAGIC];
	size_t n_first;
	struct tally *tally;				      /* owned; null: not known */
	struct append *holder;				      /* borrowed: the request that writes; null */
	void (*next)(struct upload *u, struct http_req *req); /* who waits for it to end; null */
	struct http_req *next_req;
	bool is_busy; /* its files are being worked on */
	bool to_drop; /* as soon as they are not */
	bool announcing;
	struct list completing; /* in recordings.completing */
	struct timer again;	/* completing it has failed so often, and is tried again then */
	unsigned n_failed;
	struct http_req *wants_result; /* the form that waits for it; null */
};

struct recordings {
	struct recordings_config config;
	struct dir dir;
	struct map uploads;
	struct map calls; /* struct call_use */
	size_t n_open;
	int64_t n_bytes;
	size_t n_fill;	       /* bytes that fast uploads may have waiting beyond what each has */
	size_t n_tally;	       /* bytes of memory of what is known of uploads */
	struct pool *writers;  /* owned; half as many as cores: calls find one that does not write */
	struct list admitting; /* admissions that have passed the quotas */
	struct list completing;
	bool is_completing;
	struct s3 *s3; /* owned; null: none */
	struct timer tick;
	bool is_sweeping;
	int64_t gone_at; /* when to look next for what the host has deleted from its table */
	size_t n_works;	 /* on the pool, in the store, on the way to the host */
	bool is_closing;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

/* --- dir.c: blocking, for the pool. Errors: ERR_STORAGE_FULL, ERR_NOT_FOUND, ERR_IO, ERR_NO_MEMORY --- */
int dir_open(struct dir *d, const char *path);
void dir_close(struct dir *d);
/* A file beneath a folder, through no link. The descriptor or an error. */
int dir_file(int folder, const char *name, const char *ending, int flags);
int dir_remove(int folder, const char *name, const char *ending);
int dir_rename(const struct dir *d, const char *id); /* uploads/ID.part becomes media/ID, for good */
int dir_has_room(const struct dir *d, int64_t min_free);
int dir_write(int fd, const void *bytes, size_t n, int64_t at);
int64_t dir_read(int fd, void *into, size_t n, int64_t at);
int dir_error(int error_number);

/* --- sha.c: blocking too --- */
/* Of n bytes from `from` on, in hexadecimal. Takes 8 MB and a thread meanwhile. ERR_IO: they cannot be read, or are
 * fewer; ERR_NO_MEMORY. */
int sha_file(int fd, int64_t from, int64_t n, char out[RECORDING_SHA_SIZE]);
void sha_hex(const unsigned char sum[32], char out[RECORDING_SHA_SIZE]);

/* --- meta.c: blocking too --- */
int meta_save(const struct dir *d, const struct upload_meta *m);
int meta_load(const struct dir *d, const char *id, struct upload_meta *out);

/* --- quota.c --- */
struct call_use *call_use_hold(struct recordings *r, const char *call_id); /* null: no memory */
void call_use_release(struct recordings *r, struct call_use *use);
/* A row was written (its upload is done from now on), or is gone. */
void call_use_change(struct recordings *r, const char *call_id, int64_t n_bytes);
/* Bytes of all that the call has, uploads being admitted included, but for those of one upload (or null). */
int64_t call_use_all(const struct recordings *r, const struct call_use *use, const struct upload *but);
/* Reads what the call's rows take; done may free it. The caller holds use meanwhile. */
struct call_count {
	struct recordings *r;
	struct call_use *use;
	void (*done)(struct call_count *c, int err);
	struct store_list_recordings list;
	int64_t n_rows;
	unsigned n_changes;
};
void call_count_start(struct call_count *c);

/* --- upload.c --- */
struct upload *upload_find(struct recordings *r, struct str id);
struct upload *upload_add(struct recordings *r, const struct upload_meta *m);
int64_t upload_limit(const struct upload *u); /* bytes that it may have in all */
void upload_touch(struct upload *u);
/* Sets max_bytes by what the others of its call have now, which must be known. */
void upload_measure(struct upload *u);
void upload_forget(struct upload *u); /* its files stay */
/* Removes what is there of it, and forgets it. */
void upload_drop(struct upload *u);
/* Writes meta on the pool, then done(arg, err). The upload is busy meanwhile. */
void upload_save(struct upload *u, recording_err_cb done, void *arg);
/* Bytes have come, or nothing is left to come: it is completed when they are all, and dropped when it was to be. */
void upload_go_on(struct upload *u);
/* Admits a new upload: rights, quotas, its files. done gets the upload, or null and an error. */
struct admission {
	struct recordings *r;
	struct recording_asker asker;
	struct upload_meta meta; /* call_id, media_type, file_name, length */
	void (*done)(struct admission *a, struct upload *u, int err);
	void *arg;
	struct call_count count; /* its use is held from when it is allowed */
	struct list link;	 /* in recordings.admitting */
	struct work work;
};
/* For a request, who is answered when there is no memory: null then. */
struct admission *admission_new(struct recordings *r, struct http_req *req);
void upload_admit(struct admission *a);

/* --- append.c --- */
struct append_config {
	struct http_req *req;
	struct str checksum_name; /* "sha256"; len 0: none */
	unsigned char checksum[64];
	size_t n_checksum;
	bool is_form; /* the body is multipart/form-data */
	/* err: 0, or why it ended early; what came before is kept or not, as u->offset says. Must answer req. */
	void (*done)(struct upload *u, struct http_req *req, int err);
};
int append_start(struct upload *u, const struct append_config *config);
/* Ends it as if the client had gone: its bytes are kept. */
void append_break(struct append *a);

/* --- finish.c: blocking --- */
/* What is done to the files of an upload that completes; each step can be repeated after a crash or an error. m becomes
 * what is saved of it, and counts only when there was no error. scan is of bytes of it, and used up; null: they are
 * looked at now. ERR_NOT_MEDIA: nothing to play; those of dir.c. */
int finish_upload(const struct dir *d, struct upload_meta *m, struct webm_scan *scan);

/* --- complete.c --- */
void complete_start(struct upload *u);
void complete_resume(struct upload *u); /* after a restart; nothing if it is under way, or is to be tried again later */

/* --- tus.c, form.c, play.c, link.c: routes --- */
#define BODY_MAX (SIZE_MAX / 2) /* of streams: each has bounds of its own */
int tus_routes(struct recordings *r);
int form_routes(struct recordings *r);
int play_routes(struct recordings *r);
bool ask_who(struct recordings *r, struct http_req *req, struct recording_asker *out);
void link_write(struct recordings *r, const char *id, struct json_writer *w);
bool link_is_good(struct recordings *r, struct http_req *req, const char *id);

/* --- sweep.c: expiry, retention, leftovers --- */
int sweep_recover(struct recordings *r);
void sweep_start(struct recordings *r);
/* The row, then the bytes. */
void sweep_delete(struct recordings *r, const struct recording *row, recording_err_cb done, void *arg);

/* --- recordings.c --- */
void recordings_begin(struct recordings *r); /* counts a work */
void recordings_end(struct recordings *r);

#endif

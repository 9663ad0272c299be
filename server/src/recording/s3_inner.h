/* What the files of the S3 storage share. Private to recording/. */
#ifndef BELLWIRE_RECORDING_S3_INNER_H
#define BELLWIRE_RECORDING_S3_INNER_H

#include "fetch/fetch.h"
#include "recording/s3.h"

struct s3 {
	struct recordings *r; /* borrowed */
	struct recording_s3 config;
	struct fetch_sigv4 sigv4;
	struct fetcher *fetcher; /* owned */
	struct list puts;	 /* the first one runs */
	bool is_putting;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

struct s3_call {
	const char *method;
	const char *key;	  /* of the object; "": the bucket */
	const char *query;	  /* "?uploads=": sorted, every parameter with its '='; null: none */
	const char *sha256;	  /* of the body; null: it is empty */
	const char *content_type; /* null: none */
	const char *range;	  /* null: none */
	struct str body;
	int64_t upload_length; /* of a body from on_need; 0: none */
	const struct fetch_cb *cb;
	void *arg;
};
int s3_request(struct s3 *s, const struct s3_call *call, struct fetch **out);

/* 0 for 2xx; else ERR_IO, which is logged. */
int s3_result(const char *what, const struct fetch_result *result);

/* s3_put.c: ends what a former life has begun and not finished, so that nobody pays for parts. */
void s3_abort_abandoned(struct s3 *s);

#endif

/* fetch: outgoing HTTP on the loop: webhooks, keys of issuers, S3 (libcurl's multi interface, docs/adr/0005).
 *
 *   fetch_start -> [on_need …] -> on_head -> [on_data …] -> on_done, exactly once
 *
 * HTTP/1.1, https only unless told otherwise, certificates verified, redirects not followed, no proxy from the
 * environment. The address policy is asked about the very address that is connected to, so that a name cannot lead
 * elsewhere between a check and its use; since connections are kept and used again, each policy has a fetcher of its
 * own. Names are resolved on threads. Everything here runs on the loop's thread.
 */
#ifndef BELLWIRE_FETCH_FETCH_H
#define BELLWIRE_FETCH_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "loop/loop.h"
#include "net/addr.h"

struct fetcher;
struct fetch;

/* Whether an address may be connected to. */
typedef bool (*fetch_allow_cb)(const struct addr *a, void *arg);

/* Only what lies in the public internet, also inside IPv6 addresses that carry IPv4 ones. The default. */
bool fetch_allow_public(const struct addr *a, void *arg);
/* Everything: for targets that the operator named. */
bool fetch_allow_any(const struct addr *a, void *arg);

/* 0 or null takes the default in brackets. Strings are copied. */
struct fetch_config {
	fetch_allow_cb allow; /* [fetch_allow_public] */
	void *allow_arg;
	bool allow_http;	/* http: beside https: */
	const char *ca_file;	/* PEM; [the system's] */
	size_t max_connections; /* at once; more requests wait [64] */
};

/* ERR_NO_MEMORY. */
int fetcher_new(struct loop *loop, const struct fetch_config *config, struct fetcher **out);

/* Cancels all requests (no callback of theirs comes any more), frees f and calls cb(arg), not from inside this call. */
void fetcher_close(struct fetcher *f, void (*cb)(void *arg), void *arg);

/* "name: value" of a request. */
struct fetch_header {
	const char *name;
	struct str value;
};

/* Signature version 4 of Amazon's services. The caller adds X-Amz-Content-Sha256 and keeps the query sorted, each
 * parameter with its '=' ("?uploads="). Copied. */
struct fetch_sigv4 {
	const char *region;
	const char *service; /* "s3" */
	const char *key_id;
	const char *secret;
};

struct fetch_result {
	int err; /* 0: a whole answer came, whatever its status. ERR_REQUEST_TIMEOUT; ERR_FORBIDDEN: the policy
		  * refused; ERR_PAYLOAD_TOO_LARGE: the answer was longer than max_response; ERR_BAD_FIELD: no URL
		  * that may be fetched; ERR_PROTOCOL: TLS or HTTP went wrong; ERR_IO: not connected, or cut off */
	const char *detail; /* never null; in words, for logs */
	int status;	    /* 0 when none came */
	struct str body;    /* what came, for requests without on_data */
};

struct fetch_cb {
	/* The final header has come. May be null. */
	void (*on_head)(struct fetch *r, int status, void *arg);
	/* A piece of the answer's body. Null: it is collected. */
	void (*on_data)(struct fetch *r, struct str bytes, void *arg);
	/* Up to `size` bytes of the request's body into `into`. Their number, 0 at the end, ERR_AGAIN: none now, go on
	 * with fetch_resume; another error breaks the request off. Null unless upload_length is used. */
	int64_t (*on_need)(struct fetch *r, char *into, size_t size, void *arg);
	/* r is gone afterwards. What result points to lives during the call. */
	void (*on_done)(struct fetch *r, const struct fetch_result *result, void *arg);
};

/* 0 or null takes the default in brackets. Everything but cb and arg is copied. */
struct fetch_request {
	const char *method; /* ["GET"] */
	const char *url;
	const struct fetch_header *headers;
	size_t n_headers;
	struct str body;       /* from memory */
	bool streams_body;     /* it comes from on_need instead */
	int64_t upload_length; /* of a streamed body; -1: not known (chunks) */

	size_t max_response; /* bytes of the answer's body that are taken [1 MiB; with on_data: no limit] */
	int64_t connect_ms;  /* name, connection and TLS [10 s] */
	int64_t total_ms;    /* all of it; -1: no limit [30 s] */
	int64_t stall_ms;    /* without a byte moved, when not paused [30 s] */
	int max_redirects;   /* [0] */
	const struct fetch_sigv4 *sigv4;

	const struct fetch_cb *cb; /* borrowed: as long as the request */
	void *arg;
};

/* Begins in the loop's next turn: no callback comes from inside this call, and it may be called from any of them.
 * ERR_NO_MEMORY: then no callback comes at all; whatever else is wrong is told to on_done. */
int fetch_start(struct fetcher *f, const struct fetch_request *request, struct fetch **out);

/* Breaks it off; no callback comes any more, and r is gone. Allowed inside its own callbacks but on_done. */
void fetch_cancel(struct fetch *r);

/* Holds the answer back by TCP: after this call in on_data no further on_data comes until fetch_resume. */
void fetch_pause(struct fetch *r);

/* Ends fetch_pause, and the ERR_AGAIN of on_need. */
void fetch_resume(struct fetch *r);

/* The first header field of this name in the answer; ptr null when absent. From on_head on; until the next callback. */
struct str fetch_header(struct fetch *r, const char *name);

#endif

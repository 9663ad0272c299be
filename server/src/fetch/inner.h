/* What the two files of fetch/ know of each other. Private to fetch/. */
#ifndef BELLWIRE_FETCH_INNER_H
#define BELLWIRE_FETCH_INNER_H

#include <curl/curl.h>

#include "base/buf.h"
#include "base/list.h"
#include "fetch/fetch.h"

struct fetcher {
	struct loop *loop;   /* borrowed */
	CURLM *multi;	     /* owned */
	struct timer wait;   /* curl's own time-outs */
	struct timer turn;   /* what must not happen inside curl's callbacks */
	struct list all;     /* of struct fetch */
	struct list sockets; /* of struct watched, until their closing is done */
	fetch_allow_cb allow;
	void *allow_arg;
	bool allow_http;
	char *ca_file; /* owned; may be null */
	bool closing;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

enum fetch_state { FETCH_NEW, FETCH_RUNNING, FETCH_CANCELLED };

struct fetch {
	struct fetcher *f; /* borrowed */
	struct list link;
	CURL *easy;		    /* owned */
	struct curl_slist *headers; /* owned */
	char *sent;		    /* owned; a body from memory */
	const struct fetch_cb *cb;  /* borrowed */
	void *arg;
	struct buf body; /* of the answer */
	size_t max_response;
	size_t n_response;
	enum fetch_state state;
	int err;       /* what broke it off, if we did */
	bool connects; /* the URL was good */
	bool told_head;
	bool paused;	/* by fetch_pause */
	bool starved;	/* on_need had nothing */
	bool to_resume; /* in the next turn */
	char detail[CURL_ERROR_SIZE];
};

/* request.c: everything of `request` set into the curl handle. ERR_NO_MEMORY. */
int fetch_prepare(struct fetch *r, const struct fetch_request *request);
void fetch_free(struct fetch *r);
/* What curl says, in our errors. */
int fetch_err_of(const struct fetch *r, CURLcode code);

/* fetch.c: looks after new, resumed and cancelled requests in the next turn. */
void fetcher_turn_soon(struct fetcher *f);

#endif

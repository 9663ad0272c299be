/* Answers to requests. Every answer carries nosniff, no-referrer, the CORS fields that the origin is due, and
 * `Cache-Control: no-store` unless another was set. */
#ifndef BELLWIRE_HTTP_RESPOND_H
#define BELLWIRE_HTTP_RESPOND_H

#include <stdint.h>

#include "base/str.h"

struct http_req;

/* One more field in the answer, before it begins. Copied. The name must be a token; a value with control characters is
 * left out. */
void http_resp_header(struct http_req *req, const char *name, struct str value);

/* A whole answer. content_type null: none (204, 304). The body is copied if it cannot be sent at once. */
void http_respond(struct http_req *req, int status, const char *content_type, struct str body);

/* The same with "application/json". */
void http_respond_json(struct http_req *req, int status, struct str json);

/* A problem document (RFC 9457) with the status and texts of err: type "about:blank", title, status, detail, code,
 * retryable and, if not null, field. detail null: err_text(err). 401 carries WWW-Authenticate, 503 Retry-After. */
void http_respond_problem(struct http_req *req, int err, const char *detail, const char *field);

/* An answer in pieces. length -1: not known (chunks, or until the end for HTTP/1.0). */
void http_resp_begin(struct http_req *req, int status, const char *content_type, int64_t length);

/* Takes all bytes. 0: go on; ERR_AGAIN: taken too, but wait for on_drain before the next; ERR_CLOSED: nobody reads any
 * more, end it. */
int http_resp_write(struct http_req *req, struct str bytes);

/* cb(req, arg) each time the queue has emptied after an ERR_AGAIN, or the peer has gone. */
void http_resp_on_drain(struct http_req *req, void (*cb)(struct http_req *req, void *arg), void *arg);

/* After http_resp_begin: sends n bytes of a file from `at` on, read off the loop as fast as the peer takes them, and
 * ends the answer; breaks it off when the file cannot be read or is too short. Takes fd. */
void http_resp_file(struct http_req *req, int fd, int64_t at, int64_t n);

/* To OPTIONS of a route's own: what would be answered without one (methods, the preflight of browsers), with the fields
 * that were added. */
void http_respond_options(struct http_req *req);

/* Ends it; with fewer bytes than were promised the connection is closed. */
void http_resp_end(struct http_req *req);

/* Breaks the connection off, so that the peer sees that the answer is not whole. */
void http_resp_abort(struct http_req *req);

#endif

/* host: a server on a loopback port and raw clients beside it, driven by one thread. */
#ifndef BELLWIRE_TESTS_HTTP_HOST_H
#define BELLWIRE_TESTS_HTTP_HOST_H

#include "base/buf.h"
#include "http/http.h"

struct host {
	struct loop loop;
	struct http_server *server;
	bool closed;
};

/* A server with short times; fields of config other than listen may be set. */
void host_start(struct host *h, struct http_config config);
void host_stop(struct host *h);

/* Lets the loop run for about ms. */
void host_run(struct host *h, int ms);

/* A client's socket, connected. */
int host_connect(struct host *h);

/* Sends all, letting the server run meanwhile; false when the peer has closed. */
bool host_send(struct host *h, int fd, struct str bytes);

/* Reads into out until `until` (may be null) has come, or the server closes; false after 3 s. */
bool host_read(struct host *h, int fd, const char *until, struct buf *out);

/* Sends a request in pieces of `step` bytes, finishes sending, and reads all that comes back. The text is
 * NUL-terminated and the test's until the next call. */
const char *host_exchange(struct host *h, struct str request, size_t step);

/* The status of the first answer in a text; 0 when there is none. */
int host_status(const char *answer);

#endif

/* conn: what the files of this module know of a connection and of the request that it carries. Not for others.
 *
 *            bytes                header whole               body whole / answered
 *   IDLE ------------> HEAD ---------------------> BODY -----------------------------> WORK --answered--> IDLE
 *     \                  \                            \-- answered early: the rest is skipped (SKIP), or closed
 *      \-- idle_ms        \-- bad: problem, closed      \-- 101: WEBSOCKET
 *
 * One request at a time: bytes of the next one wait in `pending`, with reading off.
 */
#ifndef BELLWIRE_HTTP_CONN_H
#define BELLWIRE_HTTP_CONN_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "http/body.h"
#include "http/head.h"
#include "http/http.h"
#include "http/router.h"
#include "net/stream.h"
#include "net/tcp.h"

#define HTTP_DATE_SIZE 30
#define WS_BATCH_MAX 65536
#define HTTP_MAX_HEAD_OUT 32768

/* Frames that come of one read and go to one WebSocket: sent together. */
struct ws_batch {
	struct ws *to; /* null: nothing waits */
	struct buf bytes;
	bool more; /* what is read is not all handled yet */
};

struct http_server {
	struct loop *loop; /* borrowed */
	struct net net;
	struct http_config config; /* with its defaults filled in; pointers are not used */
	struct head_limits head_limits;
	struct router router;
	struct addr_net *trusted; /* owned */
	struct map crowd;	  /* of struct crowd_place, by address */
	struct http_stats stats;
	char **origins; /* owned */
	size_t n_origins;
	struct listener *listeners; /* owned */
	size_t n_listeners;
	size_t n_listening;
	struct list conns;
	size_t n_conns;
	size_t n_requests; /* not answered yet, whether their connection lives or not */
	struct list files; /* folders that are served */
	struct ws_batch batch;
	struct buf head_out; /* the header of an answer, while it is written and sent */
	int64_t date_at_s;
	char date[HTTP_DATE_SIZE];
	int max_fd;	 /* accepting pauses at descriptors above it */
	bool out_of_fds; /* one was */
	bool paused;
	bool closing;
	struct timer drain;
	void (*on_closed)(void *arg);
	void *on_closed_arg;
};

enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_WORK, CONN_SKIP, CONN_WEBSOCKET, CONN_CLOSING };

struct http_conn {
	struct stream stream;
	struct http_server *server; /* borrowed */
	struct list link;
	struct addr peer;
	struct crowd_place *place; /* borrowed; null: not counted */
	struct timer deadline;	   /* of what the state waits for */
	struct timer kick;	   /* goes on with pending bytes in the next turn */
	struct http_head *head;	   /* owned; while it comes in */
	struct http_req *req;	   /* owned until it is answered; null between requests */
	struct ws *ws;		   /* owned */
	struct buf pending;	   /* read, and not looked at yet */
	struct body_decoder skip;
	size_t body_bytes; /* in this span of body_ms */
	enum conn_state state;
	bool feeding;	 /* bytes are being looked at: no second time from inside */
	bool last;	 /* close after the answer under way */
	bool is_trusted; /* a proxy that is believed */
	bool is_new;	 /* whose it is, HTTP's or the other protocol's, is not known yet */
};

enum resp_state { RESP_NONE, RESP_STREAMING };

struct http_req {
	struct http_conn *conn; /* borrowed; null once the peer has gone */
	struct http_server *server;
	struct http_head *head; /* owned */
	const struct http_route *route;
	struct route_param params[HTTP_MAX_PARAMS]; /* decoded */
	size_t n_params;
	char *param_text; /* owned; what they point into */
	struct addr peer;
	bool is_https;

	struct body_decoder framing;
	struct buf body; /* of a route without .stream */
	uint64_t n_body; /* bytes of it so far */
	bool body_whole;
	bool reading; /* the body is wanted */
	bool paused;
	bool needs_continue;
	const struct http_body_cb *body_cb; /* borrowed; null: collect */
	void *body_arg;

	enum resp_state resp;
	struct buf extra; /* fields of the answer */
	bool has_cache_control;
	bool is_head;
	bool chunked;
	bool no_body;
	int64_t resp_left; /* of a promised length; -1 */
	void (*on_drain)(struct http_req *req, void *arg);
	void *drain_arg;
	void (*on_gone)(struct http_req *req, void *arg);
	void *gone_arg;
};

/* conn.c */
void http_conn_new(struct http_server *s, int fd, const struct addr *peer);
/* The request was answered: free it and go on. keep: the connection may carry another. */
void http_conn_answered(struct http_conn *c, bool keep);
/* The header of an answer is about to go: whether the connection can be kept after it. */
bool http_conn_can_keep(const struct http_conn *c);
/* Looks at what waits, in the next turn of the loop. */
void http_conn_kick(struct http_conn *c);
void http_conn_update_reading(struct http_conn *c);
void http_conn_deadline(struct http_conn *c, int64_t ms);
/* The server stops: closes now what is idle, and the rest after its answer; now: without waiting. */
void http_conn_shut(struct http_conn *c, bool now);

/* crowd.c: how many connections each address has. ERR_OVERLOADED when it has as many as it may, ERR_NO_MEMORY. */
int crowd_enter(struct http_conn *c);
void crowd_leave(struct http_conn *c);

/* forwarded.c: whether a proxy is believed; and what one says about its client. */
bool forwarded_trusts(const struct http_server *s, const struct addr *peer);
void forwarded_apply(const struct http_server *s, const struct http_head *head, struct addr *peer, bool *is_https);

/* other.c: the first bytes of a TLS connection. True: they are not for HTTP now; false: they are. */
bool other_take(struct http_conn *c, const unsigned char *bytes, size_t n);

/* request.c */
int http_req_new(struct http_conn *c, struct http_head *head, struct http_req **out);
void http_req_free(struct http_req *req);
int http_req_set_params(struct http_req *req, const struct route_match *m);
/* The peer has gone: tells those who wait. The request lives on until it is answered. */
void http_req_detach(struct http_req *req);

/* intake.c: bytes to requests. */
size_t http_intake(struct http_conn *c, unsigned char *bytes, size_t n);
/* Answers a request that is still reading its body with err. */
void http_intake_fail_body(struct http_conn *c, int err);

/* respond.c */
/* A problem for what never became a request; the connection is then closed. */
void http_refuse(struct http_conn *c, int err);

/* cors.c */
enum cors { CORS_NONE, CORS_SAME, CORS_LISTED, CORS_REFUSED };
enum cors cors_of(const struct http_req *req);
/* The fields that answer to a browser. */
void cors_write(const struct http_req *req, struct buf *out);
/* OPTIONS of any kind. */
void cors_answer_options(struct http_req *req, const struct route_match *m);

/* ws.c */
void ws_take(struct ws *ws, unsigned char *bytes, size_t n);
void ws_on_deadline(struct ws *ws);
/* The connection is gone. */
void ws_gone(struct ws *ws);

/* server.c */
const char *http_server_date(struct http_server *s);
void http_server_conn_gone(struct http_server *s);
void http_server_req_gone(struct http_server *s);

/* files.c */
void http_files_free(struct http_server *s);

#endif

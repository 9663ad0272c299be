/* session: one device of a user. It outlives its socket by the resume window, and its legs with it.
 *
 *          CONNECT                     socket lost
 *   (none) ------> connected (socket) ------------> lost --window over--> gone
 *                      ^  |                          |
 *                      |  +--DISCONNECT packet---> gone
 *                      +------CONNECT with the resume token---+
 */
#ifndef BELLWIRE_SIGNAL_SESSION_H
#define BELLWIRE_SIGNAL_SESSION_H

#include "codec/jwt.h"
#include "signal/state.h"

#define SESSION_ID_LEN 24

/* What is relayed to a lost session waits for its return, up to so many bytes. */
#define SESSION_HELD_MAX (128 * 1024)

/* Commands of one session that may be without their answer. */
#define SESSION_MAX_PENDING 64

/* A user with sessions. */
struct signal_user {
	struct map_node node;
	struct list sessions; /* oldest first */
	size_t n_sessions;
	char id[]; /* the user's id */
};

enum session_expiry { EXPIRY_FAR, EXPIRY_WARNED, EXPIRY_OVER };

struct session {
	struct signal *sig; /* borrowed */
	struct map_node node;
	struct list link; /* in its user's list */
	struct signal_user *user;
	struct sio_socket *socket; /* borrowed; null while lost */
	struct timer timer;	   /* connected: the token's expiry; lost: the end of the window */
	char id[SESSION_ID_LEN + 1];
	bool is_server;
	bool is_moderator;
	bool may_record;
	enum session_expiry expiry;
	int64_t expires_at; /* wall time */
	char *name;	    /* owned; "" when none */
	char *avatar_url;   /* behind the name, in the same memory; "" when none */
	char *user_json;    /* owned: the user's id as a JSON string */
	unsigned n_pending;
	struct list resyncs; /* calls whose missed events are being sent again */
	struct buf held;     /* relayed packets for a lost session, parted as a polling body */

	/* events: a token bucket, in thousandths */
	int64_t tokens;
	int64_t tokens_at; /* monotonic ms */
	int64_t told_limited_at;
};

struct str session_user_id(const struct session *s);

/* Null when there is none. */
struct session *session_find(const struct signal *sig, struct str id);
struct signal_user *session_user(const struct signal *sig, struct str user_id);

/* A new session for these claims, still without a socket; id "" makes one. Makes room by ending this user's oldest lost
 * session. ERR_OVERLOADED when the user has too many, ERR_NO_MEMORY. */
int session_new(struct signal *sig, const struct jwt_claims *claims, struct str id, struct session **out);

/* Takes name, rights and expiry from a newer token. ERR_NO_MEMORY: unchanged. */
int session_set_claims(struct session *s, const struct jwt_claims *claims);

/* Gives it a socket: one that it still has is disconnected. */
void session_attach(struct session *s, struct sio_socket *so);

/* Sends what was relayed to it while it was lost. */
void session_send_held(struct session *s);

/* Its socket is gone: the window runs. */
void session_lose(struct session *s);

/* Ends it: the call module is told. */
void session_end(struct session *s);

/* Frees it without telling anybody. */
void session_free(struct session *s);

/* (Re)arms the timer that warns of the token's end. */
void session_watch_expiry(struct session *s);

/* Whether the token's time is over. */
bool session_expired(struct session *s);

/* Takes one event's token. 0, or the milliseconds after which there is one again. */
int64_t session_take_token(struct session *s);

/* Whether a CONNECT with this id and proof may take the session up (signature under our key). */
bool session_may_resume(const struct signal *sig, struct str id, struct str user_id, struct str token);

/* Appends the proof. ERR_NO_MEMORY. */
int session_put_resume_token(const struct session *s, struct buf *out);

/* --- what it has missed --- */

/* Sends it what it has not heard of a call. */
void resync_begin(struct session *s, struct str call_id, int64_t after_seq);

/* Whether an announcement must not be sent to it now: it is in the database, and comes in its turn, or came already. */
bool resync_holds(struct session *s, const struct call_announcement *a);

/* The session is about to go. */
void resync_forget(struct session *s);

/* --- events to a session --- */

/* The scratch, empty; memory that one large packet has left behind is given back. */
struct buf *scratch_take(struct signal *sig);

/* Begins an event in sig->scratch: `2/webrtc,["EVENT",`; the caller writes the argument, then packet_send or
 * packet_ready. The writer appends to the scratch. */
struct json_writer packet_begin(struct signal *sig, const char *event);

/* Closes it and gives the whole packet; ptr null without memory. */
struct str packet_ready(struct signal *sig);

/* Closes it and sends it, if the session has a socket. */
void packet_send(struct session *s);

/* Sends a ready packet, if the session has a socket. */
void session_send(struct session *s, struct str packet);

#endif

/* dispatch: from an event's name to its handler, and from a handler's result to an ack. */
#ifndef BELLWIRE_SIGNAL_DISPATCH_H
#define BELLWIRE_SIGNAL_DISPATCH_H

#include "codec/envelope.h"
#include "signal/session.h"

/* One event from a client, while it is handled. */
struct msg {
	struct session *session; /* with a socket */
	const struct envelope *envelope;
	const char *event;	 /* its name in the table */
	struct call_actor actor; /* points into the session */
	bool has_ack;
	uint64_t ack_id;
};

/* Returns an ERR_* that is then answered; 0 when the handler has answered or will; or MSG_DONE: answer {"ok":true}. */
#define MSG_DONE 1
typedef int (*msg_handler)(const struct msg *m);

/* The handlers, by their files. */
int msg_join(const struct msg *m);
int msg_leave(const struct msg *m);
int msg_decline(const struct msg *m);
int msg_ack(const struct msg *m);
int msg_connection(const struct msg *m);
int msg_recording_start(const struct msg *m);
int msg_recording_stop(const struct msg *m);
int msg_recording_consent(const struct msg *m);
int msg_offer(const struct msg *m);
int msg_answer(const struct msg *m);
int msg_candidate(const struct msg *m);
int msg_mute(const struct msg *m);
int msg_video(const struct msg *m);
int msg_screen(const struct msg *m);
int msg_quality(const struct msg *m);
int msg_refresh(const struct msg *m);

/* --- members of the payload: ERR_BAD_FIELD when they are missing or of another kind --- */

int msg_text(const struct msg *m, const char *key, struct str *out);
int msg_call_id(const struct msg *m, struct str *out); /* a call's id: a UUID */
int msg_bool(const struct msg *m, const char *key, bool *out);
/* As msg_bool, but an absent one leaves *out as it is and *present false. */
int msg_optional_bool(const struct msg *m, const char *key, bool *out, bool *present);

/* --- answers --- */

/* Submits; the reply is acked when it comes, with `write` (may be null) adding members to {"ok":true. */
typedef void (*msg_write_cb)(struct json_writer *w, const struct call_reply *r);
int msg_submit(const struct msg *m, const struct call_command *cmd, msg_write_cb write);

/* {"ok":true, and what `write` adds}, begun and sent; nothing is sent when no ack was asked for. */
struct json_writer msg_ok_begin(struct signal *sig);
void msg_ok_send(struct session *s, bool has_ack, uint64_t ack_id);

/* Hands samples of quality over; acked once they are kept. */
int msg_record(const struct msg *m, const struct call_record *what);

/* A refusal, as an ack or as call.error. */
struct msg_refusal {
	int err;
	const char *field;	/* null: none */
	int64_t retry_after_ms; /* 0: none */
	const char *event;
	struct str call_id; /* "" when none is known */
	bool has_ack;
	uint64_t ack_id;
};
void msg_refuse(struct session *s, const struct msg_refusal *r);

/* Ends the waiting for replies, without answers: the memory goes when they come. */
void dispatch_forget(struct session *s);

#endif

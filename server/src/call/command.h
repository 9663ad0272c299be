/* command: what can be asked of a call, and what is answered.
 *
 * REST, sockets, deadlines and restarts all speak in these, and nothing else changes a call.
 */
#ifndef BELLWIRE_CALL_COMMAND_H
#define BELLWIRE_CALL_COMMAND_H

#include "store/model.h"

struct recording;

enum call_verb {
	CMD_CREATE,
	CMD_JOIN,  /* accept, late join, claim of a REST join, second device, takeover */
	CMD_LEAVE, /* cancel, decline or leave, as the moment wants it */
	CMD_DECLINE,
	CMD_CANCEL, /* of an id that is not known yet: leaves a tombstone */
	CMD_END,
	CMD_RING,	/* rings people (again) */
	CMD_ACK,	/* a device says that it rings */
	CMD_MEDIA,	/* mute, video, screen, quality: outside seq */
	CMD_CONNECTION, /* a device says whether its media flows */
	CMD_RECORDING,	/* starts, stops, agrees to or refuses being recorded */
	CMD_RECORDED,	/* the server: a recording is complete; also when the call is over */

	/* From the server itself. */
	CMD_DEADLINE,	     /* some deadline of the call has passed */
	CMD_SESSION_OPENED,  /* a user has a new session */
	CMD_SESSION_LOST,    /* its socket is gone; it may come back */
	CMD_SESSION_RESUMED, /* it came back */
	CMD_SESSION_GONE,    /* it was closed for good */
	CMD_RESTART,	     /* the call was just read from the store */
	CMD_COUNT
};

/* Who asks: from the token, never from the message. */
struct call_actor {
	struct str user_id; /* empty: the server itself, or a server token without sub */
	struct str name;
	struct str avatar_url;
	bool is_server;	       /* scope:"server" */
	bool is_moderator;     /* moderator:true */
	bool may_record;       /* recorder:true, or one of these two */
	struct str session_id; /* "" over REST */
};

struct call_create {
	struct str id; /* "" = the server makes one */
	struct str channel_id;
	enum call_type type;
	bool has_mode; /* else decided by the number of people */
	enum call_mode mode;
	bool no_ring;			/* ring:false; group only */
	int64_t ring_ms;		/* 0 = the default */
	const struct str *participants; /* borrowed; the caller may be among them, twice counts once */
	size_t n_participants;		/* 0 = all members of the channel */
	struct str metadata;		/* a JSON object as text; "" = {} */
	bool has_record_policy;		/* else the server's; of the two the stricter counts */
	enum record_policy record_policy;
	struct str idempotency_key; /* "" = none; printable, at most CALL_KEY_MAX */
};
#define CALL_KEY_MAX 128

enum call_media_bits { MEDIA_MUTED = 1, MEDIA_VIDEO = 2, MEDIA_SCREEN = 4, MEDIA_QUALITY = 8 };

/* Only what `set` names is changed. */
struct call_media {
	unsigned set; /* enum call_media_bits */
	bool is_muted;
	bool is_video_enabled;
	bool is_screen_sharing;
	enum quality quality;
};

struct call_join {
	bool takeover;
	struct call_media media; /* how the device comes in */
	struct str socket_id;	 /* REST: the Socket.IO id or session id of the device that joins; "" = none */
};

enum call_connection { CONNECTION_CONNECTED, CONNECTION_FAILED };
enum call_recording { RECORDING_START, RECORDING_STOP, RECORDING_CONSENT, RECORDING_REFUSE };

struct call_command {
	enum call_verb verb;
	struct call_actor actor;
	struct str call_id; /* all but CMD_CREATE */
	union {
		struct call_create create;
		struct call_join join;
		struct call_media media;
		enum call_connection connection;
		enum call_recording recording;
		const struct recording *recorded; /* borrowed until the reply */
		struct {
			const struct str *users; /* borrowed; none: everyone who is not in the call */
			size_t n_users;
			int64_t ring_ms; /* 0 = the default */
		} ring;
	};
};

/* Everything in it is borrowed and valid only during the callback. */
struct call_reply {
	int err;		 /* 0, or the ERR_* to answer */
	const char *field;	 /* the member of the request that is wrong, "participants"; null when none is named */
	int status;		 /* 200 or 201 when err is 0 */
	bool existing;		 /* CREATE: a live call was there already */
	bool merged;		 /* CREATE: it was the answer to a call from the other side */
	int64_t retry_after_ms;	 /* ERR_RATE_LIMITED; 0 else */
	const struct call *call; /* as committed; null with an error, and when a stored reply is repeated */
	const struct leg *self;	 /* the asking device's leg; null when it has none */
	struct str stored;	 /* a repeated reply: the call object's JSON as it was answered first; else empty */
	int64_t now;		 /* wall time of the decision, for call_write_json */
};

typedef void (*call_reply_cb)(void *arg, const struct call_reply *r);

#endif

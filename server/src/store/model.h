/* model: what a call is, as it is kept.
 *
 * Plain values without behaviour, shared by the store (which keeps them) and the call module (which decides them). A
 * call in memory and its rows in the database hold the same truth; what lives in memory alone is marked so. Times are
 * wall time in milliseconds, 0 = not yet.
 */
#ifndef BELLWIRE_STORE_MODEL_H
#define BELLWIRE_STORE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/str.h"
#include "codec/jwt.h"
#include "store/model.def"

#define MODEL_ENUM(name, word) name,
enum call_type { MODEL_CALL_TYPES(MODEL_ENUM) CALL_TYPE_COUNT };
enum call_mode { MODEL_CALL_MODES(MODEL_ENUM) CALL_MODE_COUNT };
enum call_status { MODEL_CALL_STATUSES(MODEL_ENUM) CALL_STATUS_COUNT };
enum topology { MODEL_TOPOLOGIES(MODEL_ENUM) TOPOLOGY_COUNT };
enum end_reason { MODEL_END_REASONS(MODEL_ENUM) END_REASON_COUNT };
enum participant_state { MODEL_PARTICIPANT_STATES(MODEL_ENUM) PARTICIPANT_STATE_COUNT };
enum participant_role { MODEL_ROLES(MODEL_ENUM) ROLE_COUNT };
enum record_policy { MODEL_RECORD_POLICIES(MODEL_ENUM) RECORD_POLICY_COUNT };
enum record_state { MODEL_RECORD_STATES(MODEL_ENUM) RECORD_STATE_COUNT };
enum quality { MODEL_QUALITIES(MODEL_ENUM) QUALITY_COUNT };
enum audience { MODEL_AUDIENCES(MODEL_ENUM) AUDIENCE_COUNT };
enum outcome { MODEL_OUTCOMES(MODEL_ENUM) OUTCOME_COUNT };
enum direction { MODEL_DIRECTIONS(MODEL_ENUM) DIRECTION_COUNT };
#undef MODEL_ENUM

/* The wire's word for each, and back (ERR_BAD_FIELD when it is none). */
const char *call_type_word(enum call_type v);
const char *call_mode_word(enum call_mode v);
const char *call_status_word(enum call_status v);
const char *topology_word(enum topology v);
const char *end_reason_word(enum end_reason v);
const char *participant_state_word(enum participant_state v);
const char *role_word(enum participant_role v);
const char *record_policy_word(enum record_policy v);
const char *record_state_word(enum record_state v);
const char *quality_word(enum quality v);
const char *audience_word(enum audience v);
const char *outcome_word(enum outcome v);
const char *direction_word(enum direction v);
int call_type_parse(struct str word, enum call_type *out);
int call_mode_parse(struct str word, enum call_mode *out);
int call_status_parse(struct str word, enum call_status *out);
int topology_parse(struct str word, enum topology *out);
int end_reason_parse(struct str word, enum end_reason *out);
int participant_state_parse(struct str word, enum participant_state *out);
int role_parse(struct str word, enum participant_role *out);
int record_policy_parse(struct str word, enum record_policy *out);
int record_state_parse(struct str word, enum record_state *out);
int quality_parse(struct str word, enum quality *out);
int audience_parse(struct str word, enum audience *out);
int outcome_parse(struct str word, enum outcome *out);
int direction_parse(struct str word, enum direction *out);

/* Longest values with their NUL. User and channel ids are the host's. What a token may say of a person can be kept. */
#define MODEL_USER_ID_SIZE (JWT_MAX_USER_ID + 1)
#define MODEL_USER_NAME_SIZE (JWT_MAX_NAME + 1)
#define MODEL_AVATAR_URL_SIZE (JWT_MAX_AVATAR_URL + 1)
#define MODEL_CHANNEL_ID_SIZE 129
#define MODEL_CHANNEL_NAME_SIZE 257
#define MODEL_SESSION_ID_SIZE 33
#define MODEL_METADATA_MAX 4096
#define MODEL_PAIR_SIZE (2 * MODEL_USER_ID_SIZE)
#define MODEL_PARTICIPANTS_MAX 256 /* invitations in one call */
#define MODEL_MEMBERS_MAX 10000	   /* of one channel */

/* The public fields of a user. */
struct user {
	char id[MODEL_USER_ID_SIZE];
	char name[MODEL_USER_NAME_SIZE];	/* "" when never told */
	char avatar_url[MODEL_AVATAR_URL_SIZE]; /* "" when none */
};

/* One person in one call: one row. */
struct participant {
	struct user user;
	enum participant_state state; /* PART_RECONNECTING in memory alone: its row says joined */
	enum participant_role role;
	int64_t invited_at;
	int64_t ring_expires_at; /* this person's own; 0 when not rung */
	int64_t joined_at;	 /* first time in; 0 until then */
	int64_t left_at;
	int64_t talk_ms;    /* of finished stays */
	int64_t talk_since; /* start of the stay that runs; 0 when none */
	bool is_muted;
	bool is_video_enabled;
	bool is_screen_sharing;
	enum quality quality;
	bool agreed;	       /* to being recorded */
	int64_t relayed_bytes; /* both ways, by the relay inside; rises outside seq */
	bool device_acked;     /* memory: some device has said that it rings */
	int64_t degraded_at;   /* memory: when the host was last told that the quality is poor */
	bool changed;	       /* the change set writes this row */
};

enum leg_state {
	LEG_JOINED,
	LEG_RECONNECTING, /* memory alone: its socket is lost, the resume window runs */
	LEG_UNCLAIMED,	  /* joined over REST, waits for its user's call.join */
	LEG_GONE	  /* the change set closes its row; then it is dropped */
};

/* One device of a participant in a call. It survives a resume within the window. */
struct leg {
	char id[ID_UUID_SIZE];
	char session_id[MODEL_SESSION_ID_SIZE]; /* "" while unclaimed */
	size_t participant;			/* index into the call's participants */
	enum leg_state state;
	int64_t joined_at;
	int64_t deadline_at; /* memory: when a reconnecting or unclaimed leg is gone; 0 else */
	bool media_seen;     /* said that its media connected at least once */
	bool changed;
};

/* A whole call. Copied as a whole by the decision and swapped in when its change set is committed. */
struct call {
	char id[ID_UUID_SIZE];
	char channel_id[MODEL_CHANNEL_ID_SIZE];
	enum call_type type;
	enum call_mode mode;
	enum call_status status;
	enum topology topology;
	char started_by[MODEL_USER_ID_SIZE];
	int64_t started_at;
	int64_t ring_expires_at;
	int64_t answered_at;
	int64_t ended_at;
	enum end_reason end_reason;
	char ended_by[MODEL_USER_ID_SIZE]; /* "" when nobody did */
	char *metadata;			   /* owned: the host's JSON object; null means {} */
	uint64_t body_hash;		   /* of what created it: the same id with another body is refused */
	int64_t seq;			   /* number of its newest event */
	int64_t last_seen_at;

	/* Being recorded. Only while the call lives; the policy stays. */
	enum record_policy record_policy;
	enum record_state record_state;
	char recorder_id[MODEL_USER_ID_SIZE]; /* who started it; "" = nobody, or the host's backend */
	char recorder_leg[ID_UUID_SIZE];      /* with which device; "" = over REST */
	int64_t record_at;		      /* since when it is in this state; 0 while NOT_RECORDED */

	/* Deadlines besides ringing; 0 when they do not run. In memory, made anew after a restart. */
	int64_t caller_lost_at;
	int64_t connect_by;
	int64_t alone_by;
	int64_t unreachable_at;
	bool caller_had_session; /* since creating */
	int64_t restarted_at; /* after a restart, until somebody comes back: the last_seen_at that was found; else 0 */

	struct participant *participants; /* owned */
	size_t n_participants;
	struct leg *legs; /* owned */
	size_t n_legs;
};

/* Something that happened in a call: the timeline, the resync after a seq and the outbox all read these. */
struct call_event {
	int64_t seq; /* rises by one within a call */
	int64_t at;
	const char *type; /* static: the event's name on the wire, "call.accepted" */
	enum audience audience;
	char user_id[MODEL_USER_ID_SIZE];	    /* TO_USER: whom */
	char leg_id[ID_UUID_SIZE];		    /* TO_LEG: which */
	char except_session[MODEL_SESSION_ID_SIZE]; /* hears nothing of it; "" = no exception */
	char actor_id[MODEL_USER_ID_SIZE];	    /* who did it; "" when a deadline did */
	char *payload;				    /* owned: the JSON object that is sent, callId, seq and ts in it */
	bool is_webhook;			    /* the host's backend is told too */
};

/* Seconds talked so far, as shown: from the answer to the end, or to `now` while the call runs; 0 if never answered. */
int64_t call_duration_s(const struct call *c, int64_t now);

/* How the call went for this participant of it; OUTCOME_ONGOING while that is open. */
enum outcome participant_outcome(const struct call *c, const struct participant *p);

static inline enum direction participant_direction(const struct participant *p)
{
	return p->role == ROLE_CALLER ? DIRECTION_OUTGOING : DIRECTION_INCOMING;
}

static inline bool call_is_live(const struct call *c)
{
	return c->status == CALL_RINGING || c->status == CALL_ACTIVE;
}

/* The two people of a direct call, the lesser first; "" for any other call. Ids hold no control characters. */
void call_pair(const struct call *c, char out[MODEL_PAIR_SIZE]);

/* A deep copy, its `changed` marks cleared; null without memory. */
struct call *call_copy(const struct call *c);
struct call *call_new(size_t n_participants);
void call_free(struct call *c); /* null is allowed */

/* Null when the user is not in the call. */
struct participant *call_participant(const struct call *c, struct str user_id);

void call_event_fini(struct call_event *e);

#endif

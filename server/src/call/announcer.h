/* announcer: the way out to the devices, as the calls see it. */
#ifndef BELLWIRE_CALL_ANNOUNCER_H
#define BELLWIRE_CALL_ANNOUNCER_H

#include "store/model.h"

/* Something to be sent now. All borrowed, valid only during the call of deliver. */
struct call_announcement {
	const char *event; /* "call.incoming" */
	const char *call_id;
	int64_t seq; /* 0: outside the numbering (mute, quality, reconnecting) */
	enum audience audience;

	/* TO_PARTICIPANTS, TO_CALLEES, TO_USER, TO_CHANNEL: every session of these. */
	const char *const *users;
	size_t n_users;

	/* TO_LEGS, TO_LEG: these sessions, each by the leg that it has in the call. */
	const char *const *sessions;
	size_t n_sessions;

	const char *except_session; /* hears nothing of it; "" = no exception */
	struct str payload;	    /* a JSON object; callId, seq and ts are in it */
	bool is_repeated;	    /* asked for by calls_resync */
};

/* The way out to the devices. signal implements it; app connects the two. */
struct call_announcer {
	void *arg;
	void (*deliver)(void *arg, const struct call_announcement *a);

	/* Sessions of a user whose sockets are connected now. */
	size_t (*n_sessions)(void *arg, struct str user_id);

	/* Whether a session's socket is connected now. May be null. */
	bool (*is_connected)(void *arg, struct str session_id);

	/* A user's own session by its Socket.IO id or session id: writes the session id, or ERR_NOT_FOUND. */
	int (*find_session)(void *arg, struct str user_id, struct str socket_id, char out[MODEL_SESSION_ID_SIZE]);
};

#endif

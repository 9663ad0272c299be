/* Calls that are played: each command gets its answer, at once or late, good or bad, and messages find their leg. */
#include "connection_calls.h"

#include "base/err.h"
#include "call/call.h"

#define MAX_WAITING 64
#define CALL_ID "11111111-1111-4111-8111-111111111111"

static char session[MODEL_SESSION_ID_SIZE]; /* the last one that was opened: messages are relayed to it */
static bool answers_late;
static int64_t seq;

/* What is not answered yet: a command, or a resync. */
static struct waiting {
	call_reply_cb reply;
	void (*done)(void *arg, int err);
	void *arg;
	int err;
} waiting[MAX_WAITING];
static size_t n_waiting;

static void answer(const struct waiting *w)
{
	const struct call_reply reply = {
		.err = w->err, .status = 200, .field = w->err == ERR_BAD_FIELD ? "media" : NULL};
	if (w->reply)
		w->reply(w->arg, &reply);
	else if (w->done)
		w->done(w->arg, w->err);
}

static void ask(struct waiting w)
{
	static const int errs[] = {0, ERR_STORE, ERR_RATE_LIMITED, ERR_BAD_FIELD};
	if (!answers_late || n_waiting == MAX_WAITING) {
		answer(&w);
		return;
	}
	if (w.err == 0)
		w.err = errs[n_waiting % (sizeof errs / sizeof *errs)];
	waiting[n_waiting++] = w;
}

void played_begin(bool late)
{
	session[0] = 0;
	answers_late = late;
	n_waiting = 0;
	seq = 0;
}

void played_settle(void)
{
	struct waiting now[MAX_WAITING];
	size_t n = n_waiting;
	memcpy(now, waiting, sizeof now);
	n_waiting = 0;
	for (size_t i = 0; i < n; i++)
		answer(&now[i]);
}

void played_announce(const struct call_announcer *announcer)
{
	static const char *const users[] = {"alice", "bob"};
	const char *const sessions[] = {session};
	seq++;
	const struct call_announcement a = {.event = "call.updated",
		.call_id = CALL_ID,
		.seq = seq,
		.users = users,
		.n_users = seq % 2 ? 2 : 0,
		.sessions = sessions,
		.n_sessions = 1,
		.payload = STR("{\"callId\":\"" CALL_ID "\"}"),
		.is_repeated = seq % 4 == 3};
	announcer->deliver(announcer->arg, &a);
	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		(void)announcer->n_sessions(announcer->arg, str_of(users[i]));
	(void)announcer->is_connected(announcer->arg, str_of(session));
}

/* --- what signal asks of calls --- */

void calls_session_opened(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id;
	str_copy(session, sizeof session, session_id);
}

void calls_session_lost(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id, (void)session_id;
}

void calls_session_resumed(struct calls *c, struct str user_id, struct str session_id)
{
	calls_session_opened(c, user_id, session_id);
}

void calls_session_gone(struct calls *c, struct str user_id, struct str session_id)
{
	(void)c, (void)user_id, (void)session_id;
}

void calls_submit(struct calls *c, const struct call_command *cmd, call_reply_cb cb, void *arg)
{
	(void)c;
	bool good = cmd->call_id.len && cmd->call_id.ptr[0] != 'f';
	ask((struct waiting){.reply = cb, .arg = arg, .err = good ? 0 : ERR_CALL_NOT_FOUND});
}

int calls_route(const struct calls *c, struct str session_id, struct str to_leg, struct call_route *out)
{
	(void)c, (void)session_id;
	*out = (struct call_route){CALL_ID, "22222222-2222-4222-8222-222222222222", "alice", session};
	return str_eq_z(to_leg, "nobody") ? ERR_LEG_NOT_FOUND : 0;
}

void calls_resync(struct calls *c, const struct call_resync *what)
{
	(void)c;
	ask((struct waiting){.done = what->done, .arg = what->arg});
}

/* Sessions that come, are lost, come back and go: told to every live call of their user. */
#include "call/service.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

void service_submit_for(struct calls *c, enum call_verb verb, struct str call_id, struct str user, struct str session)
{
	struct call_command cmd = {.verb = verb, .call_id = call_id};
	cmd.actor.user_id = user;
	cmd.actor.session_id = session;
	struct task *t = task_new(c, &cmd);
	if (t)
		task_route(t);
	else
		log_error("no memory for a command of the server's own", LOG_STR("call", call_id));
}

/* The ids first: a command that ends at once moves the places. */
static void tell_calls(struct calls *c, enum call_verb verb, struct str user_id, struct str session_id)
{
	struct place *first = registry_of_user(&c->registry, user_id);
	size_t n = 0;
	for (struct place *p = first; p; p = place_next(first, p))
		n++;
	if (!n)
		return;
	char(*ids)[ID_UUID_SIZE] = mem_new(n * sizeof *ids);
	if (!ids) {
		log_error("no memory to tell calls of a session", LOG_STR("user", user_id));
		return;
	}
	n = 0;
	for (struct place *p = first; p; p = place_next(first, p))
		memcpy(ids[n++], p->live->id, sizeof ids[0]);
	for (size_t i = 0; i < n; i++)
		service_submit_for(c, verb, str_of(ids[i]), user_id, session_id);
	mem_free(ids);
}

void calls_session_opened(struct calls *c, struct str user_id, struct str session_id)
{
	tell_calls(c, CMD_SESSION_OPENED, user_id, session_id);
}

void calls_session_lost(struct calls *c, struct str user_id, struct str session_id)
{
	tell_calls(c, CMD_SESSION_LOST, user_id, session_id);
}

void calls_session_resumed(struct calls *c, struct str user_id, struct str session_id)
{
	tell_calls(c, CMD_SESSION_RESUMED, user_id, session_id);
}

void calls_session_gone(struct calls *c, struct str user_id, struct str session_id)
{
	tell_calls(c, CMD_SESSION_GONE, user_id, session_id);
}

/* A session that was lost while its command was being committed was in no call yet when it was told. */
void service_recheck(struct calls *c, const char *call_id, const struct call_command *cmd)
{
	const struct call_announcer *out = &c->announcer;
	struct str user = cmd->actor.user_id, session = cmd->actor.session_id;
	const struct live_call *live = registry_by_id(&c->registry, str_of(call_id));
	if (!live)
		return;
	bool gone = cmd->verb == CMD_JOIN && session.len && out->is_connected && !out->is_connected(out->arg, session);
	bool caller_gone =
		cmd->verb == CMD_CREATE && live->call->caller_had_session && out->n_sessions(out->arg, user) == 0;
	if (gone || caller_gone)
		service_submit_for(c, CMD_SESSION_LOST, str_of(call_id), user, session);
}

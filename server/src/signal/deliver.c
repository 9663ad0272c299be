/* The way out: one announcement becomes one packet, sent to every session that it is for. */
#include "base/err.h"
#include "signal/session.h"

static void to_user(struct signal *sig, const char *user_id, const struct call_announcement *a, struct str packet)
{
	const char *except = a->except_session ? a->except_session : "";
	struct signal_user *u = session_user(sig, str_of(user_id));
	if (!u)
		return;
	LIST_EACH(&u->sessions, item)
	{
		struct session *s = CONTAINER_OF(item, struct session, link);
		if (strcmp(s->id, except) != 0 && !resync_holds(s, a))
			session_send(s, packet);
	}
}

void deliver_announcement(void *arg, const struct call_announcement *a)
{
	struct signal *sig = arg;
	const char *except = a->except_session ? a->except_session : "";
	struct json_writer w = packet_begin(sig, a->event);
	jw_raw(&w, a->payload);
	struct str packet = packet_ready(sig);
	for (size_t i = 0; i < a->n_users; i++)
		to_user(sig, a->users[i], a, packet);
	for (size_t i = 0; i < a->n_sessions; i++) {
		struct session *s = session_find(sig, str_of(a->sessions[i]));
		if (s && strcmp(s->id, except) != 0 && !resync_holds(s, a))
			session_send(s, packet);
	}
}

size_t deliver_n_sessions(void *arg, struct str user_id)
{
	struct signal_user *u = session_user(arg, user_id);
	size_t n = 0;
	if (!u)
		return 0;
	LIST_EACH(&u->sessions, item)
	{
		n += CONTAINER_OF(item, struct session, link)->socket != NULL;
	}
	return n;
}

bool deliver_is_connected(void *arg, struct str session_id)
{
	const struct session *s = session_find(arg, session_id);
	return s && s->socket;
}

int deliver_find_session(void *arg, struct str user_id, struct str socket_id, char out[MODEL_SESSION_ID_SIZE])
{
	struct signal_user *u = session_user(arg, user_id);
	if (!u)
		return ERR_NOT_FOUND;
	LIST_EACH(&u->sessions, item)
	{
		struct session *s = CONTAINER_OF(item, struct session, link);
		if (str_eq_z(socket_id, s->id) || (s->socket && str_eq_z(socket_id, s->socket->sid)))
			return str_copy(out, MODEL_SESSION_ID_SIZE, str_of(s->id));
	}
	return ERR_NOT_FOUND;
}

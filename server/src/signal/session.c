/* The life of a session: made, given a socket, lost, taken up again or ended. */
#include "signal/dispatch.h"

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/engineio.h"

struct str session_user_id(const struct session *s)
{
	return str_of(s->user->id);
}

struct session *session_find(const struct signal *sig, struct str id)
{
	struct map_node *node = map_get(&sig->sessions, id);
	return node ? CONTAINER_OF(node, struct session, node) : NULL;
}

struct signal_user *session_user(const struct signal *sig, struct str user_id)
{
	struct map_node *node = map_get(&sig->users, user_id);
	return node ? CONTAINER_OF(node, struct signal_user, node) : NULL;
}

/* --- users: there while they have sessions --- */

static struct signal_user *user_of(struct signal *sig, struct str id)
{
	struct signal_user *u = session_user(sig, id);
	if (u)
		return u;
	u = mem_new(sizeof *u + id.len + 1);
	if (!u)
		return NULL;
	str_copy(u->id, id.len + 1, id);
	list_init(&u->sessions);
	if (map_put(&sig->users, &u->node, str_n(u->id, id.len)) < 0) {
		mem_free(u);
		return NULL;
	}
	return u;
}

static void release_user(struct signal *sig, struct signal_user *u)
{
	if (u->n_sessions > 0)
		return;
	map_remove(&sig->users, &u->node);
	mem_free(u);
}

/* --- born --- */

/* Ends the user's oldest lost session when there is no room for one more. */
static int make_room(struct signal *sig, struct signal_user *u)
{
	if (u->n_sessions < sig->config.max_user_sessions)
		return 0;
	LIST_EACH(&u->sessions, item)
	{
		struct session *s = CONTAINER_OF(item, struct session, link);
		if (!s->socket) {
			session_end(s);
			return 0;
		}
	}
	return ERR_OVERLOADED;
}

static char *quoted_json(struct str s)
{
	struct buf b;
	buf_init(&b, 6 * s.len + 3);
	struct json_writer w = json_writer(&b);
	jw_str(&w, s);
	char *text = buf_ok(&b) ? mem_dup(buf_str(&b)) : NULL; /* no larger than it has to be */
	buf_fini(&b);
	return text;
}

int session_set_claims(struct session *s, const struct jwt_claims *claims)
{
	size_t name_size = strlen(claims->name) + 1, url_size = strlen(claims->avatar_url) + 1;
	char *name = mem_new(name_size + url_size);
	if (!name)
		return ERR_NO_MEMORY;
	memcpy(name, claims->name, name_size);
	memcpy(name + name_size, claims->avatar_url, url_size);
	mem_free(s->name);
	s->name = name;
	s->avatar_url = name + name_size;
	s->is_server = claims->is_server;
	s->is_moderator = claims->is_moderator;
	s->may_record = claims->may_record;
	s->expires_at = claims->expires_at_ms;
	s->expiry = EXPIRY_FAR;
	return 0;
}

static int fill(struct session *s, const struct jwt_claims *claims, struct str id)
{
	if (id.len)
		str_copy(s->id, sizeof s->id, id);
	else
		id_token(s->id, SESSION_ID_LEN);
	s->tokens = s->sig->config.events_burst * 1000;
	s->tokens_at = loop_now_ms(s->sig->config.loop);
	s->told_limited_at = INT64_MIN / 2;
	s->user_json = quoted_json(session_user_id(s));
	int err = s->user_json ? session_set_claims(s, claims) : ERR_NO_MEMORY;
	return err < 0 ? err : map_put(&s->sig->sessions, &s->node, str_of(s->id));
}

int session_new(struct signal *sig, const struct jwt_claims *claims, struct str id, struct session **out)
{
	struct signal_user *u = session_user(sig, str_of(claims->user_id));
	int err = u ? make_room(sig, u) : 0;
	if (err < 0)
		return err;
	/* Making room may have ended the user's only session, and the user with it. */
	u = user_of(sig, str_of(claims->user_id));
	struct session *s = u ? mem_new(sizeof *s) : NULL;
	if (!s) {
		if (u)
			release_user(sig, u);
		return ERR_NO_MEMORY;
	}
	s->sig = sig;
	s->user = u;
	buf_init(&s->held, SESSION_HELD_MAX);
	list_init(&s->resyncs);
	list_push(&u->sessions, &s->link);
	u->n_sessions++;
	err = fill(s, claims, id);
	if (err < 0) {
		session_free(s);
		return err;
	}
	*out = s;
	return 0;
}

/* --- connected and lost --- */

void session_send_held(struct session *s)
{
	struct str rest = buf_str(&s->held);
	while (rest.len)
		session_send(s, str_cut(&rest, ENGINEIO_SEPARATOR));
	buf_fini(&s->held);
}

static void detach(struct session *s)
{
	s->socket->user = NULL;
	s->socket = NULL;
	s->sig->n_connected--;
}

void session_attach(struct session *s, struct sio_socket *so)
{
	if (s->socket) {
		struct sio_socket *old = s->socket;
		detach(s);
		sio_disconnect(old);
	}
	s->socket = so;
	so->user = s;
	s->sig->n_connected++;
	session_watch_expiry(s);
}

static void on_window_over(struct timer *t, void *arg)
{
	(void)t;
	session_end(arg);
}

void session_lose(struct session *s)
{
	struct signal *sig = s->sig;
	detach(s);
	log_info("session lost", LOG_S("session", s->id), LOG_S("user", s->user->id));
	calls_session_lost(sig->config.calls, session_user_id(s), str_of(s->id));
	if (timer_start(sig->config.loop, &s->timer, sig->config.resume_ms, on_window_over, s) < 0)
		session_end(s);
}

/* --- the end --- */

void session_end(struct session *s)
{
	struct signal *sig = s->sig;
	log_info("session ended", LOG_S("session", s->id), LOG_S("user", s->user->id));
	if (s->socket)
		detach(s);
	calls_session_gone(sig->config.calls, session_user_id(s), str_of(s->id));
	session_free(s);
}

void session_free(struct session *s)
{
	struct signal *sig = s->sig;
	if (s->socket)
		detach(s);
	timer_stop(sig->config.loop, &s->timer);
	dispatch_forget(s);
	resync_forget(s);
	if (s->node.key.ptr)
		map_remove(&sig->sessions, &s->node);
	list_remove(&s->link);
	s->user->n_sessions--;
	release_user(sig, s->user);
	mem_free(s->name);
	mem_free(s->user_json);
	buf_fini(&s->held);
	mem_free(s);
}

/* --- events to it --- */

#define PREFIX "2/webrtc,[\""
#define SCRATCH_KEPT (64 * 1024)

struct buf *scratch_take(struct signal *sig)
{
	if (sig->scratch.cap > SCRATCH_KEPT)
		buf_fini(&sig->scratch);
	buf_clear(&sig->scratch);
	return &sig->scratch;
}

struct json_writer packet_begin(struct signal *sig, const char *event)
{
	struct buf *scratch = scratch_take(sig);
	buf_put(scratch, STR(PREFIX));
	buf_put(scratch, str_of(event));
	buf_put(scratch, STR("\","));
	return json_writer(scratch);
}

struct str packet_ready(struct signal *sig)
{
	buf_put_c(&sig->scratch, ']');
	if (buf_ok(&sig->scratch))
		return buf_str(&sig->scratch);
	log_error("event dropped", LOG_E(sig->scratch.err));
	return str_n(NULL, 0);
}

void packet_send(struct session *s)
{
	session_send(s, packet_ready(s->sig));
}

void session_send(struct session *s, struct str packet)
{
	if (s->socket && packet.ptr)
		sio_send(s->socket, &packet, 1);
}

/* Coming into /webrtc: the token is checked, the session found or made, and told where it stands. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "signal/session.h"

/* Of `auth`: a token and a few ids. */
#define MAX_AUTH (16 * 1024)

/* Calls whose missed events a client may ask for at once. */
#define MAX_LAST_SEQ 16

/* --- refusals: {"message":…,"data":{"code":…}} --- */

static void write_refusal(struct buf *out, int err)
{
	struct json_writer w = json_writer(out);
	jw_object(&w);
	jw_kz(&w, "message", err_text(err));
	jw_key(&w, "data");
	jw_object(&w);
	jw_kz(&w, "code", err_code(err));
	jw_end_object(&w);
	jw_end_object(&w);
}

/* --- the session --- */

/* The session that a client proves to be its own; `id` "" when it proves none. */
static int read_resume(struct signal *sig, const json_t *auth, const struct jwt_claims *claims, struct str *id)
{
	struct str token;
	if (json_get_str(auth, "sessionId", id) < 0 || json_get_str(auth, "resumeToken", &token) < 0)
		return ERR_BAD_FIELD;
	if (!id->ptr || !token.ptr || !session_may_resume(sig, *id, str_of(claims->user_id), token))
		*id = STR("");
	return 0;
}

/* Whom a CONNECT lets in, and what that client has seen last of each call. */
struct admission {
	struct session *session;
	bool resumed;
	size_t n_seen;
	struct {
		char call_id[ID_UUID_SIZE];
		int64_t seq;
	} seen[MAX_LAST_SEQ];
};

/* Finds or makes the session; id "" for a new one. */
static int take_session(struct signal *sig, const struct jwt_claims *claims, struct str id, struct admission *out)
{
	out->resumed = id.len > 0;
	out->session = out->resumed ? session_find(sig, id) : NULL;
	return out->session ? session_set_claims(out->session, claims) : session_new(sig, claims, id, &out->session);
}

/* An id that only the client still knows is from before a restart, or from after the window: the call module knows
 * whether there is a leg for it. */
static void report(const struct admission *a)
{
	struct session *s = a->session;
	struct calls *calls = s->sig->config.calls;
	if (a->resumed)
		calls_session_resumed(calls, session_user_id(s), str_of(s->id));
	else
		calls_session_opened(calls, session_user_id(s), str_of(s->id));
	log_info(
		a->resumed ? "session resumed" : "session opened", LOG_S("session", s->id), LOG_S("user", s->user->id));
}

/* Entries that are no call's id and number are passed over: they can only be of another time. */
static void read_last_seq(const json_t *auth, struct admission *out)
{
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(auth, "lastSeq"), key, value)
	{
		if (out->n_seen < MAX_LAST_SEQ && id_is_uuid(str_of(key)) && json_is_integer(value) &&
			json_integer_value(value) >= 0) {
			str_copy(out->seen[out->n_seen].call_id, ID_UUID_SIZE, str_of(key));
			out->seen[out->n_seen++].seq = json_integer_value(value);
		}
	}
}

static int admit(struct signal *sig, struct str raw, struct admission *out)
{
	struct jwt_claims claims;
	struct str token, id;
	json_t *auth;
	if (raw.len == 0)
		return ERR_TOKEN_MISSING;
	if (raw.len > MAX_AUTH)
		return ERR_PAYLOAD_TOO_LARGE;
	if (json_read_object(raw, &auth) < 0)
		return ERR_BAD_JSON;
	int err = json_get_str(auth, "token", &token);
	if (err == 0)
		err = jwt_verify(token, sig->config.keys, clock_wall_ms(), &claims);
	if (err == 0)
		err = read_resume(sig, auth, &claims, &id);
	if (err == 0)
		err = take_session(sig, &claims, id, out);
	if (err == 0)
		read_last_seq(auth, out);
	json_decref(auth);
	return err;
}

/* --- what it is told --- */

static void write_sync(struct json_writer *w, struct session *s)
{
	struct signal *sig = s->sig;
	jw_object(w);
	jw_kz(w, "sessionId", s->id);
	jw_key(w, "resumeToken");
	buf_put_c(w->out, '"');
	if (session_put_resume_token(s, w->out) < 0)
		w->out->err = ERR_NO_MEMORY;
	buf_put_c(w->out, '"');
	w->needs_comma = true;
	jw_kint(w, "resumeWindowMs", sig->config.resume_ms);
	jw_ktime(w, "serverTime", clock_wall_ms());
	jw_key(w, "user");
	jw_object(w);
	jw_kstr(w, "id", session_user_id(s));
	jw_kstr(w, "name", s->name[0] ? str_of(s->name) : str_n(NULL, 0));
	jw_kstr(w, "avatarUrl", s->avatar_url[0] ? str_of(s->avatar_url) : str_n(NULL, 0));
	jw_end_object(w);
	jw_key(w, "calls");
	calls_sync(sig->config.calls, session_user_id(s), str_of(s->id), w);
	jw_end_object(w);
}

static void tell(const struct admission *a)
{
	struct session *s = a->session;
	struct json_writer w = packet_begin(s->sig, "sync");
	write_sync(&w, s);
	packet_send(s);
	for (size_t i = 0; i < a->n_seen; i++)
		resync_begin(s, str_of(a->seen[i].call_id), a->seen[i].seq);
}

void connect_on_connect(struct sio_socket *so, struct str auth)
{
	struct signal *sig = so->ns->arg;
	struct admission admission = {0};
	int err = sig->draining ? ERR_DRAINING : admit(sig, auth, &admission);
	if (err < 0) {
		struct buf refusal;
		buf_init(&refusal, 1024);
		write_refusal(&refusal, err);
		sio_refuse(so, buf_ok(&refusal) ? buf_str(&refusal) : STR("{}"));
		buf_fini(&refusal);
		return;
	}
	sio_accept(so);
	session_attach(admission.session, so);
	report(&admission);
	tell(&admission);
	session_send_held(admission.session);
}

void connect_on_disconnect(struct sio_socket *so, bool by_client)
{
	struct session *s = so->user;
	if (!s)
		return;
	if (by_client)
		session_end(s);
	else if (s->sig->closing) /* we stop: its legs may come back to the next server */
		session_free(s);
	else
		session_lose(s);
}

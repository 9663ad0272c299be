/* A newer token for a session that goes on. */
#include "base/clock.h"
#include "base/err.h"
#include "signal/dispatch.h"

int msg_refresh(const struct msg *m)
{
	struct session *s = m->session;
	struct jwt_claims claims;
	struct str token;
	int err = msg_text(m, "token", &token);
	if (err == 0)
		err = jwt_verify(token, s->sig->config.keys, clock_wall_ms(), &claims);
	if (err < 0)
		return err;
	if (!str_eq(str_of(claims.user_id), session_user_id(s)))
		return ERR_TOKEN_INVALID; /* nobody becomes somebody else */
	err = session_set_claims(s, &claims);
	if (err < 0)
		return err;
	session_watch_expiry(s);
	struct json_writer w = msg_ok_begin(s->sig);
	jw_ktime(&w, "expiresAt", s->expires_at);
	msg_ok_send(s, m->has_ack, m->ack_id);
	return 0;
}

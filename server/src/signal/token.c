/* What a session's token allows: how long, how fast, and coming back. */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "signal/session.h"

/* --- the token's end: far -> warned -> over -> socket closed --- */

static void on_expiry(struct timer *t, void *arg);

static void watch_in(struct session *s, int64_t delay_ms)
{
	if (timer_start(s->sig->config.loop, &s->timer, delay_ms > 0 ? delay_ms : 0, on_expiry, s) < 0)
		sio_break(s->socket, "no memory");
}

void session_watch_expiry(struct session *s)
{
	int64_t left_ms = s->expires_at - clock_wall_ms();
	int64_t warning_ms = s->sig->config.expiry_warning_ms;
	if (s->expiry == EXPIRY_FAR && left_ms > warning_ms)
		watch_in(s, left_ms - warning_ms);
	else if (s->expiry == EXPIRY_OVER)
		watch_in(s, left_ms + s->sig->config.expiry_grace_ms);
	else
		watch_in(s, s->expiry == EXPIRY_FAR ? 0 : left_ms);
}

static void warn(struct session *s)
{
	struct json_writer w = packet_begin(s->sig, "auth.expiring");
	jw_object(&w);
	jw_ktime(&w, "expiresAt", s->expires_at);
	jw_end_object(&w);
	packet_send(s);
	s->expiry = EXPIRY_WARNED;
}

bool session_expired(struct session *s)
{
	if (s->expiry != EXPIRY_OVER && clock_wall_ms() >= s->expires_at)
		s->expiry = EXPIRY_OVER;
	return s->expiry == EXPIRY_OVER;
}

/* Runs on the monotonic clock, so each time it looks at the wall clock anew. */
static void on_expiry(struct timer *t, void *arg)
{
	struct session *s = arg;
	int64_t left_ms = s->expires_at - clock_wall_ms();
	(void)t;
	if (session_expired(s) && left_ms <= -s->sig->config.expiry_grace_ms) {
		struct sio_socket *so = s->socket;
		log_info("token expired", LOG_S("session", s->id), LOG_S("user", s->user->id));
		session_lose(s);
		sio_disconnect(so);
		return;
	}
	if (s->expiry == EXPIRY_FAR && left_ms <= s->sig->config.expiry_warning_ms)
		warn(s);
	session_watch_expiry(s);
}

/* --- events per second --- */

int64_t session_take_token(struct session *s)
{
	const struct signal_config *c = &s->sig->config;
	int64_t now_ms = loop_now_ms(c->loop);
	if (c->events_per_s < 0)
		return 0;
	int64_t most = c->events_burst * 1000;
	int64_t passed_ms = now_ms - s->tokens_at;
	s->tokens_at = now_ms;
	/* So many thousandths a millisecond; a long pause fills the bucket whatever the product would be. */
	s->tokens = passed_ms > most / c->events_per_s ? most : s->tokens + passed_ms * c->events_per_s;
	if (s->tokens > most)
		s->tokens = most;
	if (s->tokens < 1000)
		return (1000 - s->tokens) / c->events_per_s + 1;
	s->tokens -= 1000;
	return 0;
}

/* --- coming back: the proof is base64url(HMAC("resume|SESSION|USER")) --- */

static int resume_mac(const struct signal *sig, struct str id, struct str user_id, unsigned char out[JWT_MAC_SIZE])
{
	char text[sizeof "resume||" + SESSION_ID_LEN + JWT_MAX_USER_ID];
	int n = snprintf(text, sizeof text, "resume|%.*s|%.*s", STR_ARG(id), STR_ARG(user_id));
	return jwt_keys_mac(sig->config.keys, str_n(text, (size_t)n), out);
}

int session_put_resume_token(const struct session *s, struct buf *out)
{
	unsigned char mac[JWT_MAC_SIZE];
	int err = resume_mac(s->sig, str_of(s->id), session_user_id(s), mac);
	if (err == 0)
		id_base64url_encode(out, str_n((char *)mac, sizeof mac));
	return err;
}

bool session_may_resume(const struct signal *sig, struct str id, struct str user_id, struct str token)
{
	unsigned char given[JWT_MAC_SIZE], made[JWT_MAC_SIZE];
	if (id.len != SESSION_ID_LEN || id_base64url_decode(token, given, sizeof given) != JWT_MAC_SIZE ||
		resume_mac(sig, id, user_id, made) < 0)
		return false;
	return str_eq_secret(str_n((char *)given, sizeof given), str_n((char *)made, sizeof made));
}

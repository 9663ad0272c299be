/* The table of events, and how each gets its answer. */
#include "signal/dispatch.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

/* An SDP of 64 KiB and what stands around it; other events are small. */
#define MAX_SDP_EVENT (66 * 1024)
#define MAX_SMALL_EVENT (16 * 1024)
#define MAX_SAMPLES_EVENT (64 * 1024)

/* Without acks a flood is told once a second that it is one. */
#define LIMITED_NOTICE_MS 1000

static const struct entry {
	const char *event;
	msg_handler handler;
	size_t max_bytes;
	bool when_expired; /* also with a token that is over */
} table[] = {
	{"call.ice-candidate", msg_candidate, MAX_SMALL_EVENT, false},
	{"call.offer", msg_offer, MAX_SDP_EVENT, false},
	{"call.answer", msg_answer, MAX_SDP_EVENT, false},
	{"call.mute", msg_mute, MAX_SMALL_EVENT, false},
	{"call.video-toggle", msg_video, MAX_SMALL_EVENT, false},
	{"call.screen-toggle", msg_screen, MAX_SMALL_EVENT, false},
	{"call.quality", msg_quality, MAX_SAMPLES_EVENT, false},
	{"call.ack", msg_ack, MAX_SMALL_EVENT, false},
	{"call.join", msg_join, MAX_SMALL_EVENT, false},
	{"call.leave", msg_leave, MAX_SMALL_EVENT, false},
	{"call.decline", msg_decline, MAX_SMALL_EVENT, false},
	{"call.connection", msg_connection, MAX_SMALL_EVENT, false},
	{"call.recording-start", msg_recording_start, MAX_SMALL_EVENT, false},
	{"call.recording-stop", msg_recording_stop, MAX_SMALL_EVENT, false},
	{"call.recording-consent", msg_recording_consent, MAX_SMALL_EVENT, false},
	{"auth.refresh", msg_refresh, MAX_SMALL_EVENT, true},
};

static const struct entry *find_entry(struct str event)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (str_eq_z(event, table[i].event))
			return &table[i];
	return NULL;
}

/* --- members --- */

int msg_text(const struct msg *m, const char *key, struct str *out)
{
	return envelope_get_text(m->envelope, key, out) ? 0 : ERR_BAD_FIELD;
}

int msg_call_id(const struct msg *m, struct str *out)
{
	return envelope_get_text(m->envelope, "callId", out) && id_is_uuid(*out) ? 0 : ERR_BAD_FIELD;
}

int msg_bool(const struct msg *m, const char *key, bool *out)
{
	struct str raw = envelope_get(m->envelope, key);
	if (!str_eq_z(raw, "true") && !str_eq_z(raw, "false"))
		return ERR_BAD_FIELD;
	*out = raw.ptr[0] == 't';
	return 0;
}

int msg_optional_bool(const struct msg *m, const char *key, bool *out, bool *present)
{
	struct str raw = envelope_get(m->envelope, key);
	*present = raw.ptr && !str_eq_z(raw, "null");
	return *present ? msg_bool(m, key, out) : 0;
}

/* --- answers --- */

struct json_writer msg_ok_begin(struct signal *sig)
{
	struct json_writer w = json_writer(scratch_take(sig));
	jw_array(&w);
	jw_object(&w);
	jw_kbool(&w, "ok", true);
	return w;
}

static void ack_scratch(struct session *s, uint64_t ack_id)
{
	struct buf *scratch = &s->sig->scratch;
	if (!buf_ok(scratch))
		log_error("ack dropped", LOG_E(scratch->err));
	else if (s->socket)
		sio_ack(s->socket, ack_id, buf_str(scratch));
}

void msg_ok_send(struct session *s, bool has_ack, uint64_t ack_id)
{
	buf_put(&s->sig->scratch, STR("}]"));
	if (has_ack)
		ack_scratch(s, ack_id);
}

static void write_error(struct json_writer *w, const struct msg_refusal *r)
{
	jw_kz(w, "code", err_code(r->err));
	jw_kz(w, "message", err_text(r->err));
	if (r->field)
		jw_kz(w, "field", r->field);
	jw_kbool(w, "retryable", err_retryable(r->err));
	if (r->retry_after_ms)
		jw_kint(w, "retryAfterMs", r->retry_after_ms);
}

static void refuse_with_ack(struct session *s, const struct msg_refusal *r)
{
	struct json_writer w = json_writer(scratch_take(s->sig));
	jw_array(&w);
	jw_object(&w);
	jw_kbool(&w, "ok", false);
	jw_key(&w, "error");
	jw_object(&w);
	write_error(&w, r);
	jw_end_object(&w);
	jw_end_object(&w);
	jw_end_array(&w);
	ack_scratch(s, r->ack_id);
}

static void refuse_with_event(struct session *s, const struct msg_refusal *r)
{
	struct json_writer w = packet_begin(s->sig, "call.error");
	jw_object(&w);
	jw_kz(&w, "event", r->event);
	jw_kz(&w, "code", err_code(r->err));
	jw_kz(&w, "message", err_text(r->err));
	if (r->call_id.len)
		jw_kstr(&w, "callId", r->call_id);
	jw_end_object(&w);
	packet_send(s);
}

void msg_refuse(struct session *s, const struct msg_refusal *r)
{
	if (r->has_ack)
		refuse_with_ack(s, r);
	else
		refuse_with_event(s, r);
}

/* --- commands --- */

/* A command that waits for its reply. */
struct pending {
	struct list link;	 /* in sig->pending */
	struct session *session; /* null once it is gone */
	uint64_t socket_serial;	 /* acks are for this socket alone */
	const char *event;
	msg_write_cb write;
	bool has_ack;
	uint64_t ack_id;
	char call_id[ID_UUID_SIZE];
};

static void answer(const struct pending *p, const struct call_reply *r)
{
	struct session *s = p->session;
	if (!s->socket || s->socket->serial != p->socket_serial)
		return;
	if (r->err < 0) {
		struct msg_refusal refusal = {
			r->err, r->field, r->retry_after_ms, p->event, str_of(p->call_id), p->has_ack, p->ack_id};
		msg_refuse(s, &refusal);
		return;
	}
	struct json_writer w = msg_ok_begin(s->sig);
	if (p->write && p->has_ack)
		p->write(&w, r);
	msg_ok_send(s, p->has_ack, p->ack_id);
}

static void unpend(struct pending *p)
{
	list_remove(&p->link);
	if (p->session)
		p->session->n_pending--;
	mem_free(p);
}

static void on_reply(void *arg, const struct call_reply *r)
{
	struct pending *p = arg;
	if (p->session)
		answer(p, r);
	unpend(p);
}

/* Null when too many wait. */
static struct pending *pend(const struct msg *m, struct str call_id, msg_write_cb write)
{
	struct session *s = m->session;
	struct pending *p = s->n_pending < SESSION_MAX_PENDING ? mem_new(sizeof *p) : NULL;
	if (!p)
		return NULL;
	*p = (struct pending){.session = s,
		.socket_serial = s->socket->serial,
		.event = m->event,
		.write = write,
		.has_ack = m->has_ack,
		.ack_id = m->ack_id};
	str_copy(p->call_id, sizeof p->call_id, call_id);
	list_push(&s->sig->pending, &p->link);
	s->n_pending++;
	return p;
}

int msg_submit(const struct msg *m, const struct call_command *cmd, msg_write_cb write)
{
	struct pending *p = pend(m, cmd->call_id, write);
	if (!p)
		return ERR_OVERLOADED;
	calls_submit(m->session->sig->config.calls, cmd, on_reply, p);
	return 0;
}

int msg_record(const struct msg *m, const struct call_record *what)
{
	struct pending *p = pend(m, what->call_id, NULL);
	if (!p)
		return ERR_OVERLOADED;
	int err = calls_record(m->session->sig->config.calls, what, on_reply, p);
	if (err < 0)
		unpend(p);
	return err;
}

void dispatch_forget(struct session *s)
{
	if (s->n_pending == 0)
		return;
	LIST_EACH(&s->sig->pending, item)
	{
		struct pending *p = CONTAINER_OF(item, struct pending, link);
		if (p->session == s)
			p->session = NULL;
	}
}

/* --- in --- */

static void refuse_msg(const struct msg *m, int err, int64_t retry_after_ms)
{
	struct str call_id;
	struct msg_refusal r = {err, NULL, retry_after_ms, m->event, STR(""), m->has_ack, m->ack_id};
	if (msg_call_id(m, &call_id) == 0)
		r.call_id = call_id;
	msg_refuse(m->session, &r);
}

/* Whether the flood has to be told about this one. */
static bool tell_limited(const struct msg *m)
{
	struct session *s = m->session;
	int64_t now_ms = loop_now_ms(s->sig->config.loop);
	if (!m->has_ack && now_ms - s->told_limited_at < LIMITED_NOTICE_MS)
		return false;
	s->told_limited_at = now_ms;
	return true;
}

static void handle(struct msg *m, const struct entry *entry, size_t n_bytes)
{
	struct session *s = m->session;
	int err;
	if (!entry || !m->envelope->is_object)
		err = ERR_BAD_EVENT;
	else if (n_bytes > entry->max_bytes)
		err = ERR_PAYLOAD_TOO_LARGE;
	else if (!entry->when_expired && session_expired(s))
		err = ERR_TOKEN_EXPIRED;
	else
		err = entry->handler(m);
	if (err < 0) {
		refuse_msg(m, err, 0);
	} else if (err == MSG_DONE && m->has_ack) {
		msg_ok_begin(s->sig);
		msg_ok_send(s, true, m->ack_id);
	}
}

static struct call_actor actor_of(const struct session *s)
{
	return (struct call_actor){.user_id = session_user_id(s),
		.name = str_of(s->name),
		.avatar_url = str_of(s->avatar_url),
		.is_server = s->is_server,
		.is_moderator = s->is_moderator,
		.may_record = s->may_record,
		.session_id = str_of(s->id)};
}

void dispatch_on_event(struct sio_socket *so, const struct sio_event *e)
{
	struct session *s = so->user;
	struct envelope envelope;
	int err = envelope_scan(e->payload, &envelope);
	if (err == ERR_PROTOCOL) {
		sio_break(so, "event is no JSON");
		return;
	}
	const struct entry *entry = err < 0 || e->n_attachments ? NULL : find_entry(envelope.event);
	struct msg m = {s, &envelope, entry ? entry->event : "unknown", actor_of(s), e->has_ack, e->ack_id};
	int64_t wait_ms = session_take_token(s);
	if (wait_ms == 0)
		handle(&m, entry, e->payload.len);
	else if (tell_limited(&m))
		refuse_msg(&m, ERR_RATE_LIMITED, wait_ms);
}

/* Offers, answers and candidates: from one leg to another of the same call, as they came, stamped with the sender.
 *
 * This is the path that carries most messages: no JSON tree, no allocation, one look-up of each leg. */
#include "base/err.h"
#include "codec/engineio.h"
#include "signal/dispatch.h"

/* Keeps a packet for a session that may come back. */
static int hold(struct session *s, const struct envelope_relayed *r)
{
	size_t len = s->held.len;
	if (len)
		buf_put_c(&s->held, ENGINEIO_SEPARATOR);
	for (size_t i = 0; i < r->n_parts; i++)
		buf_put(&s->held, r->parts[i]);
	if (buf_ok(&s->held))
		return MSG_DONE;
	s->held.len = len; /* the part that did fit is no packet */
	s->held.err = 0;
	return ERR_OVERLOADED;
}

/* More parts than one message may have are joined first; that needs members left out in the middle. */
static void send_parts(struct session *s, const struct envelope_relayed *r)
{
	if (r->n_parts <= EIO_MAX_PARTS) {
		sio_send(s->socket, r->parts, r->n_parts);
		return;
	}
	struct buf *scratch = scratch_take(s->sig);
	for (size_t i = 0; i < r->n_parts; i++)
		buf_put(scratch, r->parts[i]);
	session_send(s, buf_ok(scratch) ? buf_str(scratch) : str_n(NULL, 0));
}

/* An id as a JSON string: it is of our making and needs no escapes. */
static struct str quoted(char out[ID_UUID_SIZE + 2], const char *id)
{
	size_t len = strlen(id);
	out[0] = '"';
	memcpy(out + 1, id, len);
	out[len + 1] = '"';
	return str_n(out, len + 2);
}

static int relay(const struct msg *m)
{
	struct session *sender = m->session;
	struct str to;
	struct call_route route;
	int err = msg_text(m, "to", &to);
	if (err == 0)
		err = calls_route(sender->sig->config.calls, str_of(sender->id), to, &route);
	struct session *receiver = err == 0 ? session_find(sender->sig, str_of(route.to_session)) : NULL;
	if (err < 0)
		return err;
	if (!receiver)
		return ERR_LEG_NOT_FOUND;
	char from[ID_UUID_SIZE + 2], call_id[ID_UUID_SIZE + 2];
	const struct envelope_stamp stamp = {
		quoted(from, route.from_leg), str_of(sender->user_json), quoted(call_id, route.call_id)};
	struct envelope_relayed relayed;
	if (envelope_relay(m->envelope, STR("2/webrtc,"), &stamp, &relayed) < 0)
		return ERR_PAYLOAD_TOO_LARGE;
	if (!receiver->socket)
		return hold(receiver, &relayed);
	send_parts(receiver, &relayed);
	return MSG_DONE;
}

/* An offer must carry one, whatever is in it: SDP is opaque here. */
static int relay_with(const struct msg *m, const char *member)
{
	struct str value = envelope_get(m->envelope, member);
	if (!value.ptr || value.ptr[0] != '{')
		return ERR_BAD_FIELD;
	return relay(m);
}

int msg_offer(const struct msg *m)
{
	return relay_with(m, "offer");
}

int msg_answer(const struct msg *m)
{
	return relay_with(m, "answer");
}

/* null tells the end of candidates. */
int msg_candidate(const struct msg *m)
{
	struct str value = envelope_get(m->envelope, "candidate");
	if (!value.ptr || (value.ptr[0] != '{' && value.ptr[0] != 'n'))
		return ERR_BAD_FIELD;
	return relay(m);
}

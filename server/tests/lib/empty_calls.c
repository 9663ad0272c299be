/* A call module with nothing to tell: what signal asks of calls beside its commands, for programs that play these. */
#include "base/err.h"
#include "call/call.h"

int calls_record(struct calls *c, const struct call_record *what, call_reply_cb cb, void *arg)
{
	(void)c, (void)what, (void)cb, (void)arg;
	return ERR_NOT_IN_CALL;
}

void calls_sync(const struct calls *c, struct str user_id, struct str session_id, struct json_writer *w)
{
	(void)c, (void)user_id, (void)session_id;
	jw_raw(w, STR("[]"));
}

void call_write_json(struct json_writer *w, const struct call *call, int64_t now)
{
	(void)call, (void)now;
	jw_raw(w, STR("{}"));
}

void call_write_self(struct json_writer *w, const struct call *call, const struct leg *self)
{
	(void)call, (void)self;
	jw_raw(w, STR("{}"));
}

void call_write_legs(struct json_writer *w, const struct call *call, const struct leg *except)
{
	(void)call, (void)except;
	jw_raw(w, STR("[]"));
}

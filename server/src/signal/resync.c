/* What a session has missed of a call is read and sent again; what happens meanwhile waits, so that the order is kept.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "signal/session.h"

#define RETRY_MS 500

/* One call being sent again to one session. */
struct resync {
	struct list link;
	struct session *session; /* null: gone meanwhile */
	char call_id[ID_UUID_SIZE];
	int64_t sent_seq; /* the newest that was sent, or that the client has */
	bool more;	  /* something new was held back: read once more */
	bool waits;	  /* for the database to answer again */
	struct timer retry;
};

static void on_read(void *arg, int err);

static void read_again(struct resync *r)
{
	struct session *s = r->session;
	r->more = false;
	calls_resync(s->sig->config.calls, &(struct call_resync){.user_id = session_user_id(s),
						   .session_id = str_of(s->id),
						   .call_id = str_of(r->call_id),
						   .after_seq = r->sent_seq,
						   .done = on_read,
						   .arg = r});
}

static void on_retry(struct timer *t, void *arg)
{
	struct resync *r = arg;
	(void)t;
	r->waits = false;
	read_again(r);
}

/* What was held back would be lost with it: so it is tried until the database answers, or the session has gone. */
static bool try_later(struct resync *r)
{
	r->waits = timer_start(r->session->sig->config.loop, &r->retry, RETRY_MS, on_retry, r) == 0;
	return r->waits;
}

static void on_read(void *arg, int err)
{
	struct resync *r = arg;
	if (err == 0 && r->session && r->more) {
		read_again(r);
		return;
	}
	if (err_retryable(err) && r->session && try_later(r))
		return;
	if (err < 0 && err != ERR_CALL_NOT_FOUND)
		log_warn("missed events not sent", LOG_E(err));
	if (r->session)
		list_remove(&r->link);
	mem_free(r);
}

static struct resync *find(struct session *s, struct str call_id)
{
	LIST_EACH(&s->resyncs, item)
	{
		struct resync *r = CONTAINER_OF(item, struct resync, link);
		if (str_eq_z(call_id, r->call_id))
			return r;
	}
	return NULL;
}

void resync_begin(struct session *s, struct str call_id, int64_t after_seq)
{
	struct resync *r = mem_new(sizeof *r);
	if (!r || str_copy(r->call_id, sizeof r->call_id, call_id) < 0) {
		mem_free(r);
		log_warn("missed events not sent", LOG_E(ERR_NO_MEMORY));
		return;
	}
	r->session = s;
	r->sent_seq = after_seq;
	list_push(&s->resyncs, &r->link);
	read_again(r);
}

bool resync_holds(struct session *s, const struct call_announcement *a)
{
	struct resync *r = a->seq && !list_empty(&s->resyncs) ? find(s, str_of(a->call_id)) : NULL;
	if (!r)
		return false;
	if (a->is_repeated && a->seq > r->sent_seq) {
		r->sent_seq = a->seq;
		return false;
	}
	r->more = r->more || !a->is_repeated;
	return true;
}

void resync_forget(struct session *s)
{
	LIST_EACH(&s->resyncs, item)
	{
		struct resync *r = CONTAINER_OF(item, struct resync, link);
		r->session = NULL;
		if (!r->waits)
			continue; /* freed when its answer comes */
		timer_stop(s->sig->config.loop, &r->retry);
		mem_free(r);
	}
}

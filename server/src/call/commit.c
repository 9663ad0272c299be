/* Decide, commit, and only then swap, answer and announce.
 *
 *   decide --> nothing to write ---------------------------------------------> reply
 *          --> rows: store_commit --> done ----------> swap, announce --------> reply
 *                 ^       ^     '--> conflict: load, decide again (three times)
 *                 |       '--absent-- unknown: ask for the command until somebody knows --present--> as done
 */
#include "call/service.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/recording.h"

#define RETRY_MS 200

/* --- after everything is safe --- */

static void answer(struct task *t, const struct call *c)
{
	const struct call_decision *d = &t->decision;
	struct call_reply reply = {.status = d->status, .existing = d->existing, .merged = d->merged, .now = t->now};
	reply.call = d->tombstone ? NULL : c;
	if (c && d->self_leg[0])
		reply.self = call_leg(c, d->self_leg);
	if (t->cb)
		t->cb(t->arg, &reply);
	t->cb = NULL;
}

static void log_change(const struct task *t, const struct call *c)
{
	for (size_t i = 0; i < t->decision.n_numbered; i++) {
		const struct call_event *e = &t->decision.events[i];
		if (!e->is_webhook || strcmp(e->type, "call.incoming") == 0)
			continue; /* the steps of a life alone */
		log_info(e->type, LOG_S("call", c->id), LOG_I("seq", e->seq),
			LOG_S("status", call_status_word(c->status)), LOG_STR("user", t->cmd.actor.user_id));
	}
}

/* The registry gets its own settled copy, so that what was decided can still be told from the decision. */
static void swap_in(struct task *t, struct call *next)
{
	struct calls *c = t->calls;
	bool lives = call_is_live(next);
	struct live_call *live = t->fresh ? t->fresh : task_live(t);
	t->fresh = NULL;
	if (!live) { /* something was added to a call that is over */
		call_free(next);
		places_fini(&t->places);
		return;
	}
	if (!lives && live)
		timer_stop(c->loop, &live->deadline); /* goes with its call */
	registry_swap(&c->registry, live, next, &t->places);
	if (!lives)
		return;
	live->service = c;
	live->media_is_due |= t->decision.change == CHANGE_MEDIA;
	if (t->decision.change == CHANGE_ROWS) {
		live->beat_at = t->now;
		list_remove(&live->beat);
		list_push(&c->registry.beats, &live->beat);
	}
	service_arm(c, live, 0);
}

static void count_change(struct task *t, const struct call *next)
{
	struct calls_stats *s = &t->calls->counted;
	s->n_started += t->fresh != NULL;
	if (next->answered_at == t->now && next->status == CALL_ACTIVE) {
		s->n_answered++;
		histogram_add(&s->answer, next->answered_at - next->started_at);
	}
	if (call_is_live(next))
		return;
	s->by_reason[next->end_reason]++;
	if (next->answered_at)
		histogram_add(&s->duration, next->ended_at - next->answered_at);
}

static void succeed(struct task *t)
{
	struct calls *c = t->calls;
	char call_id[ID_UUID_SIZE] = "";
	if (t->decision.change == CHANGE_ROWS) {
		struct call *settled = t->settled;
		t->settled = NULL;
		memcpy(call_id, settled->id, sizeof call_id);
		count_change(t, settled);
		swap_in(t, settled);
		log_change(t, t->decision.next);
		answer(t, t->decision.next);
		task_announce(t, t->decision.next);
		recorder_note(&c->recorder, t->decision.next, t->decision.events, t->decision.n_events);
		service_recheck(c, call_id, &t->cmd);
	} else {
		const struct live_call *live = task_live(t);
		answer(t, t->facts.by_id ? t->facts.by_id : live ? live->call : t->found);
	}
	struct call_reply said = {.status = t->decision.status};
	task_finish(t, &said);
}

/* --- the way into the store --- */

static void on_committed(struct store_job *job, int err);

static void on_found(struct store_job *job, int err);

static void ask_whether_written(struct task *t)
{
	t->command_q = (struct store_find_command){.job = {.done = on_found, .arg = t}};
	memcpy(t->command_q.command_id, t->set.command_id, sizeof t->command_q.command_id);
	memcpy(t->command_q.owner, t->set.owner, sizeof t->command_q.owner);
	t->in_flight = true;
	store_find_command(t->calls->store, &t->command_q);
}

static void on_ask_again(struct timer *timer, void *arg)
{
	(void)timer;
	ask_whether_written(arg);
}

static void commit(struct task *t)
{
	if (t->is_told && !t->is_sent) { /* they will ask again, or not */
		task_refuse(t, ERR_STORE);
		return;
	}
	t->is_sent = true;
	t->set.job = (struct store_job){.done = on_committed, .arg = t};
	t->in_flight = true;
	t->committed_at = clock_mono_ms();
	store_commit(t->calls->store, &t->set);
}

/* The owner's queue stands still until somebody knows. */
static void on_found(struct store_job *job, int err)
{
	struct task *t = job->arg;
	t->in_flight = false;
	if (err < 0 && t->calls->is_over)
		return; /* whoever still waits is answered by calls_free */
	if (err < 0) {
		t->in_flight = true;
		if (timer_start(t->calls->loop, &t->retry, RETRY_MS, on_ask_again, t) < 0)
			ask_whether_written(t);
	} else if (t->command_q.found) {
		succeed(t);
	} else {
		commit(t);
	}
}

static void on_committed(struct store_job *job, int err)
{
	struct task *t = job->arg;
	t->in_flight = false;
	histogram_add(&t->calls->counted.commit, clock_mono_ms() - t->committed_at);
	switch (err) {
	case 0:
	case ERR_EXISTS: succeed(t); return;
	case ERR_CONFLICT: task_reload(t); return;
	case ERR_UNKNOWN: ask_whether_written(t); return;
	default: log_warn("change not written", LOG_E(err), LOG_S("owner", t->set.owner)); task_fail(t, err);
	}
}

static int put_reply(struct task *t, const struct call *c)
{
	struct store_reply *r = &t->set.reply;
	struct buf body;
	struct json_writer w = json_writer(&body);
	if (t->cmd.verb != CMD_CREATE || !t->cmd.create.idempotency_key.len)
		return 0;
	buf_init(&body, STORE_BODY_MAX - 1);
	call_write_json(&w, c, t->now);
	r->body = buf_take(&body, NULL);
	buf_fini(&body);
	if (!r->body)
		return ERR_NO_MEMORY;
	str_copy(r->user_id, sizeof r->user_id, t->cmd.actor.user_id);
	str_copy(r->key, sizeof r->key, t->cmd.create.idempotency_key);
	r->request_hash = t->facts.body_hash;
	r->status = t->decision.status;
	r->expires_at = t->now + t->calls->limits.idempotency_ms;
	return 0;
}

static void put_tombstone(struct task *t)
{
	struct store_tombstone *tomb = &t->set.tombstone;
	if (!t->decision.tombstone)
		return;
	str_copy(tomb->user_id, sizeof tomb->user_id, t->cmd.actor.user_id);
	str_copy(tomb->call_id, sizeof tomb->call_id, t->cmd.call_id);
	tomb->expires_at = t->now + t->calls->limits.tombstone_ms;
}

/* What the registry will hold, made now: after the commit nothing may fail. */
static int prepare_swap(struct task *t)
{
	const struct call *next = t->decision.next;
	t->settled = call_copy(next);
	if (!t->settled)
		return ERR_NO_MEMORY;
	call_settle(t->settled);
	if (t->cmd.verb == CMD_CREATE && !t->decision.merged && !(t->fresh = live_new(next->id, t->owner)))
		return ERR_NO_MEMORY;
	return places_init(&t->places, t->settled);
}

static void write_rows(struct task *t, const struct call *current)
{
	struct call_decision *d = &t->decision;
	const struct call *shown = d->next ? d->next : t->facts.by_id ? t->facts.by_id : current;
	struct recording *recording = t->cmd.verb == CMD_RECORDED ? mem_new(sizeof *recording) : NULL;
	int err = d->change == CHANGE_ROWS ? prepare_swap(t) : 0;
	if (!err)
		err = put_reply(t, shown);
	if (t->cmd.verb == CMD_RECORDED && !recording)
		err = ERR_NO_MEMORY;
	if (err < 0) {
		mem_free(recording);
		task_fail(t, err);
		return;
	}
	id_uuid7(t->now, t->set.command_id);
	str_copy(t->set.owner, sizeof t->set.owner, str_of(t->owner[0] ? t->owner : t->by_id.queue->key));
	t->set.at = t->now;
	if (t->cmd.verb == CMD_RECORDED)
		*recording = *t->cmd.recorded;
	t->set.recording = recording;
	t->set.call = d->next;
	t->set.expected_seq = current && d->change == CHANGE_ROWS ? current->seq : 0;
	t->set.events = d->events;
	t->set.n_events = d->n_numbered;
	put_tombstone(t);
	commit(t);
}

/* --- without rows --- */

static void apply_memory(struct task *t)
{
	struct call *next = t->decision.next;
	int err = places_init(&t->places, next);
	if (err < 0) {
		task_fail(t, err);
		return;
	}
	t->decision.next = NULL;
	swap_in(t, next);
	answer(t, next);
	task_announce(t, next);
	recorder_note(&t->calls->recorder, next, t->decision.events, t->decision.n_events);
	struct call_reply said = {.status = 200};
	task_finish(t, &said);
}

/* --- deciding --- */

static int64_t check_policy(struct task *t)
{
	const struct call *next = t->decision.next;
	struct str callees[MODEL_PARTICIPANTS_MAX];
	struct policy_ring ring = {.caller = t->cmd.actor.user_id, .callees = callees};
	if (!t->decision.rings || t->tries)
		return 0;
	if (t->cmd.verb == CMD_CREATE)
		ring.channel = t->cmd.create.channel_id;
	for (size_t i = 0; i < next->n_participants; i++) {
		const struct participant *p = &next->participants[i];
		if (p->changed && p->role != ROLE_CALLER)
			callees[ring.n_callees++] = str_of(p->user.id);
	}
	return policy_take(&t->calls->policy, &ring, loop_now_ms(t->calls->loop));
}

static void fill_facts(struct task *t, const struct call *current)
{
	struct calls *c = t->calls;
	struct call_facts *f = &t->facts;
	const struct call_announcer *out = &c->announcer;
	const char *except = current && t->cmd.verb != CMD_CREATE ? current->id : NULL;
	f->limits = &c->limits;
	f->by_id = t->cmd.verb == CMD_CREATE ? t->found : NULL;
	f->actor_is_busy = registry_is_busy(&c->registry, t->cmd.actor.user_id, except);
	f->actor_has_session = t->cmd.actor.user_id.len && out->n_sessions(out->arg, t->cmd.actor.user_id) > 0;
	for (size_t i = 0; i < f->n_people; i++) {
		struct str id = str_of(t->people[i].user.id);
		t->people[i].is_busy = registry_is_busy(&c->registry, id, except);
		t->people[i].has_session = out->n_sessions(out->arg, id) > 0;
	}
	id_uuid7(t->now, f->call_id);
	id_uuid7(t->now, f->leg_ids[0]);
	id_uuid7(t->now, f->leg_ids[1]);
}

static void refuse_rate(struct task *t, int64_t wait_ms)
{
	const struct call_reply reply = {.err = ERR_RATE_LIMITED,
		.status = err_http_status(ERR_RATE_LIMITED),
		.retry_after_ms = wait_ms,
		.now = t->now};
	task_finish(t, &reply);
}

static void carry_out(struct task *t, const struct call *current)
{
	const struct call_decision *d = &t->decision;
	bool keeps_reply = t->cmd.verb == CMD_CREATE && t->cmd.create.idempotency_key.len;
	if (d->err < 0)
		task_fail(t, d->err);
	else if (d->change == CHANGE_MEMORY || d->change == CHANGE_MEDIA)
		apply_memory(t);
	else if (d->change == CHANGE_ROWS || d->tombstone || keeps_reply)
		write_rows(t, current);
	else
		succeed(t);
}

void task_decide(struct task *t)
{
	struct live_call *live = task_live(t);
	const struct call *current = live ? live->call : t->cmd.verb == CMD_CREATE ? NULL : t->found;
	t->now = service_decision_time(t->calls);
	fill_facts(t, current);
	call_decide(current, &t->facts, &t->cmd, t->now, &t->decision);
	int64_t wait = t->decision.err ? 0 : check_policy(t);
	if (wait > 0) {
		refuse_rate(t, wait);
		return;
	}
	if (t->cmd.verb == CMD_DEADLINE && live && t->decision.change == CHANGE_NONE)
		service_arm(t->calls, live, 1); /* the timer was early */
	carry_out(t, current);
}

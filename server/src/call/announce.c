/* Every event to those whom it is for: users are named from the call's rows, devices by their sessions. */
#include "call/service.h"

#include "base/log.h"
#include "base/mem.h"

struct audience_lists {
	const char **names; /* owned: users or sessions */
	size_t n;
};

static void list_users(struct audience_lists *to, const struct call *c, const struct call_event *e)
{
	for (size_t i = 0; i < c->n_participants; i++)
		if (call_event_is_for(c, e, &c->participants[i]))
			to->names[to->n++] = c->participants[i].user.id;
}

static void list_members(struct audience_lists *to, const struct task *t)
{
	for (size_t i = 0; i < t->n_members; i++)
		if (t->members[i].is_member)
			to->names[to->n++] = t->members[i].user.id;
}

/* Members who had no part in a call of their channel, and were offered to join it while it went on. */
static void list_onlookers(struct audience_lists *to, const struct task *t, const struct call *c)
{
	for (size_t i = 0; i < t->n_members; i++)
		if (t->members[i].is_member && !call_participant(c, str_of(t->members[i].user.id)))
			to->names[to->n++] = t->members[i].user.id;
}

static void list_sessions(struct audience_lists *to, const struct call *c, const struct call_event *e)
{
	for (size_t i = 0; i < c->n_legs; i++) {
		const struct leg *leg = &c->legs[i];
		bool wanted = e->audience == TO_LEG ? strcmp(leg->id, e->leg_id) == 0 : leg->state != LEG_GONE;
		if (wanted && leg->session_id[0] && strcmp(leg->session_id, e->except_session) != 0)
			to->names[to->n++] = leg->session_id;
	}
}

static bool is_about_devices(const struct call_event *e)
{
	return e->audience == TO_LEGS || e->audience == TO_LEG;
}

static void announce_one(
	const struct task *t, const struct call *c, const struct call_event *e, struct audience_lists *to)
{
	const struct call_announcer *out = &t->calls->announcer;
	struct call_announcement a = {.event = e->type,
		.call_id = c->id,
		.seq = e->seq,
		.audience = e->audience,
		.except_session = e->except_session,
		.payload = str_of(e->payload)};
	to->n = 0;
	if (is_about_devices(e)) {
		list_sessions(to, c, e);
		a.sessions = to->names;
		a.n_sessions = to->n;
	} else {
		if (e->audience == TO_CHANNEL)
			list_members(to, t);
		else
			list_users(to, c, e);
		if (strcmp(e->type, "call.ended") == 0)
			list_onlookers(to, t, c);
		a.users = to->names;
		a.n_users = to->n;
	}
	if (to->n)
		out->deliver(out->arg, &a);
}

void task_announce(struct task *t, const struct call *c)
{
	struct audience_lists to = {0};
	if (!t->decision.n_events)
		return;
	to.names = mem_new((c->n_participants + c->n_legs + t->n_members + 1) * sizeof *to.names);
	if (!to.names) { /* they find it in the next sync */
		log_error("events not announced for want of memory", LOG_S("call", c->id));
		return;
	}
	for (size_t i = 0; i < t->decision.n_events; i++)
		if (t->decision.events[i].audience != TO_NOBODY)
			announce_one(t, c, &t->decision.events[i], &to);
	mem_free(to.names);
}

/* A call is made: or it is there already, or it turns out to be the answer to one (races 6, 7, 15). */
#include "call/change.h"

#include "base/err.h"
#include "base/mem.h"

static int refuse(struct change *ch, const char *field, int err)
{
	ch->out->field = field;
	return err;
}

enum call_mode call_mode_of(const struct call_create *create, size_t n_others)
{
	if (create->has_mode)
		return create->mode;
	return n_others == 1 && !create->no_ring ? CALL_DIRECT : CALL_GROUP;
}

static int check_request(struct change *ch)
{
	const struct call_create *create = &ch->cmd->create;
	const struct call_limits *limits = ch->facts->limits;
	size_t n = ch->facts->n_people;
	if (!n)
		return refuse(ch, "participants", ERR_SELF_CALL);
	if (n + 1 > limits->max_participants)
		return refuse(ch, "participants", ERR_TOO_MANY_PARTICIPANTS);
	if (create->has_mode && create->mode == CALL_DIRECT && n != 1)
		return refuse(ch, "mode", ERR_BAD_FIELD);
	if (create->no_ring && call_mode_of(create, n) == CALL_DIRECT)
		return refuse(ch, "ring", ERR_BAD_FIELD);
	if (create->ring_ms && (create->ring_ms < limits->ring_min_ms || create->ring_ms > limits->ring_max_ms))
		return refuse(ch, "ringTimeout", ERR_BAD_FIELD);
	for (size_t i = 0; i < n; i++)
		if (!ch->facts->people[i].is_member)
			return refuse(ch, "participants", ERR_NOT_A_MEMBER);
	return 0;
}

/* The id that the client chose is in use: a repetition gets its call, anything else is refused. */
static int decide_same_id(struct change *ch)
{
	const struct call *found = ch->facts->by_id;
	if (!str_eq_z(ch->cmd->actor.user_id, found->started_by) || found->body_hash != ch->facts->body_hash)
		return refuse(ch, "id", ERR_ID_TAKEN);
	ch->out->existing = true;
	return 0;
}

/* Glare: the other side's call rings here, so wanting to call them is answering. Every other live call is handed out.
 */
static int decide_rival(const struct call *rival, struct change *ch)
{
	if (rival->status != CALL_RINGING || rival->mode != CALL_DIRECT ||
		str_eq_z(ch->cmd->actor.user_id, rival->started_by)) {
		ch->out->existing = true;
		return 0;
	}
	ch->next = call_copy(rival);
	if (!ch->next)
		return ERR_NO_MEMORY;
	ch->me = call_participant(ch->next, ch->cmd->actor.user_id);
	ch->out->merged = true;
	return decide_join(ch);
}

static int init_call(struct change *ch)
{
	struct call *c = ch->next;
	const struct call_create *create = &ch->cmd->create;
	int64_t ring_ms = create->ring_ms ? create->ring_ms : ch->facts->limits->ring_ms;
	c->type = create->type;
	c->mode = call_mode_of(create, ch->facts->n_people);
	c->started_at = c->last_seen_at = ch->now;
	c->ring_expires_at = ch->now + ring_ms;
	c->body_hash = ch->facts->body_hash;
	c->record_policy = ch->facts->limits->record_policy;
	if (create->has_record_policy && create->record_policy > c->record_policy)
		c->record_policy = create->record_policy;
	c->caller_had_session = ch->facts->actor_has_session;
	if (create->metadata.len && !(c->metadata = mem_dup(create->metadata)))
		return ERR_NO_MEMORY;
	if (str_copy(c->id, sizeof c->id, create->id.len ? create->id : str_of(ch->facts->call_id)) < 0)
		return refuse(ch, "id", ERR_BAD_FIELD);
	if (str_copy(c->channel_id, sizeof c->channel_id, create->channel_id) < 0)
		return refuse(ch, "channelId", ERR_BAD_FIELD);
	return str_copy(c->started_by, sizeof c->started_by, ch->cmd->actor.user_id) < 0 ? ERR_BAD_REQUEST : 0;
}

static int fill_caller(struct change *ch)
{
	const struct call_actor *actor = &ch->cmd->actor;
	struct participant *p = &ch->next->participants[0];
	p->role = ROLE_CALLER;
	p->invited_at = ch->now;
	p->is_video_enabled = ch->next->type == CALL_VIDEO;
	change_enter(ch, p);
	if (str_copy(p->user.id, sizeof p->user.id, actor->user_id) < 0 ||
		str_copy(p->user.name, sizeof p->user.name, actor->name) < 0 ||
		str_copy(p->user.avatar_url, sizeof p->user.avatar_url, actor->avatar_url) < 0)
		return ERR_BAD_REQUEST;
	return 0;
}

static void fill_callees(struct change *ch)
{
	bool rings = !ch->cmd->create.no_ring;
	for (size_t i = 0; i < ch->facts->n_people; i++) {
		struct participant *p = &ch->next->participants[i + 1];
		const struct call_person *who = &ch->facts->people[i];
		p->user = who->user;
		p->role = ROLE_CALLEE;
		p->invited_at = ch->now;
		p->state = PART_INVITED;
		p->is_video_enabled = ch->next->type == CALL_VIDEO;
		p->changed = true;
		if (rings)
			change_ring(ch, p, who, ch->next->ring_expires_at);
	}
}

/* Those who are free are rung together; one who is in another call hears a silent knock, in a direct call only a
 * record. */
static void ring_all(struct change *ch)
{
	const struct call *c = ch->next;
	if (change_n_rung(c)) {
		tell_incoming(ch, NULL, c->ring_expires_at, false);
		ch->next->unreachable_at = ch->now + ch->facts->limits->unreachable_ms;
	}
	for (size_t i = 1; i < c->n_participants; i++) {
		if (c->participants[i].state != PART_BUSY)
			continue;
		if (c->mode == CALL_DIRECT)
			tell_about(ch, "call.busy", &c->participants[i], &c->participants[0]);
		else if (change_n_rung(c))
			tell_incoming(ch, &c->participants[i], c->ring_expires_at, true);
	}
	change_settle_ring(ch);
}

static int decide_new(struct change *ch)
{
	int err;
	ch->next = call_new(ch->facts->n_people + 1);
	if (!ch->next)
		return ERR_NO_MEMORY;
	if ((err = init_call(ch)) < 0 || (err = fill_caller(ch)) < 0)
		return err;
	ch->me = &ch->next->participants[0];
	fill_callees(ch);
	tell_started(ch);
	if (!ch->cmd->create.no_ring)
		ring_all(ch);
	ch->out->status = 201;
	return 0;
}

int decide_create(const struct call *rival, struct change *ch)
{
	const struct call_facts *facts = ch->facts;
	if (!facts->actor_is_member)
		return refuse(ch, "channelId", ERR_CHANNEL_NOT_FOUND);
	if (facts->by_id)
		return decide_same_id(ch);
	int err = check_request(ch);
	if (err < 0)
		return err;
	if (facts->has_tombstone)
		return refuse(ch, "id", ERR_CALL_CANCELLED);
	if (rival)
		return decide_rival(rival, ch);
	if (facts->actor_is_busy)
		return ERR_CALLER_BUSY;
	return decide_new(ch);
}

/* The model's words, copies and small questions. */
#include "store/model.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

static int parse(struct str word, const char *const *words, size_t n, int *out)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq_z(word, words[i])) {
			*out = (int)i;
			return 0;
		}
	}
	return ERR_BAD_FIELD;
}

#define MODEL_WORD(name, word) word,
#define MODEL_WORDS(prefix, type, LIST, COUNT)                                                                         \
	static const char *const prefix##_words[COUNT] = {LIST(MODEL_WORD)};                                           \
	const char *prefix##_word(type v)                                                                              \
	{                                                                                                              \
		return prefix##_words[v];                                                                              \
	}                                                                                                              \
	int prefix##_parse(struct str word, type *out)                                                                 \
	{                                                                                                              \
		int at;                                                                                                \
		if (parse(word, prefix##_words, COUNT, &at) < 0)                                                       \
			return ERR_BAD_FIELD;                                                                          \
		*out = (type)at;                                                                                       \
		return 0;                                                                                              \
	}

MODEL_WORDS(call_type, enum call_type, MODEL_CALL_TYPES, CALL_TYPE_COUNT)
MODEL_WORDS(call_mode, enum call_mode, MODEL_CALL_MODES, CALL_MODE_COUNT)
MODEL_WORDS(call_status, enum call_status, MODEL_CALL_STATUSES, CALL_STATUS_COUNT)
MODEL_WORDS(topology, enum topology, MODEL_TOPOLOGIES, TOPOLOGY_COUNT)
MODEL_WORDS(end_reason, enum end_reason, MODEL_END_REASONS, END_REASON_COUNT)
MODEL_WORDS(participant_state, enum participant_state, MODEL_PARTICIPANT_STATES, PARTICIPANT_STATE_COUNT)
MODEL_WORDS(role, enum participant_role, MODEL_ROLES, ROLE_COUNT)
MODEL_WORDS(record_policy, enum record_policy, MODEL_RECORD_POLICIES, RECORD_POLICY_COUNT)
MODEL_WORDS(record_state, enum record_state, MODEL_RECORD_STATES, RECORD_STATE_COUNT)
MODEL_WORDS(quality, enum quality, MODEL_QUALITIES, QUALITY_COUNT)
MODEL_WORDS(audience, enum audience, MODEL_AUDIENCES, AUDIENCE_COUNT)
MODEL_WORDS(outcome, enum outcome, MODEL_OUTCOMES, OUTCOME_COUNT)
MODEL_WORDS(direction, enum direction, MODEL_DIRECTIONS, DIRECTION_COUNT)

int64_t call_duration_s(const struct call *c, int64_t now)
{
	if (!c->answered_at)
		return 0;
	int64_t until = c->ended_at ? c->ended_at : now;
	return until > c->answered_at ? (until - c->answered_at) / 1000 : 0;
}

/* A caller nobody answered: it went as the call ended. */
static enum outcome unanswered_outcome(enum end_reason reason)
{
	switch (reason) {
	case END_NONE: return OUTCOME_ONGOING;
	case END_DECLINED: return OUTCOME_DECLINED;
	case END_BUSY: return OUTCOME_BUSY;
	case END_NO_ANSWER:
	case END_SERVER_RESTART: return OUTCOME_NO_ANSWER;
	default: return OUTCOME_CANCELLED;
	}
}

enum outcome participant_outcome(const struct call *c, const struct participant *p)
{
	if (p->role == ROLE_CALLER && !c->answered_at)
		return unanswered_outcome(c->end_reason);
	switch (p->state) {
	case PART_MISSED:
	case PART_CANCELLED:
	case PART_BUSY: return OUTCOME_MISSED;
	case PART_DECLINED: return OUTCOME_DECLINED;
	case PART_JOINED:
	case PART_RECONNECTING:
		if (call_is_live(c))
			return OUTCOME_ONGOING;
		break;
	case PART_LEFT: break;
	default: /* invited or ringing: open, or never settled by the time the call ended */
		return call_is_live(c) ? OUTCOME_ONGOING : OUTCOME_MISSED;
	}
	return c->end_reason == END_CONNECT_FAILED ? OUTCOME_FAILED : OUTCOME_COMPLETED;
}

void call_pair(const struct call *c, char out[MODEL_PAIR_SIZE])
{
	out[0] = '\0';
	if (c->mode != CALL_DIRECT || c->n_participants != 2)
		return;
	const char *a = c->participants[0].user.id;
	const char *b = c->participants[1].user.id;
	bool swap = strcmp(a, b) > 0;
	snprintf(out, MODEL_PAIR_SIZE, "%s\n%s", swap ? b : a, swap ? a : b);
}

struct call *call_new(size_t n_participants)
{
	struct call *c = mem_new(sizeof *c);
	if (!c)
		return NULL;
	c->n_participants = n_participants;
	if (n_participants) {
		c->participants = mem_new(n_participants * sizeof *c->participants);
		if (!c->participants) {
			call_free(c);
			return NULL;
		}
	}
	return c;
}

/* A copy of n items, or null without memory; *failed tells that from n being 0. */
static void *copy_array(const void *items, size_t n, size_t size, bool *failed)
{
	void *copy = n ? mem_new(n * size) : NULL;
	if (copy)
		memcpy(copy, items, n * size);
	else if (n)
		*failed = true;
	return copy;
}

struct call *call_copy(const struct call *c)
{
	bool failed = false;
	struct call *copy = mem_new(sizeof *copy);
	if (!copy)
		return NULL;
	*copy = *c;
	copy->participants = copy_array(c->participants, c->n_participants, sizeof *c->participants, &failed);
	copy->legs = copy_array(c->legs, c->n_legs, sizeof *c->legs, &failed);
	copy->metadata = c->metadata ? mem_dup(str_of(c->metadata)) : NULL;
	if (failed || (c->metadata && !copy->metadata)) {
		call_free(copy);
		return NULL;
	}
	for (size_t i = 0; i < copy->n_participants; i++)
		copy->participants[i].changed = false;
	for (size_t i = 0; i < copy->n_legs; i++)
		copy->legs[i].changed = false;
	return copy;
}

void call_free(struct call *c)
{
	if (!c)
		return;
	mem_free(c->participants);
	mem_free(c->legs);
	mem_free(c->metadata);
	mem_free(c);
}

struct participant *call_participant(const struct call *c, struct str user_id)
{
	for (size_t i = 0; i < c->n_participants; i++)
		if (str_eq_z(user_id, c->participants[i].user.id))
			return &c->participants[i];
	return NULL;
}

void call_event_fini(struct call_event *e)
{
	mem_free(e->payload);
	e->payload = NULL;
}

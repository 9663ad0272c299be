/* Whom an event is for. The same question is asked when it is announced and when it is read again after a gap. */
#include "call/decide.h"

/* Someone who was rung in vain, for whom the call was over with call.missed or call.cancelled and nothing else. */
static bool rang_in_vain(const struct participant *p)
{
	return p->state == PART_MISSED || p->state == PART_CANCELLED || p->state == PART_BUSY;
}

static bool is_for_callee(const struct call_event *e, const struct participant *p)
{
	if (p->role == ROLE_CALLER)
		return false;
	if (strcmp(e->type, "call.missed") == 0 || strcmp(e->type, "call.cancelled") == 0)
		return rang_in_vain(p);
	if (strcmp(e->type, "call.incoming") == 0)
		return p->state == PART_INVITED || p->state == PART_RINGING;
	return true;
}

bool call_event_is_for(const struct call *c, const struct call_event *e, const struct participant *p)
{
	(void)c;
	switch (e->audience) {
	case TO_USER: return strcmp(e->user_id, p->user.id) == 0;
	case TO_CALLEES: return is_for_callee(e, p);
	case TO_PARTICIPANTS: return strcmp(e->type, "call.ended") != 0 || !rang_in_vain(p);
	default: return false;
	}
}

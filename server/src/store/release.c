/* Giving back the memory of what the store was given or has answered. */
#include "base/mem.h"
#include "store/outbox.h"

void change_set_fini(struct change_set *cs)
{
	call_free(cs->call);
	for (size_t i = 0; i < cs->n_events; i++)
		call_event_fini(&cs->events[i]);
	mem_free(cs->events);
	mem_free(cs->reply.body);
	mem_free(cs->recording);
	cs->call = NULL;
	cs->events = NULL;
	cs->n_events = 0;
	cs->reply.body = NULL;
	cs->recording = NULL;
}

void stored_events_free(struct stored_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_event_fini(&events[i].event);
	mem_free(events);
}

void history_free(struct call **calls, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_free(calls[i]);
	mem_free(calls);
}

void outbox_events_free(struct outbox_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_event_fini(&events[i].stored.event);
	mem_free(events);
}

void failed_events_free(struct failed_event *failures, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_event_fini(&failures[i].event.stored.event);
	mem_free(failures);
}

/* connection_calls: the calls behind connection_fuzz.c, played: every leg is in a call with whoever asks. */
#ifndef BELLWIRE_CONNECTION_CALLS_H
#define BELLWIRE_CONNECTION_CALLS_H

#include <stdbool.h>

struct call_announcer;

/* At the start of an input. late: what is asked is answered by played_settle, and refused now and then. */
void played_begin(bool late);

/* Answers what waits. */
void played_settle(void);

/* Tells every session of the users alice and bob that a call has changed. */
void played_announce(const struct call_announcer *announcer);

#endif

/* stage: the service with a fake store below and recording ears above, for service tests. */
#ifndef BELLWIRE_TESTS_STAGE_H
#define BELLWIRE_TESTS_STAGE_H

#include "call/call.h"
#include "check.h"
#include "fake_store.h"

#define STAGE_HEARD 512
#define STAGE_CHOSEN "00000000-0000-7000-8000-00000000000a" /* an id of the client's choice */

struct heard {
	char event[32];
	char names[160]; /* the users or sessions, with blanks between */
	char except[MODEL_SESSION_ID_SIZE];
	int64_t seq;
};

struct answer {
	int n; /* how often it came */
	int err;
	int status;
	const char *field;
	bool existing;
	bool merged;
	int64_t retry_after_ms;
	char call_id[ID_UUID_SIZE];
	char self[ID_UUID_SIZE];
	enum call_status call_status;
	char stored[2048];
};

struct stage {
	struct loop loop;
	struct store store;
	struct call_limits limits;
	struct calls *calls;
	struct heard heard[STAGE_HEARD];
	size_t n_heard;
	const char *online; /* sessions with a socket */
	int64_t now;	    /* the service's clock; 0: the real one */
};

void stage_init(struct stage *s); /* then set limits, and stage_start */
void stage_start(struct stage *s);
void stage_fini(struct stage *s);
void stage_stop(struct stage *s); /* the service alone, as a crash would */

/* Runs the loop for some real milliseconds, answering the store meanwhile. */
void stage_wait(struct stage *s, int ms);

/* who: "ann/1", "ann" over REST, "server". Asks and leaves the answer to come. */
struct call_command stage_command(enum call_verb verb, const char *who, const char *call_id);
void stage_ask(struct stage *s, const struct call_command *cmd, struct answer *a);
/* Asks and lets the store answer everything. */
struct answer stage_do(struct stage *s, enum call_verb verb, const char *who, const char *call_id);
struct call_command stage_create(const char *who, const struct str *others, size_t n);
struct answer stage_call(struct stage *s, const char *who, const char *other);

int stage_heard(const struct stage *s, const char *name, const char *event);

#endif

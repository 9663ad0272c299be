/* The store's side of the contract, as small as it can be. */
#include "fake_store.h"

#include "base/err.h"
#include "base/mem.h"
#include "call/decide.h"
#include "check.h"

enum kind { JOB_COMMIT, JOB_COMMAND, JOB_TOUCH, JOB_CALL, JOB_REPLY, JOB_TOMBSTONE, JOB_PEOPLE, JOB_EVENTS };

void fake_store_init(struct store *s)
{
	*s = (struct store){.members = "ann bob cat dan", .memory_left = -1};
	list_init(&s->jobs);
}

void fake_store_fini(struct store *s)
{
	for (size_t i = 0; i < s->n_calls; i++)
		call_free(s->calls[i]);
	for (size_t i = 0; i < s->n_replies; i++)
		mem_free(s->replies[i].body);
	for (size_t i = 0; i < s->n_events; i++)
		call_event_fini(&s->events[i]);
}

struct call *fake_store_call(struct store *s, const char *id)
{
	for (size_t i = 0; i < s->n_calls; i++)
		if (strcmp(s->calls[i]->id, id) == 0)
			return s->calls[i];
	return NULL;
}

static void hand_over(struct store *s, struct store_job *job, enum kind kind)
{
	job->kind = (int)kind;
	list_init(&job->link);
	list_push(&s->jobs, &job->link);
	s->n_jobs++;
}

/* --- writing --- */

static struct call *rows_of(const struct call *c)
{
	struct call *rows = call_copy(c);
	call_settle(rows);
	for (size_t i = 0; i < rows->n_participants; i++)
		if (rows->participants[i].state == PART_RECONNECTING)
			rows->participants[i].state = PART_JOINED;
	for (size_t i = 0; i < rows->n_legs; i++)
		if (rows->legs[i].state == LEG_RECONNECTING)
			rows->legs[i].state = LEG_JOINED;
	rows->caller_lost_at = rows->connect_by = rows->alone_by = rows->unreachable_at = rows->restarted_at = 0;
	rows->caller_had_session = false;
	return rows;
}

static int check_seq(struct store *s, const struct change_set *cs)
{
	if (!cs->call)
		return 0;
	const struct call *old = fake_store_call(s, cs->call->id);
	if ((old ? old->seq : 0) != cs->expected_seq)
		return ERR_CONFLICT;
	assert_int_equal(cs->call->seq, cs->expected_seq + (int64_t)cs->n_events);
	for (size_t i = 0; i < cs->n_events; i++)
		assert_int_equal(cs->events[i].seq, cs->expected_seq + 1 + (int64_t)i);
	return 0;
}

static void write_call(struct store *s, const struct change_set *cs)
{
	struct call *rows = rows_of(cs->call);
	for (size_t i = 0; i < s->n_calls; i++) {
		if (strcmp(s->calls[i]->id, rows->id) != 0)
			continue;
		call_free(s->calls[i]);
		s->calls[i] = rows;
		return;
	}
	s->calls[s->n_calls++] = rows;
}

static void write_events(struct store *s, const struct change_set *cs)
{
	for (size_t i = 0; i < cs->n_events && s->n_events < FAKE_COMMANDS; i++) {
		s->events[s->n_events] = cs->events[i];
		s->events[s->n_events].payload = mem_dup(str_of(cs->events[i].payload));
		memcpy(s->event_calls[s->n_events++], cs->call->id, ID_UUID_SIZE);
	}
}

static int write_all(struct store *s, const struct change_set *cs)
{
	int err = check_seq(s, cs);
	if (err < 0)
		return err;
	if (cs->call) {
		write_call(s, cs);
		write_events(s, cs);
	}
	if (cs->tombstone.user_id[0])
		s->tombstones[s->n_tombstones++] = cs->tombstone;
	if (cs->reply.user_id[0]) {
		s->replies[s->n_replies] = cs->reply;
		s->replies[s->n_replies++].body = mem_dup(str_of(cs->reply.body));
	}
	memcpy(s->commands[s->n_commands++], cs->command_id, ID_UUID_SIZE);
	return 0;
}

static int do_commit(struct store *s, struct change_set *cs)
{
	bool is_struck = s->n_faults || ++s->n_applied == s->fault_at;
	enum store_fault fault = is_struck ? s->fault : STORE_FAULT_NONE;
	s->n_in_flight--;
	if (s->n_faults)
		s->n_faults--;
	switch (fault) {
	case STORE_FAULT_FAIL: return ERR_STORE;
	case STORE_FAULT_CONFLICT: return ERR_CONFLICT;
	case STORE_FAULT_UNKNOWN_UNWRITTEN: return ERR_UNKNOWN;
	case STORE_FAULT_UNKNOWN_WRITTEN: write_all(s, cs); return ERR_UNKNOWN;
	default: return write_all(s, cs);
	}
}

void store_commit(struct store *s, struct change_set *cs)
{
	s->n_commits++;
	if (++s->n_in_flight > s->max_in_flight)
		s->max_in_flight = s->n_in_flight;
	hand_over(s, &cs->job, JOB_COMMIT);
}

void change_set_fini(struct change_set *cs)
{
	assert_null(cs->call);
	assert_null(cs->events);
	mem_free(cs->reply.body);
}

void store_find_command(struct store *s, struct store_find_command *q)
{
	hand_over(s, &q->job, JOB_COMMAND);
}

void store_touch(struct store *s, struct store_touch *t)
{
	s->n_touches++;
	hand_over(s, &t->job, JOB_TOUCH);
}

void store_put_flight(struct store *s, struct store_put_flight *q)
{
	s->n_flights++;
	hand_over(s, &q->job, JOB_TOUCH);
}

/* --- reading --- */

int store_load_live(struct store *s, int (*cb)(void *arg, struct call *call), void *arg)
{
	int err = 0;
	for (size_t i = 0; !err && i < s->n_calls; i++)
		if (call_is_live(s->calls[i]))
			err = cb(arg, call_copy(s->calls[i]));
	return err;
}

void store_read_call(struct store *s, struct store_read_call *q)
{
	hand_over(s, &q->job, JOB_CALL);
}

void store_read_reply(struct store *s, struct store_read_reply *q)
{
	hand_over(s, &q->job, JOB_REPLY);
}

void store_read_tombstone(struct store *s, struct store_read_tombstone *q)
{
	hand_over(s, &q->job, JOB_TOMBSTONE);
}

void store_read_people(struct store *s, struct store_read_people *q)
{
	hand_over(s, &q->job, JOB_PEOPLE);
}

void store_read_events(struct store *s, struct store_read_events *q)
{
	hand_over(s, &q->job, JOB_EVENTS);
}

static void do_reply(struct store *s, struct store_read_reply *q)
{
	for (size_t i = 0; i < s->n_replies; i++) {
		const struct store_reply *r = &s->replies[i];
		if (strcmp(r->user_id, q->user_id) != 0 || strcmp(r->key, q->key) != 0)
			continue;
		q->found = true;
		q->request_hash = r->request_hash;
		q->status = r->status;
		q->body = mem_dup(str_of(r->body));
	}
}

static void do_tombstone(struct store *s, struct store_read_tombstone *q)
{
	for (size_t i = 0; i < s->n_tombstones; i++)
		q->found |= strcmp(s->tombstones[i].user_id, q->user_id) == 0 &&
			    strcmp(s->tombstones[i].call_id, q->call_id) == 0 && s->tombstones[i].expires_at > q->now;
}

static bool is_member(const struct store *s, struct str id)
{
	struct str rest = str_of(s->members);
	while (rest.ptr)
		if (str_eq(str_cut(&rest, ' '), id))
			return true;
	return false;
}

static void do_people(struct store *s, struct store_read_people *q)
{
	struct str rest = str_of(s->members);
	size_t n = 0;
	q->channel_found = true;
	q->people = mem_new(16 * sizeof *q->people);
	for (; q->n_user_ids && n < q->n_user_ids; n++) {
		q->people[n].is_member = is_member(s, str_of(q->user_ids[n]));
		memcpy(q->people[n].user.id, q->user_ids[n], MODEL_USER_ID_SIZE);
	}
	for (; !q->n_user_ids && rest.ptr; n++) {
		q->people[n].is_member = true;
		str_copy(q->people[n].user.id, MODEL_USER_ID_SIZE, str_cut(&rest, ' '));
	}
	q->n_people = n;
}

static void do_events(struct store *s, struct store_read_events *q)
{
	q->events = mem_new(FAKE_COMMANDS * sizeof *q->events);
	for (size_t i = 0; i < s->n_events; i++) {
		if (strcmp(s->event_calls[i], q->call_id) != 0 || s->events[i].seq <= q->after_seq)
			continue;
		struct stored_event *e = &q->events[q->n_events++];
		e->event = s->events[i];
		e->event.payload = mem_dup(str_of(s->events[i].payload));
		str_copy(e->type, sizeof e->type, str_of(s->events[i].type));
		e->event.type = e->type;
	}
}

void stored_events_free(struct stored_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_event_fini(&events[i].event);
	mem_free(events);
}

/* --- answering --- */

static bool has_command(const struct store *s, const char *id)
{
	for (size_t i = 0; i < s->n_commands; i++)
		if (strcmp(s->commands[i], id) == 0)
			return true;
	return false;
}

static int answer(struct store *s, struct store_job *job)
{
	switch ((enum kind)job->kind) {
	case JOB_COMMIT: return do_commit(s, CONTAINER_OF(job, struct change_set, job));
	case JOB_COMMAND: {
		struct store_find_command *q = CONTAINER_OF(job, struct store_find_command, job);
		q->found = has_command(s, q->command_id);
		return s->is_vague ? ERR_STORE : 0;
	}
	case JOB_CALL: {
		struct store_read_call *q = CONTAINER_OF(job, struct store_read_call, job);
		struct call *rows = fake_store_call(s, q->id);
		q->call = rows ? call_copy(rows) : NULL;
		return 0;
	}
	case JOB_REPLY: do_reply(s, CONTAINER_OF(job, struct store_read_reply, job)); return 0;
	case JOB_TOMBSTONE: do_tombstone(s, CONTAINER_OF(job, struct store_read_tombstone, job)); return 0;
	case JOB_PEOPLE: do_people(s, CONTAINER_OF(job, struct store_read_people, job)); return 0;
	case JOB_EVENTS: do_events(s, CONTAINER_OF(job, struct store_read_events, job)); return 0;
	default: return 0;
	}
}

/* The store's own memory never fails, the service's when its share is used up. */
static void tell_done(struct store *s, struct store_job *job, int err)
{
	long left = s->memory_left;
	mem_fail_after(left);
	job->done(job, err);
	long used = mem_count();
	mem_fail_after(-1);
	if (left >= 0)
		s->memory_left = used < left ? left - used : 0;
}

bool fake_store_step(struct store *s)
{
	struct list *first = list_shift(&s->jobs);
	if (!first)
		return false;
	struct store_job *job = CONTAINER_OF(first, struct store_job, link);
	s->n_jobs--;
	tell_done(s, job, answer(s, job));
	return true;
}

void fake_store_run(struct store *s)
{
	while (fake_store_step(s)) {
	}
}

/* Change sets: written whole or not at all, by compare-and-set, each on its own in a common transaction. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"
#include "store/backend.h"

static struct fixture f;
static const char *const two[] = {"alice", "bob"};
static const char *const other_two[] = {"carol", "dave"};
static char id_a[ID_UUID_SIZE], id_b[ID_UUID_SIZE];

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	format_id(id_a, 1);
	format_id(id_b, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

static void all_of_a_call_comes_back(void **state)
{
	(void)state;
	struct change_set *cs = create_set(id_a, "room", CALL_DIRECT, two, 2, 1000);
	strcpy(cs->call->participants[1].user.name, "Bob");
	strcpy(cs->call->participants[1].user.avatar_url, "https://b.example/b.png");
	cs->call->metadata = mem_dup(str_of("{\"a\":1}"));
	cs->call->record_policy = RECORD_CONSENT;
	cs->call->record_state = RECORD_ASKED;
	strcpy(cs->call->recorder_id, "alice");
	format_id(cs->call->recorder_leg, 77);
	cs->call->record_at = 1500;
	cs->call->participants[0].agreed = true;
	cs->call->legs = mem_new(sizeof *cs->call->legs);
	cs->call->n_legs = 1;
	format_id(cs->call->legs[0].id, 77);
	strcpy(cs->call->legs[0].session_id, "session");
	cs->call->legs[0].joined_at = 1000;
	struct call *want = call_copy(cs->call);
	assert_int_equal(commit(&f, cs), 0);

	fixture_close(&f);
	fixture_reopen(&f);
	struct call *got = read_call(&f, id_a);
	assert_non_null(got);
	assert_int_equal(got->n_participants, 2);
	assert_memory_equal(&got->participants[0], &want->participants[0], sizeof *got->participants);
	assert_memory_equal(&got->participants[1], &want->participants[1], sizeof *got->participants);
	assert_int_equal(got->n_legs, 1);
	assert_memory_equal(&got->legs[0], &want->legs[0], sizeof *got->legs);
	assert_string_equal(got->metadata, want->metadata);
	/* The rest of the struct, without the pointers. */
	got->metadata = want->metadata = (mem_free(got->metadata), mem_free(want->metadata), NULL);
	struct call a = *got, b = *want;
	a.participants = b.participants = NULL;
	a.legs = b.legs = NULL;
	assert_memory_equal(&a, &b, sizeof a);
	call_free(got);
	call_free(want);
}

static void a_change_needs_the_seq_it_was_decided_on(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_DIRECT, two, 2, 1000)), 0);
	struct call *c = read_call(&f, id_a);
	struct change_set *first = next_set(c, "call.accepted", 2000);
	struct change_set *second = next_set(c, "call.declined", 2000);
	first->call->status = CALL_ACTIVE;
	first->call->participants[1].state = PART_JOINED;
	first->call->participants[1].changed = true;
	second->call->status = CALL_DECLINED;
	assert_int_equal(commit(&f, first), 0);
	assert_int_equal(commit(&f, second), ERR_CONFLICT);
	struct change_set *silent = next_set(c, "", 2000); /* no event whose number would be taken */
	call_event_fini(silent->events);
	silent->n_events = 0;
	assert_int_equal(commit(&f, silent), ERR_CONFLICT);
	call_free(c);
	c = read_call(&f, id_a);
	assert_int_equal(c->seq, 2);
	assert_int_equal(c->status, CALL_ACTIVE);
	assert_int_equal(c->participants[1].state, PART_JOINED);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM call_events"), 2);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM commands"), 2);
	call_free(c);
}

static void only_marked_rows_are_written(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_GROUP, two, 2, 1000)), 0);
	struct call *c = read_call(&f, id_a);
	struct change_set *cs = next_set(c, "call.ringing", 2000);
	cs->call->participants[0].talk_ms = 5; /* not marked */
	cs->call->participants[1].talk_ms = 6;
	cs->call->participants[1].changed = true;
	assert_int_equal(commit(&f, cs), 0);
	call_free(c);
	c = read_call(&f, id_a);
	assert_int_equal(c->participants[0].talk_ms, 0);
	assert_int_equal(c->participants[1].talk_ms, 6);
	call_free(c);
}

static void one_live_call_per_channel_and_pair(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_GROUP, two, 2, 1000)), 0);
	struct change_set *cs = create_set(id_b, "room", CALL_GROUP, other_two, 2, 1000);
	assert_int_equal(DO(&f, store_commit, cs), ERR_CONFLICT);
	assert_string_equal(cs->rival_id, id_a);
	change_set_fini(cs);
	mem_free(cs);

	char id[ID_UUID_SIZE];
	format_id(id, 3);
	assert_int_equal(commit(&f, create_set(id, "room", CALL_DIRECT, two, 2, 1000)), 0);
	const char *const turned[] = {"bob", "alice"};
	cs = create_set(id_b, "elsewhere", CALL_DIRECT, turned, 2, 1000);
	assert_int_equal(DO(&f, store_commit, cs), ERR_CONFLICT);
	assert_string_equal(cs->rival_id, id);
	change_set_fini(cs);
	mem_free(cs);

	/* Once it is over, the next may come. */
	struct call *c = read_call(&f, id);
	cs = next_set(c, "call.ended", 3000);
	cs->call->status = CALL_ENDED;
	assert_int_equal(commit(&f, cs), 0);
	call_free(c);
	assert_int_equal(commit(&f, create_set(id_b, "elsewhere", CALL_DIRECT, turned, 2, 4000)), 0);
}

static void an_id_is_taken_once(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_GROUP, two, 2, 1000)), 0);
	struct change_set *cs = create_set(id_a, "other", CALL_GROUP, other_two, 2, 1000);
	assert_int_equal(DO(&f, store_commit, cs), ERR_CONFLICT);
	assert_string_equal(cs->rival_id, "");
	change_set_fini(cs);
	mem_free(cs);
}

#define N_BATCH 40

static size_t n_done;
static struct change_set *batch[N_BATCH];

static void on_batch_done(struct store_job *job, int err)
{
	job->err = err;
	if (++n_done == N_BATCH)
		loop_stop(&f.loop);
}

/* Forty at once, every third of them bound to fail late, after it has written rows: the others must not notice. */
static void a_conflict_hurts_nobody_else(void **state)
{
	(void)state;
	n_done = 0;
	for (unsigned i = 0; i < N_BATCH; i++) {
		char id[ID_UUID_SIZE], channel[32];
		format_id(id, 100 + i);
		snprintf(channel, sizeof channel, "room%u", i);
		batch[i] = create_set(id, channel, CALL_GROUP, two, 2, 1000);
		if (i % 3 == 1) /* only one of them can keep its reply, which is the last row written */
			batch[i]->reply =
				(struct store_reply){.user_id = "alice", .key = "the same key", .expires_at = 1 << 20};
		batch[i]->job.done = on_batch_done;
	}
	for (unsigned i = 0; i < N_BATCH; i++)
		store_commit(f.store, batch[i]);
	loop_run(&f.loop);
	for (unsigned i = 0; i < N_BATCH; i++) {
		assert_int_equal(batch[i]->job.err, i % 3 == 1 && i > 1 ? ERR_CONFLICT : 0);
		change_set_fini(batch[i]);
		mem_free(batch[i]);
	}
	assert_int_equal(ask(f.path, "SELECT count(*) FROM calls"), 28);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM commands"), 28);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM call_participants"), 56);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM call_events"), 28);
	check_integrity(f.path);
}

static bool find(const char *command_id)
{
	struct store_find_command q = {0};
	strcpy(q.command_id, command_id);
	assert_int_equal(DO(&f, store_find_command, &q), 0);
	return q.found;
}

static void a_command_is_committed_once(void **state)
{
	(void)state;
	char command[ID_UUID_SIZE];
	struct change_set *cs = create_set(id_a, "room", CALL_GROUP, two, 2, 1000);
	strcpy(command, cs->command_id);
	assert_false(find(command));
	assert_int_equal(commit(&f, cs), 0);
	assert_true(find(command));
	cs = create_set(id_b, "room2", CALL_GROUP, two, 2, 1000);
	strcpy(cs->command_id, command);
	assert_int_equal(commit(&f, cs), ERR_EXISTS);
	assert_null(read_call(&f, id_b));
}

static void faults_do_what_they_say(void **state)
{
	(void)state;
	char unwritten[ID_UUID_SIZE], written[ID_UUID_SIZE];
	store_inject(f.store, STORE_FAULT_FAIL, 2);
	assert_int_equal(commit(&f, create_set(id_a, "a", CALL_GROUP, two, 2, 1000)), 0);
	assert_int_equal(commit(&f, create_set(id_b, "b", CALL_GROUP, two, 2, 1000)), ERR_STORE);
	assert_null(read_call(&f, id_b));

	store_inject(f.store, STORE_FAULT_UNKNOWN_UNWRITTEN, 1);
	struct change_set *cs = create_set(id_b, "b", CALL_GROUP, two, 2, 1000);
	strcpy(unwritten, cs->command_id);
	assert_int_equal(commit(&f, cs), ERR_UNKNOWN);
	assert_false(find(unwritten));

	store_inject(f.store, STORE_FAULT_UNKNOWN_WRITTEN, 1);
	cs = create_set(id_b, "b", CALL_GROUP, two, 2, 1000);
	strcpy(written, cs->command_id);
	assert_int_equal(commit(&f, cs), ERR_UNKNOWN);
	assert_true(find(written));
	struct call *c = read_call(&f, id_b);
	assert_non_null(c);
	call_free(c);

	store_inject(f.store, STORE_FAULT_CONFLICT, 1);
	char id[ID_UUID_SIZE];
	format_id(id, 3);
	assert_int_equal(commit(&f, create_set(id, "c", CALL_GROUP, two, 2, 1000)), ERR_CONFLICT);
	assert_int_equal(commit(&f, create_set(id, "c", CALL_GROUP, two, 2, 1000)), 0);
}

static void events_come_back_in_pages(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_GROUP, two, 2, 1000)), 0);
	for (int i = 0; i < 4; i++) {
		struct call *c = read_call(&f, id_a);
		struct change_set *cs = next_set(c, "participant.joined", 2000 + i);
		cs->events[0].audience = TO_LEG;
		strcpy(cs->events[0].user_id, "u");
		strcpy(cs->events[0].leg_id, id_b);
		strcpy(cs->events[0].except_session, "x");
		strcpy(cs->events[0].actor_id, "alice");
		cs->events[0].is_webhook = true;
		assert_int_equal(commit(&f, cs), 0);
		call_free(c);
	}
	struct store_read_events q = {.after_seq = 1, .limit = 3};
	strcpy(q.call_id, id_a);
	assert_int_equal(DO(&f, store_read_events, &q), 0);
	assert_int_equal(q.n_events, 3);
	assert_true(q.has_more);
	const struct call_event *e = &q.events[2].event;
	assert_int_equal(e->seq, 4);
	assert_int_equal(e->at, 2002);
	assert_string_equal(e->type, "participant.joined");
	assert_int_equal(e->audience, TO_LEG);
	assert_string_equal(e->user_id, "u");
	assert_string_equal(e->leg_id, id_b);
	assert_string_equal(e->except_session, "x");
	assert_string_equal(e->actor_id, "alice");
	assert_true(e->is_webhook);
	assert_string_equal(e->payload, "{\"some\":\"payload\"}");
	stored_events_free(q.events, q.n_events);
	q.after_seq = 4;
	assert_int_equal(DO(&f, store_read_events, &q), 0);
	assert_int_equal(q.n_events, 1);
	assert_false(q.has_more);
	stored_events_free(q.events, q.n_events);
}

static void replies_and_tombstones_are_kept_for_their_time(void **state)
{
	(void)state;
	struct change_set *cs = create_set(id_a, "room", CALL_GROUP, two, 2, 1000);
	cs->reply = (struct store_reply){.user_id = "alice", .key = "k", .request_hash = UINT64_MAX, .status = 201};
	cs->reply.body = mem_dup(str_of("{}"));
	cs->reply.expires_at = 5000;
	cs->tombstone = (struct store_tombstone){.user_id = "alice", .expires_at = 5000};
	strcpy(cs->tombstone.call_id, id_b);
	assert_int_equal(commit(&f, cs), 0);

	struct store_read_reply r = {.user_id = "alice", .key = "k"};
	assert_int_equal(DO(&f, store_read_reply, &r), 0);
	assert_true(r.found);
	assert_true(r.request_hash == UINT64_MAX);
	assert_int_equal(r.status, 201);
	assert_string_equal(r.body, "{}");
	mem_free(r.body);
	r = (struct store_read_reply){.user_id = "bob", .key = "k"};
	assert_int_equal(DO(&f, store_read_reply, &r), 0);
	assert_false(r.found);

	struct store_read_tombstone t = {.user_id = "alice", .now = 4999};
	strcpy(t.call_id, id_b);
	assert_int_equal(DO(&f, store_read_tombstone, &t), 0);
	assert_true(t.found);
	t.now = 5000;
	assert_int_equal(DO(&f, store_read_tombstone, &t), 0);
	assert_false(t.found);

	/* Past its time the key may be used anew. */
	cs = create_set(id_b, "other", CALL_GROUP, two, 2, 5000);
	cs->reply = (struct store_reply){.user_id = "alice", .key = "k", .status = 200, .expires_at = 9000};
	assert_int_equal(commit(&f, cs), 0);
	assert_int_equal(ask(f.path, "SELECT status FROM replies"), 200);
}

static void touches_leave_the_seq_alone(void **state)
{
	(void)state;
	assert_int_equal(commit(&f, create_set(id_a, "room", CALL_GROUP, two, 2, 1000)), 0);
	struct store_media m = {.user_id = "bob", .is_muted = true, .quality = QUALITY_FAIR};
	struct store_touch t = {.last_seen_at = 3000, .media = &m, .n_media = 1};
	strcpy(t.call_id, id_a);
	assert_int_equal(DO(&f, store_touch, &t), 0);
	t.last_seen_at = 2000; /* never backwards */
	t.n_media = 0;
	strcpy(t.relayed_user, "bob");
	t.relayed_bytes = 700;
	assert_int_equal(DO(&f, store_touch, &t), 0);
	assert_int_equal(DO(&f, store_touch, &t), 0);
	struct call *c = read_call(&f, id_a);
	assert_int_equal(c->seq, 1);
	assert_int_equal(c->last_seen_at, 3000);
	assert_true(c->participants[1].is_muted);
	assert_int_equal(c->participants[0].relayed_bytes, 0);
	assert_int_equal(c->participants[1].relayed_bytes, 1400);
	assert_int_equal(c->participants[1].quality, QUALITY_FAIR);
	assert_false(c->participants[0].is_muted);
	call_free(c);
}

/* What the writing thread does once a minute. */
static bool tidy(int64_t now)
{
	const struct backend_ops *ops = f.is_pg ? &pg_ops : &sqlite_ops;
	struct store_config config = {.url = f.path, .loop = &f.loop};
	struct backend *backend;
	struct buf why;
	buf_init(&why, 1000);
	assert_int_equal(ops->open(&config, str_of(f.path), &backend, &why), 0);
	bool more = ops->rest(backend, 0, now) == 0;
	ops->close(backend);
	buf_fini(&why);
	return more;
}

static void what_has_expired_is_forgotten(void **state)
{
	(void)state;
	const int64_t day = 86400000, then = 100 * day;
	for (int i = 0; i < 2; i++) { /* one that expires at `then`, one a moment later */
		struct change_set *cs = create_set(i ? id_a : id_b, i ? "a" : "b", CALL_GROUP, two, 2, then + i);
		cs->reply = (struct store_reply){.user_id = "alice", .expires_at = then + i};
		cs->tombstone = (struct store_tombstone){.user_id = "alice", .expires_at = then + i};
		strcpy(cs->reply.key, i ? "a" : "b");
		strcpy(cs->tombstone.call_id, i ? id_b : id_a);
		assert_int_equal(commit(&f, cs), 0);
	}
	fixture_close(&f);
	assert_false(tidy(then));
	assert_int_equal(ask(f.path, "SELECT count(*) FROM replies"), 1);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM tombstones"), 1);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM commands"), 2);
	assert_false(tidy(then + 7 * day + 1));
	assert_int_equal(ask(f.path, "SELECT count(*) FROM replies"), 0);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM commands"), 1);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM calls"), 2);
}

static void count_done(struct store_job *job, int err)
{
	job->err = err;
	n_done++;
}

static void on_closed(void *arg)
{
	loop_stop(arg);
}

static void a_closing_store_does_what_it_was_given(void **state)
{
	(void)state;
	n_done = 0;
	for (unsigned i = 0; i < N_BATCH; i++) {
		char id[ID_UUID_SIZE], channel[32];
		format_id(id, 100 + i);
		snprintf(channel, sizeof channel, "room%u", i);
		batch[i] = create_set(id, channel, CALL_GROUP, two, 2, 1000);
		batch[i]->job.done = count_done;
		if (i == N_BATCH - 1)
			store_close(f.store, on_closed, &f.loop);
		store_commit(f.store, batch[i]);
	}
	f.store = NULL;
	loop_run(&f.loop);
	assert_int_equal(n_done, N_BATCH);
	for (unsigned i = 0; i < N_BATCH; i++) {
		assert_int_equal(batch[i]->job.err, i < N_BATCH - 1 ? 0 : ERR_STORE);
		change_set_fini(batch[i]);
		mem_free(batch[i]);
	}
	assert_int_equal(ask(f.path, "SELECT count(*) FROM calls"), N_BATCH - 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_of_a_call_comes_back),
		CASE(a_change_needs_the_seq_it_was_decided_on),
		CASE(only_marked_rows_are_written),
		CASE(one_live_call_per_channel_and_pair),
		CASE(an_id_is_taken_once),
		CASE(a_conflict_hurts_nobody_else),
		CASE(a_command_is_committed_once),
		CASE(faults_do_what_they_say),
		CASE(events_come_back_in_pages),
		CASE(replies_and_tombstones_are_kept_for_their_time),
		CASE(touches_leave_the_seq_alone),
		CASE(what_has_expired_is_forgotten),
		CASE(a_closing_store_does_what_it_was_given),
	};
	return cmocka_run_group_tests_name("store commits", tests, NULL, NULL);
}

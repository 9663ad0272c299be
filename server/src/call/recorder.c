/* Samples and notes: read from JSON, metered, gathered, written in one job at a time. */
#include "call/recorder.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "call/decide.h"

/* What one leg may send: a sample costs 1, a note 8. Enough for a call of 64 that has waited for its connection. */
#define METER_FULL 2048
#define METER_PER_S 64
#define NOTE_COST 8
#define METERS_MAX 65536
#define METERS_SWEPT 4096 /* more of them: those who have been quiet are forgotten */

#define NOTE_AGE_MAX_MS 600000

/* A batch and who waits for it. */
struct taken {
	struct flight_batch batch;
	call_reply_cb cb; /* may be null */
	void *arg;
};

struct meter {
	struct map_node node;
	int64_t left;
	int64_t at; /* monotonic */
	char leg_id[ID_UUID_SIZE];
};

/* --- how much --- */

static void forget_full_meters(struct recorder *r, int64_t now)
{
	struct map_node *node = map_next(&r->meters, NULL);
	while (node) {
		struct map_node *next = map_next(&r->meters, node);
		struct meter *m = CONTAINER_OF(node, struct meter, node);
		if ((now - m->at) * METER_PER_S / 1000 >= METER_FULL) {
			map_remove(&r->meters, node);
			mem_free(m);
		}
		node = next;
	}
}

static struct meter *meter_of(struct recorder *r, struct str leg_id, int64_t now)
{
	struct map_node *node = map_get(&r->meters, leg_id);
	if (node)
		return CONTAINER_OF(node, struct meter, node);
	if (r->meters.n % METERS_SWEPT == METERS_SWEPT - 1)
		forget_full_meters(r, now);
	struct meter *m = r->meters.n < METERS_MAX ? mem_new(sizeof *m) : NULL;
	if (!m)
		return NULL;
	m->left = METER_FULL;
	m->at = now;
	str_copy(m->leg_id, sizeof m->leg_id, leg_id);
	if (map_put(&r->meters, &m->node, str_of(m->leg_id)) == 0)
		return m;
	mem_free(m);
	return NULL;
}

static bool take_allowance(struct recorder *r, struct str leg_id, size_t cost)
{
	int64_t now = loop_now_ms(r->loop);
	struct meter *m = meter_of(r, leg_id, now);
	if (!m)
		return false;
	m->left += (now - m->at) * METER_PER_S / 1000;
	m->left = m->left > METER_FULL ? METER_FULL : m->left;
	m->at = now;
	if ((int64_t)cost > m->left)
		return false;
	m->left -= (int64_t)cost;
	return true;
}

/* --- batches --- */

static void taken_free(struct taken *t)
{
	mem_free(t->batch.samples);
	mem_free(t->batch.notes);
	mem_free(t);
}

static struct taken *taken_new(size_t n_samples, size_t n_notes)
{
	struct taken *t = mem_new(sizeof *t);
	if (!t)
		return NULL;
	t->batch.samples = mem_new((n_samples + 1) * sizeof *t->batch.samples);
	t->batch.notes = mem_new((n_notes + 1) * sizeof *t->batch.notes);
	if (t->batch.samples && t->batch.notes)
		return t;
	taken_free(t);
	return NULL;
}

/* Each sample of each peer; by time, since devices list them so, and peers one after another. */
static int read_peer(const json_t *peer, int64_t now, struct flight_batch *b)
{
	struct str id;
	size_t i;
	const json_t *sample, *samples = json_object_get(peer, "samples");
	if (!json_is_array(samples) || json_get_str(peer, "socketId", &id) < 0 || !id_is_uuid(id))
		return ERR_BAD_FIELD;
	json_array_foreach(samples, i, sample)
	{
		struct quality_sample *s = &b->samples[b->n_samples++];
		str_copy(s->peer_id, sizeof s->peer_id, id);
		int err = quality_read_sample(sample, now, s);
		if (err < 0)
			return err;
	}
	return 0;
}

static bool is_note_type(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= 'a' && s.ptr[i] <= 'z') && s.ptr[i] != '-')
			return false;
	return s.len > 0 && s.len + sizeof "client." <= FLIGHT_NOTE_TYPE_SIZE;
}

static int read_note(const json_t *event, int64_t now, struct flight_note *n)
{
	struct str type;
	int64_t age = 0;
	const json_t *data = json_object_get(event, "data");
	if (json_get_str(event, "type", &type) < 0 || !is_note_type(type) ||
		json_get_int(event, "age", 0, NOTE_AGE_MAX_MS, &age) < 0 || (data && !json_is_object(data)))
		return ERR_BAD_FIELD;
	snprintf(n->type, sizeof n->type, "client.%.*s", STR_ARG(type));
	n->at = now - age;
	memcpy(n->data, "{}", sizeof "{}");
	if (!data)
		return 0;
	size_t len = json_dumpb(data, n->data, FLIGHT_NOTE_DATA_MAX, JSON_COMPACT);
	if (len == 0 || len > FLIGHT_NOTE_DATA_MAX)
		return ERR_PAYLOAD_TOO_LARGE;
	n->data[len] = '\0';
	return 0;
}

static size_t count_samples(const json_t *peers)
{
	size_t i, n = 0;
	const json_t *peer;
	json_array_foreach(peers, i, peer) n += json_array_size(json_object_get(peer, "samples"));
	return n;
}

static int read_batch(const struct call_record *what, int64_t now, struct flight_batch *b)
{
	size_t i;
	const json_t *item;
	int err = 0;
	json_array_foreach(what->peers, i, item)
	{
		if (err == 0)
			err = read_peer(item, now, b);
	}
	json_array_foreach(what->events, i, item)
	{
		if (err == 0)
			err = read_note(item, now, &b->notes[b->n_notes++]);
	}
	return err;
}

/* --- writing --- */

static void on_timer(struct timer *timer, void *arg)
{
	(void)timer;
	recorder_flush(arg);
}

static void wake(struct recorder *r)
{
	if (!r->is_writing && !timer_running(&r->timer) &&
		timer_start(r->loop, &r->timer, r->is_draining ? 0 : RECORDER_EVERY_MS, on_timer, r) < 0)
		recorder_flush(r);
}

static void put(struct recorder *r, struct taken *t)
{
	list_push(&r->waiting, &t->batch.link);
	r->n_waiting++;
	wake(r);
}

static void finish(struct list *batches, int err)
{
	for (struct list *l; (l = list_shift(batches));) {
		struct taken *t = CONTAINER_OF(l, struct taken, batch.link);
		const struct call_reply reply = {.err = err, .status = err ? err_http_status(err) : 200};
		if (t->cb)
			t->cb(t->arg, &reply);
		taken_free(t);
	}
}

static void on_put(struct store_job *job, int err)
{
	struct recorder *r = job->arg;
	if (err < 0)
		log_warn("samples of quality not written", LOG_E(err));
	r->is_writing = false;
	finish(&r->put.batches, err);
	if (r->n_waiting)
		wake(r);
	else
		r->idle(r->arg);
}

void recorder_flush(struct recorder *r)
{
	timer_stop(r->loop, &r->timer);
	if (r->is_writing || r->n_waiting == 0)
		return;
	for (struct list *l; (l = list_shift(&r->waiting));)
		list_push(&r->put.batches, l);
	r->n_waiting = 0;
	r->is_writing = true;
	r->put.job = (struct store_job){.done = on_put, .arg = r};
	store_put_flight(r->store, &r->put);
}

/* --- from outside --- */

static int check(const struct call_record *what, size_t *n_samples, size_t *n_notes)
{
	bool good = (!what->peers || json_is_array(what->peers)) && (!what->events || json_is_array(what->events));
	*n_samples = good ? count_samples(what->peers) : 0;
	*n_notes = good ? json_array_size(what->events) : 0;
	if (!good || *n_samples + *n_notes == 0)
		return ERR_BAD_FIELD;
	return *n_samples > FLIGHT_SAMPLES_MAX || *n_notes > FLIGHT_NOTES_MAX ? ERR_PAYLOAD_TOO_LARGE : 0;
}

int recorder_take(struct recorder *r, const struct call_record *what, int64_t now, call_reply_cb cb, void *arg)
{
	size_t n_samples, n_notes;
	int err = check(what, &n_samples, &n_notes);
	if (err < 0)
		return err;
	if (r->n_waiting >= RECORDER_WAITING_MAX)
		return ERR_OVERLOADED;
	if (!take_allowance(r, what->leg_id, n_samples + NOTE_COST * n_notes))
		return ERR_RATE_LIMITED;
	struct taken *t = taken_new(n_samples, n_notes);
	if (!t)
		return ERR_NO_MEMORY;
	struct flight_batch *b = &t->batch;
	err = read_batch(what, now, b);
	if (err < 0) {
		taken_free(t);
		return err;
	}
	str_copy(b->call_id, sizeof b->call_id, what->call_id);
	str_copy(b->leg_id, sizeof b->leg_id, what->leg_id);
	str_copy(b->user_id, sizeof b->user_id, what->actor.user_id);
	b->only_known = what->is_over;
	t->cb = cb;
	t->arg = arg;
	r->n_samples += n_samples;
	put(r, t);
	return 0;
}

static void note_one(struct recorder *r, const struct call *call, const struct leg *leg, const struct call_event *e)
{
	struct taken *t = r->n_waiting < RECORDER_WAITING_MAX ? taken_new(0, 1) : NULL;
	if (!t)
		return; /* the call goes on without this line of its story */
	struct flight_batch *b = &t->batch;
	struct flight_note *n = &b->notes[b->n_notes++];
	n->at = e->at;
	if (str_copy(n->type, sizeof n->type, str_of(e->type)) < 0 ||
		str_copy(n->data, sizeof n->data, str_of(e->payload)) < 0)
		memcpy(n->data, "{}", sizeof "{}");
	memcpy(b->call_id, call->id, sizeof b->call_id);
	memcpy(b->leg_id, leg->id, sizeof b->leg_id);
	memcpy(b->user_id, call->participants[leg->participant].user.id, sizeof b->user_id);
	put(r, t);
}

void recorder_note(struct recorder *r, const struct call *call, const struct call_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct call_event *e = &events[i];
		if (e->seq || e->audience != TO_LEGS)
			continue;
		const struct leg *leg = call_leg(call, e->leg_id);
		if (leg)
			note_one(r, call, leg, e);
	}
}

/* --- life --- */

void recorder_init(struct recorder *r, struct loop *loop, struct store *store, void (*idle)(void *arg), void *arg)
{
	r->loop = loop;
	r->store = store;
	r->idle = idle;
	r->arg = arg;
	list_init(&r->waiting);
	list_init(&r->put.batches);
	map_init(&r->meters);
}

void recorder_fini(struct recorder *r)
{
	timer_stop(r->loop, &r->timer);
	finish(&r->waiting, ERR_DRAINING);
	finish(&r->put.batches, ERR_DRAINING);
	struct map_node *node = map_next(&r->meters, NULL);
	while (node) {
		struct map_node *next = map_next(&r->meters, node);
		mem_free(CONTAINER_OF(node, struct meter, node));
		node = next;
	}
	map_fini(&r->meters);
}

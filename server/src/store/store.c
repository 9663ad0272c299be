/* The store's threads: one or more write, a few read, and what they have done comes back to the loop.
 *
 *   store_commit -> the owner's writing lane -> its thread: all that waits at once -> done list -> loop -> job->done
 *   store_read_… -> the reads' lane          -> a reading thread                   -> done list -> loop -> job->done
 */
#include "store/store.h"

#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/backend.h"
#include "store/flight.h"
#include "store/lane.h"
#include "store/outbox.h"
#include "store/recording.h"

#define READERS_DEFAULT 2
#define READERS_MAX 16
#define WRITERS_MAX 16
#define REST_FIRST_MS 1000 /* after the start */

struct store {
	const struct backend_ops *ops;
	struct backend *backend; /* owned */
	struct loop *loop;	 /* borrowed */

	struct lane writes[WRITERS_MAX];
	struct lane reads;
	uv_thread_t writers[WRITERS_MAX];
	unsigned n_writers; /* threads; as many as lanes once they all run */
	unsigned n_lanes;
	uv_thread_t readers[READERS_MAX];
	struct backend_reader *reader_backends[READERS_MAX]; /* owned */
	unsigned n_readers;

	uv_mutex_t done_lock;
	struct list done; /* of jobs */
	bool done_posted;
	struct post done_post;
	unsigned n_threads; /* still running; under done_lock once the lanes are stopped */

	void (*watch)(void *arg); /* of the outbox; null: nobody watches */
	void *watch_arg;

	bool closing; /* set before the lanes are stopped */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* --- coming back --- */

static void fini_lanes(struct store *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		lane_fini(&s->writes[i]);
}

static void free_store(struct store *s)
{
	for (unsigned i = 0; i < READERS_MAX; i++)
		if (s->reader_backends[i])
			s->ops->reader_close(s->reader_backends[i]);
	if (s->backend)
		s->ops->close(s->backend);
	uv_mutex_destroy(&s->done_lock);
	fini_lanes(s, WRITERS_MAX);
	lane_fini(&s->reads);
	mem_free(s);
}

static void join_threads(struct store *s)
{
	for (unsigned i = 0; i < s->n_writers; i++)
		uv_thread_join(&s->writers[i]);
	for (unsigned i = 0; i < s->n_readers; i++)
		uv_thread_join(&s->readers[i]);
}

static void on_done_post(struct post *p)
{
	struct store *s = CONTAINER_OF(p, struct store, done_post);
	struct list done;
	list_init(&done);
	uv_mutex_lock(&s->done_lock);
	s->done_posted = false;
	for (struct list *l; (l = list_shift(&s->done));)
		list_push(&done, l);
	bool last = s->n_threads == 0;
	uv_mutex_unlock(&s->done_lock);

	bool committed = false;
	for (struct list *l; (l = list_shift(&done));) {
		struct store_job *job = CONTAINER_OF(l, struct store_job, link);
		committed |= job->kind == JOB_COMMIT;
		job->done(job, job->err);
	}
	if (committed && s->watch)
		s->watch(s->watch_arg);
	if (!last)
		return;
	/* A callback may have handed over one more job, which was refused at once and waits for its own turn. */
	uv_mutex_lock(&s->done_lock);
	last = !s->done_posted;
	uv_mutex_unlock(&s->done_lock);
	if (!last)
		return;
	void (*closed)(void *arg) = s->closed;
	void *arg = s->closed_arg;
	join_threads(s);
	free_store(s);
	if (closed)
		closed(arg);
}

/* With done_lock held. */
static void post_done(struct store *s)
{
	if (s->done_posted)
		return;
	s->done_posted = true;
	loop_post(s->loop, &s->done_post);
}

static void finish_jobs(struct store *s, struct list *jobs)
{
	uv_mutex_lock(&s->done_lock);
	for (struct list *l; (l = list_shift(jobs));)
		list_push(&s->done, l);
	post_done(s);
	uv_mutex_unlock(&s->done_lock);
}

static void finish_thread(struct store *s)
{
	uv_mutex_lock(&s->done_lock);
	s->n_threads--;
	if (s->closing)
		post_done(s);
	uv_mutex_unlock(&s->done_lock);
}

/* --- threads --- */

struct writer_start {
	struct store *store;
	unsigned lane;
};

static void write_thread(void *arg)
{
	struct writer_start start = *(struct writer_start *)arg;
	struct store *s = start.store;
	struct lane *lane = &s->writes[start.lane];
	mem_free(arg);
	struct list batch;
	list_init(&batch);
	int64_t rest_ms = REST_FIRST_MS, rest_at = clock_mono_ms() + rest_ms;
	int n;
	while ((n = lane_take(lane, s->ops->batch_max, rest_ms, &batch)) >= 0) {
		if (n) {
			s->ops->write(s->backend, start.lane, &batch);
			finish_jobs(s, &batch);
		}
		if (clock_mono_ms() < rest_at)
			continue;
		int64_t wait_ms = s->ops->rest(s->backend, start.lane, clock_wall_ms());
		rest_at = clock_mono_ms() + wait_ms;
		rest_ms = wait_ms ? wait_ms : 1; /* 0 would be for ever */
	}
	finish_thread(s);
}

static int start_writer(struct store *s, unsigned lane)
{
	struct writer_start *start = mem_new(sizeof *start);
	if (!start)
		return ERR_NO_MEMORY;
	*start = (struct writer_start){s, lane};
	if (uv_thread_create(&s->writers[lane], write_thread, start) < 0) {
		mem_free(start);
		return ERR_NO_MEMORY;
	}
	s->n_writers++;
	s->n_threads++;
	return 0;
}

struct reader_start {
	struct store *store;
	struct backend_reader *reader;
};

static void read_thread(void *arg)
{
	struct reader_start start = *(struct reader_start *)arg;
	struct store *s = start.store;
	mem_free(arg);
	struct list one;
	list_init(&one);
	while (lane_take(&s->reads, 1, 0, &one) >= 0) {
		s->ops->read(start.reader, CONTAINER_OF(one.next, struct store_job, link));
		finish_jobs(s, &one);
	}
	finish_thread(s);
}

static int start_reader(struct store *s)
{
	unsigned i = s->n_readers;
	int err = s->ops->reader_open(s->backend, &s->reader_backends[i]);
	if (err < 0)
		return err;
	struct reader_start *start = mem_new(sizeof *start);
	if (!start)
		return ERR_NO_MEMORY;
	*start = (struct reader_start){s, s->reader_backends[i]};
	if (uv_thread_create(&s->readers[i], read_thread, start) < 0) {
		mem_free(start);
		return ERR_NO_MEMORY;
	}
	s->n_readers++;
	s->n_threads++;
	return 0;
}

/* n_threads is counted before any thread can end: none does until the lanes are stopped. */
static int start_threads(struct store *s, unsigned n_readers)
{
	unsigned n = s->ops->n_lanes(s->backend);
	s->n_lanes = n < WRITERS_MAX ? n : WRITERS_MAX;
	int err = 0;
	for (unsigned i = 0; i < s->n_lanes && err == 0; i++)
		err = start_writer(s, i);
	for (unsigned i = 0; i < n_readers && err == 0; i++)
		err = start_reader(s);
	return err;
}

static void stop_lanes(struct store *s)
{
	for (unsigned i = 0; i < WRITERS_MAX; i++)
		lane_stop(&s->writes[i]);
	lane_stop(&s->reads);
}

/* --- open, close --- */

static int init_lanes(struct store *s)
{
	for (unsigned i = 0; i < WRITERS_MAX; i++) {
		if (lane_init(&s->writes[i]) == 0)
			continue;
		fini_lanes(s, i);
		return ERR_NO_MEMORY;
	}
	if (lane_init(&s->reads) == 0)
		return 0;
	fini_lanes(s, WRITERS_MAX);
	return ERR_NO_MEMORY;
}

static int init_store(struct store *s, const struct store_config *config)
{
	s->loop = config->loop;
	s->done_post.run = on_done_post;
	list_init(&s->done);
	if (uv_mutex_init(&s->done_lock) < 0)
		return ERR_NO_MEMORY;
	if (init_lanes(s) == 0)
		return 0;
	uv_mutex_destroy(&s->done_lock);
	return ERR_NO_MEMORY;
}

/* "sqlite:PATH" or a bare path, or a URL of PostgreSQL. */
static int parse_url(const char *url, struct str *place, const struct backend_ops **ops, struct buf *why)
{
	*place = str_of(url ? url : "");
	*ops = &sqlite_ops;
	if (str_starts_with(*place, STR("sqlite:")))
		*place = str_n(place->ptr + 7, place->len - 7);
	else if (str_starts_with(*place, STR("postgres://")) || str_starts_with(*place, STR("postgresql://")))
		*ops = &pg_ops;
	else if (strstr(place->ptr, "://"))
		place->len = 0;
	if (place->len)
		return 0;
	buf_printf(why, "the database must be sqlite:PATH or postgres://USER@HOST/DATABASE");
	return ERR_CONFIG;
}

/* As many as the backend has lanes, so that a pool is divided evenly, unless they were counted. */
static unsigned count_readers(const struct store_config *config, bool is_pool)
{
	unsigned n = config->n_readers ? config->n_readers : READERS_DEFAULT;
	if (is_pool && config->n_connections)
		n = config->n_connections / 2 ? config->n_connections / 2 : 1;
	return n < READERS_MAX ? n : READERS_MAX;
}

int store_open(const struct store_config *config, struct store **out, struct buf *why)
{
	struct str place;
	const struct backend_ops *ops;
	int err = parse_url(config->url, &place, &ops, why);
	if (err < 0)
		return err;
	struct store *s = mem_new(sizeof *s);
	if (!s || init_store(s, config) < 0) {
		mem_free(s);
		buf_printf(why, "no memory to open the database");
		return ERR_NO_MEMORY;
	}
	s->ops = ops;
	err = ops->open(config, place, &s->backend, why);
	if (err == 0) {
		err = start_threads(s, count_readers(config, ops == &pg_ops));
		if (err < 0)
			buf_printf(why, "the database's threads could not be started");
	}
	if (err < 0) {
		stop_lanes(s);
		join_threads(s);
		free_store(s);
		return err;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s, void (*closed)(void *arg), void *arg)
{
	assert(!s->closing);
	s->closing = true;
	s->closed = closed;
	s->closed_arg = arg;
	stop_lanes(s);
}

/* --- jobs --- */

/* FNV-1a */
static unsigned lane_of(const struct store *s, const struct store_job *job)
{
	uint32_t hash = 2166136261u;
	if (s->n_lanes == 1)
		return 0;
	const char *at = job_owner(job);
	if (!*at)
		return 0;
	for (; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	return (hash ^ hash >> 16) % s->n_lanes;
}

static void hand_over(struct store *s, struct store_job *job, int kind)
{
	assert(job->done);
	job->kind = (int)kind;
	job->err = 0;
	list_init(&job->link);
	job->since = clock_mono_ms();
	int err = lane_put(JOB_IS_WRITE(kind) ? &s->writes[lane_of(s, job)] : &s->reads, job);
	if (err == 0)
		return;
	job->err = err == ERR_CLOSED ? ERR_STORE : err;
	struct list refused;
	list_init(&refused);
	list_push(&refused, &job->link);
	finish_jobs(s, &refused);
}

#define STORE_JOB(name, type, kind)                                                                                    \
	void name(struct store *s, struct type *q)                                                                     \
	{                                                                                                              \
		hand_over(s, &q->job, kind);                                                                           \
	}

STORE_JOB(store_commit, change_set, JOB_COMMIT)
STORE_JOB(store_find_command, store_find_command, JOB_FIND_COMMAND)
STORE_JOB(store_touch, store_touch, JOB_TOUCH)
STORE_JOB(store_put_channel, store_put_channel, JOB_PUT_CHANNEL)
STORE_JOB(store_delete_channel, store_delete_channel, JOB_DELETE_CHANNEL)
STORE_JOB(store_put_user, store_put_user, JOB_PUT_USER)
STORE_JOB(store_delete_user, store_delete_user, JOB_DELETE_USER)
STORE_JOB(store_read_call, store_read_call, JOB_READ_CALL)
STORE_JOB(store_read_events, store_read_events, JOB_READ_EVENTS)
STORE_JOB(store_read_history, store_read_history, JOB_READ_HISTORY)
STORE_JOB(store_read_reply, store_read_reply, JOB_READ_REPLY)
STORE_JOB(store_read_tombstone, store_read_tombstone, JOB_READ_TOMBSTONE)
STORE_JOB(store_read_people, store_read_people, JOB_READ_PEOPLE)
STORE_JOB(store_read_channel, store_read_channel, JOB_READ_CHANNEL)
STORE_JOB(store_read_user, store_read_user, JOB_READ_USER)
STORE_JOB(store_put_flight, store_put_flight, JOB_PUT_FLIGHT)
STORE_JOB(store_read_recording, store_read_recording, JOB_READ_RECORDING)
STORE_JOB(store_list_recordings, store_list_recordings, JOB_LIST_RECORDINGS)
STORE_JOB(store_delete_recording, store_delete_recording, JOB_DELETE_RECORDING)
STORE_JOB(store_read_flight, store_read_flight, JOB_READ_FLIGHT)
STORE_JOB(store_read_overview, store_read_overview, JOB_READ_OVERVIEW)
STORE_JOB(store_read_outbox, store_read_outbox, JOB_READ_OUTBOX)
STORE_JOB(store_read_delivery, store_read_delivery, JOB_READ_DELIVERY)
STORE_JOB(store_put_delivery, store_put_delivery, JOB_PUT_DELIVERY)
STORE_JOB(store_list_failures, store_list_failures, JOB_LIST_FAILURES)
STORE_JOB(store_backup, store_backup, JOB_BACKUP)

int store_load_live(struct store *s, int (*cb)(void *arg, struct call *call), void *arg)
{
	return s->ops->load_live(s->backend, cb, arg);
}

void store_watch_outbox(struct store *s, void (*cb)(void *arg), void *arg)
{
	s->watch = cb;
	s->watch_arg = arg;
}

int store_health(const struct store *s)
{
	return s->ops->health(s->backend);
}

void store_waiting(struct store *s, size_t *out_writes, size_t *out_reads)
{
	*out_writes = 0;
	for (unsigned i = 0; i < s->n_lanes; i++)
		*out_writes += lane_waiting(&s->writes[i]);
	*out_reads = lane_waiting(&s->reads);
}

void store_inject(struct store *s, enum store_fault fault, unsigned nth)
{
	s->ops->inject(s->backend, fault, nth);
}

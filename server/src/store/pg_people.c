/* Users and channels, written and read. A host's own are read alone.
 *
 * Rows of public.users and public.channels are never deleted: past calls refer to them, and the reference's foreign key
 * would take a channel's calls with it. What was deleted is emptied, and remembered as gone. */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

/* --- writing --- */

static int send_id(struct pg_conn *c, struct pg_turn *t, enum pg_text which, const char *id)
{
	struct pq q = pq_begin(c, which);
	pq_text(&q, id);
	return pg_turn_send(t, &q);
}

static int send_members(struct pg_conn *c, struct pg_turn *t, const struct store_put_channel *q)
{
	struct buf ids;
	buf_init(&ids, (size_t)MODEL_MEMBERS_MAX * 2 * MODEL_USER_ID_SIZE + 16);
	pg_array(&ids, q->members ? q->members[0] : NULL, MODEL_USER_ID_SIZE, q->n_members);
	int err = ids.err;
	struct pq see = pq_begin(c, PG_SEE_MEMBERS);
	pq_text(&see, ids.ptr);
	pq_int(&see, q->at);
	if (err == 0)
		err = pg_turn_send(t, &see);
	struct pq put = pq_begin(c, PG_PUT_MEMBERS);
	pq_text(&put, q->id);
	pq_text(&put, ids.ptr);
	if (err == 0)
		err = pg_turn_send(t, &put);
	buf_fini(&ids);
	return err;
}

static int send_put_channel(struct pg_conn *c, struct pg_turn *t, const struct store_put_channel *q)
{
	int err = send_id(c, t, PG_HAS_CHANNEL, q->id);
	struct pq put = pq_begin(c, PG_PUT_CHANNEL);
	pq_text(&put, q->id);
	pq_text(&put, q->name);
	pq_int(&put, q->at);
	if (err == 0)
		err = pg_turn_send(t, &put);
	if (err == 0)
		err = send_id(c, t, PG_DELETE_MEMBERS, q->id);
	return err < 0 || q->n_members == 0 ? err : send_members(c, t, q);
}

static int send_delete_channel(struct pg_conn *c, struct pg_turn *t, const char *id)
{
	int err = send_id(c, t, PG_HIDE_CHANNEL, id);
	if (err == 0)
		err = send_id(c, t, PG_BLANK_CHANNEL, id);
	return err < 0 ? err : send_id(c, t, PG_DELETE_MEMBERS, id);
}

static int send_put_user(struct pg_conn *c, struct pg_turn *t, const struct store_put_user *q)
{
	int err = send_id(c, t, PG_HAS_USER, q->user.id);
	struct pq put = pq_begin(c, q->only_fill ? PG_FILL_USER : PG_PUT_USER);
	pq_text(&put, q->user.id);
	pq_text(&put, q->user.name);
	pq_text(&put, q->user.avatar_url);
	pq_int(&put, q->at);
	return err < 0 ? err : pg_turn_send(t, &put);
}

static int send_delete_user(struct pg_conn *c, struct pg_turn *t, const char *id)
{
	int err = send_id(c, t, PG_HIDE_USER, id);
	if (err == 0)
		err = send_id(c, t, PG_BLANK_USER, id);
	return err < 0 ? err : send_id(c, t, PG_DELETE_USER_MEMBER, id);
}

int pg_send_people(struct backend *b, struct pg_conn *c, struct pg_turn *t)
{
	struct store_job *job = t->job;
	struct store_put_user *user = CONTAINER_OF(job, struct store_put_user, job);
	if (b->names.is_hosts) /* what a token says of a person is not needed where the host's own row says it */
		return job->kind == JOB_PUT_USER && user->only_fill ? 0 : ERR_HOSTS_OWN;
	switch ((enum write_kind)job->kind) {
	case JOB_PUT_CHANNEL: return send_put_channel(c, t, CONTAINER_OF(job, struct store_put_channel, job));
	case JOB_DELETE_CHANNEL:
		return send_delete_channel(c, t, CONTAINER_OF(job, struct store_delete_channel, job)->id);
	case JOB_PUT_USER: return send_put_user(c, t, user);
	default: return send_delete_user(c, t, CONTAINER_OF(job, struct store_delete_user, job)->id);
	}
}

/* --- reading --- */

static void get_user(struct pg_rows *r, struct user *u)
{
	pg_get_text(r, u->id, sizeof u->id);
	pg_get_text(r, u->name, sizeof u->name);
	pg_get_text(r, u->avatar_url, sizeof u->avatar_url);
}

int pg_read_user(struct pg_conn *c, struct store_read_user *q)
{
	struct pq s = pq_begin(c, PG_READ_USER);
	PGresult *res = NULL;
	pq_text(&s, q->id);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	q->found = pg_row(&rows);
	if (q->found)
		get_user(&rows, &q->user);
	PQclear(res);
	return rows.err;
}

/* Each row of READ_MEMBERS (or READ_PEOPLE); the size of an item is the caller's, its user stands at its front. */
static void *take_members(struct pg_rows *rows, size_t *n, size_t size)
{
	int n_rows = PQntuples(rows->res);
	char *items = mem_new((size_t)(n_rows ? n_rows : 1) * size);
	if (!items)
		rows->err = ERR_NO_MEMORY;
	while (pg_row(rows))
		get_user(rows, (struct user *)(void *)(items + (*n)++ * size));
	return items;
}

static int has_channel(struct pg_conn *c, const char *id, bool *found)
{
	struct pq s = pq_begin(c, PG_HAS_CHANNEL);
	PGresult *res = NULL;
	pq_text(&s, id);
	int err = pg_ask(&s, &res);
	if (err == 0)
		*found = PQntuples(res) > 0;
	PQclear(res);
	return err;
}

static int ask_people(struct pg_conn *c, const struct store_read_people *q, PGresult **out)
{
	struct pq s = pq_begin(c, q->n_user_ids ? PG_READ_PEOPLE : PG_READ_MEMBERS);
	struct buf ids;
	buf_init(&ids, (size_t)MODEL_MEMBERS_MAX * 2 * MODEL_USER_ID_SIZE + 16);
	pq_text(&s, q->channel_id);
	if (q->n_user_ids) {
		pg_array(&ids, q->user_ids[0], MODEL_USER_ID_SIZE, q->n_user_ids);
		pq_text(&s, ids.ptr);
	}
	int err = ids.err < 0 ? ids.err : pg_ask(&s, out);
	buf_fini(&ids);
	return err;
}

static int take_people(struct store_read_people *q, PGresult *res)
{
	_Static_assert(offsetof(struct person, user) == 0, "take_members fills the user at the front");
	struct pg_rows rows = pg_rows_of(res);
	q->people = take_members(&rows, &q->n_people, sizeof *q->people);
	for (size_t i = 0; i < q->n_people && rows.err == 0; i++)
		q->people[i].is_member = q->n_user_ids ? PQgetvalue(res, (int)i, 3)[0] == '1' : true;
	return rows.err;
}

int pg_read_people(struct pg_conn *c, struct store_read_people *q)
{
	PGresult *res = NULL;
	q->people = NULL;
	q->n_people = 0;
	int err = has_channel(c, q->channel_id, &q->channel_found);
	if (err == 0)
		err = ask_people(c, q, &res);
	if (err == 0)
		err = take_people(q, res);
	PQclear(res);
	if (err < 0) {
		mem_free(q->people);
		q->people = NULL;
		q->n_people = 0;
	}
	return err;
}

static int read_members(struct pg_conn *c, struct store_read_channel *q)
{
	struct pq s = pq_begin(c, PG_READ_MEMBERS);
	PGresult *res = NULL;
	pq_text(&s, q->id);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	q->members = take_members(&rows, &q->n_members, sizeof *q->members);
	PQclear(res);
	if (rows.err < 0) {
		mem_free(q->members);
		q->members = NULL;
		q->n_members = 0;
	}
	return rows.err;
}

int pg_read_channel(struct pg_conn *c, struct store_read_channel *q)
{
	struct pq s = pq_begin(c, PG_READ_CHANNEL);
	PGresult *res = NULL;
	q->members = NULL;
	q->n_members = 0;
	pq_text(&s, q->id);
	int err = pg_ask(&s, &res);
	if (err < 0)
		return err;
	struct pg_rows rows = pg_rows_of(res);
	q->found = pg_row(&rows);
	if (q->found) {
		pg_get_text(&rows, q->channel.id, sizeof q->channel.id);
		pg_get_text(&rows, q->channel.name, sizeof q->channel.name);
		q->channel.created_at = pg_get_int(&rows);
		q->channel.updated_at = pg_get_int(&rows);
	}
	PQclear(res);
	return rows.err < 0 || !q->found ? rows.err : read_members(c, q);
}

/* Users and channels: who there is, and who belongs where. */
#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"

/* --- writing --- */

static int delete_by(struct sq_conn *c, enum sq_text which, const char *id)
{
	struct sq q = sq_begin(c, which);
	sq_text(&q, id);
	return sq_run(&q);
}

static int has(struct sq_conn *c, enum sq_text which, const char *id, bool *found)
{
	struct sq q = sq_begin(c, which);
	sq_text(&q, id);
	*found = sq_row(&q);
	return sq_end(&q);
}

static int put_member(struct sq_conn *c, const struct store_put_channel *q, const char *user_id)
{
	struct sq see = sq_begin(c, SQ_SEE_USER);
	sq_text(&see, user_id);
	sq_int(&see, q->at);
	int err = sq_run(&see);
	if (err < 0)
		return err;
	struct sq put = sq_begin(c, SQ_PUT_MEMBER);
	sq_text(&put, q->id);
	sq_text(&put, user_id);
	return sq_run(&put);
}

int sqlite_put_channel(struct sq_conn *c, struct store_put_channel *q)
{
	bool found;
	int err = has(c, SQ_READ_CHANNEL, q->id, &found);
	if (err < 0)
		return err;
	q->created = !found;
	struct sq put = sq_begin(c, SQ_PUT_CHANNEL);
	sq_text(&put, q->id);
	sq_text(&put, q->name);
	sq_int(&put, q->at);
	sq_int(&put, q->at);
	err = sq_run(&put);
	if (err == 0)
		err = delete_by(c, SQ_DELETE_MEMBERS, q->id);
	for (size_t i = 0; i < q->n_members && err == 0; i++)
		err = put_member(c, q, q->members[i]);
	return err;
}

int sqlite_delete_channel(struct sq_conn *c, struct store_delete_channel *q)
{
	int err = delete_by(c, SQ_DELETE_CHANNEL, q->id);
	q->found = err == 0 && sq_changes(c) > 0;
	return err < 0 ? err : delete_by(c, SQ_DELETE_MEMBERS, q->id);
}

int sqlite_put_user(struct sq_conn *c, struct store_put_user *q)
{
	bool found;
	int err = has(c, SQ_HAS_USER, q->user.id, &found);
	if (err < 0)
		return err;
	q->created = !found;
	struct sq put = sq_begin(c, q->only_fill ? SQ_FILL_USER : SQ_PUT_USER);
	sq_text(&put, q->user.id);
	sq_text(&put, q->user.name);
	sq_text(&put, q->user.avatar_url);
	sq_int(&put, q->at);
	return sq_run(&put);
}

int sqlite_delete_user(struct sq_conn *c, struct store_delete_user *q)
{
	int err = delete_by(c, SQ_DELETE_USER, q->id);
	q->found = err == 0 && sq_changes(c) > 0;
	return err < 0 ? err : delete_by(c, SQ_DELETE_USER_MEMBER, q->id);
}

/* --- reading --- */

static void get_user(struct sq *q, struct user *u)
{
	sq_get_text(q, u->id, sizeof u->id);
	sq_get_text(q, u->name, sizeof u->name);
	sq_get_text(q, u->avatar_url, sizeof u->avatar_url);
}

int sqlite_read_user(struct sq_conn *c, struct store_read_user *q)
{
	struct sq s = sq_begin(c, SQ_READ_USER);
	sq_text(&s, q->id);
	q->found = sq_row(&s);
	if (q->found)
		get_user(&s, &q->user);
	return sq_end(&s);
}

static int read_person(struct sq_conn *c, const char *channel_id, struct person *p)
{
	struct sq s = sq_begin(c, SQ_READ_PERSON);
	sq_text(&s, p->user.id);
	sq_text(&s, channel_id);
	if (sq_row(&s)) {
		sq_get_text(&s, p->user.name, sizeof p->user.name);
		sq_get_text(&s, p->user.avatar_url, sizeof p->user.avatar_url);
		p->is_member = sq_get_int(&s);
	}
	return sq_end(&s);
}

static int read_named(struct sq_conn *c, struct store_read_people *q)
{
	q->people = mem_new(q->n_user_ids * sizeof *q->people);
	if (!q->people)
		return ERR_NO_MEMORY;
	int err = 0;
	for (; q->n_people < q->n_user_ids && err == 0; q->n_people++) {
		struct person *p = &q->people[q->n_people];
		str_copy(p->user.id, sizeof p->user.id, str_of(q->user_ids[q->n_people]));
		err = read_person(c, q->channel_id, p);
	}
	return err;
}

/* Each row of READ_MEMBERS; the size of an item and where its user stands in it are the caller's. */
static int read_members(struct sq_conn *c, const char *channel_id, void **items, size_t *n, size_t size)
{
	size_t cap = 0;
	struct sq s = sq_begin(c, SQ_READ_MEMBERS);
	sq_text(&s, channel_id);
	while (sq_row(&s)) {
		void *grown = sqlite_grow(*items, *n, &cap, size);
		if (!grown) {
			s.err = ERR_NO_MEMORY;
			break;
		}
		*items = grown;
		get_user(&s, (struct user *)(void *)((char *)grown + (*n)++ * size));
	}
	return sq_end(&s);
}

static int read_all(struct sq_conn *c, struct store_read_people *q)
{
	_Static_assert(offsetof(struct person, user) == 0, "read_members fills the user at the front");
	void *people = NULL;
	int err = read_members(c, q->channel_id, &people, &q->n_people, sizeof *q->people);
	q->people = people;
	for (size_t i = 0; i < q->n_people; i++)
		q->people[i].is_member = true;
	return err;
}

int sqlite_read_people(struct sq_conn *c, struct store_read_people *q)
{
	q->people = NULL;
	q->n_people = 0;
	int err = has(c, SQ_READ_CHANNEL, q->channel_id, &q->channel_found);
	if (err == 0)
		err = q->n_user_ids ? read_named(c, q) : read_all(c, q);
	if (err < 0) {
		mem_free(q->people);
		q->people = NULL;
		q->n_people = 0;
	}
	return err;
}

int sqlite_read_channel(struct sq_conn *c, struct store_read_channel *q)
{
	q->members = NULL;
	q->n_members = 0;
	struct sq s = sq_begin(c, SQ_READ_CHANNEL);
	sq_text(&s, q->id);
	q->found = sq_row(&s);
	if (q->found) {
		sq_get_text(&s, q->channel.id, sizeof q->channel.id);
		sq_get_text(&s, q->channel.name, sizeof q->channel.name);
		q->channel.created_at = sq_get_int(&s);
		q->channel.updated_at = sq_get_int(&s);
	}
	int err = sq_end(&s);
	void *members = NULL;
	if (err == 0 && q->found)
		err = read_members(c, q->id, &members, &q->n_members, sizeof *q->members);
	if (err < 0) {
		mem_free(members);
		q->n_members = 0;
		return err;
	}
	q->members = members;
	return 0;
}

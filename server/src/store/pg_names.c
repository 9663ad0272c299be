/* Where people are read: tables of ours, or the host's users and channels and a view of who belongs where. */
#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

/* Leaves out what is there for past calls alone. */
#define OUR_USERS                                                                                                      \
	"(SELECT t.id, t.name, coalesce(t.avatar_url, '') AS avatar_url FROM public.users t"                           \
	" WHERE NOT EXISTS (SELECT 1 FROM bellwire.gone_users g WHERE g.id = t.id))"
#define OUR_CHANNELS                                                                                                   \
	"(SELECT t.id, t.name, (extract(epoch FROM t.created_at) * 1000)::bigint AS created_at,"                       \
	" (extract(epoch FROM t.updated_at) * 1000)::bigint AS updated_at FROM public.channels t"                      \
	" WHERE NOT EXISTS (SELECT 1 FROM bellwire.gone_channels g WHERE g.id = t.id))"

/* The first of these columns that the table has, as SQL (quoted); "" when it has none. */
static int find_column(struct pg_conn *c, const char *table, const char *candidates, char **out)
{
	struct buf sql;
	PGresult *res = NULL;
	buf_init(&sql, 2048);
	buf_printf(&sql,
		"SELECT 't.' || quote_ident(n.name) FROM unnest(ARRAY[%s]) WITH ORDINALITY n(name, at)"
		" JOIN pg_attribute a ON a.attname = n.name AND a.attrelid = to_regclass('%s') AND NOT a.attisdropped"
		" ORDER BY n.at LIMIT 1",
		candidates, table);
	buf_put_c(&sql, '\0');
	int err = sql.err < 0 ? sql.err : pg_run(c, sql.ptr, &res);
	if (err == 0)
		*out = mem_dup(str_of(PQntuples(res) ? PQgetvalue(res, 0, 0) : ""));
	PQclear(res);
	buf_fini(&sql);
	return err < 0 ? err : *out ? 0 : ERR_NO_MEMORY;
}

static int format(char **out, const char *pattern, const char *a, const char *b, const char *c)
{
	struct buf sql;
	buf_init(&sql, 8192);
	buf_printf(&sql, pattern, a, b, c);
	*out = buf_take(&sql, NULL);
	return *out ? 0 : ERR_NO_MEMORY;
}

static int hosts_users(struct pg_conn *c, char **out)
{
	char *name = NULL, *avatar = NULL;
	int err = find_column(c, "public.users",
		"'display_name', 'displayName', 'name', 'full_name', 'fullName', 'username', 'user_name'", &name);
	if (err == 0)
		err = find_column(c, "public.users",
			"'avatar_url', 'avatarUrl', 'avatar', 'image', 'image_url', 'picture'", &avatar);
	if (err == 0)
		err = format(out,
			"(SELECT t.id, coalesce(left(%s::text, 200), '') AS name,"
			" CASE WHEN length(%s::text) <= 1000 THEN %s::text ELSE '' END AS avatar_url"
			" FROM public.users t)",
			name[0] ? name : "''", avatar[0] ? avatar : "''", avatar[0] ? avatar : "''");
	mem_free(name);
	mem_free(avatar);
	return err;
}

static int hosts_channels(struct pg_conn *c, char **out)
{
	char *name = NULL;
	int err = find_column(c, "public.channels", "'display_name', 'displayName', 'name', 'title'", &name);
	if (err == 0)
		err = format(out,
			"(SELECT t.id, coalesce(left(%s::text, 200), '') AS name, 0 AS created_at, 0 AS updated_at"
			" FROM public.channels t)%s%s",
			name[0] ? name : "''", "", "");
	mem_free(name);
	return err;
}

/* The view's name as PostgreSQL writes it, once it is known to have what is needed. */
static int find_view(struct pg_conn *c, const char *view, char **out, struct buf *why)
{
	char *quoted = PQescapeLiteral(c->pg, view, strlen(view));
	struct buf sql;
	PGresult *res = NULL;
	buf_init(&sql, 4096);
	buf_printf(&sql,
		"SELECT v.oid::regclass::text, count(a.attname) FROM pg_class v LEFT JOIN pg_attribute a"
		" ON a.attrelid = v.oid AND a.attname IN ('channel_id', 'user_id') AND NOT a.attisdropped"
		" WHERE v.oid = coalesce(to_regclass(%s), to_regclass('public.' || %s)) GROUP BY v.oid",
		quoted ? quoted : "''", quoted ? quoted : "''");
	buf_put_c(&sql, '\0');
	int err = sql.err < 0 ? sql.err : pg_run(c, sql.ptr, &res);
	if (err == 0 && (PQntuples(res) == 0 || strcmp(PQgetvalue(res, 0, 1), "2") != 0)) {
		buf_printf(why, "--members-view: %s is no view or table with the columns channel_id and user_id", view);
		err = ERR_CONFIG;
	}
	if (err == 0)
		err = format(out, "(SELECT t.channel_id::text AS channel_id, t.user_id::text AS user_id FROM %s%s%s t)",
			PQgetvalue(res, 0, 0), "", "");
	PQclear(res);
	PQfreemem(quoted);
	buf_fini(&sql);
	return err;
}

int pg_names_find(struct pg_conn *c, const char *members_view, struct pg_names *out, struct buf *why)
{
	int err;
	out->is_hosts = members_view && members_view[0];
	if (out->is_hosts) {
		err = find_view(c, members_view, &out->members, why);
		if (err == 0)
			err = hosts_users(c, &out->users);
		return err < 0 ? err : hosts_channels(c, &out->channels);
	}
	out->users = mem_dup(STR(OUR_USERS));
	out->channels = mem_dup(STR(OUR_CHANNELS));
	out->members = mem_dup(STR("bellwire.channel_members"));
	err = out->users && out->channels && out->members ? 0 : ERR_NO_MEMORY;
	return err;
}

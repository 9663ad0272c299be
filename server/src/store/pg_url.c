/* The operator's URL becomes what libpq takes: Prisma's own parameters left out, the password put in, ours added. */
#include <libpq-fe.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/pg.h"

/* What Prisma reads from the same URL and libpq does not know. */
static bool is_prismas(struct str key)
{
	static const char *const keys[] = {"schema", "connection_limit", "pool_timeout", "pgbouncer", "socket_timeout",
		"statement_cache_size", "sslaccept", "sslidentity"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (str_eq_z(key, keys[i]))
			return true;
	return false;
}

static int put_parameter(struct buf *out, struct str pair, bool *first, struct buf *why)
{
	struct str value = pair, key = str_cut(&value, '=');
	if (str_eq_z(key, "schema") && !str_eq_z(value, "public")) {
		buf_printf(why, "--db: schema=%.*s: the tables stand in the schema public", STR_ARG(value));
		return ERR_CONFIG;
	}
	if (is_prismas(key) || !pair.len)
		return 0;
	buf_put_c(out, *first ? '?' : '&');
	buf_put(out, pair);
	*first = false;
	return 0;
}

static int strip(struct str url, struct buf *out, struct buf *why)
{
	struct str rest = url;
	bool first = true;
	int err = 0;
	buf_put(out, str_cut(&rest, '?'));
	while (rest.ptr && err == 0)
		err = put_parameter(out, str_cut(&rest, '&'), &first, why);
	buf_put_c(out, '\0');
	return err < 0 ? err : out->err;
}

/* keyword='value', with libpq's escapes. */
static void put_word(struct buf *out, const char *keyword, const char *value)
{
	buf_printf(out, "%s='", keyword);
	for (; *value; value++) {
		if (*value == '\'' || *value == '\\')
			buf_put_c(out, '\\');
		buf_put_c(out, *value);
	}
	buf_put(out, STR("' "));
}

/* Ours, unless the URL says otherwise: words that come first are replaced by later ones of the same name. */
static void put_ours(struct buf *out)
{
	put_word(out, "application_name", "bellwire");
	put_word(out, "keepalives_idle", "5");
	put_word(out, "keepalives_interval", "2");
	put_word(out, "keepalives_count", "3");
	put_word(out, "tcp_user_timeout", "3000");
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val ? options->val : "";
	return "";
}

static void put_all(const PQconninfoOption *options, const char *password, struct buf *out, struct buf *where)
{
	put_ours(out);
	for (const PQconninfoOption *o = options; o->keyword; o++)
		if (o->val && o->val[0])
			put_word(out, o->keyword, o->val);
	if (password && password[0])
		put_word(out, "password", password);
	put_word(out, "client_encoding", "UTF8");
	buf_printf(
		where, "%s:%s/%s", value_of(options, "host"), value_of(options, "port"), value_of(options, "dbname"));
}

/* libpq's complaint may quote the URL, with the password in it: only what is known to be harmless is passed on. */
static int complain(const char *error, struct buf *why)
{
	const char *at = error ? strstr(error, "invalid URI query parameter") : NULL;
	if (at)
		buf_printf(why, "--db: %.*s", (int)strcspn(at, "\n"), at);
	else
		buf_printf(why, "--db: this is no URL such as postgres://user@host:5432/database?sslmode=verify-full");
	return ERR_CONFIG;
}

int pg_url_parse(struct str url, const char *password, char **out, char **where, struct buf *why)
{
	struct buf plain, words, place;
	char *error = NULL;
	buf_init(&plain, 8192);
	buf_init(&words, 16384);
	buf_init(&place, 2048);
	int err = strip(url, &plain, why);
	PQconninfoOption *options = err == 0 ? PQconninfoParse(plain.ptr, &error) : NULL;
	if (options)
		put_all(options, password, &words, &place);
	else if (err == 0)
		err = complain(error, why);
	*out = buf_take(&words, NULL);
	*where = buf_take(&place, NULL);
	if (err == 0 && (!*out || !*where))
		err = ERR_NO_MEMORY;
	PQfreemem(error);
	PQconninfoFree(options);
	buf_fini(&plain);
	return err;
}

/* The database of the options: where it is, and its password, which leaves the process list as soon as it was read. */
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/err.h"
#include "base/mem.h"

#define URL_MAX 8192
#define PASSWORD_MAX 1024

static void mask(char *from, size_t n)
{
	memset(from, 'x', n);
}

/* user:PASSWORD@ and password=PASSWORD in a URL, overwritten in place: in argv, that is what ps shows. */
static void mask_url(char *url)
{
	char *user = strstr(url, "://");
	char *at = user ? strpbrk(user + 3, "@/?") : NULL;
	char *colon = user ? strchr(user + 3, ':') : NULL;
	if (at && *at == '@' && colon && colon < at)
		mask(colon + 1, (size_t)(at - colon - 1));
	char *word = strstr(url, "password=");
	if (word)
		mask(word + 9, strcspn(word + 9, "&"));
}

int app_take_db(struct app *a, struct buf *why)
{
	const char *url = a->config.db;
	bool is_pg = strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0;
	if (url[0] && !is_pg && (strncmp(url, "sqlite:", 7) != 0 || !url[7])) {
		buf_printf(why, "--db: the database must be postgres://USER@HOST/DATABASE or sqlite:PATH");
		return ERR_CONFIG;
	}
	if (!is_pg && a->config.members_view[0]) {
		buf_printf(why, "--members-view is for --db postgres://… alone");
		return ERR_CONFIG;
	}
	a->db_url = mem_dup(str_of(url));
	if (!a->db_url)
		return ERR_NO_MEMORY;
	if (url[0])
		mask_url((char *)(uintptr_t)url);
	return 0;
}

int app_read_password(const struct app *a, struct buf *out, struct buf *why)
{
	const char *variable = getenv("BELLWIRE_DB_PASSWORD");
	buf_init(out, PASSWORD_MAX);
	if (a->config.db_password_file[0])
		return config_read_line(a->config.db_password_file, out, why);
	buf_put(out, str_of(variable));
	buf_put_c(out, '\0');
	return out->err;
}

static int format_place(const struct app *a, struct buf *out)
{
	buf_init(out, URL_MAX);
	if (a->db_url[0])
		buf_put(out, str_of(a->db_url));
	else
		buf_printf(out, "%s/bellwire.db", a->config.data);
	buf_put_c(out, '\0');
	return out->err < 0 ? ERR_CONFIG : 0;
}

int app_open_store(struct app *a, struct buf *why)
{
	struct buf place, password;
	int err = format_place(a, &place);
	int read = app_read_password(a, &password, why);
	struct store_config config = {
		.url = place.ptr,
		.loop = &a->loop,
		.flight_keep_ms = a->config.quality_keep_ms,
		.n_connections = (unsigned)a->config.db_connections,
		.password = password.ptr,
		.members_view = a->config.members_view,
	};
	err = err < 0 ? err : read;
	if (err == 0)
		err = store_open(&config, &a->store, why);
	if (password.ptr)
		explicit_bzero(password.ptr, password.cap);
	if (place.ptr)
		explicit_bzero(place.ptr, place.cap);
	explicit_bzero(a->db_url, strlen(a->db_url));
	buf_fini(&password);
	buf_fini(&place);
	return err;
}

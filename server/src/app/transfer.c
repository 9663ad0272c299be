/* `bellwire migrate` and `bellwire backup`: a database moved, a database copied. */
#include "store/transfer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/commands.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define BAR 30

struct bar {
	bool is_terminal;
	const char *table;
	int64_t began_at;
};

/* On a terminal one line that fills; else one line for each table. */
static void on_progress(void *arg, const char *table, int64_t done, int64_t total)
{
	struct bar *bar = arg;
	if (!bar->is_terminal) {
		if (done == total)
			fprintf(stderr, "%-18s %" PRId64 " rows\n", table, total);
		return;
	}
	int filled = total ? (int)(done * BAR / total) : BAR;
	fprintf(stderr, "\r%-18s [%.*s%.*s] %3d%%  %" PRId64 " of %" PRId64 " ", table, filled,
		"##############################", BAR - filled, "..............................",
		total ? (int)(done * 100 / total) : 100, done, total);
	if (done == total)
		fputc('\n', stderr);
}

static int say_result(const struct transfer_result *r, int64_t took_ms)
{
	printf("migrated %" PRId64 " rows (%" PRId64 " of them now, %" PRId64 " a second); checksum %016" PRIx64
	       " on both sides\n",
		r->rows, r->copied, took_ms ? r->copied * 1000 / took_ms : r->copied, r->checksum);
	if (r->unseen)
		printf("%" PRId64
		       " calls are not shown in public.calls: the host has not their channel or their caller\n",
			r->unseen);
	return EXIT_OK;
}

static const char *path_of(const char *url)
{
	return strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
}

static int migrate(struct app *a, struct buf *why)
{
	struct bar bar = {.is_terminal = isatty(STDERR_FILENO), .began_at = clock_mono_ms()};
	struct buf password;
	struct transfer_result result;
	int err = app_read_password(a, &password, why);
	struct transfer_config config = {
		.from = path_of(a->config.transfer_from),
		.to = a->db_url,
		.password = password.ptr,
		.members_view = a->config.members_view,
		.progress = on_progress,
		.arg = &bar,
	};
	if (err == 0)
		err = store_transfer(&config, &result, why);
	if (password.ptr)
		explicit_bzero(password.ptr, password.cap);
	buf_fini(&password);
	if (err < 0)
		return usage_wrong(buf_str(why));
	return say_result(&result, clock_mono_ms() - bar.began_at);
}

static int backup(struct app *a, struct buf *why)
{
	char path[4096];
	if ((size_t)snprintf(path, sizeof path, "%s/bellwire.db", a->config.data) >= sizeof path)
		return usage_wrong(STR("the path of the database is too long"));
	if (store_copy_file(path, a->config.transfer_to, why) < 0)
		return usage_wrong(buf_str(why));
	printf("copied %s to %s\n", path, a->config.transfer_to);
	return EXIT_OK;
}

static int check_options(struct app *a, enum command command, struct buf *why)
{
	if (!a->config.transfer_to[0] || (command == MIGRATE && !a->config.transfer_from[0])) {
		buf_printf(
			why, command == MIGRATE
				     ? "usage: bellwire migrate --from sqlite:PATH --to postgres://USER@HOST/DATABASE"
				     : "usage: bellwire backup --to FILE [--data DIR]");
		return ERR_CONFIG;
	}
	if (command == BACKUP)
		return 0;
	a->config.db = a->config.transfer_to;
	if (strncmp(a->config.db, "postgres", 8) != 0) {
		buf_printf(why, "--to: the goal is postgres://USER@HOST/DATABASE");
		return ERR_CONFIG;
	}
	return app_take_db(a, why);
}

static int run(char **argv, enum command command)
{
	struct app a = {0};
	struct buf why;
	buf_init(&why, 2000);
	log_set_level(LOG_WARN);
	int err = config_read(&a.config, command, argv, &why);
	if (err == 0)
		err = check_options(&a, command, &why);
	int status;
	if (err < 0)
		status = usage_wrong(buf_str(&why));
	else
		status = command == MIGRATE ? migrate(&a, &why) : backup(&a, &why);
	mem_free(a.db_url);
	buf_fini(&why);
	config_fini(&a.config);
	return status;
}

int command_migrate(char **argv)
{
	return run(argv, MIGRATE);
}

int command_backup(char **argv)
{
	return run(argv, BACKUP);
}

/* The newcomer's mode: everything that a first look needs, and nothing of it reachable from another machine. */
#include "app/dev.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/config.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#define DEV_TOKEN_MS (12 * 3600 * 1000)

static bool from_this_machine(const struct http_req *req)
{
	return addr_is_loopback(http_req_peer(req)) && http_req_host_is_loopback(req) && !http_req_is_forwarded(req) &&
	       http_req_origin_allowed(req);
}

static void put_token(struct buf *body, const struct jwt_claims *claims, const struct jwt_keys *keys)
{
	struct buf token;
	struct json_writer w = json_writer(body);
	buf_init(&token, JWT_MAX_TOKEN);
	body->err = jwt_sign(claims, keys, clock_wall_ms(), &token);
	jw_object(&w);
	jw_kstr(&w, "token", buf_str(&token));
	jw_key(&w, "user");
	jw_object(&w);
	jw_kz(&w, "id", claims->user_id);
	jw_kz(&w, "name", claims->name);
	jw_end_object(&w);
	jw_end_object(&w);
	buf_fini(&token);
}

static void on_token(struct http_req *req, void *arg)
{
	struct jwt_claims claims = {.may_record = true, .expires_at_ms = clock_wall_ms() + DEV_TOKEN_MS};
	struct buf body;
	if (!from_this_machine(req)) {
		http_respond_problem(req, ERR_NOT_FOUND, NULL, NULL);
		return;
	}
	if (http_req_query_get(req, "user", claims.user_id, sizeof claims.user_id) <= 0) {
		http_respond_problem(req, ERR_BAD_FIELD, "Say for whom: ?user=alice", "user");
		return;
	}
	char scope[16] = "";
	http_req_query_get(req, "scope", scope, sizeof scope);
	claims.is_server = strcmp(scope, "server") == 0;
	if (http_req_query_get(req, "name", claims.name, sizeof claims.name) <= 0) {
		memcpy(claims.name, claims.user_id, sizeof claims.name);
		claims.name[0] = (char)toupper((unsigned char)claims.name[0]);
	}
	buf_init(&body, 2 * JWT_MAX_TOKEN);
	put_token(&body, &claims, arg);
	if (buf_ok(&body))
		http_respond_json(req, 200, buf_str(&body));
	else
		http_respond_problem(req, body.err, NULL, "user");
	buf_fini(&body);
}

int dev_register(struct http_server *http, const struct jwt_keys *keys)
{
	struct http_route route = {.method = "GET",
		.pattern = "/api/dev/token",
		.handler = on_token,
		.arg = (void *)(uintptr_t)keys /* only read */};
	return http_route(http, &route);
}

/* --- the demo's people --- */

static const char demo_members[][MODEL_USER_ID_SIZE] = {"alice", "bob", "carol", "dave"};
#define N_DEMO_MEMBERS (sizeof demo_members / sizeof demo_members[0])

struct filling {
	struct store_put_channel channel;
	struct store_put_user users[N_DEMO_MEMBERS];
	size_t n_open;
	int err;
	void (*done)(void *arg, int err);
	void *arg;
};

static void on_filled(struct store_job *job, int err)
{
	struct filling *f = job->arg;
	if (err < 0)
		f->err = err;
	if (--f->n_open)
		return;
	f->done(f->arg, f->err);
	mem_free(f);
}

int dev_fill_store(struct store *store, void (*done)(void *arg, int err), void *arg)
{
	struct filling *f = mem_new(sizeof *f);
	int64_t now = clock_wall_ms();
	if (!f)
		return ERR_NO_MEMORY;
	f->done = done;
	f->arg = arg;
	f->n_open = N_DEMO_MEMBERS + 1;
	for (size_t i = 0; i < N_DEMO_MEMBERS; i++) {
		struct store_put_user *put = &f->users[i];
		put->job = (struct store_job){.done = on_filled, .arg = f};
		put->at = now;
		memcpy(put->user.id, demo_members[i], sizeof put->user.id);
		memcpy(put->user.name, demo_members[i], sizeof put->user.id);
		put->user.name[0] = (char)toupper((unsigned char)put->user.name[0]);
		store_put_user(store, put);
	}
	struct store_put_channel *put = &f->channel;
	put->job = (struct store_job){.done = on_filled, .arg = f};
	put->at = now;
	memcpy(put->id, "demo", sizeof "demo");
	memcpy(put->name, "Demo", sizeof "Demo");
	put->members = demo_members;
	put->n_members = N_DEMO_MEMBERS;
	store_put_channel(store, put);
	return 0;
}

/* --- the data folder's secret --- */

static int make_secret(const char *path, struct buf *why)
{
	char secret[44];
	id_token(secret, sizeof secret - 1);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, secret, sizeof secret - 1) == (ssize_t)sizeof secret - 1;
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	if (ok)
		return 0;
	buf_printf(why, "cannot write %s: %s", path, strerror(errno));
	return ERR_CONFIG;
}

int dev_secret(const char *data_dir, struct buf *out, struct buf *why)
{
	struct buf path;
	buf_init(&path, 4096);
	buf_printf(&path, "%s/dev-secret", data_dir);
	char *file = buf_take(&path, NULL);
	if (!file)
		return ERR_NO_MEMORY;
	int err = access(file, F_OK) == 0 ? 0 : make_secret(file, why);
	if (err == 0)
		err = config_secret(file, "", out, why);
	mem_free(file);
	return err;
}

/* --- the demo's files --- */

int dev_web_dir(struct buf *out, struct buf *why)
{
	if (app_find_pages("demo", out))
		return 0;
	buf_printf(why, "the demo page has not been built; `make run` builds it, or name a folder with --web");
	return ERR_NOT_FOUND;
}

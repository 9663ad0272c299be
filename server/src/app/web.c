/* The pages that come with the program: where their folders are, and the operators' console. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "base/err.h"
#include "http/files.h"

/* The folder that the program stands in, with its closing slash. */
static void program_folder(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	if (n < 0)
		n = 0;
	while (n > 0 && out[n - 1] != '/')
		n--;
	out[n] = 0;
}

bool app_find_pages(const char *name, struct buf *out)
{
	char program[4096];
	program_folder(program, sizeof program);
	for (int i = 0; i < 2; i++) {
		char path[4200], index[4300];
		struct stat st;
		snprintf(path, sizeof path, i == 0 ? "%s../apps/%s/dist" : "%s../share/bellwire/%s", program, name);
		snprintf(index, sizeof index, "%s/index.html", path);
		if (stat(index, &st) < 0)
			continue;
		buf_clear(out);
		buf_put(out, str_of(path));
		return buf_ok(out);
	}
	return false;
}

/* Addresses that people can remember lead into the console; what they ask for goes along. */
static void on_short_address(struct http_req *req, void *arg)
{
	const char *target = arg;
	char call[64] = "", location[160];
	http_req_query_get(req, "call", call, sizeof call);
	bool has_call = id_is_uuid(str_of(call));
	snprintf(location, sizeof location, "%s%s%s", target, has_call ? "?call=" : "", has_call ? call : "");
	http_resp_header(req, "Location", str_of(location));
	http_respond(req, 302, "text/plain; charset=utf-8", STR("It is at another address.\n"));
}

static int add_short_address(struct app *a, const char *pattern, const char *target)
{
	struct http_route route = {.method = "GET",
		.pattern = pattern,
		.handler = on_short_address,
		.arg = (void *)(uintptr_t)target /* only read */};
	return http_route(a->http, &route);
}

int app_open_console(struct app *a, struct buf *why)
{
	struct buf dir;
	const char *told = a->config.console;
	if (strcmp(told, "none") == 0)
		return 0;
	buf_init(&dir, 4200);
	bool found = told[0] || app_find_pages("console", &dir);
	if (told[0])
		buf_put(&dir, str_of(told));
	buf_put_c(&dir, 0);
	int err = 0;
	if (found) {
		struct http_files_config files = {
			.root = dir.ptr, .pattern = "/console/*path", .fallback = "index.html"};
		err = buf_ok(&dir) ? http_files(a->http, &files) : dir.err;
		if (err == ERR_NOT_FOUND)
			buf_printf(why, "--console: there is no folder %s", dir.ptr);
		if (err == 0)
			err = add_short_address(a, "/check", "/console/check");
		if (err == 0)
			err = add_short_address(a, "/report.html", "/console/report");
	}
	buf_fini(&dir);
	return err;
}

/* `bellwire doctor`: looks at a server as its clients do, from the outside in; each line passes or says how to mend it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/config.h"
#include "app/probe.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "codec/jwt.h"

#define CERTIFICATE_DAYS 14
#define CLOCK_MS 5000
#define DISK_BYTES (1ULL << 30)
#define WEBSOCKET                                                                                                      \
	"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                                   \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

struct doctor {
	struct config config;
	struct probe_target target;
	struct buf token;
	int n_bad;
	int n_warned;
};

/* --- lines --- */

static __attribute__((format(printf, 3, 0))) void say(
	const char *mark, const char *name, const char *format, va_list args)
{
	printf("%-5s %-16s ", mark, name);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
}

static __attribute__((format(printf, 2, 3))) void good(const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("ok", name, format, args);
	va_end(args);
}

static __attribute__((format(printf, 3, 4))) void warned(struct doctor *d, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("look", name, format, args);
	va_end(args);
	d->n_warned++;
}

static __attribute__((format(printf, 3, 4))) void bad(struct doctor *d, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("MEND", name, format, args);
	va_end(args);
	d->n_bad++;
}

/* --- the server's door --- */

static bool check_door(struct doctor *d)
{
	struct probe p;
	struct buf why;
	buf_init(&why, 1000);
	int err = probe_open(&d->target, &p, &why);
	const char *name = err == ERR_NOT_FOUND ? "DNS" : err == ERR_FORBIDDEN ? "certificate" : "TCP";
	if (err < 0) {
		bad(d, name, "%.*s", STR_ARG(buf_str(&why)));
	} else {
		good("DNS, TCP", "%s leads to port %s, which is open", d->target.host, d->target.port);
		int days = d->target.is_tls ? probe_days_left(&p) : 0;
		if (!d->target.is_tls)
			warned(d, "certificate",
				"plain HTTP: browsers give no camera but on localhost; give --tls-cert, or a proxy "
				"with TLS");
		else if (days < CERTIFICATE_DAYS)
			warned(d, "certificate", "it expires in %d days: renew it, then send SIGHUP", days);
		else
			good("certificate", "good for %s, %d days left", d->target.host, days);
	}
	probe_close(&p);
	buf_fini(&why);
	return err == 0;
}

/* The status; *head and *body are cleared first. */
static int get(struct doctor *d, const char *path, struct str more, struct buf *head, struct buf *body)
{
	struct probe p;
	struct buf why;
	buf_clear(head);
	buf_clear(body);
	buf_init(&why, 1000);
	int status = probe_open(&d->target, &p, &why);
	if (status == 0)
		status = probe_http(&p, &d->target, str_of(path), more, head, body);
	probe_close(&p);
	buf_fini(&why);
	return status;
}

static void check_clock(struct doctor *d, const struct buf *head)
{
	struct tm tm = {0};
	const char *date = memmem(head->ptr, head->len, "\r\nDate: ", 8);
	if (!date)
		date = memmem(head->ptr, head->len, "\r\ndate: ", 8);
	if (!date || !strptime(date + 8, "%a, %d %b %Y %H:%M:%S", &tm)) {
		warned(d, "clock", "the server tells no date; look at its clock by hand");
		return;
	}
	int64_t apart = (int64_t)timegm(&tm) * 1000 - clock_wall_ms();
	if (llabs(apart) > CLOCK_MS)
		bad(d, "clock",
			"the server's and this machine's are %lld s apart: tokens will seem expired; run an NTP client",
			(long long)(llabs(apart) / 1000));
	else
		good("clock", "the server's agrees with this machine's");
}

static void check_readiness(struct doctor *d, struct buf *head, struct buf *body)
{
	static const char *const mend[][2] = {{"database", "the log names the error; calls are refused until it works"},
		{"disk", "the data folder has no room: make some"},
		{"relay", "the relay does not listen: look at --turn-listen and the log"}};
	json_t *json = NULL;
	int status = get(d, "/readyz", STR(""), head, body);
	if (status < 0 || json_read_object(buf_str(body), &json) < 0) {
		bad(d, "readiness", "/readyz gives no answer: is it bellwire that serves here?");
		return;
	}
	check_clock(d, head);
	const json_t *checks = json_object_get(json, "checks");
	for (size_t i = 0; i < sizeof mend / sizeof *mend; i++) {
		const char *word = json_string_value(json_object_get(checks, mend[i][0]));
		if (word && (strcmp(word, "ok") == 0 || strcmp(word, "off") == 0))
			good(mend[i][0], "the server says %s", word);
		else
			bad(d, mend[i][0], "%s: %s", word ? word : "unknown", mend[i][1]);
	}
	json_decref(json);
}

static void check_websocket(struct doctor *d, struct buf *head, struct buf *body)
{
	char path[128];
	snprintf(path, sizeof path, "%.64s?EIO=4&transport=websocket", d->config.socket_path);
	int status = get(d, path, STR(WEBSOCKET), head, body);
	if (status == 101)
		good("WebSocket", "passes through the public address");
	else
		bad(d, "WebSocket", "answered %d instead of 101: let the proxy pass Upgrade and Connection", status);
}

/* --- the relay --- */

static const char *transport_of(const struct probe_target *t)
{
	return t->is_tls ? "relay over tls" : t->is_udp ? "relay over udp" : "relay over tcp";
}

static void check_ice_url(struct doctor *d, struct str url, struct str user, struct str password)
{
	struct probe_target t;
	struct probe p;
	struct buf why;
	char where[80] = "";
	bool is_stun = str_starts_with(url, STR("stun"));
	if (probe_parse(url, &t) < 0) {
		bad(d, "relay", "%.*s is no address of a relay", STR_ARG(url));
		return;
	}
	const char *name = is_stun ? "STUN" : transport_of(&t);
	buf_init(&why, 1000);
	int err = probe_open(&t, &p, &why);
	if (err < 0)
		bad(d, name, "%.*s", STR_ARG(buf_str(&why)));
	else if ((err = is_stun ? probe_bind(&p, &t, where, sizeof where)
				: probe_allocate(&p, &t, user, password, where, sizeof where)) == 0)
		good(name, is_stun ? "this machine is seen as %s" : "an allocation was made at %s, and given back",
			where);
	else if (err == ERR_TOKEN_INVALID)
		bad(d, name,
			"%.*s refuses the server's credentials: both need the same --turn-secret-file, and clocks that "
			"agree",
			STR_ARG(url));
	else
		bad(d, name, "%.*s does not answer: open its port in the firewall%s", STR_ARG(url),
			t.is_udp ? " for UDP" : "");
	probe_close(&p);
	buf_fini(&why);
}

static void check_server_entry(struct doctor *d, const json_t *entry)
{
	struct str user = {0}, password = {0};
	const json_t *urls = json_object_get(entry, "urls"), *url;
	size_t i;
	json_get_str(entry, "username", &user);
	json_get_str(entry, "credential", &password);
	if (json_is_string(urls))
		check_ice_url(d, str_of(json_string_value(urls)), user, password);
	json_array_foreach(urls, i, url)
	{
		if (json_is_string(url))
			check_ice_url(d, str_of(json_string_value(url)), user, password);
	}
}

static void check_relay(struct doctor *d, struct buf *head, struct buf *body)
{
	struct buf more;
	json_t *list = NULL;
	const json_t *entry;
	size_t i;
	if (d->token.len == 0) {
		warned(d, "relay",
			"not looked at: give --secret-file FILE or BELLWIRE_SECRET, the same that the server has");
		return;
	}
	buf_init(&more, 2 * JWT_MAX_TOKEN);
	buf_printf(&more, "Authorization: Bearer %.*s\r\n", STR_ARG(buf_str(&d->token)));
	int status = get(d, "/api/webrtc/ice-servers", buf_str(&more), head, body);
	buf_fini(&more);
	if (status == 401) {
		bad(d, "token", "the server refuses one signed with this secret: it has another");
	} else if (status != 200 || json_read(buf_str(body), &list) < 0 || json_array_size(list) == 0) {
		bad(d, "relay",
			"the server offers none: let it serve one (--turn-listen), or name others (--ice-server)");
	} else {
		good("token", "the server takes one signed with this secret");
		json_array_foreach(list, i, entry) check_server_entry(d, entry);
	}
	json_decref(list);
}

/* --- this machine --- */

static void check_data(struct doctor *d)
{
	const char *data = d->config.data;
	struct statvfs fs;
	if (access(data, F_OK) < 0)
		return; /* the server runs elsewhere */
	if (access(data, R_OK | W_OK | X_OK) < 0 || statvfs(data, &fs) < 0)
		bad(d, "data folder", "%s cannot be written by this user", data);
	else if ((uint64_t)fs.f_bavail * fs.f_frsize < DISK_BYTES)
		warned(d, "data folder", "%s has only %llu MB left", data,
			(unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
	else
		good("data folder", "%s has %llu GB left", data,
			(unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 30));
}

/* --- all of it --- */

static int make_token(struct doctor *d, struct buf *why)
{
	struct jwt_keys keys;
	struct jwt_claims claims = {.user_id = "doctor", .expires_at_ms = clock_wall_ms() + 300000};
	struct buf secret = {0};
	buf_init(&d->token, JWT_MAX_TOKEN);
	int err = config_secret(d->config.secret_file, "BELLWIRE_SECRET", &secret, why);
	if (err == ERR_NOT_FOUND)
		return 0;
	jwt_keys_init(&keys);
	if (err == 0)
		err = jwt_keys_add_secret(&keys, buf_str(&secret));
	if (err == 0)
		err = jwt_sign(&claims, &keys, clock_wall_ms(), &d->token);
	jwt_keys_fini(&keys);
	buf_fini(&secret);
	return err;
}

static int examine(struct doctor *d)
{
	struct buf head, body;
	buf_init(&head, 1 << 20);
	buf_init(&body, 1 << 20);
	check_data(d);
	if (check_door(d)) {
		check_readiness(d, &head, &body);
		check_websocket(d, &head, &body);
		check_relay(d, &head, &body);
	}
	buf_fini(&head);
	buf_fini(&body);
	if (d->n_bad)
		printf("\n%d to mend, %d to look at.\n", d->n_bad, d->n_warned);
	else
		printf("\nCalls can be made%s.\n", d->n_warned ? "; look at the lines above that say so" : "");
	return d->n_bad ? EXIT_BROKEN : EXIT_OK;
}

int command_doctor(char **argv)
{
	struct doctor d = {0};
	struct buf why;
	int status;
	buf_init(&why, 1000);
	int err = config_read(&d.config, DOCTOR, argv, &why);
	if (err == 0 && probe_parse(str_of(d.config.doctor_url), &d.target) < 0) {
		err = ERR_CONFIG;
		buf_printf(&why, "--url: %s is not an address such as https://calls.example", d.config.doctor_url);
	}
	if (err == 0)
		err = make_token(&d, &why);
	if (err < 0)
		status = usage_wrong(why.len ? buf_str(&why) : str_of(err_text(err)));
	else
		status = examine(&d);
	buf_fini(&d.token);
	buf_fini(&why);
	config_fini(&d.config);
	return status;
}

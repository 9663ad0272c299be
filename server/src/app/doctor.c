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
#include "app/doctor.h"
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

/* --- lines --- */

static __attribute__((format(printf, 3, 0))) void say(
	const char *mark, const char *name, const char *format, va_list args)
{
	printf("%-5s %-16s ", mark, name);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
}

void doctor_good(const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("ok", name, format, args);
	va_end(args);
}

void doctor_look(struct doctor *d, const char *name, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say("look", name, format, args);
	va_end(args);
	d->n_warned++;
}

void doctor_mend(struct doctor *d, const char *name, const char *format, ...)
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
		doctor_mend(d, name, "%.*s", STR_ARG(buf_str(&why)));
	} else {
		doctor_good("DNS, TCP", "%s leads to port %s, which is open", d->target.host, d->target.port);
		int days = d->target.is_tls ? probe_days_left(&p) : 0;
		if (!d->target.is_tls)
			doctor_look(d, "certificate",
				"plain HTTP: browsers give no camera but on localhost; give --tls-cert, or a proxy "
				"with TLS");
		else if (days < CERTIFICATE_DAYS)
			doctor_look(d, "certificate", "it expires in %d days: renew it, then send SIGHUP", days);
		else
			doctor_good("certificate", "good for %s, %d days left", d->target.host, days);
	}
	probe_close(&p);
	buf_fini(&why);
	return err == 0;
}

int doctor_get(struct doctor *d, const char *path, struct str more, struct buf *head, struct buf *body)
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
		doctor_look(d, "clock", "the server tells no date; look at its clock by hand");
		return;
	}
	int64_t apart = (int64_t)timegm(&tm) * 1000 - clock_wall_ms();
	if (llabs(apart) > CLOCK_MS)
		doctor_mend(d, "clock",
			"the server's and this machine's are %lld s apart: tokens will seem expired; run an NTP client",
			(long long)(llabs(apart) / 1000));
	else
		doctor_good("clock", "the server's agrees with this machine's");
}

static void check_readiness(struct doctor *d, struct buf *head, struct buf *body)
{
	static const char *const mend[][2] = {{"database", "the log names the error; calls are refused until it works"},
		{"disk", "the data folder has no room: make some"},
		{"relay", "the relay does not listen: look at --turn-listen and the log"}};
	json_t *json = NULL;
	int status = doctor_get(d, "/readyz", STR(""), head, body);
	if (status < 0 || json_read_object(buf_str(body), &json) < 0) {
		doctor_mend(d, "readiness", "/readyz gives no answer: is it bellwire that serves here?");
		return;
	}
	check_clock(d, head);
	const json_t *checks = json_object_get(json, "checks");
	for (size_t i = 0; i < sizeof mend / sizeof *mend; i++) {
		const char *word = json_string_value(json_object_get(checks, mend[i][0]));
		if (word && (strcmp(word, "ok") == 0 || strcmp(word, "off") == 0))
			doctor_good(mend[i][0], "the server says %s", word);
		else
			doctor_mend(d, mend[i][0], "%s: %s", word ? word : "unknown", mend[i][1]);
	}
	json_decref(json);
}

static void check_websocket(struct doctor *d, struct buf *head, struct buf *body)
{
	char path[128];
	snprintf(path, sizeof path, "%.64s?EIO=4&transport=websocket", d->config.socket_path);
	int status = doctor_get(d, path, STR(WEBSOCKET), head, body);
	if (status == 101)
		doctor_good("WebSocket", "passes through the public address");
	else
		doctor_mend(d, "WebSocket", "answered %d instead of 101: let the proxy pass Upgrade and Connection",
			status);
}

/* --- this machine --- */

static void check_data(struct doctor *d)
{
	const char *data = d->config.data;
	struct statvfs fs;
	if (access(data, F_OK) < 0)
		return; /* the server runs elsewhere */
	if (access(data, R_OK | W_OK | X_OK) < 0 || statvfs(data, &fs) < 0)
		doctor_mend(d, "data folder", "%s cannot be written by this user", data);
	else if ((uint64_t)fs.f_bavail * fs.f_frsize < DISK_BYTES)
		doctor_look(d, "data folder", "%s has only %llu MB left", data,
			(unsigned long long)((uint64_t)fs.f_bavail * fs.f_frsize >> 20));
	else
		doctor_good("data folder", "%s has %llu GB left", data,
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
		doctor_relay(d, &head, &body);
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

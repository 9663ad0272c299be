/* Options read from four places, each value checked where it comes in. */
#include "app/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/options.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/jwt.h"
#include "turn/turn.h"

#define CONFIG_MAX_FILE (64 * 1024)
#define MAX_OPTIONS 128

/* One reading: where a value comes from decides what it replaces, and how an error names it. */
struct reading {
	struct config *config;
	enum command command;
	struct buf *why;
	char source[300];	/* "--listen", "BELLWIRE_LISTEN", "line 3 of FILE" */
	bool seen[MAX_OPTIONS]; /* by this source: a second value of a list is added, a first one replaces */
};

static int fail(struct reading *r, const char *problem, const char *detail)
{
	buf_printf(r->why, "%s: %s%s", r->source, problem, detail);
	return ERR_CONFIG;
}

static void *field_of(const struct reading *r, const struct option *o)
{
	return (char *)r->config + o->offset;
}

static int add_text(struct reading *r, const struct option *o, const char *value)
{
	struct texts *list = field_of(r, o);
	bool *seen = &r->seen[o - options];
	if (!*seen)
		list->n = 0;
	*seen = true;
	if (!value[0])
		return 0;
	if (list->n == CONFIG_MAX_TEXTS)
		return fail(r, "given too many times; 16 is the most", "");
	list->items[list->n++] = value;
	return 0;
}

static int set_switch(struct reading *r, const struct option *o, const char *value)
{
	bool on = strcmp(value, "true") == 0;
	if (!on && strcmp(value, "false") != 0 && value[0])
		return fail(r, "is either true or false, not ", value);
	*(bool *)field_of(r, o) = on;
	return 0;
}

static int set_number(struct reading *r, const struct option *o, const char *value)
{
	uint64_t n;
	if (str_parse_u64(str_of(value), (uint64_t)1 << 40, &n) < 0)
		return fail(r, "needs a whole number, not ", value);
	*(int64_t *)field_of(r, o) = (int64_t)n;
	return 0;
}

static int set(struct reading *r, const struct option *o, const char *value)
{
	switch (o->kind) {
	case KIND_TEXTS: return add_text(r, o, value);
	case KIND_SWITCH: return set_switch(r, o, value);
	case KIND_NUMBER: return set_number(r, o, value);
	case KIND_TEXT: *(const char **)field_of(r, o) = value; return 0;
	case KIND_DURATION:
		if (str_parse_duration_ms(str_of(value), field_of(r, o)) < 0)
			return fail(r, "needs a time such as 300ms, 5s, 2m or 1h, not ", value);
		return 0;
	case KIND_GROUP: break;
	}
	return ERR_CONFIG;
}

static const struct option *find(struct str key, unsigned commands)
{
	for (size_t i = 0; i < n_options; i++)
		if ((options[i].commands & commands) && str_eq_z(key, options[i].key))
			return &options[i];
	return NULL;
}

/* What was perhaps meant; null when nothing is near. */
static const char *nearest(struct str key, unsigned commands)
{
	const char *best = NULL;
	size_t best_distance = key.len / 3 + 2;
	for (size_t i = 0; i < n_options; i++) {
		if (!(options[i].commands & commands))
			continue;
		size_t distance = str_distance(key, str_of(options[i].key));
		if (distance < best_distance) {
			best_distance = distance;
			best = options[i].key;
		}
	}
	return best;
}

static int unknown(struct reading *r, const char *what, struct str key, const char *prefix)
{
	const char *near = nearest(key, r->command);
	buf_printf(r->why, "unknown %s %s%.*s", what, prefix, STR_ARG(key));
	if (near)
		buf_printf(r->why, "; did you mean %s%s?", prefix, near);
	else
		buf_printf(r->why, "; --help lists them");
	return ERR_CONFIG;
}

static int read_defaults(struct reading *r)
{
	snprintf(r->source, sizeof r->source, "default");
	for (size_t i = 0; i < n_options; i++) {
		if (options[i].kind == KIND_GROUP || (options[i].kind != KIND_TEXT && !options[i].fallback[0]))
			continue;
		int err = set(r, &options[i], options[i].fallback);
		if (err < 0)
			return err;
	}
	return 0;
}

static int read_environment(struct reading *r)
{
	char variable[OPTION_VARIABLE_SIZE];
	memset(r->seen, 0, sizeof r->seen);
	for (size_t i = 0; i < n_options; i++) {
		if (!(options[i].commands & r->command))
			continue;
		option_variable(&options[i], variable);
		char *value = getenv(variable);
		snprintf(r->source, sizeof r->source, "%s", variable);
		if (!value)
			continue;
		int err = 0;
		if (options[i].kind == KIND_TEXTS) { /* several, with commas between */
			char *rest = value;
			for (char *item; err == 0 && (item = strsep(&rest, ",")) != NULL;)
				err = add_text(r, &options[i], item);
		} else {
			err = set(r, &options[i], value);
		}
		if (err < 0)
			return err;
	}
	return 0;
}

/* "key = value"; '#' begins a comment line. */
static int read_line(struct reading *r, char *line)
{
	struct str rest = str_of(line);
	struct str key = str_trim(str_cut(&rest, '='));
	if (key.len == 0 && !rest.ptr)
		return 0;
	if (key.ptr[0] == '#')
		return 0;
	const struct option *o = find(key, r->command);
	if (!o)
		return unknown(r, "key in the configuration file:", key, "");
	if (!rest.ptr)
		return fail(r, "has no value", "");
	struct str value = str_trim(rest);
	((char *)(uintptr_t)value.ptr)[value.len] = 0; /* within the file's own text */
	return set(r, o, value.ptr);
}

static int read_file_text(const char *path, size_t max, struct buf *out, struct buf *why)
{
	FILE *f = fopen(path, "re");
	if (!f) {
		buf_printf(why, "cannot read %s: %s", path, strerror(errno));
		return ERR_CONFIG;
	}
	buf_init(out, max + 1);
	char *room = buf_reserve(out, max + 1);
	size_t n = room ? fread(room, 1, max + 1, f) : 0;
	bool bad = ferror(f) != 0;
	fclose(f);
	buf_commit(out, n);
	if (!room || bad || n > max) {
		buf_printf(
			why, "cannot read %s: %s", path, n > max ? "it is too large" : strerror(errno ? errno : EIO));
		buf_fini(out);
		return ERR_CONFIG;
	}
	return 0;
}

static int read_file(struct reading *r, const char *path)
{
	struct buf text;
	memset(r->seen, 0, sizeof r->seen);
	int err = read_file_text(path, CONFIG_MAX_FILE, &text, r->why);
	if (err < 0)
		return err;
	r->config->file_text = buf_take(&text, NULL);
	char *rest = r->config->file_text;
	int n = 1;
	for (char *line; err == 0 && (line = strsep(&rest, "\n")) != NULL; n++) {
		line[strcspn(line, "\r")] = 0;
		snprintf(r->source, sizeof r->source, "line %d of %.250s", n, path);
		err = read_line(r, line);
	}
	return err;
}

static int read_flags(struct reading *r, char **argv)
{
	memset(r->seen, 0, sizeof r->seen);
	for (; *argv; argv++) {
		struct str word = str_of(*argv);
		if (!str_starts_with(word, STR("--"))) {
			buf_printf(r->why, "unexpected word %s; options begin with --", *argv);
			return ERR_CONFIG;
		}
		struct str rest = str_n(word.ptr + 2, word.len - 2);
		struct str key = str_cut(&rest, '=');
		const struct option *o = find(key, r->command);
		if (!o)
			return unknown(r, "option", key, "--");
		snprintf(r->source, sizeof r->source, "--%s", o->key);
		const char *value = rest.ptr;
		if (!value && o->kind == KIND_SWITCH)
			value = "true";
		else if (!value && !argv[1])
			return fail(r, "needs a value: ", o->argument);
		else if (!value)
			value = *++argv;
		int err = set(r, o, value);
		if (err < 0)
			return err;
	}
	return 0;
}

/* The file is named by a flag or a variable, but goes below both: find its name first. */
static const char *config_file_name(char **argv)
{
	for (; *argv; argv++) {
		if (strncmp(*argv, "--config=", 9) == 0)
			return *argv + 9;
		if (strcmp(*argv, "--config") == 0 && argv[1])
			return argv[1];
	}
	return getenv("BELLWIRE_CONFIG");
}

static const struct bound {
	const char *key;
	size_t offset;
	int64_t min, max;
} bounds[] = {
	{"ring-timeout", offsetof(struct config, ring_ms), 5000, 180000},
	{"resume-window", offsetof(struct config, resume_ms), 5000, 120000},
	{"max-participants", offsetof(struct config, max_participants), 2, 256},
	{"max-joined", offsetof(struct config, max_joined), 2, 256},
	{"max-connections", offsetof(struct config, max_connections), 16, 1000000},
	{"max-connections-per-address", offsetof(struct config, max_per_address), 0, 1000000},
	{"db-connections", offsetof(struct config, db_connections), 2, 32},
	{"max-calls", offsetof(struct config, max_calls), 1, 1000000},
	{"rings-per-minute", offsetof(struct config, rings_per_minute), 0, 60000},
	{"turn-ttl", offsetof(struct config, turn_ttl_ms), 60000, 86400000},
	{"turn-max-allocations", offsetof(struct config, turn_max_allocations), 1, 65536},
	{"turn-max-allocations-per-user", offsetof(struct config, turn_max_per_user), 1, 65536},
	{"turn-max-permissions", offsetof(struct config, turn_max_permissions), 1, 1024},
	{"turn-max-channels", offsetof(struct config, turn_max_channels), 1, 1024},
	{"turn-refusals-per-second", offsetof(struct config, turn_unauth_per_s), 0, 1000000},
	{"turn-gather", offsetof(struct config, turn_gather_us), 0, 1000},
	{"turn-workers", offsetof(struct config, turn_workers), 0, TURN_MAX_WORKERS},
	{"ping-interval", offsetof(struct config, ping_interval_ms), 100, 300000},
	{"ping-timeout", offsetof(struct config, ping_timeout_ms), 100, 300000},
	{"connect-timeout", offsetof(struct config, connect_timeout_ms), 100, 300000},
	{"max-payload", offsetof(struct config, max_payload), 1000, 16000000},
	{"events-per-second", offsetof(struct config, events_per_s), 0, 1000000},
	{"events-burst", offsetof(struct config, events_burst), 1, 1000000},
	{"recording-max-uploads", offsetof(struct config, recording_max_uploads), 1, 100000},
	{"recording-max-uploads-per-user", offsetof(struct config, recording_max_uploads_of_one), 1, 100000},
	{"recording-upload-expiry", offsetof(struct config, recording_expire_ms), 1000, 2592000000},
	{"recording-link-ttl", offsetof(struct config, recording_link_ms), 1000, 604800000},
	{"ttl", offsetof(struct config, token_ttl_ms), 1000, 31536000000},
};

static int check_bounds(struct reading *r)
{
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		int64_t value = *(int64_t *)(void *)((char *)r->config + bounds[i].offset);
		if (!find(str_of(bounds[i].key), r->command) || (value >= bounds[i].min && value <= bounds[i].max))
			continue;
		buf_printf(r->why, "--%s: out of bounds; it may be %lld to %lld (times in milliseconds)", bounds[i].key,
			(long long)bounds[i].min, (long long)bounds[i].max);
		return ERR_CONFIG;
	}
	return 0;
}

int config_read(struct config *c, enum command command, char **argv, struct buf *why)
{
	*c = (struct config){0};
	assert(n_options <= MAX_OPTIONS);
	struct reading r = {.config = c, .command = command, .why = why};
	const char *file = config_file_name(argv);
	int err = read_defaults(&r);
	if (err == 0 && file && (command & (SERVE | DEV)))
		err = read_file(&r, file);
	if (err == 0)
		err = read_environment(&r);
	if (err == 0)
		err = read_flags(&r, argv);
	if (err == 0)
		err = check_bounds(&r);
	return err;
}

void config_fini(struct config *c)
{
	mem_free(c->file_text);
	*c = (struct config){0};
}

int config_secret(const char *file, const char *variable, struct buf *out, struct buf *why)
{
	const char *from = file && file[0] ? file : variable;
	if (from == file) {
		int err = read_file_text(file, JWT_MAX_SECRET, out, why);
		if (err < 0)
			return err;
	} else {
		const char *value = getenv(variable);
		if (!value)
			return ERR_NOT_FOUND;
		buf_init(out, JWT_MAX_SECRET);
		buf_put(out, str_of(value));
	}
	while (out->len && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
		out->len--;
	if (buf_ok(out) && out->len >= JWT_MIN_SECRET)
		return 0;
	buf_printf(why, "the secret in %s must have 32 to 512 bytes; make one with: head -c 32 /dev/urandom | base64",
		from);
	buf_fini(out);
	return ERR_CONFIG;
}

int config_read_line(const char *file, struct buf *out, struct buf *why)
{
	int err = read_file_text(file, out->max - 1, out, why);
	if (err < 0)
		return err;
	while (out->len && (out->ptr[out->len - 1] == '\n' || out->ptr[out->len - 1] == '\r'))
		out->len--;
	buf_put_c(out, '\0');
	return out->err;
}

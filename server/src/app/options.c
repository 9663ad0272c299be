/* The option table, and what people read of it. */
#include "app/options.h"

#include <ctype.h>
#include <string.h>

#include "app/config.h"

const struct option options[] = {
#define GROUP(title) {title, KIND_GROUP, 0, 0, "", "", ""},
#define OPTION(key, kind, field, commands, argument, fallback, help)                                                   \
	{key, KIND_##kind, offsetof(struct config, field), commands, argument, fallback, help},
#include "app/options.def"
#undef OPTION
#undef GROUP
};
const size_t n_options = sizeof options / sizeof options[0];

void option_variable(const struct option *o, char out[OPTION_VARIABLE_SIZE])
{
	int n = snprintf(out, OPTION_VARIABLE_SIZE, "BELLWIRE_%s", o->key);
	for (int i = 0; i < n; i++)
		out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

/* Whether a command takes any option of the group at `at`. */
static bool group_matters(size_t at, enum command command)
{
	for (size_t i = at + 1; i < n_options && options[i].kind != KIND_GROUP; i++)
		if (options[i].commands & command)
			return true;
	return false;
}

void config_help(FILE *out, enum command command)
{
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		if (o->kind == KIND_GROUP && group_matters(i, command))
			fprintf(out, "\n%s\n", o->key);
		if (!(o->commands & command) || !o->help[0])
			continue;
		char flag[64];
		snprintf(flag, sizeof flag, "--%s %s", o->key, o->argument);
		fprintf(out, "  %-32s %s", flag, o->help);
		fprintf(out, o->fallback[0] ? " [%s]\n" : "\n", o->fallback);
	}
}

void config_markdown(FILE *out)
{
	fputs("# Options\n\nMade by `bellwire help --markdown` from `server/src/app/options.def`. Each option is a "
	      "flag, an "
	      "environment\nvariable, or a line `key = value` in the file that `--config` names; flags go before "
	      "variables, "
	      "variables before\nthe file.\n",
		out);
	for (size_t i = 0; i < n_options; i++) {
		const struct option *o = &options[i];
		char variable[OPTION_VARIABLE_SIZE];
		if (o->kind == KIND_GROUP) {
			fprintf(out, "\n## %s\n| flag | variable | default | meaning |\n|---|---|---|---|\n", o->key);
			continue;
		}
		if (!o->help[0])
			continue;
		option_variable(o, variable);
		fprintf(out, "| `--%s%s%s` | `%s` | %s%s%s | %s |\n", o->key, o->argument[0] ? " " : "", o->argument,
			variable, o->fallback[0] ? "`" : "", o->fallback, o->fallback[0] ? "`" : "", o->help);
	}
}

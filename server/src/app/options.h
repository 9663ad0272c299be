/* options: the table from options.def. Private to app/config*.c. */
#ifndef BELLWIRE_APP_OPTIONS_H
#define BELLWIRE_APP_OPTIONS_H

#include <stddef.h>

enum option_kind { KIND_GROUP, KIND_TEXT, KIND_TEXTS, KIND_DURATION, KIND_NUMBER, KIND_SWITCH };

struct option {
	const char *key; /* or a group's title */
	enum option_kind kind;
	size_t offset; /* into struct config */
	unsigned commands;
	const char *argument;
	const char *fallback;
	const char *help;
};

extern const struct option options[];
extern const size_t n_options;

/* "BELLWIRE_" and the key in capitals. */
#define OPTION_VARIABLE_SIZE 64
void option_variable(const struct option *o, char out[OPTION_VARIABLE_SIZE]);

#endif

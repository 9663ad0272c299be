/* The error list, turned into a table that is looked up by number. */
#include "base/err.h"

struct entry {
	const char *name;
	const char *code;
	const char *text;
	int status;
	bool retryable;
};

static const struct entry entries[ERR_INDEX_COUNT] = {
#define ERR(name, code, status, retryable, text) {"ERR_" #name, code, text, status, (retryable) != 0},
#include "base/err.def"
#undef ERR
};

static const struct entry ok = {"ERR_OK", "ok", "Success.", 200, false};

static const struct entry *entry_of(int err)
{
	if (err == ERR_OK)
		return &ok;
	if (err < 0 && err >= -ERR_INDEX_COUNT)
		return &entries[-1 - err];
	return &entries[ERR_INDEX_INTERNAL];
}

const char *err_code(int err)
{
	return entry_of(err)->code;
}

const char *err_text(int err)
{
	return entry_of(err)->text;
}

int err_http_status(int err)
{
	return entry_of(err)->status;
}

bool err_retryable(int err)
{
	return entry_of(err)->retryable;
}

const char *err_name(int err)
{
	return entry_of(err)->name;
}

/* The secret that is shared with relays, the one before it, and how both are replaced while the program runs. */
#include "app/app.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"

/* Without a secret a relay of our own gets a key that is derived, and lasts as long as ours. */
static int read_current(const struct app *a, struct buf *out, struct buf *why)
{
	unsigned char derived[JWT_MAC_SIZE];
	int err = config_secret(a->config.turn_secret_file, "BELLWIRE_TURN_SECRET", out, why);
	if (err != ERR_NOT_FOUND)
		return err;
	err = jwt_keys_mac(&a->keys, STR("turn|secret"), derived);
	if (err < 0)
		return err;
	buf_init(out, JWT_MAX_SECRET);
	id_base64_encode(out, str_n((const char *)derived, sizeof derived));
	return out->err;
}

static int read_previous(const struct app *a, struct buf *out, struct buf *why)
{
	int err = config_secret(a->config.turn_previous_secret_file, "BELLWIRE_TURN_PREVIOUS_SECRET", out, why);
	return err == ERR_NOT_FOUND ? 0 : err;
}

static int read_both(const struct app *a, struct buf *current, struct buf *previous, struct buf *why)
{
	int err = read_current(a, current, why);
	return err < 0 ? err : read_previous(a, previous, why);
}

int app_open_turn_secret(struct app *a, struct buf *why)
{
	return read_both(a, &a->turn_secret, &a->turn_previous, why);
}

static void replace(struct buf *old, struct buf *with)
{
	buf_fini(old);
	*old = *with;
	*with = (struct buf){0};
}

bool app_reload_turn_secret(struct app *a)
{
	struct buf current = {0}, previous = {0}, why;
	buf_init(&why, 2000);
	bool ok = read_both(a, &current, &previous, &why) == 0;
	if (!ok)
		log_error("the relay's secrets stay as they were", LOG_STR("why", buf_str(&why)));
	if (ok && !previous.len && !str_eq(buf_str(&current), buf_str(&a->turn_secret))) {
		/* Only the new one was given: what it replaces is the previous one. */
		replace(&a->turn_previous, &a->turn_secret);
		replace(&a->turn_secret, &current);
	} else if (ok) {
		replace(&a->turn_secret, &current);
		if (previous.len)
			replace(&a->turn_previous, &previous);
	}
	if (ok && a->api)
		api_set_ice_secret(a->api, buf_str(&a->turn_secret));
	buf_fini(&current);
	buf_fini(&previous);
	buf_fini(&why);
	return ok;
}

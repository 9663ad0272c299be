/* app: the whole program as one value, born in app_open, closed from top to bottom. The only module that sees all. */
#ifndef BELLWIRE_APP_APP_H
#define BELLWIRE_APP_APP_H

#include "api/api.h"
#include "app/config.h"
#include "base/map.h"
#include "call/call.h"
#include "codec/jwt.h"
#include "http/http.h"
#include "loop/loop.h"
#include "loop/watchdog.h"
#include "recording/recording.h"
#include "signal/signal.h"
#include "store/store.h"
#include "turn/turn.h"

struct issuer;
struct tls;
struct webhook;

#define APP_MAX_DENIED 64

struct app {
	struct config config;
	bool is_dev;
	int64_t started_at; /* monotonic */
	struct loop loop;
	struct watchdog watchdog;
	struct jwt_keys keys;
	struct buf turn_secret;
	struct buf turn_previous; /* still accepted; may be empty */
	char *db_url;		  /* owned: of --db, with its password; the options have it without */

	struct issuer *issuer; /* owned, as the rest; null: no --jwks */
	struct tls *tls;       /* null: plain HTTP */
	struct store *store;
	struct calls *calls;
	struct http_server *http;
	struct signal *signal;
	struct api *api;
	struct recordings *recordings; /* null: none are kept */
	struct buf s3_secret;
	struct turn *turn; /* null: not served */
	struct buf webhook_secret;
	struct webhook *webhook; /* null: nobody is told */

	struct turn_net denied[APP_MAX_DENIED]; /* back ends, refused as peers */
	size_t n_denied;
	struct map relayed; /* the call of each allocation that moved something: usage.c */
	struct post relay_ended;
	void (*on_relay_closed)(struct app *a);

	uv_signal_t on_term;
	uv_signal_t on_int;
	uv_signal_t on_hup;
	bool stopping;
	struct timer told; /* while stopping: until everybody has heard of it */
	struct timer late; /* while stopping: until the database is not waited for any more */
};

/* Looks at every option without touching anything: ERR_CONFIG with one line in *why. */
int app_check(struct app *a, struct buf *why);

/* Builds everything up to serving, or takes down again what was built: an ERR_*, with one line in *why. */
int app_open(struct app *a, struct buf *why);

/* Runs until SIGTERM or SIGINT, then stops politely. Returns the exit status. */
int app_run(struct app *a);

/* The rest is private to app/. */

/* TLS; none without --tls-cert. Reading again keeps what there is when the files are bad. */
int app_check_tls(const struct app *a, struct buf *why);
int app_open_tls(struct app *a, struct buf *why);
void app_reload_tls(struct app *a);

/* Proxies that are believed. Returns how many. */
int app_check_proxies(const struct app *a, struct buf *why);
size_t app_trusted(const struct app *a, struct addr_net out[CONFIG_MAX_TEXTS]);

/* The database. Taking it over hides its password in the options and in the process list. */
int app_take_db(struct app *a, struct buf *why);
/* NUL-terminated; "" when nobody gave one. */
int app_read_password(const struct app *a, struct buf *out, struct buf *why);
int app_open_store(struct app *a, struct buf *why);

/* The relay behind the port of HTTPS. */
void app_other_protocol(struct app *a, struct http_other *out);

/* The relay, as the options want it; none for "none". */
bool app_turn_is_off(const struct app *a);
int app_check_turn(const struct app *a, struct buf *why);
int app_open_turn(struct app *a, struct buf *why);

/* After SIGHUP: its certificate and secrets read anew; what is bad stays as it was. */
void app_reload_turn(struct app *a);

/* Ends the relay. `closed` is called on the loop, after the last of what was relayed has gone to the calls. */
void app_close_turn(struct app *a, void (*closed)(struct app *a));

/* What it relays goes into the records of calls. */
void app_count_usage(struct app *a, struct turn_config *cfg);

void app_forget_usage(struct app *a);

/* The relay refuses the addresses of every back end that is configured, as they are now. Names are looked up. */
void app_deny_back_ends(struct app *a);

/* The secrets shared with relays, and the same read anew: true when that went well and credentials changed hands. */
int app_open_turn_secret(struct app *a, struct buf *why);
bool app_reload_turn_secret(struct app *a);

/* The port of the relay inside; false when there is none. */
bool app_turn_port(const struct app *a, uint16_t *port);

/* Webhooks; nothing without --webhook-url. The secret is what an operator may have to mend, before the database. */
int app_check_webhook(const struct app *a, struct buf *why);
int app_open_webhook_secret(struct app *a, struct buf *why);
int app_open_webhook(struct app *a, struct buf *why);
void app_close_webhook(struct app *a, void (*closed)(void *arg));

/* The folder of pages that come with the program ("demo", "console"), appended without a closing NUL; false when it is
 * not there. */
bool app_find_pages(const char *name, struct buf *out);

/* The operators' console at /console/. */
int app_open_console(struct app *a, struct buf *why);

/* Recordings. */
int app_check_recordings(const struct app *a, struct buf *why);
enum record_policy app_record_policy(const struct app *a);
int app_open_recordings(struct app *a, struct buf *why);

/* REST. */
int app_check_ice(const struct app *a, struct buf *why);
int app_open_api(struct app *a, struct buf *why);

#endif

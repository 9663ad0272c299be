/* config: what the operator said, from flags, the environment and a file, checked.
 *
 * Flags go before variables, variables before the file, the file before defaults.
 */
#ifndef BELLWIRE_APP_CONFIG_H
#define BELLWIRE_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

enum command { SERVE = 1, DEV = 2, TOKEN = 4, MIGRATE = 8, BACKUP = 16, DOCTOR = 32 };

#define CONFIG_MAX_TEXTS 16

struct texts {
	const char *items[CONFIG_MAX_TEXTS];
	size_t n;
};

struct config {
	struct texts listen;
	const char *data;
	const char *db; /* "": SQLite in data */
	const char *db_password_file;
	int64_t db_connections;
	const char *members_view;
	const char *web;
	const char *console;
	struct texts origins;
	struct texts tls_certs;
	struct texts tls_keys;
	struct texts trusted_proxies;
	bool proxy_protocol;
	int64_t max_connections;
	int64_t max_per_address; /* 0: no limit */
	int64_t drain_ms;
	const char *log_level;

	const char *secret_file;
	const char *jwks;
	int64_t jwks_refresh_ms;

	int64_t ring_ms;
	int64_t caller_grace_ms;
	int64_t unreachable_ms;
	int64_t connect_ms;
	int64_t unclaimed_ms;
	int64_t resume_ms;
	int64_t alone_ms;
	int64_t max_duration_ms;
	int64_t max_participants;
	int64_t max_joined;
	int64_t max_calls;
	int64_t rings_per_minute; /* 0: no limit */
	int64_t quality_keep_ms;  /* 0: for ever */

	const char *webhook_url;
	const char *webhook_secret_file;
	bool webhook_allow_private;
	int64_t webhook_timeout_ms;
	int64_t webhook_retry_ms;
	int64_t webhook_give_up_ms;

	struct texts ice_servers;
	const char *turn_secret_file;
	const char *turn_previous_secret_file;
	int64_t turn_ttl_ms;

	struct texts turn_listen;
	const char *turn_realm;
	const char *turn_relay_ports;
	struct texts turn_external;
	bool turn_lan;
	bool turn_allow_loopback;
	struct texts turn_deny;
	struct texts turn_allow;
	int64_t turn_max_allocations;
	int64_t turn_max_per_user;
	int64_t turn_max_permissions;
	int64_t turn_max_channels;
	int64_t turn_rate_allocation; /* bytes a second; 0: no limit */
	int64_t turn_rate_user;
	int64_t turn_rate_server;
	int64_t turn_unauth_per_s; /* 0: no limit */
	int64_t turn_gather_us;	   /* 0: never */
	int64_t turn_workers;

	const char *socket_path;
	int64_t ping_interval_ms;
	int64_t ping_timeout_ms;
	int64_t connect_timeout_ms;
	int64_t max_payload;
	int64_t events_per_s; /* 0: no limit */
	int64_t events_burst;
	bool protocol_echo;

	const char *recording_policy;
	const char *recording_dir; /* "": in the data folder; "none" */
	int64_t recording_max_bytes;
	int64_t recording_max_call_bytes;
	int64_t recording_max_all_bytes; /* 0: no limit */
	int64_t recording_min_free;
	int64_t recording_max_uploads;
	int64_t recording_max_uploads_of_one;
	int64_t recording_expire_ms;
	int64_t recording_keep_ms; /* 0: for ever */
	int64_t recording_link_ms;
	const char *s3_endpoint; /* "": none */
	const char *s3_bucket;
	const char *s3_region;
	const char *s3_key_id;
	const char *s3_secret_file;

	const char *token_user;
	const char *token_name;
	const char *token_scope;
	bool token_moderator;
	bool token_recorder;
	int64_t token_ttl_ms;

	const char *transfer_from;
	const char *transfer_to;
	const char *doctor_url;

	const char *config_file;
	bool check_config;

	char *file_text; /* owned: what texts from the file point into */
};

/* Fills *c for one command from defaults, the file, the environment and argv (the words after the command's).
 * ERR_CONFIG with one line in *why that says what is wrong and how to mend it. */
int config_read(struct config *c, enum command command, char **argv, struct buf *why);
void config_fini(struct config *c);

/* Reads a secret from a file, or else from the environment variable: 32 bytes or more, a closing line break not
 * counted. ERR_NOT_FOUND when neither is given, ERR_CONFIG with *why otherwise. */
int config_secret(const char *file, const char *variable, struct buf *out, struct buf *why);

/* The one line of a file, without its end, NUL-terminated: a password. ERR_CONFIG with *why. */
int config_read_line(const char *file, struct buf *out, struct buf *why);

/* The options of a command, for --help. */
void config_help(FILE *out, enum command command);

/* All options as docs/config.md. */
void config_markdown(FILE *out);

#endif

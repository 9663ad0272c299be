/* dev: what `bellwire dev` adds for a newcomer on the same machine: a demo page, tokens without a backend, a channel.
 */
#ifndef BELLWIRE_APP_DEV_H
#define BELLWIRE_APP_DEV_H

#include "base/buf.h"
#include "codec/jwt.h"
#include "http/http.h"
#include "store/store.h"

/* Tokens for anybody who asks from this machine: GET /api/dev/token?user=alice[&name=Alice]. Refused (404) to any peer
 * but a loopback one with a loopback Host and without a trace of a proxy. keys are borrowed. */
int dev_register(struct http_server *http, const struct jwt_keys *keys);

/* Makes the channel "demo" with alice, bob, carol and dave. done(arg, err) on the loop. */
int dev_fill_store(struct store *store, void (*done)(void *arg, int err), void *arg);

/* The secret of this data folder, made at the first start, so that tokens outlive a restart. ERR_CONFIG with *why. */
int dev_secret(const char *data_dir, struct buf *out, struct buf *why);

/* The demo's files beside this program (build tree or installed). ERR_NOT_FOUND with *why that tells how to build it.
 */
int dev_web_dir(struct buf *out, struct buf *why);

#endif

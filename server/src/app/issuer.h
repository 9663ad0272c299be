/* issuer: the public keys of whoever issues tokens, kept up to date (--jwks).
 *
 * A file is looked at every few seconds; a URL is fetched every refresh_ms, and when a token names a key that is not
 * there, at most every 30 s. What cannot be read leaves the keys as they were; those of a URL are forgotten
 * after a day without news.
 */
#ifndef BELLWIRE_APP_ISSUER_H
#define BELLWIRE_APP_ISSUER_H

#include "base/buf.h"
#include "codec/jwt.h"
#include "loop/loop.h"

struct issuer;

struct issuer_config {
	struct loop *loop;     /* borrowed, as all */
	struct jwt_keys *keys; /* .issuer is set here */
	const char *where;     /* a file, https://…, or http://… on this machine */
	int64_t refresh_ms;
};

/* ERR_CONFIG with one line in *why: a file that holds no such keys, or no such address. */
int issuer_check(const char *where, struct buf *why);

/* When *out is not null it is to be closed, also after an error: ERR_IO, ERR_NO_MEMORY. */
int issuer_open(const struct issuer_config *config, struct issuer **out);

/* Looks at once. */
void issuer_reload(struct issuer *i);

void issuer_close(struct issuer *i, void (*closed)(void *arg), void *arg);

#endif

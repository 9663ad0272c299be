/* tls: certificates and the rules of TLS connections (RFC 8446, RFC 5246), for streams to be secured with.
 *
 * TLS 1.2 and 1.3, forward secrecy only, no renegotiation, no compression, no early data. Which certificate is shown
 * depends on the name that the client asks for (SNI, RFC 6066 §3).
 */
#ifndef BELLWIRE_NET_TLS_H
#define BELLWIRE_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TLS_MAX_PAIRS 16

struct ssl_st;
struct tls;

/* PEM files: the certificate with its chain behind it, and its key without a passphrase. */
struct tls_pair {
	const char *cert_file;
	const char *key_file;
};

struct tls_config {
	const struct tls_pair *pairs; /* copied; the first is shown to those who ask for no name, or an unknown one */
	size_t n_pairs;		      /* 1 to TLS_MAX_PAIRS */

	/* Taken beside "http/1.1" when the client offers protocols (ALPN, RFC 7301); borrowed, may be null. */
	const char *other_protocol;
};

/* ERR_CONFIG with one line in *why that says which file is wrong and how to mend it; ERR_NO_MEMORY. */
int tls_new(const struct tls_config *config, struct tls **out, struct buf *why);

/* Reads the files again, for connections that begin from now on. On an error all is as before. */
int tls_reload(struct tls *t, struct buf *why);

/* Warns of certificates that are not valid today. */
void tls_log_dates(const struct tls *t);

/* After the last stream that was secured with it has closed. Null is allowed. */
void tls_free(struct tls *t);

/* A connection's side of it, waiting for a client; null without memory. */
struct ssl_st *tls_accept(struct tls *t);

/* Whether the client chose other_protocol. */
bool tls_chose_other(const struct tls *t, const struct ssl_st *ssl);

#endif

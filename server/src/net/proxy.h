/* proxy: the header with which a load balancer says whom it speaks for (PROXY protocol, version 2, §2.2). Pure. */
#ifndef BELLWIRE_NET_PROXY_H
#define BELLWIRE_NET_PROXY_H

#include <stddef.h>

#include "base/str.h"
#include "net/addr.h"

/* Bytes of a header that is taken, extensions included. */
#define PROXY_MAX_HEADER 2048

enum proxy_kind { PROXY_LOCAL, PROXY_SPEAKS };

/* PROXY_SPEAKS with *source; PROXY_LOCAL when the proxy speaks for itself, or for a source that is no address of the
 * internet. *used is then the header's length. ERR_AGAIN: more bytes are needed; ERR_PROTOCOL: it is no such header. */
int proxy_parse(struct str bytes, size_t *used, struct addr *source);

#endif

/* Back ends of our own become addresses that the relay refuses, whatever ranges are opened for peers. */
#include <netdb.h>
#include <stdio.h>

#include "app/app.h"
#include "base/err.h"

/* "host", "host:port", "[::1]:port"; false when there is nothing to look up, as for the path of a socket or file. */
static bool split(struct str place, char host[256], uint16_t *port)
{
	bool bracket = place.len && place.ptr[0] == '[';
	size_t end = bracket ? str_find(place, ']') : str_find(place, ':');
	size_t colon = bracket ? end + 1 : end;
	uint64_t number;
	if (!place.len || place.ptr[0] == '/' || end < bracket)
		return false;
	if (colon < place.len &&
		str_parse_u64(str_n(place.ptr + colon + 1, place.len - colon - 1), 65535, &number) == 0)
		*port = (uint16_t)number;
	return str_copy(host, 256, str_n(place.ptr + bracket, end - bracket)) == 0 && host[0];
}

static bool is_loopback(const struct turn_net *net)
{
	static const uint8_t one[16] = {[15] = 1};
	return net->family == AF_INET ? net->ip[0] == 127 : memcmp(net->ip, one, 16) == 0;
}

/* The whole machine is refused; of this one, which has peers in tests and development, only the back end's port. */
static int add(struct app *a, const struct sockaddr *addr, uint16_t port, struct buf *why)
{
	struct turn_net *net = &a->denied[a->n_denied];
	if (a->n_denied == APP_MAX_DENIED) {
		buf_printf(why, "the relay cannot refuse more than %d addresses of back ends", APP_MAX_DENIED);
		return ERR_CONFIG;
	}
	*net = (struct turn_net){.family = (uint8_t)addr->sa_family, .prefix = addr->sa_family == AF_INET ? 32 : 128};
	if (addr->sa_family == AF_INET)
		memcpy(net->ip, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
	else
		memcpy(net->ip, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
	if (is_loopback(net))
		net->port = port;
	a->n_denied++;
	return 0;
}

static int deny_one(struct app *a, struct str place, uint16_t port, struct buf *why)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[256];
	if (!split(place, host, &port))
		return 0;
	int rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc != 0) {
		buf_printf(why, "%s: %s; the relay must know the address to refuse it", host, gai_strerror(rc));
		return ERR_CONFIG;
	}
	int err = 0;
	for (const struct addrinfo *i = found; i && err == 0; i = i->ai_next)
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
			err = add(a, i->ai_addr, port, why);
	freeaddrinfo(found);
	return err;
}

int app_deny_back_end(struct app *a, struct str url, uint16_t default_port, struct buf *why)
{
	size_t scheme = 0;
	while (scheme + 3 <= url.len && memcmp(url.ptr + scheme, "://", 3) != 0)
		scheme++;
	struct str rest = scheme + 3 <= url.len ? str_n(url.ptr + scheme + 3, url.len - scheme - 3) : url;
	struct str hosts = str_cut(&rest, '/');
	size_t at = hosts.len;
	while (at && hosts.ptr[at - 1] != '@')
		at--;
	hosts = str_n(hosts.ptr + at, hosts.len - at);
	int err = 0;
	while (err == 0 && hosts.ptr)
		err = deny_one(a, str_cut(&hosts, ','), default_port, why);
	return err;
}

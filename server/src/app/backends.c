/* Back ends of our own become addresses that the relay refuses, whatever ranges are opened for peers. */
#include <netdb.h>
#include <stdio.h>

#include "app/app.h"
#include "base/err.h"
#include "base/log.h"

#define POSTGRES_PORT 5432

/* "host", "host:port", "[::1]:port", "::1"; false when there is nothing to look up, as for the path of a socket or
 * file. */
static bool split(struct str place, char host[256], uint16_t *port)
{
	bool bracket = place.len && place.ptr[0] == '[';
	size_t end = bracket ? str_find(place, ']') : str_find(place, ':');
	size_t colon = bracket ? end + 1 : end;
	uint64_t number;
	if (!place.len || place.ptr[0] == '/' || place.ptr[0] == '%' || end < bracket)
		return false;
	if (!bracket && end < place.len && memchr(place.ptr + end + 1, ':', place.len - end - 1))
		end = colon = place.len; /* an IPv6 address alone */
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
static void add(struct app *a, const struct sockaddr *addr, uint16_t port)
{
	struct turn_net *net = &a->denied[a->n_denied];
	if (a->n_denied == APP_MAX_DENIED) {
		log_warn("turn: more addresses of back ends than can be refused as peers",
			LOG_I("most", APP_MAX_DENIED));
		return;
	}
	*net = (struct turn_net){.family = (uint8_t)addr->sa_family, .prefix = addr->sa_family == AF_INET ? 32 : 128};
	if (addr->sa_family == AF_INET)
		memcpy(net->ip, &((const struct sockaddr_in *)(const void *)addr)->sin_addr, 4);
	else
		memcpy(net->ip, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
	if (is_loopback(net))
		net->port = port;
	if (!is_loopback(net) || port)
		a->n_denied++;
}

static void deny_one(struct app *a, struct str place, uint16_t port)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[256];
	if (!split(place, host, &port))
		return;
	int rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc != 0)
		log_warn("turn: the address of a back end is not known, so that it cannot be refused as a peer",
			LOG_STR("host", str_of(host)), LOG_S("why", gai_strerror(rc)));
	for (const struct addrinfo *i = rc == 0 ? found : NULL; i; i = i->ai_next)
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
			add(a, i->ai_addr, port);
	if (rc == 0)
		freeaddrinfo(found);
}

/* Each host of "scheme://user@host:port,host2/path", or of "host:port". */
static void deny(struct app *a, struct str url, uint16_t default_port)
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
	while (hosts.ptr)
		deny_one(a, str_cut(&hosts, ','), default_port);
}

/* A proxy in front counts when it is one machine and no range. A receiver of webhooks counts where it may
 * be private. */
void app_deny_back_ends(struct app *a)
{
	const struct config *c = &a->config;
	for (size_t i = 0; i < c->trusted_proxies.n; i++)
		if (!strchr(c->trusted_proxies.items[i], '/'))
			deny(a, str_of(c->trusted_proxies.items[i]), 0);
	deny(a, str_of(c->db), POSTGRES_PORT);
	if (c->webhook_allow_private)
		deny(a, str_of(c->webhook_url), str_starts_with(str_of(c->webhook_url), STR("http:")) ? 80 : 443);
	if (str_starts_with(str_of(c->jwks), STR("https://")))
		deny(a, str_of(c->jwks), 443);
}

/* How many connections each address has, so that one of them cannot take all the places.
 *
 * An IPv6 customer has a /64 at the least, so that is what counts as one address there.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/conn.h"

#define V6_PREFIX 8 /* bytes */

struct crowd_place {
	struct map_node node;
	uint8_t ip[16]; /* the node's key */
	size_t n;
};

static struct crowd_place *place_of(struct map *crowd, const struct addr *a)
{
	uint8_t ip[16];
	size_t n = addr_ip(a, ip) == 4 ? 4 : V6_PREFIX;
	struct map_node *node = map_get(crowd, str_n((const char *)ip, n));
	if (node)
		return CONTAINER_OF(node, struct crowd_place, node);
	struct crowd_place *place = mem_new(sizeof *place);
	if (!place)
		return NULL;
	memcpy(place->ip, ip, sizeof ip);
	if (map_put(crowd, &place->node, str_n((const char *)place->ip, n)) == 0)
		return place;
	mem_free(place);
	return NULL;
}

int crowd_enter(struct http_conn *c)
{
	struct http_server *s = c->server;
	char peer[ADDR_TEXT_SIZE];
	if (s->config.max_per_address == 0 || c->is_trusted)
		return 0;
	struct crowd_place *place = place_of(&s->crowd, &c->peer);
	if (!place)
		return ERR_NO_MEMORY;
	if (place->n >= s->config.max_per_address) {
		s->stats.refused++;
		log_debug("refused one connection too many", LOG_S("peer", addr_format_host(&c->peer, peer)));
		return ERR_OVERLOADED;
	}
	place->n++;
	c->place = place;
	return 0;
}

void crowd_leave(struct http_conn *c)
{
	struct crowd_place *place = c->place;
	c->place = NULL;
	if (!place || --place->n)
		return;
	map_remove(&c->server->crowd, &place->node);
	mem_free(place);
}

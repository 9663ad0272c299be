/* What the doctor looks at with the server's secret: the addresses that clients are given, and the NAT before us. */
#include <string.h>

#include "app/doctor.h"
#include "base/err.h"
#include "base/json.h"
#include "codec/jwt.h"

static const char *transport_of(const struct probe_target *t)
{
	return t->is_tls ? "relay over tls" : t->is_udp ? "relay over udp" : "relay over tcp";
}

static void say_mapping(struct doctor *d, const struct probe_nat *n)
{
	if (!n->relayed[0])
		doctor_good("NAT", "none: this machine is seen with its own address, %s", n->seen);
	else if (!n->elsewhere[0])
		doctor_mend(d, "NAT",
			"nothing arrives at the relay's port of %s: open the ports of --turn-relay-ports in the "
			"server's firewall, for UDP",
			n->relayed);
	else if (strcmp(n->seen, n->elsewhere) == 0)
		doctor_good("NAT", "%s is seen as %s from both ports: direct calls find a way", n->local, n->seen);
	else
		doctor_look(d, "NAT",
			"%s is seen as %s, and elsewhere as %s: with such a NAT calls go over the relay, so it must be "
			"reachable; a mapping that does not depend on the destination (\"full cone\") would mend it",
			n->local, n->seen, n->elsewhere);
}

/* What stands between this machine and the relay. */
static void check_nat(struct doctor *d, const struct probe_target *t, struct str user, struct str password)
{
	struct probe_nat nat;
	int err = probe_nat(t, user, password, &nat);
	if (err == 0)
		say_mapping(d, &nat);
	else if (err == ERR_FORBIDDEN)
		doctor_look(d, "NAT",
			"not known: the relay serves no peers at %s, where this machine is seen; if clients live "
			"there, "
			"--turn-allow names such a net",
			nat.seen);
	else
		doctor_look(d, "NAT", "not known: the relay stopped answering");
	d->knows_nat = true;
}

static void check_ice_url(struct doctor *d, struct str url, struct str user, struct str password)
{
	struct probe_target t;
	struct probe p;
	struct buf why;
	char where[PROBE_WHERE_SIZE] = "";
	bool is_stun = str_starts_with(url, STR("stun"));
	if (probe_parse(url, &t) < 0) {
		doctor_mend(d, "relay", "%.*s is no address of a relay", STR_ARG(url));
		return;
	}
	const char *name = is_stun ? "STUN" : transport_of(&t);
	buf_init(&why, 1000);
	int err = probe_open(&t, &p, &why);
	if (err < 0)
		doctor_mend(d, name, "%.*s", STR_ARG(buf_str(&why)));
	else if ((err = is_stun ? probe_bind(&p, &t, where, sizeof where)
				: probe_allocate(&p, &t, user, password, where, sizeof where)) == 0)
		doctor_good(name,
			is_stun ? "this machine is seen as %s" : "an allocation was made at %s, and given back", where);
	else if (err == ERR_TOKEN_INVALID)
		doctor_mend(d, name,
			"%.*s refuses the server's credentials: both need the same --turn-secret-file, and clocks that "
			"agree",
			STR_ARG(url));
	else
		doctor_mend(d, name, "%.*s does not answer: open its port in the firewall%s", STR_ARG(url),
			t.is_udp ? " for UDP" : "");
	probe_close(&p);
	buf_fini(&why);
	if (err == 0 && t.is_udp && !is_stun && !d->knows_nat)
		check_nat(d, &t, user, password);
}

static void check_server_entry(struct doctor *d, const json_t *entry)
{
	struct str user = {0}, password = {0};
	const json_t *urls = json_object_get(entry, "urls"), *url;
	size_t i;
	json_get_str(entry, "username", &user);
	json_get_str(entry, "credential", &password);
	if (json_is_string(urls))
		check_ice_url(d, str_of(json_string_value(urls)), user, password);
	json_array_foreach(urls, i, url)
	{
		if (json_is_string(url))
			check_ice_url(d, str_of(json_string_value(url)), user, password);
	}
}

void doctor_relay(struct doctor *d, struct buf *head, struct buf *body)
{
	struct buf more;
	json_t *list = NULL;
	const json_t *entry;
	size_t i;
	if (d->token.len == 0) {
		doctor_look(d, "relay",
			"not looked at: give --secret-file FILE or BELLWIRE_SECRET, the same that the server has");
		return;
	}
	buf_init(&more, 2 * JWT_MAX_TOKEN);
	buf_printf(&more, "Authorization: Bearer %.*s\r\n", STR_ARG(buf_str(&d->token)));
	int status = doctor_get(d, "/api/webrtc/ice-servers", buf_str(&more), head, body);
	buf_fini(&more);
	if (status == 401) {
		doctor_mend(d, "token", "the server refuses one signed with this secret: it has another");
	} else if (status != 200 || json_read(buf_str(body), &list) < 0 || json_array_size(list) == 0) {
		doctor_mend(d, "relay",
			"the server offers none: let it serve one (--turn-listen), or name others (--ice-server)");
	} else {
		doctor_good("token", "the server takes one signed with this secret");
		json_array_foreach(list, i, entry) check_server_entry(d, entry);
	}
	json_decref(list);
}

/* Forbidden peers: every special-purpose address, in every spelling, by all four ways. */
#include "base/err.h"
#include "check.h"
#include "fake.h"

/* Probes for each range of the registries (28 of IPv4, 31 of IPv6). */
static const char *const forbidden[] = {
	"0.0.0.0:9",
	"0.1.2.3:9",
	"10.0.0.1:9",
	"10.255.255.254:9",
	"100.64.0.1:9",
	"100.127.255.254:9",
	"127.0.0.1:9",
	"127.1.2.3:9",
	"169.254.1.1:9",
	"169.254.169.254:80",
	"172.16.0.1:9",
	"172.31.255.254:9",
	"192.0.0.1:9",
	"192.0.0.192:9",
	"192.0.2.1:9",
	"192.88.99.1:9",
	"192.168.0.1:9",
	"192.168.255.254:9",
	"198.18.0.1:9",
	"198.19.255.254:9",
	"198.51.100.7:9",
	"203.0.113.1:9",
	"224.0.0.1:9",
	"239.255.255.250:1900",
	"240.0.0.1:9",
	"254.1.1.1:9",
	"255.255.255.254:9",
	"255.255.255.255:9",
	"[::]:9",
	"[::1]:9",
	"[::7f00:1]:9",
	"[::a00:1]:9",
	"[::808:808]:9",
	"[::ffff:127.0.0.1]:9",
	"[::ffff:10.0.0.1]:9",
	"[::ffff:169.254.169.254]:9",
	"[::ffff:8.8.8.8]:9",
	"[::ffff:0:127.0.0.1]:9",
	"[::ffff:0:8.8.8.8]:9",
	"[64:ff9b::127.0.0.1]:9",
	"[64:ff9b::a9fe:a9fe]:9",
	"[64:ff9b::8.8.8.8]:9",
	"[64:ff9b:1::1]:9",
	"[64:ff9b:1:ffff::7f00:1]:9",
	"[100::1]:9",
	"[2001::1]:9",
	"[2001:0:7f00:1::80ff:fffe]:9",
	"[2001:20::1]:9",
	"[2001:db8::7]:9",
	"[2002:7f00:1::1]:9",
	"[2002:808:808::1]:9",
	"[3fff::1]:9",
	"[5f00::1]:9",
	"[fc00::1]:9",
	"[fd00:ec2::254]:80",
	"[fe80::1]:9",
	"[fec0::1]:9",
	"[ff02::1]:9",
	"[ff0e::1]:9",
};
#define N_FORBIDDEN (sizeof forbidden / sizeof *forbidden)

static const char *const welcome[] = {"8.8.8.8:9", "1.1.1.1:9", "100.63.255.255:9", "100.128.0.1:9", "172.15.0.1:9",
	"172.32.0.1:9", "192.0.1.1:9", "198.17.0.1:9", "198.20.0.1:9", "223.255.255.254:9", "[2606:4700::1]:9",
	"[2a00:1450::1]:9", "[2001:200::1]:9", "[2003::1]:9"};

/* A client with relays of both families, so that nothing is refused for its family alone. */
static void both_families(struct fake_client *cl, struct fake *f)
{
	fake_client(cl, f, "203.0.113.5:4000", "ann");
	assert_int_equal(fake_allocate(cl), 0);
	assert_int_equal(fake_refresh(cl, 0), 0);
	struct stun_writer *w = fake_begin(cl, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(cl), 0);
}

static void forbidden_by_all_four_ways(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct fake f;
	struct fake_client cl;
	struct turn_move move;
	fake_config(&cfg);
	fake_start(&f, &cfg);
	both_families(&cl, &f);
	assert_int_equal(N_FORBIDDEN, 59);
	for (size_t i = 0; i < N_FORBIDDEN; i++) {
		if (fake_permit(&cl, forbidden[i]) != 403 || fake_bind_channel(&cl, forbidden[i], 0x4001) != 403)
			fail_msg("%s was allowed", forbidden[i]);
		assert_int_equal(fake_send_indication(&cl, forbidden[i], STR("x"), &move), TURN_DROP);
		assert_int_equal(fake_from_peer(&cl, forbidden[i], STR("x"), &move), TURN_DROP);
		assert_int_equal(fake_channel_data(&cl, 0x4001, STR("x"), &move), TURN_DROP);
	}
	assert_int_equal(turn_alloc_find(f.core, &cl.path)->n_permissions, 0);
	for (size_t i = 0; i < sizeof welcome / sizeof *welcome; i++)
		if (fake_permit(&cl, welcome[i]) != 0)
			fail_msg("%s was refused", welcome[i]);
	fake_stop(&f);
}

/* A permission that was good is asked again when the policy's facts change: both ways are shut. */
static void a_permission_that_turned_bad(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct fake f;
	struct fake_client cl;
	struct turn_move move;
	fake_config(&cfg);
	fake_start(&f, &cfg);
	both_families(&cl, &f);
	for (size_t i = 0; i < N_FORBIDDEN; i++) {
		struct stun_addr peer = fake_addr(forbidden[i]);
		assert_int_equal(turn_permission_put(f.core, cl.path.alloc, &peer), 0);
		assert_int_equal(turn_channel_put(f.core, cl.path.alloc, &peer, (uint16_t)(0x4000 + i)), 0);
		assert_int_equal(fake_send_indication(&cl, forbidden[i], STR("x"), &move), TURN_DROP);
		assert_int_equal(fake_from_peer(&cl, forbidden[i], STR("x"), &move), TURN_DROP);
		assert_int_equal(fake_channel_data(&cl, (uint16_t)(0x4000 + i), STR("x"), &move), TURN_DROP);
	}
	/* An address of the host appears. */
	assert_int_equal(fake_bind_channel(&cl, "8.8.4.4:9", 0x4F00), 0);
	assert_int_equal(fake_channel_data(&cl, 0x4F00, STR("x"), &move), TURN_TO_PEER);
	f.core->policy.own[f.core->policy.n_own++] = (struct stun_addr){STUN_IPV4, 0, 0, {8, 8, 4, 4}};
	f.core->policy.generation++;
	assert_int_equal(fake_channel_data(&cl, 0x4F00, STR("x"), &move), TURN_DROP);
	assert_int_equal(fake_from_peer(&cl, "8.8.4.4:9", STR("x"), &move), TURN_DROP);
	fake_stop(&f);
}

static enum policy_reach ask(const struct turn_config *cfg, const char *peer)
{
	struct policy p;
	struct stun_addr addr = fake_addr(peer);
	turn_policy_init(&p, cfg);
	turn_policy_read_own(&p);
	return turn_policy_check(&p, &addr);
}

static void options_open_what_they_say(void **state)
{
	(void)state;
	struct turn_config cfg;
	fake_config(&cfg);
	cfg.lan = true;
	assert_int_equal(ask(&cfg, "10.9.9.9:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "192.168.77.77:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[fd12::77]:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[fd00:ec2::254]:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "169.254.169.254:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "100.100.100.200:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "[::ffff:10.9.9.9]:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "127.0.0.1:1"), POLICY_NO);
	cfg.allow_loopback = true;
	assert_int_equal(ask(&cfg, "127.0.0.1:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[::1]:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[::ffff:127.0.0.1]:1"), POLICY_NO);
	assert_int_equal(turn_net_parse(STR("127.0.0.1:5432"), &cfg.deny[0]), 0);
	cfg.n_deny = 1;
	assert_int_equal(ask(&cfg, "127.0.0.1:5432"), POLICY_NO);
	assert_int_equal(ask(&cfg, "127.0.0.1:5433"), POLICY_YES);
}

static void deny_comes_before_allow(void **state)
{
	(void)state;
	struct turn_config cfg;
	fake_config(&cfg);
	assert_int_equal(turn_net_parse(STR("64:ff9b::/96"), &cfg.allow[0]), 0);
	assert_int_equal(turn_net_parse(STR("10.0.0.0/8"), &cfg.allow[1]), 0);
	assert_int_equal(turn_net_parse(STR("10.1.0.0/16"), &cfg.deny[0]), 0);
	cfg.n_allow = 2;
	cfg.n_deny = 1;
	assert_int_equal(ask(&cfg, "10.2.0.1:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "10.1.0.1:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "[64:ff9b::8.8.8.8]:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[64:ff9b::10.2.0.1]:1"), POLICY_YES);
	assert_int_equal(ask(&cfg, "[64:ff9b::10.1.0.1]:1"), POLICY_NO);
	assert_int_equal(ask(&cfg, "[64:ff9b::127.0.0.1]:1"), POLICY_NO);
}

/* Two clients of one server meet at its relay ports; its other ports stay shut. */
static void our_own_relays_are_peers(void **state)
{
	(void)state;
	struct turn_config cfg;
	struct fake f;
	struct fake_client ann, bob;
	struct turn_move move;
	char relay[64], other[64];
	fake_config(&cfg);
	assert_int_equal(turn_external_parse(STR("192.31.7.7/198.51.100.1"), &cfg.external[0]), 0);
	cfg.n_external = 1;
	fake_start(&f, &cfg);
	fake_client(&ann, &f, "203.0.113.5:4000", "ann");
	fake_client(&bob, &f, "203.0.113.6:4000", "bob");
	assert_int_equal(fake_allocate(&ann), 0);
	assert_int_equal(fake_allocate(&bob), 0);
	struct stun_addr told;
	assert_int_equal(stun_get_xor_addr(&bob.answer, stun_find(&bob.answer, STUN_XOR_RELAYED_ADDRESS), &told), 0);
	assert_memory_equal(told.ip, "\xc0\x1f\x07\x07", 4);
	snprintf(relay, sizeof relay, "192.31.7.7:%u", told.port);
	snprintf(other, sizeof other, "192.31.7.7:%u", told.port == 65535 ? 49152u : told.port + 1u);
	assert_int_equal(fake_permit(&ann, relay), 0);
	assert_int_equal(fake_permit(&ann, "192.31.7.7:3478"), 403);
	assert_int_equal(fake_bind_channel(&ann, relay, 0x4000), 0);
	assert_int_equal(fake_bind_channel(&ann, "192.31.7.7:5432", 0x4001), 403);
	assert_int_equal(fake_send_indication(&ann, relay, STR("x"), &move), TURN_TO_PEER);
	/* behind the NAT it is the private address that the kernel is asked for */
	assert_memory_equal(&move.to->v4.sin_addr, "\xc6\x33\x64\x01", 4);
	assert_int_equal(fake_send_indication(&ann, "192.31.7.7:5432", STR("x"), &move), TURN_DROP);
	snprintf(relay, sizeof relay, "198.51.100.1:%u", told.port);
	assert_int_equal(fake_from_peer(&ann, relay, STR("x"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 4);
	if (!turn_port_used(f.shared, STUN_IPV4, told.port == 65535 ? 49152 : (uint16_t)(told.port + 1)))
		assert_int_equal(fake_send_indication(&ann, other, STR("x"), &move), TURN_DROP);
	/* and when bob's allocation ends, its port is shut again */
	assert_int_equal(fake_refresh(&bob, 0), 0);
	assert_int_equal(fake_channel_data(&ann, 0x4000, STR("x"), &move), TURN_DROP);
	fake_stop(&f);
}

static void ranges_are_spelled_strictly(void **state)
{
	(void)state;
	static const char *const bad[] = {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "10.0.0", "fd00::1/8",
		"", "10.0.0.0/08", "::/129", "10.0.0.1:0", "10.0.0.1:65536", "[::1]", "[::1:5", "0x0a.0.0.1",
		"010.0.0.1", "10.0.0.0/8:80"};
	struct turn_net net;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (turn_net_parse(str_of(bad[i]), &net) != ERR_BAD_FIELD)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(turn_net_parse(STR("10.0.0.0/8"), &net), 0);
	assert_int_equal(net.prefix, 8);
	assert_int_equal(turn_net_parse(STR("[fd00::1]:80"), &net), 0);
	assert_int_equal(net.prefix, 128);
	assert_int_equal(net.port, 80);
	uint16_t a, b;
	assert_int_equal(turn_ports_parse(STR("20000-20100"), &a, &b), 0);
	assert_int_equal(turn_ports_parse(STR("20100-20000"), &a, &b), ERR_BAD_FIELD);
	assert_int_equal(turn_ports_parse(STR("0-10"), &a, &b), ERR_BAD_FIELD);
	struct turn_external e;
	assert_int_equal(turn_external_parse(STR("1.2.3.4/10.0.0.1"), &e), 0);
	assert_int_equal(turn_external_parse(STR("1.2.3.4/fd00::1"), &e), ERR_BAD_FIELD);
	assert_int_equal(turn_external_parse(STR("1.2.3.4"), &e), ERR_BAD_FIELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_by_all_four_ways),
		cmocka_unit_test(a_permission_that_turned_bad),
		cmocka_unit_test(options_open_what_they_say),
		cmocka_unit_test(deny_comes_before_allow),
		cmocka_unit_test(our_own_relays_are_peers),
		cmocka_unit_test(ranges_are_spelled_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Allocations from their first packet to their end, driven without sockets. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fake.h"

static void an_allocation_lives_and_ends(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_relayed(&s->ann).family, STUN_IPV4);
	assert_in_range(fake_relayed(&s->ann).port, 49152, 65535);
	assert_int_equal(fake_lifetime(&s->ann), 600);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
	assert_int_equal(fake_send_indication(&s->ann, "8.8.8.8:9", STR("hello"), &move), TURN_TO_PEER);
	assert_int_equal(move.len, 5);
	assert_memory_equal(move.data, "hello", 5);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.8:777", STR("hey"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 36);
	assert_int_equal(move.pad_len, 1);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.4.4:777", STR("hey"), &move), TURN_DROP);
	fake_pass_seconds(&s->f, 301); /* permissions last five minutes */
	assert_int_equal(fake_send_indication(&s->ann, "8.8.8.8:9", STR("hello"), &move), TURN_DROP);
	assert_int_equal(fake_refresh(&s->ann, 10000), 0);
	assert_int_equal(fake_lifetime(&s->ann), 3600);
	assert_int_equal(fake_refresh(&s->ann, 1), 0);
	assert_int_equal(fake_lifetime(&s->ann), 600);
	fake_pass_seconds(&s->f, 599);
	assert_int_equal(s->f.n_open, 1);
	fake_pass_seconds(&s->f, 3);
	assert_int_equal(s->f.n_open, 0);
	assert_int_equal(fake_refresh(&s->ann, 600), 437);
}

static void a_data_indication_is_well_formed(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	uint8_t whole[128];
	struct stun_msg m;
	struct stun_addr peer;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
	uint8_t head[TURN_HEADROOM];
	struct stun_addr addr = fake_addr("8.8.8.8:77");
	union turn_addr from;
	turn_policy_to_sockaddr(&addr, &from);
	struct turn_relay *r = &s->ann.path.alloc->relays[0];
	struct turn_sender sender;
	assert_true(turn_core_admit(s->f.core, r, &from, 5, &sender));
	assert_int_equal(turn_core_from_peer(s->f.core, r, &sender, STR("hello"), head, &move), TURN_TO_CLIENT);
	memset(whole, 0, sizeof whole);
	memcpy(whole, head + TURN_HEADROOM - move.head_len, move.head_len);
	memcpy(whole + move.head_len, move.data, move.len);
	assert_int_equal(stun_decode(whole, move.head_len + move.len + move.pad_len, &m), 0);
	assert_int_equal(m.class, STUN_INDICATION);
	assert_int_equal(m.method, STUN_DATA);
	assert_int_equal(stun_get_xor_addr(&m, stun_find(&m, STUN_XOR_PEER_ADDRESS), &peer), 0);
	assert_true(stun_addr_eq(&peer, &addr));
	check_str(stun_find_str(&m, STUN_DATA_VALUE), "hello");
}

static void channels_have_their_rules(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x3FFF), 400);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x8000), 400);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:0", 0x4000), 400);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:10", 0x4000), 400);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4001), 400);
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("abcde"), &move), TURN_TO_PEER);
	assert_int_equal(move.len, 5);
	assert_int_equal(move.to->v4.sin_port, htons(9));
	assert_int_equal(fake_channel_data(&s->ann, 0x4001, STR("abcde"), &move), TURN_DROP);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.8:9", STR("abcde"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 4);
	assert_int_equal(move.pad_len, 0);
	/* the channel is the peer's port's; its address has a permission too */
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.8:10", STR("abcde"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 36);
	fake_pass_seconds(&s->f, 500);
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("abcde"), &move), TURN_TO_PEER);
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	fake_pass_seconds(&s->f, 101);
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("abcde"), &move), TURN_DROP);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:10", 0x4000), 0);
}

/* A length that is more than what came. */
static void channel_lengths_lie(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	uint8_t lie[8] = {0x40, 0, 0, 5, 1, 2, 3, 4};
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	assert_int_equal(turn_core_from_client(s->f.core, &s->ann.path, lie, 8, &move), TURN_DROP);
	lie[3] = 4;
	assert_int_equal(turn_core_from_client(s->f.core, &s->ann.path, lie, 8, &move), TURN_TO_PEER);
	lie[3] = 0;
	assert_int_equal(turn_core_from_client(s->f.core, &s->ann.path, lie, 4, &move), TURN_TO_PEER);
	assert_int_equal(move.len, 0);
	for (size_t len = 0; len < 4; len++)
		assert_int_equal(turn_core_from_client(s->f.core, &s->ann.path, lie, len, &move), TURN_DROP);
}

static void rates_drop_what_is_above(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	static char packet[1000];
	s->cfg.rate_allocation = 10000;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	int passed = 0;
	for (int ms = 0; ms < 10000; ms += 10) {
		s->f.core->now.mono_ms += 10;
		for (int i = 0; i < 3; i++)
			passed += fake_channel_data(&s->ann, 0x4000, str_n(packet, 1000), &move) == TURN_TO_PEER;
	}
	assert_in_range(passed, 95, 110);
	assert_int_equal(s->f.core->stats.over_rate, 3000 - passed);
}

/* "198.51.100.1:port", where others reach that client. */
static const char *meet(struct fake_client *cl, char text[32])
{
	assert_int_equal(fake_allocate(cl), 0);
	snprintf(text, 32, "198.51.100.1:%u", fake_relayed(cl).port);
	return text;
}

/* Two clients that meet at this server: each is charged for its own allocation, the server once for both. */
static void who_is_charged_for_what(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	static char packet[1000], ann[32], bob[32];
	struct str data = str_n(packet, sizeof packet);
	s->cfg.rate_server = 10000;
	stage_open(s);
	meet(&s->ann, ann);
	meet(&s->bob, bob);
	assert_int_equal(fake_bind_channel(&s->ann, bob, 0x4000), 0);
	assert_int_equal(fake_permit(&s->bob, ann), 0);
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 0);
	for (int i = 0; i < 5; i++) { /* half a second's worth */
		assert_int_equal(fake_channel_data(&s->ann, 0x4000, data, &move), TURN_TO_PEER);
		assert_int_equal(fake_from_peer(&s->bob, ann, data, &move), TURN_TO_CLIENT);
	}
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, data, &move), TURN_DROP);
	assert_int_equal(fake_from_peer(&s->bob, ann, data, &move), TURN_TO_CLIENT);
	assert_int_equal(fake_from_peer(&s->bob, "8.8.8.8:9", data, &move), TURN_DROP);
	s->f.shared->bucket.rate = 0;
	turn_bucket_init(&s->ann.path.alloc->user->bucket, 10000, s->f.core->now.mono_ms);
	turn_bucket_init(&s->bob.path.alloc->user->bucket, 4000, s->f.core->now.mono_ms);
	for (int i = 0; i < 6; i++) {
		bool passed = fake_channel_data(&s->ann, 0x4000, data, &move) == TURN_TO_PEER;
		assert_int_equal(passed, i < 5);
		passed = fake_from_peer(&s->bob, ann, data, &move) == TURN_TO_CLIENT;
		assert_int_equal(passed, i < 2);
	}
}

static unsigned permit_many(struct fake_client *cl, const char *const peers[], size_t n)
{
	struct stun_writer *w = fake_begin(cl, STUN_CREATE_PERMISSION);
	for (size_t i = 0; i < n; i++) {
		struct stun_addr addr = fake_addr(peers[i]);
		stun_put_xor_addr(w, STUN_XOR_PEER_ADDRESS, &addr);
	}
	return fake_send(cl);
}

static void of_several_peers_all_or_none(void **state)
{
	struct stage *s = *state;
	static const char *const peers[] = {"8.8.8.8:1", "8.8.4.4:1", "127.0.0.1:1"};
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	for (size_t n = 3; n >= 2; n--) {
		assert_int_equal(permit_many(&s->ann, peers, n), n == 3 ? 403 : 0);
		assert_int_equal(s->ann.path.alloc->n_permissions, n == 3 ? 0 : 2);
	}
}

/* What there is no room for, or what contradicts a channel, leaves nothing behind. */
static void a_refused_request_changes_nothing(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	s->cfg.max_permissions = 2;
	s->cfg.max_channels = 1;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	struct turn_alloc *a = s->ann.path.alloc;
	assert_int_equal(permit_many(&s->ann, (const char *[]){"8.8.8.1:1", "8.8.8.2:1", "8.8.8.3:1"}, 3), 508);
	assert_int_equal(a->n_permissions, 0);
	assert_int_equal(permit_many(&s->ann, (const char *[]){"8.8.8.1:1", "8.8.8.1:2", "8.8.8.1:3"}, 3), 0);
	assert_int_equal(a->n_permissions, 1);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.1:1", 0x4000), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.2:1", 0x4000), 400);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.2:1", 0x4001), 508);
	assert_int_equal(a->n_permissions, 1);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.2:1", STR("x"), &move), TURN_DROP);
	assert_int_equal(permit_many(&s->ann, (const char *[]){"8.8.8.1:1", "8.8.8.2:1"}, 2), 0);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.2:1", STR("x"), &move), TURN_TO_CLIENT);
}

static uint64_t reported;

static void on_usage(void *arg, const struct turn_usage *u)
{
	(void)arg;
	assert_string_equal(u->user, "ann");
	reported += u->bytes_to_peer;
}

static void usage_is_reported_once(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	s->cfg.on_usage = on_usage;
	reported = 0;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("0123456789"), &move), TURN_TO_PEER);
		fake_pass_seconds(&s->f, 1);
	}
	assert_in_range(reported, 1000, 1999);
	turn_core_cut_user(s->f.core, STR("ann"));
	assert_int_equal(reported, 2000);
	assert_int_equal(s->f.n_gone, 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_allocation_lives_and_ends),
		CASE(a_data_indication_is_well_formed),
		CASE(channels_have_their_rules),
		CASE(channel_lengths_lie),
		CASE(rates_drop_what_is_above),
		CASE(who_is_charged_for_what),
		CASE(of_several_peers_all_or_none),
		CASE(a_refused_request_changes_nothing),
		CASE(usage_is_reported_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

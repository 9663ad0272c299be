/* Allocations from their first request to their end, driven without sockets. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fake.h"

struct stage {
	struct turn_config cfg;
	struct fake f;
	struct fake_client ann, bob;
};

static void open_stage(struct stage *s)
{
	fake_start(&s->f, &s->cfg);
	fake_client(&s->ann, &s->f, "203.0.113.5:4000", "ann");
	fake_client(&s->bob, &s->f, "203.0.113.6:4000", "bob");
}

static int set_up(void **state)
{
	struct stage *s = mem_new(sizeof *s);
	fake_config(&s->cfg);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *s = *state;
	fake_stop(&s->f);
	assert_int_equal(s->f.n_open, 0);
	mem_free(s);
	return 0;
}

static void pass_seconds(struct fake *f, int seconds)
{
	f->core->now.mono_ms += seconds * 1000;
	f->core->now.wall_s += seconds;
	turn_core_tick(f->core);
}

static struct stun_addr relayed(const struct fake_client *cl)
{
	struct stun_addr addr;
	const struct stun_attr *a = stun_find(&cl->answer, STUN_XOR_RELAYED_ADDRESS);
	assert_non_null(a);
	assert_int_equal(stun_get_xor_addr(&cl->answer, a, &addr), 0);
	return addr;
}

static uint32_t lifetime(const struct fake_client *cl)
{
	uint32_t s = 0;
	assert_int_equal(stun_get_u32(stun_find(&cl->answer, STUN_LIFETIME), &s), 0);
	return s;
}

static void an_allocation_lives_and_ends(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(relayed(&s->ann).family, STUN_IPV4);
	assert_in_range(relayed(&s->ann).port, 49152, 65535);
	assert_int_equal(lifetime(&s->ann), 600);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
	assert_int_equal(fake_send_indication(&s->ann, "8.8.8.8:9", STR("hello"), &move), TURN_TO_PEER);
	assert_int_equal(move.len, 5);
	assert_memory_equal(move.data, "hello", 5);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.8.8:777", STR("hey"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 36);
	assert_int_equal(move.pad_len, 1);
	assert_int_equal(fake_from_peer(&s->ann, "8.8.4.4:777", STR("hey"), &move), TURN_DROP);
	pass_seconds(&s->f, 301); /* permissions last five minutes */
	assert_int_equal(fake_send_indication(&s->ann, "8.8.8.8:9", STR("hello"), &move), TURN_DROP);
	assert_int_equal(fake_refresh(&s->ann, 10000), 0);
	assert_int_equal(lifetime(&s->ann), 3600);
	assert_int_equal(fake_refresh(&s->ann, 1), 0);
	assert_int_equal(lifetime(&s->ann), 600);
	pass_seconds(&s->f, 599);
	assert_int_equal(s->f.n_open, 1);
	pass_seconds(&s->f, 3);
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
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
	uint8_t head[TURN_HEADROOM];
	struct stun_addr addr = fake_addr("8.8.8.8:77");
	union turn_addr from;
	turn_policy_to_sockaddr(&addr, &from);
	struct turn_relay *r = &s->ann.path.alloc->relays[0];
	assert_int_equal(turn_core_from_peer(s->f.core, r, &from, STR("hello"), head, &move), TURN_TO_CLIENT);
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

static void retransmissions_get_the_same_answer(void **state)
{
	struct stage *s = *state;
	uint8_t first[1024];
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	size_t len = s->f.core->reply_len;
	memcpy(first, s->f.core->reply, len);
	s->ann.serial--;
	pass_seconds(&s->f, 1);
	stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(s->f.core->reply_len, len);
	assert_memory_equal(s->f.core->reply, first, len);
	assert_int_equal(s->f.n_open, 1);
	/* another request on the same 5-tuple is no retransmission */
	stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(&s->ann), 437);
}

static void channels_have_their_rules(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	open_stage(s);
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
	pass_seconds(&s->f, 500);
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("abcde"), &move), TURN_TO_PEER);
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	pass_seconds(&s->f, 101);
	assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("abcde"), &move), TURN_DROP);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:10", 0x4000), 0);
}

/* A length that is more than what came. */
static void channel_lengths_lie(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	uint8_t lie[8] = {0x40, 0, 0, 5, 1, 2, 3, 4};
	open_stage(s);
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

static void credentials_are_checked(void **state)
{
	struct stage *s = *state;
	open_stage(s);
	struct fake_client *ann = &s->ann;
	assert_int_equal(turn_credentials_make(FAKE_SECRET, STR("ann"), FAKE_WALL_S - 1, &ann->login), 0);
	stun_key_md5(str_of(ann->login.username), STR("bellwire"), str_of(ann->login.password), ann->key);
	assert_int_equal(fake_allocate(ann), 401); /* expired */
	assert_int_equal(turn_credentials_make(STR("wrong"), STR("ann"), FAKE_WALL_S + 9, &ann->login), 0);
	stun_key_md5(str_of(ann->login.username), STR("bellwire"), str_of(ann->login.password), ann->key);
	assert_int_equal(fake_allocate(ann), 401);
	strcpy(ann->login.username, "1800000000"); /* no user */
	assert_int_equal(fake_allocate(ann), 401);
	/* an edited expiry no longer fits its password */
	fake_client(ann, &s->f, "203.0.113.5:4000", "ann");
	ann->login.username[0]++;
	assert_int_equal(fake_allocate(ann), 401);
	assert_int_equal(s->f.n_open, 0);
	/* the previous secret is taken while it is known */
	fake_client(ann, &s->f, "203.0.113.5:4000", "ann");
	assert_int_equal(turn_shared_set_secrets(s->f.shared, STR("a new one"), FAKE_SECRET), 0);
	assert_int_equal(fake_allocate(ann), 0);
	assert_int_equal(turn_shared_set_secrets(s->f.shared, STR("a new one"), STR("")), 0);
	assert_int_equal(fake_allocate(&s->bob), 401);
	/* but what runs goes on, even past its credentials' expiry */
	assert_int_equal(fake_refresh(ann, 3600), 0);
	pass_seconds(&s->f, 3590);
	assert_int_equal(fake_refresh(ann, 3600), 0);
	pass_seconds(&s->f, 3590);
	unsigned code = fake_refresh(ann, 600);
	assert_int_equal(code == 438 ? fake_refresh(ann, 600) : code, 0);
}

static void nonces_are_bound_and_expire(void **state)
{
	struct stage *s = *state;
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	strcpy(s->bob.nonce, s->ann.nonce);
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 438); /* another 5-tuple */
	assert_non_null(stun_find(&s->bob.answer, STUN_REALM));
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 437); /* the fresh nonce is good */
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	pass_seconds(&s->f, 3595);
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	pass_seconds(&s->f, 10);
	char old[128];
	strcpy(old, s->ann.nonce);
	assert_int_equal(fake_refresh(&s->ann, 3600), 438);
	assert_string_not_equal(old, s->ann.nonce);
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	strcpy(s->ann.nonce, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	assert_int_equal(fake_refresh(&s->ann, 3600), 438);
}

static void somebody_else_on_the_same_5_tuple(void **state)
{
	struct stage *s = *state;
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	s->bob.path.key = s->ann.path.key;
	strcpy(s->bob.nonce, s->ann.nonce);
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 441);
	/* the same user with newer credentials is the same user */
	assert_int_equal(turn_credentials_make(FAKE_SECRET, STR("ann"), FAKE_WALL_S + 7200, &s->ann.login), 0);
	stun_key_md5(str_of(s->ann.login.username), STR("bellwire"), str_of(s->ann.login.password), s->ann.key);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
}

static void sha256_and_bidding_down(void **state)
{
	static const uint16_t offered[] = {STUN_SHA256, STUN_MD5}, less[] = {STUN_MD5};
	struct stage *s = *state;
	open_stage(s);
	struct fake_client *ann = &s->ann;
	ann->path.key.transport = TURN_TCP; /* the offer comes to proven addresses */
	stun_put_u32(fake_begin(ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(ann), 401);
	assert_true(str_starts_with(str_of(ann->nonce), STR("obMatJos2gAAA")));
	struct stun_writer *w = fake_begin(ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_algorithms(w, less, 1); /* an attacker shortened our list */
	stun_put_u32(w, STUN_PASSWORD_ALGORITHM, STUN_MD5 << 16);
	assert_int_equal(fake_send(ann), 400);
	w = fake_begin(ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_PASSWORD_ALGORITHM, STUN_MD5 << 16);
	assert_int_equal(fake_send(ann), 400);
	stun_key_sha256(str_of(ann->login.username), STR("bellwire"), str_of(ann->login.password), ann->key);
	ann->key_len = 32;
	ann->sha256 = true;
	w = fake_begin(ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_algorithms(w, offered, 2);
	stun_put_u32(w, STUN_PASSWORD_ALGORITHM, STUN_SHA256 << 16);
	assert_int_equal(fake_send(ann), 0);
	/* the nonce's mark cannot be taken off */
	memmove(ann->nonce, ann->nonce + 13, strlen(ann->nonce + 13) + 1);
	assert_int_equal(fake_refresh(ann, 600), 438);
}

static void quotas_bound_everything(void **state)
{
	struct stage *s = *state;
	struct fake_client many[4];
	s->cfg.max_allocations_per_user = 2;
	s->cfg.max_allocations = 3;
	s->cfg.max_permissions = 2;
	s->cfg.max_channels = 1;
	open_stage(s);
	for (int i = 0; i < 4; i++) {
		char from[32];
		snprintf(from, sizeof from, "203.0.113.%d:5000", i + 10);
		fake_client(&many[i], &s->f, from, i < 3 ? "ann" : "bob");
	}
	assert_int_equal(fake_allocate(&many[0]), 0);
	assert_int_equal(fake_allocate(&many[1]), 0);
	assert_int_equal(fake_allocate(&many[2]), 486);
	assert_int_equal(fake_allocate(&many[3]), 0); /* others are served */
	assert_int_equal(fake_allocate(&s->bob), 508);
	assert_int_equal(fake_refresh(&many[0], 0), 0);
	assert_int_equal(fake_allocate(&s->bob), 0);
	assert_int_equal(fake_permit(&many[1], "8.8.8.1:9"), 0);
	assert_int_equal(fake_bind_channel(&many[1], "8.8.8.2:9", 0x4000), 0);
	assert_int_equal(fake_permit(&many[1], "8.8.8.3:9"), 508);
	assert_int_equal(fake_bind_channel(&many[1], "8.8.8.1:9", 0x4001), 508);
	pass_seconds(&s->f, 301);
	assert_int_equal(fake_permit(&many[1], "8.8.8.3:9"), 0);
	atomic_store(&s->f.shared->draining, true);
	assert_int_equal(fake_refresh(&many[1], 0), 0);
	assert_int_equal(fake_allocate(&many[1]), 508);
}

static void rates_drop_what_is_above(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	static char packet[1000];
	s->cfg.rate_allocation = 10000;
	open_stage(s);
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
	snprintf(text, 32, "198.51.100.1:%u", relayed(cl).port);
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
	open_stage(s);
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

static void even_ports_and_reservations(void **state)
{
	struct stage *s = *state;
	uint8_t token[8];
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	struct stun_writer *w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_EVEN_PORT, STR("\x80"));
	assert_int_equal(fake_send(&s->ann), 0);
	struct stun_addr even = relayed(&s->ann);
	assert_int_equal(even.port & 1, 0);
	struct str got = stun_find_str(&s->ann.answer, STUN_RESERVATION_TOKEN);
	assert_int_equal(got.len, 8);
	memcpy(token, got.ptr, 8);
	assert_int_equal(fake_allocate(&s->bob), 0);
	assert_int_equal(fake_refresh(&s->bob, 0), 0);
	w = fake_begin(&s->bob, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_RESERVATION_TOKEN, str_n((char *)token, 8));
	assert_int_equal(fake_send(&s->bob), 0);
	assert_int_equal(relayed(&s->bob).port, even.port + 1);
	/* only once */
	assert_int_equal(fake_refresh(&s->bob, 0), 0);
	w = fake_begin(&s->bob, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_RESERVATION_TOKEN, str_n((char *)token, 8));
	assert_int_equal(fake_send(&s->bob), 508);
	/* and not together with what contradicts it */
	w = fake_begin(&s->bob, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_RESERVATION_TOKEN, str_n((char *)token, 8));
	stun_put(w, STUN_EVEN_PORT, STR("\x00"));
	assert_int_equal(fake_send(&s->bob), 400);
	/* one that nobody takes is given back */
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_EVEN_PORT, STR("\x80"));
	assert_int_equal(fake_send(&s->ann), 0);
	assert_non_null(stun_find(&s->ann.answer, STUN_RESERVATION_TOKEN));
	assert_int_equal(s->f.n_open, 2);
	pass_seconds(&s->f, 29);
	assert_int_equal(s->f.n_open, 2);
	pass_seconds(&s->f, 2);
	assert_int_equal(s->f.n_open, 1);
	/* even alone reserves nothing */
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_EVEN_PORT, str_n("", 1));
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(relayed(&s->ann).port & 1, 0);
	assert_null(stun_find(&s->ann.answer, STUN_RESERVATION_TOKEN));
	assert_int_equal(s->f.n_open, 1);
}

static void address_families(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_permit(&s->ann, "[2606:4700::1]:9"), 443);
	assert_int_equal(fake_bind_channel(&s->ann, "[::ffff:8.8.8.8]:9", 0x4000), 443);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	struct stun_writer *w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(relayed(&s->ann).family, STUN_IPV6);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 443);
	assert_int_equal(fake_permit(&s->ann, "[2606:4700::1]:9"), 0);
	assert_int_equal(fake_from_peer(&s->ann, "[2606:4700::1]:9", STR("x"), &move), TURN_TO_CLIENT);
	assert_int_equal(move.head_len, 48);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(s->f.n_open, 2);
	/* one family is given up, the other stays */
	w = fake_begin(&s->ann, STUN_REFRESH);
	stun_put_u32(w, STUN_LIFETIME, 0);
	stun_put_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, 1u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(s->f.n_open, 1);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 443);
	w = fake_begin(&s->ann, STUN_REFRESH);
	stun_put_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, 1u << 24);
	assert_int_equal(fake_send(&s->ann), 443);
}

/* A server without IPv6. */
static void a_family_that_is_not_here(void **state)
{
	struct stage *s = *state;
	s->cfg.n_listen = s->cfg.n_relay = 1;
	s->cfg.relay[0] = s->cfg.listen[0];
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	struct stun_writer *w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(&s->ann), 440);
	w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(relayed(&s->ann).family, STUN_IPV4);
	uint32_t told = 0;
	assert_int_equal(stun_get_u32(stun_find(&s->ann.answer, STUN_ADDRESS_ERROR_CODE), &told), 0);
	assert_int_equal(told, 2u << 24 | 4u << 8 | 40);
}

static unsigned allocate_with(struct fake_client *cl, uint16_t type, struct str value, uint32_t transport)
{
	struct stun_writer *w = fake_begin(cl, STUN_ALLOCATE);
	if (transport)
		stun_put_u32(w, STUN_REQUESTED_TRANSPORT, transport << 24);
	stun_put(w, type, value);
	return fake_send(cl);
}

static void requests_that_make_no_sense(void **state)
{
	struct stage *s = *state;
	struct fake_client *bob = &s->bob;
	open_stage(s);
	assert_int_equal(allocate_with(bob, STUN_SOFTWARE, STR(""), 17), 401);
	assert_int_equal(allocate_with(bob, STUN_SOFTWARE, STR(""), 0), 400);
	assert_int_equal(allocate_with(bob, STUN_SOFTWARE, STR(""), 6), 442);
	assert_int_equal(allocate_with(bob, STUN_REQUESTED_ADDRESS_FAMILY, STR("\x03\x00\x00\x00"), 17), 440);
	assert_int_equal(allocate_with(bob, STUN_ADDITIONAL_ADDRESS_FAMILY, STR("\x01\x00\x00\x00"), 17), 400);
	assert_int_equal(allocate_with(bob, 0x7777, STR("abc"), 17), 420);
	check_str(stun_find_str(&bob->answer, STUN_UNKNOWN_ATTRIBUTES), "\x77\x77");
	assert_int_equal(allocate_with(bob, STUN_EVEN_PORT, STR("ab"), 17), 400);
	assert_int_equal(allocate_with(bob, STUN_LIFETIME, STR("ab"), 17), 400);
	assert_int_equal(allocate_with(bob, STUN_RESERVATION_TOKEN, STR("short"), 17), 400);
	assert_int_equal(s->f.n_open, 0);
	assert_int_equal(s->f.shared->n_allocations, 0);
	assert_int_equal(allocate_with(bob, STUN_DONT_FRAGMENT, STR(""), 17), 0);
	fake_begin(bob, STUN_CREATE_PERMISSION);
	assert_int_equal(fake_send(bob), 400);
	fake_begin(bob, STUN_CHANNEL_BIND);
	assert_int_equal(fake_send(bob), 400);
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
	open_stage(s);
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
	open_stage(s);
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

/* Nothing that a stranger sends makes the server say much more, or remember anything. */
static void strangers_get_little(void **state)
{
	struct stage *s = *state;
	s->cfg.unauth_per_source_s = 10;
	open_stage(s);
	stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(&s->ann), 401);
	assert_true(s->f.core->reply_len * 10 <= 28 * 28);
	fake_begin(&s->ann, STUN_BINDING);
	s->ann.nonce[0] = 0;
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(s->f.core->reply_len, 32);
	struct fake_client six;
	fake_client(&six, &s->f, "[2a00::5]:4000", "six");
	fake_begin(&six, STUN_BINDING);
	assert_int_equal(fake_send(&six), 0);
	assert_int_equal(s->f.core->reply_len, 44);
	int answers = 0;
	for (int i = 0; i < 1000; i++) {
		stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
		s->ann.nonce[0] = 0;
		answers += fake_send(&s->ann) == 401;
		s->f.core->now.mono_ms += 2;
	}
	assert_in_range(answers, 20, 30); /* two seconds' worth, and what was saved */
	long before = mem_count();
	for (uint32_t i = 0; i < 1000000; i++) {
		memcpy(s->ann.path.key.client.ip, &i, 4);
		s->ann.nonce[0] = 0;
		if (i % 4 == 0)
			stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
		else if (i % 4 == 1)
			fake_begin(&s->ann, STUN_BINDING);
		else
			fake_begin(&s->ann, i % 4 == 2 ? STUN_REFRESH : STUN_CHANNEL_BIND);
		fake_send(&s->ann);
	}
	assert_int_equal(mem_count(), before);
	assert_int_equal(s->f.core->allocs.n, 0);
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
	open_stage(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_bind_channel(&s->ann, "8.8.8.8:9", 0x4000), 0);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(fake_channel_data(&s->ann, 0x4000, STR("0123456789"), &move), TURN_TO_PEER);
		pass_seconds(&s->f, 1);
	}
	assert_in_range(reported, 1000, 1999);
	turn_core_cut_user(s->f.core, STR("ann"));
	assert_int_equal(reported, 2000);
	assert_int_equal(s->f.n_gone, 1);
}

/* Each allocation of memory fails once; what was begun is taken back. */
static void no_memory_leaves_nothing_behind(void **state)
{
	struct stage *s = *state;
	open_stage(s);
	s->f.refuse_bind = true;
	assert_int_equal(fake_allocate(&s->ann), 508);
	s->f.refuse_bind = false;
	for (long n = 0; n < 8; n++) {
		struct fake_client cl;
		char from[32];
		snprintf(from, sizeof from, "203.0.113.9:%ld", 6000 + n);
		fake_client(&cl, &s->f, from, "new");
		mem_fail_after(n);
		fake_allocate(&cl);
		fake_permit(&cl, "8.8.8.8:9");
		fake_bind_channel(&cl, "8.8.8.8:9", 0x4000);
		mem_fail_after(-1);
		if (turn_alloc_find(s->f.core, &cl.path))
			assert_int_equal(fake_refresh(&cl, 0), 0);
		assert_int_equal(s->f.n_open, 0);
		assert_int_equal(s->f.shared->n_allocations, 0);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_allocation_lives_and_ends),
		CASE(a_data_indication_is_well_formed),
		CASE(retransmissions_get_the_same_answer),
		CASE(channels_have_their_rules),
		CASE(channel_lengths_lie),
		CASE(credentials_are_checked),
		CASE(nonces_are_bound_and_expire),
		CASE(somebody_else_on_the_same_5_tuple),
		CASE(sha256_and_bidding_down),
		CASE(quotas_bound_everything),
		CASE(rates_drop_what_is_above),
		CASE(who_is_charged_for_what),
		CASE(even_ports_and_reservations),
		CASE(address_families),
		CASE(a_family_that_is_not_here),
		CASE(requests_that_make_no_sense),
		CASE(of_several_peers_all_or_none),
		CASE(a_refused_request_changes_nothing),
		CASE(strangers_get_little),
		CASE(usage_is_reported_once),
		CASE(no_memory_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

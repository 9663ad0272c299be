/* Allocate and what it may ask for: ports, families, quotas; and what makes no sense. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fake.h"

static unsigned allocate_with(struct fake_client *cl, uint16_t type, struct str value, uint32_t transport)
{
	struct stun_writer *w = fake_begin(cl, STUN_ALLOCATE);
	if (transport)
		stun_put_u32(w, STUN_REQUESTED_TRANSPORT, transport << 24);
	stun_put(w, type, value);
	return fake_send(cl);
}

static void retransmissions_get_the_same_answer(void **state)
{
	struct stage *s = *state;
	uint8_t first[1024];
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	size_t len = s->f.core->reply_len;
	memcpy(first, s->f.core->reply, len);
	s->ann.serial--;
	fake_pass_seconds(&s->f, 1);
	stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(s->f.core->reply_len, len);
	assert_memory_equal(s->f.core->reply, first, len);
	assert_int_equal(s->f.n_open, 1);
	/* another request on the same 5-tuple is no retransmission */
	stun_put_u32(fake_begin(&s->ann, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
	assert_int_equal(fake_send(&s->ann), 437);
}

static void quotas_bound_everything(void **state)
{
	struct stage *s = *state;
	struct fake_client many[4];
	s->cfg.max_allocations_per_user = 2;
	s->cfg.max_allocations = 3;
	s->cfg.max_permissions = 2;
	s->cfg.max_channels = 1;
	stage_open(s);
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
	fake_pass_seconds(&s->f, 301);
	assert_int_equal(fake_permit(&many[1], "8.8.8.3:9"), 0);
	atomic_store(&s->f.shared->draining, true);
	assert_int_equal(fake_refresh(&many[1], 0), 0);
	assert_int_equal(fake_allocate(&many[1]), 508);
}

static void even_ports_and_reservations(void **state)
{
	struct stage *s = *state;
	uint8_t token[8];
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	struct stun_writer *w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_EVEN_PORT, STR("\x80"));
	assert_int_equal(fake_send(&s->ann), 0);
	struct stun_addr even = fake_relayed(&s->ann);
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
	assert_int_equal(fake_relayed(&s->bob).port, even.port + 1);
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
	fake_pass_seconds(&s->f, 29);
	assert_int_equal(s->f.n_open, 2);
	fake_pass_seconds(&s->f, 2);
	assert_int_equal(s->f.n_open, 1);
	/* even alone reserves nothing */
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(w, STUN_EVEN_PORT, str_n("", 1));
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(fake_relayed(&s->ann).port & 1, 0);
	assert_null(stun_find(&s->ann.answer, STUN_RESERVATION_TOKEN));
	assert_int_equal(s->f.n_open, 1);
}

static void address_families(void **state)
{
	struct stage *s = *state;
	struct turn_move move;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	assert_int_equal(fake_permit(&s->ann, "[2606:4700::1]:9"), 443);
	assert_int_equal(fake_bind_channel(&s->ann, "[::ffff:8.8.8.8]:9", 0x4000), 443);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	struct stun_writer *w = fake_begin(&s->ann, STUN_ALLOCATE);
	stun_put_u32(w, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(w, STUN_REQUESTED_ADDRESS_FAMILY, 2u << 24);
	assert_int_equal(fake_send(&s->ann), 0);
	assert_int_equal(fake_relayed(&s->ann).family, STUN_IPV6);
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
	stage_open(s);
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
	assert_int_equal(fake_relayed(&s->ann).family, STUN_IPV4);
	uint32_t told = 0;
	assert_int_equal(stun_get_u32(stun_find(&s->ann.answer, STUN_ADDRESS_ERROR_CODE), &told), 0);
	assert_int_equal(told, 2u << 24 | 4u << 8 | 40);
}

static void requests_that_make_no_sense(void **state)
{
	struct stage *s = *state;
	struct fake_client *bob = &s->bob;
	stage_open(s);
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

/* Each allocation of memory fails once; what was begun is taken back. */
static void no_memory_leaves_nothing_behind(void **state)
{
	struct stage *s = *state;
	stage_open(s);
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
#define CASE(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(retransmissions_get_the_same_answer),
		CASE(quotas_bound_everything),
		CASE(even_ports_and_reservations),
		CASE(address_families),
		CASE(a_family_that_is_not_here),
		CASE(requests_that_make_no_sense),
		CASE(no_memory_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

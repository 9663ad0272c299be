/* Who may ask: credentials, nonces, algorithms; and how little a stranger gets. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fake.h"

static void credentials_are_checked(void **state)
{
	struct stage *s = *state;
	stage_open(s);
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
	fake_pass_seconds(&s->f, 3590);
	assert_int_equal(fake_refresh(ann, 3600), 0);
	fake_pass_seconds(&s->f, 3590);
	unsigned code = fake_refresh(ann, 600);
	assert_int_equal(code == 438 ? fake_refresh(ann, 600) : code, 0);
}

static void nonces_are_bound_and_expire(void **state)
{
	struct stage *s = *state;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	strcpy(s->bob.nonce, s->ann.nonce);
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 438); /* another 5-tuple */
	assert_non_null(stun_find(&s->bob.answer, STUN_REALM));
	assert_int_equal(fake_permit(&s->bob, "8.8.8.8:9"), 437); /* the fresh nonce is good */
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	fake_pass_seconds(&s->f, 3595);
	assert_int_equal(fake_refresh(&s->ann, 3600), 0);
	fake_pass_seconds(&s->f, 10);
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
	stage_open(s);
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
	stage_open(s);
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

/* A hash of the name is enough at an allocation that knows the name; who is new must say it. */
static void names_by_their_hash(void **state)
{
	struct stage *s = *state;
	stage_open(s);
	assert_int_equal(fake_allocate(&s->ann), 0);
	s->ann.userhash = true;
	assert_int_equal(fake_refresh(&s->ann, 600), 0);
	assert_int_equal(fake_permit(&s->ann, "8.8.8.8:9"), 0);
	assert_int_equal(fake_refresh(&s->ann, 0), 0);
	assert_int_equal(fake_allocate(&s->ann), 401);
	assert_int_equal(fake_allocate(&s->bob), 0);
	s->bob.userhash = true;
	s->bob.login.username[0]++; /* another name, so another hash */
	assert_int_equal(fake_refresh(&s->bob, 600), 401);
}

/* Nothing that a stranger sends makes the server say much more, or remember anything. */
static void strangers_get_little(void **state)
{
	struct stage *s = *state;
	s->cfg.unauth_per_source_s = 10;
	stage_open(s);
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

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(credentials_are_checked),
		CASE(nonces_are_bound_and_expire),
		CASE(somebody_else_on_the_same_5_tuple),
		CASE(sha256_and_bidding_down),
		CASE(names_by_their_hash),
		CASE(strangers_get_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

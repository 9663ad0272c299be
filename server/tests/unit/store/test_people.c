/* Users and channels. */
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "fixture.h"

static struct fixture f;

static int setup(void **state)
{
	(void)state;
	fixture_open(&f);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_fini(&f);
	return 0;
}

static bool put_channel(const char *id, const char *name, const char (*members)[MODEL_USER_ID_SIZE], size_t n)
{
	struct store_put_channel q = {.members = members, .n_members = n, .at = 1000};
	strcpy(q.id, id);
	strcpy(q.name, name);
	assert_int_equal(DO(&f, store_put_channel, &q), 0);
	return q.created;
}

static bool put_user(const char *id, const char *name, const char *avatar, bool only_fill)
{
	struct store_put_user q = {.only_fill = only_fill, .at = 1000};
	strcpy(q.user.id, id);
	strcpy(q.user.name, name);
	strcpy(q.user.avatar_url, avatar);
	assert_int_equal(DO(&f, store_put_user, &q), 0);
	return q.created;
}

static void members_are_replaced_as_a_whole(void **state)
{
	(void)state;
	static const char first[][MODEL_USER_ID_SIZE] = {"carol", "alice", "bob", "alice"};
	static const char second[][MODEL_USER_ID_SIZE] = {"dave", "alice"};
	put_user("alice", "Alice", "", false);
	assert_true(put_channel("room", "Room", first, 4));
	assert_false(put_channel("room", "New name", second, 2));

	struct store_read_channel q = {.id = "room"};
	assert_int_equal(DO(&f, store_read_channel, &q), 0);
	assert_true(q.found);
	assert_string_equal(q.channel.name, "New name");
	assert_int_equal(q.n_members, 2);
	assert_string_equal(q.members[0].id, "alice");
	assert_string_equal(q.members[0].name, "Alice");
	assert_string_equal(q.members[1].id, "dave");
	mem_free(q.members);

	struct store_read_user u = {.id = "carol"};
	assert_int_equal(DO(&f, store_read_user, &u), 0);
	assert_true(u.found); /* no member any more, but known */
}

static void people_are_told_as_they_were_asked_for(void **state)
{
	(void)state;
	static const char members[][MODEL_USER_ID_SIZE] = {"alice", "bob"};
	static const char asked[][MODEL_USER_ID_SIZE] = {"mallory", "bob", "alice"};
	put_channel("room", "Room", members, 2);
	put_user("mallory", "Mallory", "m.png", false);
	struct store_read_people q = {.channel_id = "room", .user_ids = asked, .n_user_ids = 3};
	assert_int_equal(DO(&f, store_read_people, &q), 0);
	assert_true(q.channel_found);
	assert_int_equal(q.n_people, 3);
	assert_string_equal(q.people[0].user.name, "Mallory");
	assert_string_equal(q.people[0].user.avatar_url, "m.png");
	assert_false(q.people[0].is_member);
	assert_string_equal(q.people[1].user.id, "bob");
	assert_true(q.people[1].is_member);
	assert_true(q.people[2].is_member);
	mem_free(q.people);

	q = (struct store_read_people){.channel_id = "room"};
	assert_int_equal(DO(&f, store_read_people, &q), 0);
	assert_int_equal(q.n_people, 2);
	assert_string_equal(q.people[1].user.id, "bob");
	assert_true(q.people[1].is_member);
	mem_free(q.people);

	q = (struct store_read_people){.channel_id = "absent", .user_ids = asked, .n_user_ids = 3};
	assert_int_equal(DO(&f, store_read_people, &q), 0);
	assert_false(q.channel_found);
	assert_false(q.people[1].is_member);
	mem_free(q.people);
}

static void a_token_fills_but_does_not_clear(void **state)
{
	(void)state;
	assert_true(put_user("alice", "Alice", "a.png", false));
	assert_false(put_user("alice", "", "", true));
	struct store_read_user u = {.id = "alice"};
	assert_int_equal(DO(&f, store_read_user, &u), 0);
	assert_string_equal(u.user.name, "Alice");
	assert_string_equal(u.user.avatar_url, "a.png");
	put_user("alice", "Alicia", "", true);
	assert_int_equal(DO(&f, store_read_user, &u), 0);
	assert_string_equal(u.user.name, "Alicia");
	assert_string_equal(u.user.avatar_url, "a.png");
	put_user("alice", "", "", false);
	assert_int_equal(DO(&f, store_read_user, &u), 0);
	assert_string_equal(u.user.name, "");
}

static void what_is_deleted_is_gone(void **state)
{
	(void)state;
	static const char members[][MODEL_USER_ID_SIZE] = {"alice", "bob"};
	put_channel("room", "Room", members, 2);
	struct store_delete_user u = {.id = "alice"};
	assert_int_equal(DO(&f, store_delete_user, &u), 0);
	assert_true(u.found);
	assert_int_equal(DO(&f, store_delete_user, &u), 0);
	assert_false(u.found);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM channel_members"), 1);

	struct store_delete_channel c = {.id = "room"};
	assert_int_equal(DO(&f, store_delete_channel, &c), 0);
	assert_true(c.found);
	assert_int_equal(DO(&f, store_delete_channel, &c), 0);
	assert_false(c.found);
	assert_int_equal(ask(f.path, "SELECT count(*) FROM channel_members"), 0);
	struct store_read_channel q = {.id = "room"};
	assert_int_equal(DO(&f, store_read_channel, &q), 0);
	assert_false(q.found);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(members_are_replaced_as_a_whole),
		CASE(people_are_told_as_they_were_asked_for),
		CASE(a_token_fills_but_does_not_clear),
		CASE(what_is_deleted_is_gone),
	};
	return cmocka_run_group_tests_name("store people", tests, NULL, NULL);
}

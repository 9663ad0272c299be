/* races: how the tests of the races begin and end. */
#ifndef BELLWIRE_TESTS_RACES_H
#define BELLWIRE_TESTS_RACES_H

#include "base/err.h"
#include "scene.h"

#define SCENE(s)                                                                                                       \
	struct scene s;                                                                                                \
	scene_init(&s)

static inline void start(struct scene *s, const char *online)
{
	scene_init(s);
	s->online = online;
	assert_int_equal(make_call(s, "ann/1", "bob"), 0);
	assert_int_equal(s->call->status, CALL_RINGING);
}

static inline void talk(struct scene *s, const char *online)
{
	start(s, online);
	assert_int_equal(act(s, CMD_JOIN, "ann/1"), 0);
	assert_int_equal(act(s, CMD_JOIN, "bob/1"), 0);
	assert_int_equal(s->call->status, CALL_ACTIVE);
}

static inline void start_group(struct scene *s, const char *others)
{
	scene_init(s);
	s->online = "ann/1 bob/1 cat/1 cat/2 dan/1";
	s->cmd.create.has_mode = true;
	s->cmd.create.mode = CALL_GROUP;
	assert_int_equal(make_call(s, "ann/1", others), 0);
	assert_int_equal(act(s, CMD_JOIN, "ann/1"), 0);
}

#define ENDS(s, want_status, want_reason)                                                                              \
	do {                                                                                                           \
		assert_string_equal(call_status_word((s).call->status), want_status);                                  \
		assert_string_equal(end_reason_word((s).call->end_reason), want_reason);                               \
	} while (0)

#endif

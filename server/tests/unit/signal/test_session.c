/* Sessions in /webrtc: who is let in, what is relayed and delivered, and what outlives a lost socket. */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/jwt.h"
#include "fake.h"
#include "signal/signal.h"

#define CALL_ID "01900000-0000-7000-8000-000000000001"
#define LEG_A "01900000-0000-7000-8000-00000000000a"
#define LEG_B "01900000-0000-7000-8000-00000000000b"

static struct signal *sig;
static struct jwt_keys keys;
static struct call_announcer announcer;
static bool closed;

static int start(void **state)
{
	(void)state;
	fake_start();
	jwt_keys_init(&keys);
	assert_int_equal(jwt_keys_add_secret(&keys, STR("0123456789abcdef0123456789abcdef")), 0);
	const struct signal_config config = {.loop = &fake.loop,
		.keys = &keys,
		.ping_interval_ms = 60000,
		.resume_ms = 60,
		.expiry_warning_ms = 100,
		.expiry_grace_ms = 400,
		.max_user_sessions = 3,
		.events_per_s = 100,
		.events_burst = 20};
	assert_int_equal(signal_new(&config, &sig), 0);
	signal_announcer(sig, &announcer);
	return 0;
}

static void on_closed(void *arg)
{
	(void)arg;
	closed = true;
}

static int stop(void **state)
{
	(void)state;
	closed = false;
	signal_close(sig, on_closed, NULL);
	while (!closed)
		fake_run(1);
	if (fake.last.cb)
		fake_reply(ERR_DRAINING); /* after the end: nobody must be touched */
	signal_free(sig);
	fake_stop();
	return 0;
}

static const char *token_for(const char *user, int64_t ttl_ms)
{
	static char text[2000];
	struct jwt_claims claims = {.name = "Name", .expires_at_ms = clock_wall_ms() + ttl_ms};
	struct buf b;
	snprintf(claims.user_id, sizeof claims.user_id, "%s", user);
	buf_init(&b, sizeof text - 1);
	/* Whole seconds: rounded up, so that it is not over before it began. */
	claims.expires_at_ms = (claims.expires_at_ms + 999) / 1000 * 1000;
	assert_int_equal(jwt_sign(&claims, &keys, clock_wall_ms(), &b), 0);
	snprintf(text, sizeof text, "%.*s", STR_ARG(buf_str(&b)));
	buf_fini(&b);
	return text;
}

static struct ws *open_socket(void)
{
	struct ws *ws = fake_ws("EIO=4&transport=websocket");
	assert_non_null(ws);
	fake_ws_got(ws);
	return ws;
}

/* Connects with more members of auth, and gives what was answered. */
static struct ws *connect_with(const char *token, const char *more)
{
	char packet[4000];
	struct ws *ws = open_socket();
	snprintf(packet, sizeof packet, "40/webrtc,{\"token\":\"%s\"%s}", token, more);
	fake_ws_send(ws, packet);
	return ws;
}

/* A connected session; its id and resume token are noted. */
struct device {
	struct ws *ws;
	char session_id[64];
	char resume_token[64];
};

static void take_member(const char *text, const char *key, char out[64])
{
	const char *at = strstr(text, key);
	if (!at)
		fail_msg("no %s in %s", key, text);
	at += strlen(key) + 3;
	snprintf(out, 64, "%.*s", (int)strcspn(at, "\""), at);
}

static struct device device_of(struct ws *ws)
{
	struct device d = {.ws = ws};
	const char *got = fake_ws_got(ws);
	take_member(got, "sessionId", d.session_id);
	take_member(got, "resumeToken", d.resume_token);
	return d;
}

static struct device connect_user(const char *user)
{
	return device_of(connect_with(token_for(user, 3600000), ""));
}

static struct device resume(const char *user, const struct device *old)
{
	char more[300];
	snprintf(more, sizeof more,
		",\"sessionId\":\"%s\",\"resumeToken\":\"%s\",\"lastSeq\":{\"" CALL_ID "\":4,\"x\":1,\"" LEG_A "\":-1}",
		old->session_id, old->resume_token);
	return device_of(connect_with(token_for(user, 3600000), more));
}

#define REFUSAL(text, code) "44/webrtc,{\"message\":\"" text "\",\"data\":{\"code\":\"" code "\"}}"

static void only_good_tokens_get_in(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"40/webrtc,", REFUSAL("A bearer token is required.", "token_missing")},
		{"40/webrtc,{}", REFUSAL("A bearer token is required.", "token_missing")},
		{"40/webrtc,{\"token\":\"\"}", REFUSAL("A bearer token is required.", "token_missing")},
		{"40/webrtc,{\"token\":\"x.y.z\"}", REFUSAL("The token is not valid.", "token_invalid")},
		{"40/webrtc,{\"token\":7}",
			REFUSAL("A field is missing or has a value that is not allowed.", "bad_field")},
		{"40/webrtc,{\"token\":\"\",\"token\":\"\"}",
			REFUSAL("The body is not the JSON that was expected.", "bad_json")},
		{"40", "44{\"message\":\"Invalid namespace\"}"},
		{"40/other,{}", "44/other,{\"message\":\"Invalid namespace\"}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ws *ws = open_socket();
		fake_ws_send(ws, cases[i][0]);
		assert_string_equal(fake_ws_got(ws), cases[i][1]);
	}
	assert_string_equal(fake.sessions, "");
	assert_int_equal(signal_n_connected(sig), 0);

	struct ws *ws = connect_with(token_for("alice", 3600000), "");
	const char *got = fake_ws_got(ws);
	assert_memory_equal(got, "40/webrtc,{\"sid\":\"", 18);
	const char *sync = strchr(got, '|');
	assert_non_null(strstr(sync, "42/webrtc,[\"sync\",{\"sessionId\":\""));
	assert_non_null(strstr(sync, "\"resumeWindowMs\":60,\"serverTime\":\""));
	assert_non_null(
		strstr(sync, "\"user\":{\"id\":\"alice\",\"name\":\"Name\",\"avatarUrl\":null},\"calls\":[]}]"));
	assert_int_equal(signal_n_connected(sig), 1);
	assert_int_equal(fake.sessions[0], '+');
}

static void commands_are_submitted_and_answered(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	fake_ws_send(a.ws, "42/webrtc,7[\"call.join\",{\"callId\":\"" CALL_ID "\",\"userId\":\"eve\",\"takeover\":true,"
			   "\"isMuted\":false}]");
	assert_int_equal(fake.last.cmd.verb, CMD_JOIN);
	assert_string_equal(fake.last.call_id, CALL_ID);
	assert_string_equal(fake.last.session_id, a.session_id);
	check_str(fake.last.cmd.actor.user_id, "alice");
	check_str(fake.last.cmd.actor.name, "Name");
	assert_true(fake.last.cmd.join.takeover);
	assert_int_equal(fake.last.cmd.join.media.set, MEDIA_MUTED);
	fake_reply(0);
	assert_string_equal(fake_ws_got(a.ws), "43/webrtc,7[{\"ok\":true}]");

	fake_ws_send(a.ws, "42/webrtc,8[\"call.leave\",{\"callId\":\"" CALL_ID "\"}]");
	assert_int_equal(fake.last.cmd.verb, CMD_LEAVE);
	fake_reply(ERR_CALL_ENDED);
	assert_string_equal(fake_ws_got(a.ws),
		"43/webrtc,8[{\"ok\":false,\"error\":{\"code\":\"call_ended\",\"message\":\"The call has ended.\","
		"\"field\":\"callId\",\"retryable\":false}}]");
	fake_ws_send(a.ws, "42/webrtc,[\"call.decline\",{\"callId\":\"" CALL_ID "\"}]");
	fake_reply(ERR_CALL_ENDED);
	assert_string_equal(fake_ws_got(a.ws),
		"42/webrtc,[\"call.error\",{\"event\":\"call.decline\",\"code\":\"call_ended\",\"message\":\"The call "
		"has "
		"ended.\",\"callId\":\"" CALL_ID "\"}]");
	fake_ws_send(a.ws, "42/webrtc,[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
	assert_int_equal(fake.last.cmd.verb, CMD_ACK);
	fake_reply(0);
	assert_string_equal(fake_ws_got(a.ws), "");
}

static void media_commands_carry_what_was_said(void **state)
{
	(void)state;
	static const struct {
		const char *event;
		enum call_verb verb;
		unsigned set;
	} cases[] = {
		{"call.mute\",{\"isMuted\":true,", CMD_MEDIA, MEDIA_MUTED},
		{"call.video-toggle\",{\"isVideoEnabled\":false,", CMD_MEDIA, MEDIA_VIDEO},
		{"call.screen-toggle\",{\"isScreenSharing\":true,", CMD_MEDIA, MEDIA_SCREEN},
		{"call.quality\",{\"connectionQuality\":\"poor\",", CMD_MEDIA, MEDIA_QUALITY},
		{"call.connection\",{\"state\":\"failed\",", CMD_CONNECTION, 0},
		{"call.recording-start\",{", CMD_RECORDING, 0},
		{"call.recording-stop\",{", CMD_RECORDING, 0},
		{"call.recording-consent\",{", CMD_RECORDING, 0},
	};
	struct device a = connect_user("alice");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char packet[300];
		snprintf(packet, sizeof packet, "42/webrtc,1[\"%s\"callId\":\"" CALL_ID "\"}]", cases[i].event);
		fake_ws_send(a.ws, packet);
		assert_int_equal(fake.n_commands, i + 1);
		assert_int_equal(fake.last.cmd.verb, cases[i].verb);
		if (cases[i].verb == CMD_MEDIA)
			assert_int_equal(fake.last.cmd.media.set, cases[i].set);
		fake_reply(0);
		assert_string_equal(fake_ws_got(a.ws), "43/webrtc,1[{\"ok\":true}]");
	}
}

static void bad_events_are_refused(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"[\"nonsense\",{}]", "bad_event"},
		{"[\"call.join\"]", "bad_event"},
		{"[\"call.join\",\"x\"]", "bad_event"},
		{"[\"call.join\",{\"callId\":\"a\",\"callId\":\"b\"}]", "bad_event"},
		{"[\"call.join\",{\"call\\u0049d\":\"a\"}]", "bad_event"},
		{"[\"call.join\",{}]", "bad_field"},
		{"[\"call.join\",{\"callId\":7}]", "bad_field"},
		{"[\"call.join\",{\"callId\":\"../x\"}]", "bad_field"},
		{"[\"call.join\",{\"callId\":\"" CALL_ID "\",\"takeover\":\"yes\"}]", "bad_field"},
		{"[\"call.mute\",{\"callId\":\"" CALL_ID "\"}]", "bad_field"},
		{"[\"call.mute\",{\"callId\":\"" CALL_ID "\",\"isMuted\":1}]", "bad_field"},
		{"[\"call.quality\",{\"callId\":\"" CALL_ID "\",\"connectionQuality\":\"none\"}]", "bad_field"},
		{"[\"call.connection\",{\"callId\":\"" CALL_ID "\",\"state\":\"maybe\"}]", "bad_field"},
		{"[\"call.offer\",{\"to\":\"x\"}]", "bad_field"},
		{"[\"call.offer\",{\"to\":{},\"offer\":{}}]", "bad_field"},
		{"[\"call.offer\",{\"offer\":{}}]", "bad_field"},
		{"[\"call.ice-candidate\",{\"to\":\"x\",\"candidate\":\"y\"}]", "bad_field"},
		{"[\"auth.refresh\",{\"token\":\"x\"}]", "token_invalid"},
	};
	struct device a = connect_user("alice");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char packet[300], code[64];
		snprintf(packet, sizeof packet, "42/webrtc,5%s", cases[i][0]);
		fake_ws_send(a.ws, packet);
		const char *got = fake_ws_got(a.ws);
		assert_memory_equal(got, "43/webrtc,5[{\"ok\":false", 22);
		take_member(got, "code", code);
		assert_string_equal(code, cases[i][1]);
	}
	assert_int_equal(fake.n_commands, 0);
	fake_ws_send(a.ws, "451-/webrtc,6[\"call.mute\",{\"callId\":{\"_placeholder\":true,\"num\":0}}]");
	fake_ws_send_binary(a.ws, STR("x"));
	assert_non_null(strstr(fake_ws_got(a.ws), "43/webrtc,6[{\"ok\":false,\"error\":{\"code\":\"bad_event\""));
	fake_ws_send(a.ws, "42/webrtc,[\"call.mute\",{]");
	fake_run(1);
	assert_string_equal(fake_ws_got(a.ws), "<closed>");
}

static void large_events_are_refused(void **state)
{
	(void)state;
	static char packet[70000];
	struct device a = connect_user("alice");
	int n = sprintf(packet, "42/webrtc,5[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"sdp\":\"");
	memset(packet + n, 'x', 68000);
	strcpy(packet + n + 68000, "\"}}]");
	fake_ws_send(a.ws, packet);
	assert_non_null(strstr(fake_ws_got(a.ws), "payload_too_large"));
}

static void offers_are_relayed(void **state)
{
	(void)state;
	struct device a = connect_user("al\"ice"), b = connect_user("bob");
	fake.route = (struct call_route){
		.call_id = CALL_ID, .from_leg = LEG_A, .from_user = "alice", .to_session = b.session_id};
#define STAMPED "{\"from\":\"" LEG_A "\",\"userId\":\"al\\\"ice\",\"callId\":\"" CALL_ID "\","
	fake_ws_send(a.ws,
		"42/webrtc,1[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}]");
	assert_string_equal(fake.route_to, LEG_B);
	assert_string_equal(fake_ws_got(b.ws),
		"42/webrtc,[\"call.offer\"," STAMPED "\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\"}}]");
	assert_string_equal(fake_ws_got(a.ws), "43/webrtc,1[{\"ok\":true}]");
	/* A sender cannot pass for another, and members in any order arrive. */
	fake_ws_send(a.ws, "42/webrtc,[\"call.ice-candidate\",{\"a\":1,\"from\":\"evil\",\"b\":2,\"to\":\"" LEG_B
			   "\",\"c\":3,\"userId\":\"evil\",\"d\":4,\"callId\":\"evil\",\"candidate\":null}]");
	assert_string_equal(fake_ws_got(b.ws),
		"42/webrtc,[\"call.ice-candidate\"," STAMPED "\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"candidate\":null}]");
	assert_string_equal(fake_ws_got(a.ws), "");
	/* Strangers get an error, and the victim nothing. */
	fake.route_err = ERR_LEG_NOT_FOUND;
	fake_ws_send(a.ws, "42/webrtc,[\"call.answer\",{\"to\":\"" LEG_B "\",\"answer\":{}}]");
	assert_non_null(
		strstr(fake_ws_got(a.ws), "[\"call.error\",{\"event\":\"call.answer\",\"code\":\"leg_not_found\""));
	assert_string_equal(fake_ws_got(b.ws), "");
}

/* The path that carries most messages takes no memory. */
static void relaying_allocates_nothing(void **state)
{
	(void)state;
	struct device a = connect_user("alice"), b = connect_user("bob");
	fake.route = (struct call_route){
		.call_id = CALL_ID, .from_leg = LEG_A, .from_user = "alice", .to_session = b.session_id};
	mem_fail_after(0);
	fake_ws_send(
		a.ws, "42/webrtc,[\"call.ice-candidate\",{\"to\":\"" LEG_B "\",\"candidate\":{\"candidate\":\"x\"}}]");
	long n = mem_count();
	mem_fail_after(-1);
	assert_int_equal(n, 0);
	assert_non_null(strstr(fake_ws_got(b.ws), "\"candidate\":{\"candidate\":\"x\"}}]"));
}

static void floods_are_limited(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	fake.route_err = ERR_LEG_NOT_FOUND;
	for (int i = 0; i < 20; i++)
		fake_ws_send(a.ws, "42/webrtc,1[\"call.answer\",{\"to\":\"x\",\"answer\":{}}]");
	assert_null(strstr(fake_ws_got(a.ws), "rate_limited"));
	fake_ws_send(a.ws, "42/webrtc,1[\"call.answer\",{\"to\":\"x\",\"answer\":{}}]");
	const char *got = fake_ws_got(a.ws);
	assert_non_null(strstr(got, "\"code\":\"rate_limited\""));
	assert_non_null(strstr(got, "\"retryable\":true,\"retryAfterMs\":"));
	/* Without acks only once a second. */
	for (int i = 0; i < 5; i++)
		fake_ws_send(a.ws, "42/webrtc,[\"call.answer\",{\"to\":\"x\",\"answer\":{}}]");
	assert_string_equal(fake_ws_got(a.ws), "");
	fake_run(50);
	fake_ws_send(a.ws, "42/webrtc,1[\"call.answer\",{\"to\":\"x\",\"answer\":{}}]");
	assert_non_null(strstr(fake_ws_got(a.ws), "leg_not_found"));
}

static void lost_sessions_come_back(void **state)
{
	(void)state;
	struct device a = connect_user("alice"), b = connect_user("bob");
	char want[64];
	fake.sessions[0] = 0;
	fake_ws_break(b.ws);
	assert_int_equal(announcer.n_sessions(announcer.arg, STR("bob")), 0);
	/* What is relayed meanwhile waits. */
	fake.route = (struct call_route){
		.call_id = CALL_ID, .from_leg = LEG_A, .from_user = "alice", .to_session = b.session_id};
	fake_ws_send(a.ws, "42/webrtc,1[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"n\":1}}]");
	fake_ws_send(a.ws, "42/webrtc,2[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"n\":2}}]");
	assert_string_equal(fake_ws_got(a.ws), "43/webrtc,1[{\"ok\":true}]|43/webrtc,2[{\"ok\":true}]");
	struct device again = resume("bob", &b);
	assert_string_equal(again.session_id, b.session_id);
	assert_string_equal(again.resume_token, b.resume_token);
	snprintf(want, sizeof want, "?%.4s!%.4s", b.session_id, b.session_id);
	assert_string_equal(fake.sessions, want);
	assert_string_equal(fake.resync, CALL_ID ">4;");
	fake_ws_send(a.ws, "42/webrtc,3[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"n\":3}}]");
	assert_non_null(strstr(fake_ws_got(again.ws), "{\"n\":3}"));
	fake_run(80); /* the window is no longer watched */
	assert_int_equal(announcer.n_sessions(announcer.arg, STR("bob")), 1);
}

static void held_packets_arrive_in_order(void **state)
{
	(void)state;
	struct device a = connect_user("alice"), b = connect_user("bob");
	char more[300];
	fake_ws_break(b.ws);
	fake.route = (struct call_route){
		.call_id = CALL_ID, .from_leg = LEG_A, .from_user = "alice", .to_session = b.session_id};
	fake_ws_send(a.ws, "42/webrtc,[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"n\":1}}]");
	fake_ws_send(a.ws, "42/webrtc,[\"call.offer\",{\"to\":\"" LEG_B "\",\"offer\":{\"n\":2}}]");
	snprintf(more, sizeof more, ",\"sessionId\":\"%s\",\"resumeToken\":\"%s\"", b.session_id, b.resume_token);
	const char *got = fake_ws_got(connect_with(token_for("bob", 3600000), more));
	const char *sync = strstr(got, "\"sync\""), *one = strstr(got, "{\"n\":1}"), *two = strstr(got, "{\"n\":2}");
	assert_true(sync && one && two && sync < one && one < two);
}

static void lost_sessions_end_after_the_window(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	char want[64];
	fake.sessions[0] = 0;
	fake_ws_break(a.ws);
	fake_run(70);
	snprintf(want, sizeof want, "?%.4s-%.4s", a.session_id, a.session_id);
	assert_string_equal(fake.sessions, want);
	/* The proof is still good: after a restart it is all there is. */
	struct device again = resume("alice", &a);
	assert_string_equal(again.session_id, a.session_id);
}

static void a_disconnect_packet_ends_it_at_once(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	char want[64];
	fake.sessions[0] = 0;
	fake_ws_send(a.ws, "41/webrtc,");
	snprintf(want, sizeof want, "-%.4s", a.session_id);
	assert_string_equal(fake.sessions, want);
	assert_int_equal(signal_n_connected(sig), 0);
}

static void only_its_owner_takes_a_session_up(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	struct device eve = resume("eve", &a); /* stolen proof, other user */
	assert_string_not_equal(eve.session_id, a.session_id);
	struct device forged = a;
	forged.resume_token[5] = forged.resume_token[5] == 'A' ? 'B' : 'A';
	struct device other = resume("alice", &forged);
	assert_string_not_equal(other.session_id, a.session_id);
	/* The owner may, while the old socket still seems to live: that one is sent away. */
	struct device again = resume("alice", &a);
	assert_string_equal(again.session_id, a.session_id);
	assert_string_equal(fake_ws_got(a.ws), "41/webrtc,");
}

static void users_have_so_many_sessions(void **state)
{
	(void)state;
	struct device first = connect_user("alice"), second = connect_user("alice");
	connect_user("alice");
	assert_non_null(strstr(fake_ws_got(connect_with(token_for("alice", 3600000), "")), "\"code\":\"overloaded\""));
	connect_user("bob");
	fake_ws_break(second.ws);
	fake.sessions[0] = 0;
	struct device fourth = connect_user("alice"); /* the lost one makes room */
	char want[64];
	snprintf(want, sizeof want, "-%.4s+%.4s", second.session_id, fourth.session_id);
	assert_string_equal(fake.sessions, want);
	assert_int_equal(announcer.n_sessions(announcer.arg, STR("alice")), 3);
	assert_string_equal(fake_ws_got(first.ws), "");
}

static void announcements_reach_whom_they_are_for(void **state)
{
	(void)state;
	struct device a1 = connect_user("alice"), a2 = connect_user("alice"), b = connect_user("bob");
	const char *users[] = {"alice", "bob", "nobody"}, *sessions[] = {b.session_id, "nobody's"};
	struct call_announcement an = {.event = "call.ended",
		.call_id = CALL_ID,
		.users = users,
		.n_users = 3,
		.except_session = a2.session_id,
		.payload = STR("{\"seq\":1}")};
	announcer.deliver(announcer.arg, &an);
	assert_string_equal(fake_ws_got(a1.ws), "42/webrtc,[\"call.ended\",{\"seq\":1}]");
	assert_string_equal(fake_ws_got(a2.ws), "");
	assert_string_equal(fake_ws_got(b.ws), "42/webrtc,[\"call.ended\",{\"seq\":1}]");
	an.n_users = 0;
	an.sessions = sessions;
	an.n_sessions = 2;
	an.except_session = "";
	announcer.deliver(announcer.arg, &an);
	assert_string_equal(fake_ws_got(a1.ws), "");
	assert_string_equal(fake_ws_got(b.ws), "42/webrtc,[\"call.ended\",{\"seq\":1}]");

	char found[MODEL_SESSION_ID_SIZE];
	assert_int_equal(announcer.find_session(announcer.arg, STR("alice"), str_of(a2.session_id), found), 0);
	assert_string_equal(found, a2.session_id);
	assert_int_equal(
		announcer.find_session(announcer.arg, STR("bob"), str_of(a2.session_id), found), ERR_NOT_FOUND);
	assert_int_equal(announcer.n_sessions(announcer.arg, STR("alice")), 2);

	signal_drain(sig, 1500);
	assert_string_equal(fake_ws_got(a1.ws), "42/webrtc,[\"server.draining\",{\"retryAfterMs\":1500}]");
	assert_non_null(strstr(fake_ws_got(connect_with(token_for("carol", 3600000), "")), "\"code\":\"draining\""));
}

static void replies_after_the_socket_are_dropped(void **state)
{
	(void)state;
	struct device a = connect_user("alice");
	fake_ws_send(a.ws, "42/webrtc,7[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
	fake_ws_break(a.ws);
	struct device again = resume("alice", &a);
	fake_reply(0); /* the ack id was the old socket's */
	assert_string_equal(fake_ws_got(again.ws), "");
	fake_ws_send(again.ws, "42/webrtc,8[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
	fake_ws_send(again.ws, "41/webrtc,");
	fake_reply(0); /* the session is gone */
}

static void tokens_run_out(void **state)
{
	(void)state;
	struct device a = device_of(connect_with(token_for("alice", 1), ""));
	char want[64], packet[1000];
	fake.sessions[0] = 0;
	for (int i = 0; i < 1000 && !a.ws->got[0]; i += 5)
		fake_run(5);
	assert_non_null(strstr(fake_ws_got(a.ws), "[\"auth.expiring\",{\"expiresAt\":\""));
	fake_run(150);
	fake_ws_send(a.ws, "42/webrtc,1[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
	assert_non_null(strstr(fake_ws_got(a.ws), "\"code\":\"token_expired\""));
	/* Another user's token does not help, one's own does. */
	snprintf(packet, sizeof packet, "42/webrtc,2[\"auth.refresh\",{\"token\":\"%s\"}]", token_for("bob", 5000));
	fake_ws_send(a.ws, packet);
	assert_non_null(strstr(fake_ws_got(a.ws), "\"code\":\"token_invalid\""));
	snprintf(packet, sizeof packet, "42/webrtc,3[\"auth.refresh\",{\"token\":\"%s\"}]", token_for("alice", 1));
	fake_ws_send(a.ws, packet);
	assert_non_null(strstr(fake_ws_got(a.ws), "43/webrtc,3[{\"ok\":true,\"expiresAt\":\""));
	fake_ws_send(a.ws, "42/webrtc,4[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
	assert_int_equal(fake.n_commands, 1);
	fake_reply(0);
	/* After the grace the socket is sent away; the session may come back with a better token. */
	fake_run(1800);
	assert_non_null(strstr(fake_ws_got(a.ws), "|41/webrtc,"));
	snprintf(want, sizeof want, "?%.4s-%.4s", a.session_id, a.session_id);
	assert_string_equal(fake.sessions, want);
}

/* Each allocation fails once, in a connect, a command and a delivery. */
static void no_memory_breaks_nothing(void **state)
{
	(void)state;
	for (long n = 0; n < 25; n++) {
		const char *token = token_for("alice", 3600000);
		char packet[2500];
		snprintf(packet, sizeof packet, "40/webrtc,{\"token\":\"%s\"}", token);
		mem_fail_after(n);
		struct ws *ws = fake_ws("EIO=4&transport=websocket");
		if (ws) {
			fake_ws_send(ws, packet);
			if (strstr(ws->got, "40/webrtc,{\"sid\"")) {
				fake_ws_send(ws, "42/webrtc,1[\"call.ack\",{\"callId\":\"" CALL_ID "\"}]");
				if (fake.last.cb)
					fake_reply(0);
			}
		}
		mem_fail_after(-1);
		if (ws && !ws->closing)
			fake_ws_break(ws);
		fake_run(70);
	}
	struct device a = connect_user("alice");
	assert_int_equal(announcer.n_sessions(announcer.arg, STR("alice")), 1);
	(void)a;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	log_set_level(LOG_ERROR);
	const struct CMUnitTest tests[] = {
		CASE(only_good_tokens_get_in),
		CASE(commands_are_submitted_and_answered),
		CASE(media_commands_carry_what_was_said),
		CASE(bad_events_are_refused),
		CASE(large_events_are_refused),
		CASE(offers_are_relayed),
		CASE(relaying_allocates_nothing),
		CASE(floods_are_limited),
		CASE(lost_sessions_come_back),
		CASE(held_packets_arrive_in_order),
		CASE(lost_sessions_end_after_the_window),
		CASE(a_disconnect_packet_ends_it_at_once),
		CASE(only_its_owner_takes_a_session_up),
		CASE(users_have_so_many_sessions),
		CASE(announcements_reach_whom_they_are_for),
		CASE(replies_after_the_socket_are_dropped),
		CASE(tokens_run_out),
		CASE(no_memory_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A client's way in: Engine.IO's handshake, CONNECT with a token, call.join. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/jwt.h"

#define NAMESPACE "/webrtc,"
#define OFFER_BYTES 2500
#define STAMP "0000000000000000" /* written over with the time of sending */

static struct jwt_keys keys;

void client_fill_tokens(void)
{
	const char *secret = getenv("BELLWIRE_SECRET");
	if (!secret || jwt_keys_add_secret(&keys, str_of(secret)) < 0)
		give_up("BELLWIRE_SECRET");
}

static void send_connect(struct client *c)
{
	struct jwt_claims claims = {.expires_at_ms = clock_wall_ms() + 3600000};
	struct buf out;
	buf_init(&out, 4096);
	snprintf(claims.user_id, sizeof claims.user_id, "%s%zu", setup.who, (size_t)(c - clients));
	buf_put(&out, STR("40" NAMESPACE "{\"token\":\""));
	if (jwt_sign(&claims, &keys, clock_wall_ms(), &out) < 0)
		give_up("a token");
	buf_put_c(&out, '"');
	if (c->resume[0])
		buf_printf(&out, ",\"sessionId\":\"%s\",\"resumeToken\":\"%s\"", c->session, c->resume);
	buf_put_c(&out, '}');
	link_send(c, buf_str(&out));
	buf_fini(&out);
}

bool client_has_call(const struct client *c)
{
	return (size_t)(c - clients) / 2 < setup.n_calls;
}

static void send_join(struct client *c)
{
	char text[256];
	int n = snprintf(text, sizeof text, "42" NAMESPACE "0[\"call.join\",{\"callId\":\"%s\"}]",
		setup.calls[(size_t)(c - clients) / 2]);
	link_send(c, str_n(text, (size_t)n));
}

/* --- messages --- */

static void put_candidate(struct buf *out)
{
	buf_put(out, STR("\"candidate\":{\"candidate\":\"candidate:842163049 1 udp 1677729535 192.0.2.7 46154 typ "
			 "srflx\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":\"" STAMP "\"}"));
}

/* As long as a browser's, and escaped as much. */
static void put_offer(struct buf *out)
{
	size_t begin = out->len;
	buf_put(out, STR("\"offer\":{\"type\":\"offer\",\"sdp\":\"v=0\\r\\no=- " STAMP
			 " 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\n"));
	for (unsigned i = 96; out->len - begin < OFFER_BYTES - 160; i++)
		buf_printf(out,
			"a=rtpmap:%u VP8/90000\\r\\na=rtcp-fb:%u goog-remb\\r\\na=rtcp-fb:%u nack pli\\r\\n"
			"a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\\r\\n",
			i, i, i, i);
	buf_put(out, STR("\"}"));
}

static struct message make(const char *event, const char *to, void (*put)(struct buf *out))
{
	struct message m = {0};
	struct buf out;
	buf_init(&out, 65536);
	buf_put(&out, str_n("\x81\xfe\0\0\0\0\0\0", FRAME_HEAD));
	buf_printf(&out, "42" NAMESPACE "[\"%s\",{\"to\":\"%s\",", event, to);
	put(&out);
	buf_put(&out, STR("}]"));
	m.bytes = buf_take(&out, &m.len);
	if (!m.bytes)
		give_up("memory");
	m.bytes[2] = (char)((m.len - FRAME_HEAD) >> 8);
	m.bytes[3] = (char)(m.len - FRAME_HEAD);
	m.stamp_at = (size_t)((char *)memmem(m.bytes, m.len, STAMP, strlen(STAMP)) - m.bytes);
	return m;
}

static void make_messages(void)
{
	for (size_t i = 0; i < 2 * setup.n_calls; i++) {
		clients[i].candidate = make("call.ice-candidate", clients[i ^ 1].leg, put_candidate);
		clients[i].offer = make("call.offer", clients[i ^ 1].leg, put_offer);
	}
}

/* --- the way in --- */

static void become_ready(struct client *c)
{
	c->step = STEP_READY;
	n_ready++;
}

/* The text after `before`, up to the next quote. */
static bool copy_text(struct str in, const char *before, char *out, size_t size)
{
	const char *at = memmem(in.ptr, in.len, before, strlen(before));
	if (!at)
		return false;
	struct str rest = str_n(at + strlen(before), in.len - (size_t)(at - in.ptr) - strlen(before));
	return str_copy(out, size, str_cut(&rest, '"')) == 0;
}

/* What bellwire tells after a CONNECT; its peer does not. */
static void on_sync(struct client *c, struct str packet)
{
	char session[sizeof c->session];
	if (!copy_text(packet, "\"sessionId\":\"", session, sizeof session) ||
		!copy_text(packet, "\"resumeToken\":\"", c->resume, sizeof c->resume))
		give_up("a sync without a session");
	bool same = strcmp(session, c->session) == 0;
	const char *call = client_has_call(c) ? setup.calls[(size_t)(c - clients) / 2] : "";
	if (same && memmem(packet.ptr, packet.len, call, strlen(call)))
		n_resumed++;
	strcpy(c->session, session);
	if (c->step == STEP_SYNCING)
		become_ready(c);
}

static void on_connected(struct client *c)
{
	if (c->resume[0]) {
		c->step = STEP_SYNCING;
	} else if (client_has_call(c)) {
		c->step = STEP_JOINING;
		send_join(c);
	} else {
		become_ready(c);
	}
}

void client_packet(struct client *c, struct str packet)
{
	if (str_eq_z(packet, "2")) {
		link_send(c, STR("3"));
	} else if (c->step == STEP_OPENING && packet.len && packet.ptr[0] == '0') {
		if (!copy_text(packet, "\"sid\":\"", c->sid, sizeof c->sid))
			give_up("no sid");
		c->step = STEP_CONNECTING;
		send_connect(c);
	} else if (str_starts_with(packet, STR("44" NAMESPACE))) {
		fprintf(stderr, "%.*s\n", STR_ARG(packet));
		give_up("a CONNECT was refused");
	} else if (c->step == STEP_CONNECTING && str_starts_with(packet, STR("40" NAMESPACE))) {
		on_connected(c);
	} else if (c->step == STEP_JOINING && str_starts_with(packet, STR("43" NAMESPACE "0"))) {
		if (!copy_text(packet, "\"self\":{\"socketId\":\"", c->leg, sizeof c->leg)) {
			fprintf(stderr, "%.*s\n", STR_ARG(packet));
			give_up("a join was refused");
		}
		become_ready(c);
	} else if (str_starts_with(packet, STR("42" NAMESPACE "[\"sync\""))) {
		on_sync(c, packet);
	} else if (c->step == STEP_READY) {
		load_event(c, packet);
	}
}

void clients_open(size_t at_once)
{
	for (size_t n_open = 0; n_ready < setup.n;) {
		while (n_open < setup.n && n_open - n_ready < at_once)
			link_open(&clients[n_open++]);
		link_turn(1000000);
	}
	if (!clients[0].offer.bytes)
		make_messages();
}

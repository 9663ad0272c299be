/* Two agents of Debian's libnice, both forced to relay: HOST PORT TRANSPORT USER PASSWORD. */
#include <agent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 50

struct end {
	NiceAgent *agent;
	guint stream;
	gboolean gathered;
	int heard;
	struct end *other;
};

static GMainLoop *loop;

static void say(struct end *e)
{
	char text[32];
	int n = snprintf(text, sizeof text, "packet %d", e->heard);
	nice_agent_send(e->agent, e->stream, 1, (guint)n, text);
}

static void finish(struct end *e)
{
	NiceCandidate *local, *remote;
	gboolean known = nice_agent_get_selected_pair(e->agent, e->stream, 1, &local, &remote);
	gboolean relayed = known && local->type == NICE_CANDIDATE_TYPE_RELAYED;
	printf("echoed over %s\n", relayed ? "relay" : "something else");
	g_main_loop_quit(loop);
}

static void on_packet(NiceAgent *agent, guint stream, guint component, guint len, gchar *bytes, gpointer arg)
{
	struct end *e = arg;
	(void)agent, (void)stream, (void)component;
	if (len < 7 || memcmp(bytes, "packet ", 7) != 0)
		exit(1);
	if (++e->heard == ROUNDS)
		finish(e);
	else
		say(e);
}

/* Descriptions change hands when both ends know their candidates. */
static void on_gathered(NiceAgent *agent, guint stream, gpointer arg)
{
	struct end *e = arg;
	(void)agent, (void)stream;
	e->gathered = TRUE;
	if (!e->other->gathered)
		return;
	gchar *one = nice_agent_generate_local_sdp(e->agent), *other = nice_agent_generate_local_sdp(e->other->agent);
	if (nice_agent_parse_remote_sdp(e->agent, other) < 0 || nice_agent_parse_remote_sdp(e->other->agent, one) < 0)
		exit(1);
	g_free(one);
	g_free(other);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer arg)
{
	struct end *e = arg;
	gboolean controlling;
	(void)stream, (void)component;
	g_object_get(agent, "controlling-mode", &controlling, NULL);
	if (state == NICE_COMPONENT_STATE_READY && controlling && !e->heard)
		say(e);
}

static void open_end(struct end *e, gboolean controlling, char **words)
{
	NiceRelayType type = strcmp(words[2], "udp") == 0 ? NICE_RELAY_TYPE_TURN_UDP : NICE_RELAY_TYPE_TURN_TCP;
	e->agent = nice_agent_new(g_main_loop_get_context(loop), NICE_COMPATIBILITY_RFC5245);
	g_object_set(
		e->agent, "controlling-mode", controlling, "force-relay", TRUE, "ice-tcp", FALSE, "upnp", FALSE, NULL);
	g_signal_connect(e->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), e);
	g_signal_connect(e->agent, "component-state-changed", G_CALLBACK(on_state), e);
	e->stream = nice_agent_add_stream(e->agent, 1);
	nice_agent_set_stream_name(e->agent, e->stream, "application");
	nice_agent_set_relay_info(e->agent, e->stream, 1, words[0], (guint)atoi(words[1]), words[3], words[4], type);
	nice_agent_attach_recv(e->agent, e->stream, 1, g_main_loop_get_context(loop), on_packet, e);
}

static gboolean on_late(gpointer arg)
{
	(void)arg;
	fprintf(stderr, "no connection in 25 s\n");
	exit(1);
}

int main(int argc, char **argv)
{
	struct end one = {0}, other = {.other = &one};
	if (argc != 6)
		return 2;
	one.other = &other;
	loop = g_main_loop_new(NULL, FALSE);
	open_end(&one, TRUE, argv + 1);
	open_end(&other, FALSE, argv + 1);
	g_timeout_add_seconds(25, on_late, NULL);
	if (!nice_agent_gather_candidates(one.agent, one.stream) ||
		!nice_agent_gather_candidates(other.agent, other.stream))
		return 1;
	g_main_loop_run(loop);
	return 0;
}

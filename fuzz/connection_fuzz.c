/* Connections from their first byte on: HTTP, its upgrade to a WebSocket, Engine.IO, Socket.IO, the table of events,
 * with calls played by connection_calls.c, and handlers in connection_routes.c. The bytes come in pieces, on several
 * connections to one server, and time passes when the input says so; what goes out must be well-formed, and nothing may
 * be left behind.
 *
 * Input: a byte whose bits say how the server is set up (SETUP_…), one for the size of the pieces, then what the client
 * sends. MARK and a byte behind it say that something else happens: a digit, that the client goes on with another
 * connection, which is a new one if it is closed; others see happen(). What the server has given last stands in for the
 * places that `places` names, so that polling, upgrades and coming back can be reached. Tokens are signed with SECRET.
 */
#include "base/err.h"
#include "base/log.h"
#include "call/announcer.h"
#include "codec/jwt.h"
#include "connection_calls.h"
#include "connection_routes.h"
#include "fuzz.h"
#include "http/conn.h"
#include "signal/signal.h"
#include "still.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_SIZE 16384
#define SECRET "a-secret-of-the-fuzzer-with-more-than-32-bytes"
#define MARK "####"
#define N_CLIENTS 3
#define MAX_OPENED 16

enum { SETUP_ECHO = 1, SETUP_ORIGINS = 2, SETUP_TRUSTED = 4, SETUP_SMALL = 8, SETUP_LATE = 16 };

static struct loop loop;
static struct jwt_keys keys;
static struct addr nowhere;

/* One connection of the client's. */
struct peer {
	struct http_conn *conn; /* the server's end; null: closed */
	int fd;			/* the client's; -1: not open */
	bool deaf;		/* the client takes nothing */
	struct buf got;
};

struct world {
	struct http_server *server;
	struct signal *signal;
	struct peer peers[N_CLIENTS];
	struct peer *now; /* the one that the client speaks on */
	size_t n_opened;
	size_t piece;
};

/* --- what the server gives: repeated letters in the input are places for it --- */

#define PLACE_MAX 64

static struct place {
	char letter;
	size_t len;
	const char *before; /* it comes behind this */
	char given[PLACE_MAX];
} places[] = {
	{.letter = '@', .len = 20, .before = "\"sid\":\""},
	{.letter = '$', .len = 24, .before = "\"sessionId\":\""},
	{.letter = '%', .len = 43, .before = "\"resumeToken\":\""},
};

#define N_PLACES (sizeof places / sizeof *places)

static bool given_anew; /* the places have not been filled since */

static void take_given(struct str news)
{
	for (struct place *p = places; p < places + N_PLACES; p++) {
		size_t n = strlen(p->before);
		const char *at = news.len ? memmem(news.ptr, news.len, p->before, n) : NULL;
		if (at && news.len - (size_t)(at + n - news.ptr) >= p->len)
			memcpy(p->given, at + n, p->len);
	}
}

/* What was given may be a place again: a server tells others what the input says. */
static void fill_place(const struct place *p, char *bytes, size_t n)
{
	char sought[PLACE_MAX], *end = bytes + n;
	memset(sought, p->letter, p->len);
	for (char *at = bytes; (at = memmem(at, (size_t)(end - at), sought, p->len)); at += p->len)
		memcpy(at, p->given, p->len);
}

static void fill_places(char *bytes, size_t n)
{
	if (!given_anew)
		return;
	given_anew = false;
	for (struct place *p = places; p < places + N_PLACES; p++)
		if (p->given[0])
			fill_place(p, bytes, n);
}

/* --- what comes out --- */

static void collect(struct peer *p)
{
	static char bytes[65536];
	ssize_t n;
	while (p->fd >= 0 && (n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
		buf_put(&p->got, str_n(bytes, (size_t)n));
		take_given(str_n(bytes, (size_t)n));
	}
}

/* One frame: final, not masked, of a known kind, its length in the shortest form, text in UTF-8 (RFC 6455 §5). Returns
 * its size; 0 when it is cut off by the connection's end. */
static size_t check_frame(struct str in, bool *closes)
{
	const unsigned char *b = (const unsigned char *)in.ptr;
	if (in.len < 2)
		return 0;
	size_t head = b[1] == 126 ? 4 : b[1] == 127 ? 10 : 2, len = head == 2 ? b[1] : 0;
	if (in.len < head)
		return 0;
	for (size_t i = 2; i < head; i++)
		len = len << 8 | b[i];
	bool known = b[0] == 0x81 || b[0] == 0x82 || b[0] == 0x88 || b[0] == 0x89 || b[0] == 0x8A;
	if (!known || (b[1] & 0x80) || (head == 4 && len < 126) || (head == 10 && len < 65536))
		abort();
	if (in.len - head < len)
		return 0;
	if (b[0] == 0x81 && !str_is_utf8(str_n(in.ptr + head, len)))
		abort();
	*closes = b[0] == 0x88;
	return head + len;
}

/* Everything after the upgrade is frames, and nothing follows a close frame. */
static void check_output(struct str got)
{
	static const char upgraded[] = "HTTP/1.1 101 ";
	const char *at = got.len ? memmem(got.ptr, got.len, upgraded, sizeof upgraded - 1) : NULL;
	const char *end = at ? memmem(at, got.len - (size_t)(at - got.ptr), "\r\n\r\n", 4) : NULL;
	if (got.len && memcmp(got.ptr, "HTTP/1.1 ", got.len < 9 ? got.len : 9) != 0)
		abort();
	if (!end)
		return;
	struct str rest = str_n(end + 4, got.len - (size_t)(end + 4 - got.ptr));
	bool closed = false;
	for (size_t used = 1; used && rest.len; rest = str_n(rest.ptr + used, rest.len - used)) {
		if (closed)
			abort();
		used = check_frame(rest, &closed);
	}
}

/* --- what goes in --- */

static bool is_open(const struct world *w, const struct http_conn *c)
{
	LIST_EACH(&w->server->conns, item)
	{
		if (CONTAINER_OF(item, struct http_conn, link) == c)
			return true;
	}
	return false;
}

/* A turn of the loop, and what came of it. */
static void turn(struct world *w)
{
	uv_run(&loop.uv, UV_RUN_NOWAIT);
	for (struct peer *p = w->peers; p < w->peers + N_CLIENTS; p++) {
		if (!p->deaf)
			collect(p);
		if (p->conn && !is_open(w, p->conn))
			p->conn = NULL;
	}
}

static void pass(struct world *w, int64_t ms)
{
	still_pass(ms);
	for (int i = 0; i < 3; i++)
		turn(w);
}

static void open_peer(struct world *w, struct peer *p)
{
	int fds[2];
	if (w->n_opened++ == MAX_OPENED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	p->fd = fds[1];
	p->deaf = false;
	buf_init(&p->got, 1 << 24);
	http_conn_new(w->server, fds[0], &nowhere);
	p->conn = CONTAINER_OF(w->server->conns.prev, struct http_conn, link);
}

static void close_peer(struct peer *p)
{
	if (p->fd < 0)
		return;
	collect(p);
	check_output(buf_str(&p->got));
	buf_fini(&p->got);
	close(p->fd);
	p->fd = -1;
}

static void go_to(struct world *w, struct peer *p)
{
	w->now = p;
	if (p->conn || w->n_opened == MAX_OPENED)
		return;
	close_peer(p);
	open_peer(w, p);
}

/* Gives one piece in a block of its own, so that a sanitizer sees the first byte read past it. False: no more is read.
 */
static bool give(struct world *w, const char *bytes, size_t n)
{
	struct peer *p = w->now;
	for (int i = 0; i < 4 && p->conn && !p->conn->stream.reading; i++)
		turn(w);
	if (!p->conn || !p->conn->stream.reading)
		return false;
	unsigned char *exact = malloc(n);
	if (!exact)
		abort();
	memcpy(exact, bytes, n);
	p->conn->stream.cb->on_read(&p->conn->stream, exact, n);
	free(exact);
	turn(w);
	return true;
}

static void talk(struct world *w, char *bytes, size_t n)
{
	given_anew = true;
	for (size_t at = 0; at < n; at += w->piece) {
		fill_places(bytes + at, n - at);
		if (!give(w, bytes + at, n - at < w->piece ? n - at : w->piece))
			return;
	}
}

static void settle(void)
{
	played_settle();
	routes_settle();
}

static void happen(struct world *w, unsigned char what)
{
	struct call_announcer announcer;
	signal_announcer(w->signal, &announcer);
	switch (what) {
	case '0':
	case '1':
	case '2': go_to(w, &w->peers[what - '0']); break;
	case 'a': played_announce(&announcer); break;
	case 'd': signal_drain(w->signal, 1000); break;
	case 'e':
		if (w->now->fd >= 0)
			shutdown(w->now->fd, SHUT_WR);
		break;
	case 'x': close_peer(w->now); break;
	case 'p': w->now->deaf = !w->now->deaf; break;
	case 's': settle(); break;
	default: pass(w, (int64_t)what * what * 2); /* up to 130 s */
	}
	turn(w);
}

static void play(struct world *w, char *bytes, size_t n)
{
	while (n) {
		char *mark = memmem(bytes, n, MARK, sizeof MARK - 1);
		size_t len = mark ? (size_t)(mark - bytes) : n;
		talk(w, bytes, len);
		if (!mark || len + sizeof MARK > n)
			return;
		happen(w, (unsigned char)mark[sizeof MARK - 1]);
		bytes += len + sizeof MARK;
		n -= len + sizeof MARK;
	}
}

/* --- a server --- */

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

static void run_until(struct world *w, const bool *done)
{
	for (int i = 0; !*done; i++) {
		turn(w);
		still_pass(100);
		if (i == 10000)
			abort();
	}
}

static struct http_server *open_http(unsigned setup)
{
	static const char *const origins[] = {"https://app.example"};
	struct http_server *server;
	struct addr_net all = {.family = AF_INET, .bits = 8, .ip = {127}};
	bool small = setup & SETUP_SMALL;
	const struct http_config config = {
		.listen = &nowhere,
		.n_listen = 1,
		.origins = origins,
		.n_origins = setup & SETUP_ORIGINS ? 1 : 0,
		.trusted = &all,
		.n_trusted = setup & SETUP_TRUSTED ? 1 : 0,
		.max_queue_bytes = small ? 2048 : 0,
		.max_per_address = small ? 2 : 0,
	};
	if (http_server_new(&loop, &config, NULL, &server) < 0)
		abort();
	return server;
}

static struct signal *open_signal(struct http_server *server, unsigned setup)
{
	struct signal *signal;
	bool small = setup & SETUP_SMALL;
	const struct signal_config config = {
		.loop = &loop,
		.http = server,
		.keys = &keys,
		.max_payload = small ? 512 : 8192,
		.max_queue = small ? 1024 : 0,
		.max_connections = small ? 2 : 0,
		.max_user_sessions = small ? 1 : 0,
		.events_per_s = small ? 1 : 0,
		.events_burst = small ? 2 : 0,
		.protocol_echo = setup & SETUP_ECHO,
	};
	if (signal_new(&config, &signal) < 0)
		abort();
	return signal;
}

static void open_world(struct world *w, unsigned setup, unsigned piece)
{
	*w = (struct world){.piece = piece ? piece * 4 : INPUT_SIZE};
	played_begin(setup & SETUP_LATE);
	for (struct place *p = places; p < places + N_PLACES; p++)
		p->given[0] = 0;
	w->server = open_http(setup);
	routes_begin(w->server);
	w->signal = open_signal(w->server, setup);
	for (size_t i = 0; i < N_CLIENTS; i++)
		w->peers[i].fd = -1;
	go_to(w, &w->peers[0]);
}

static void close_world(struct world *w)
{
	bool signal_closed = false, http_closed = false;
	struct list *conns = &w->server->conns;
	settle();
	for (struct list *item = conns->next; item != conns; item = item->next)
		stream_abort(&CONTAINER_OF(item, struct http_conn, link)->stream);
	signal_close(w->signal, on_closed, &signal_closed);
	run_until(w, &signal_closed);
	settle();
	http_server_close(w->server, on_closed, &http_closed);
	while (!http_closed) {
		uv_run(&loop.uv, UV_RUN_NOWAIT);
		still_pass(100);
	}
	signal_free(w->signal);
	for (size_t i = 0; i < N_CLIENTS; i++)
		close_peer(&w->peers[i]);
}

static void init(void)
{
	static bool is_ready;
	if (is_ready)
		return;
	is_ready = true;
	log_set_level(LOG_ERROR);
	if (loop_init(&loop) < 0 || jwt_keys_add_secret(&keys, STR(SECRET)) < 0 ||
		addr_parse(STR("127.0.0.1:0"), &nowhere) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char bytes[INPUT_SIZE];
	struct world w;
	if (size < 3 || size > INPUT_SIZE)
		return 0;
	still_begin();
	init();
	open_world(&w, data[0], data[1]);
	memcpy(bytes, data + 2, size - 2);
	play(&w, bytes, size - 2);
	close_world(&w);
	return 0;
}

/* Creations over REST: callers that each wait for their answer, on connections that stay open.
 *
 *   BELLWIRE_SECRET=… rest_load PORT CALLERS FIRST N
 *
 * Creates N calls between people numbered from FIRST on (two to a call, 25 calls to a channel, which it makes before
 * the clock starts), and prints creations a second and percentiles of the waiting as one JSON line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/jwt.h"

#define CALLERS_MAX 256
#define CALLS_PER_CHANNEL 25
#define ANSWER_MAX 65536

struct caller {
	int fd;
	size_t at; /* which request */
	double since;
	size_t len;
	char answer[ANSWER_MAX];
};

static struct jwt_keys keys;
static struct caller callers[CALLERS_MAX];
static char **requests; /* owned */
static double *samples;
static size_t n_requests, n_sent, n_answered;
static int port;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "rest_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- requests --- */

static char *make_request(const char *line, const char *user, bool is_server, struct str body)
{
	struct jwt_claims claims = {.is_server = is_server, .expires_at_ms = clock_wall_ms() + 3600000};
	struct buf out;
	buf_init(&out, 1 << 20);
	snprintf(claims.user_id, sizeof claims.user_id, "%s", user);
	buf_printf(&out, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer ",
		line);
	jwt_sign(&claims, &keys, clock_wall_ms(), &out);
	buf_printf(&out, "\r\nContent-Length: %zu\r\n\r\n", body.len);
	buf_put(&out, body);
	char *request = buf_take(&out, NULL);
	if (!request)
		give_up("a request");
	return request;
}

static char *make_channel(size_t channel)
{
	struct buf body;
	char line[64];
	buf_init(&body, 1 << 20);
	buf_put(&body, STR("{\"members\":["));
	for (size_t i = 0; i < 2 * CALLS_PER_CHANNEL; i++)
		buf_printf(&body, "%s\"user-%zu\"", i ? "," : "", channel * 2 * CALLS_PER_CHANNEL + i);
	buf_put(&body, STR("]}"));
	snprintf(line, sizeof line, "PUT /api/channels/channel-%zu", channel);
	char *request = make_request(line, "host", true, buf_str(&body));
	buf_fini(&body);
	return request;
}

static char *make_call(size_t n)
{
	char body[256], user[32];
	snprintf(user, sizeof user, "user-%zu", 2 * n);
	int len = snprintf(body, sizeof body,
		"{\"channelId\":\"channel-%zu\",\"callType\":\"video\",\"participants\":[\"user-%zu\"]}",
		n / CALLS_PER_CHANNEL, 2 * n + 1);
	return make_request("POST /api/calls", user, false, str_n(body, (size_t)len));
}

/* --- answers --- */

/* Whether a whole answer has come; its status must be 201 or 200. */
static bool is_whole(const struct caller *c)
{
	const char *end = memmem(c->answer, c->len, "\r\n\r\n", 4);
	const char *length = memmem(c->answer, c->len, "ontent-", 7);
	if (!end)
		return false;
	while (length && strncasecmp(length, "ontent-length:", 14) != 0)
		length = memmem(length + 1, (size_t)(end - length), "ontent-", 7);
	if (!length)
		give_up("an answer without a length");
	size_t want = (size_t)(end - c->answer) + 4 + strtoul(length + 14, NULL, 10);
	if (c->len >= want && memcmp(c->answer + 9, "20", 2) != 0) {
		fprintf(stderr, "%.*s\n", (int)c->len, c->answer);
		exit(1);
	}
	return c->len >= want;
}

static void send_next(struct caller *c)
{
	if (n_sent == n_requests) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	c->at = n_sent++;
	c->len = 0;
	c->since = now();
	size_t len = strlen(requests[c->at]);
	if (write(c->fd, requests[c->at], len) != (ssize_t)len)
		give_up("write");
}

static void read_answer(struct caller *c)
{
	ssize_t n = read(c->fd, c->answer + c->len, sizeof c->answer - 1 - c->len);
	if (n <= 0)
		give_up("read");
	c->len += (size_t)n;
	c->answer[c->len] = '\0';
	if (!is_whole(c))
		return;
	samples[n_answered++] = now() - c->since;
	send_next(c);
}

/* --- the run --- */

static void open_caller(struct caller *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0)
		give_up("connect");
}

/* Sends all requests; returns the seconds that it took. */
static double run_all(size_t n_callers)
{
	struct pollfd fds[CALLERS_MAX];
	n_sent = n_answered = 0;
	for (size_t i = 0; i < n_callers; i++)
		open_caller(&callers[i]);
	double begin = now();
	for (size_t i = 0; i < n_callers; i++)
		send_next(&callers[i]);
	while (n_answered < n_requests) {
		for (size_t i = 0; i < n_callers; i++)
			fds[i] = (struct pollfd){callers[i].fd, POLLIN, 0};
		if (poll(fds, n_callers, 10000) <= 0)
			give_up("no answer in ten seconds");
		for (size_t i = 0; i < n_callers; i++)
			if (fds[i].revents)
				read_answer(&callers[i]);
	}
	return now() - begin;
}

static void make_requests(size_t from, size_t n, char *(*make)(size_t n))
{
	n_requests = n;
	for (size_t i = 0; i < n; i++)
		requests[i] = make(from + i);
}

static void free_requests(void)
{
	for (size_t i = 0; i < n_requests; i++)
		mem_free(requests[i]);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const char *secret = getenv("BELLWIRE_SECRET");
	if (argc != 5 || !secret) {
		fprintf(stderr, "usage: BELLWIRE_SECRET=… rest_load PORT CALLERS FIRST N\n");
		return 2;
	}
	port = (int)strtol(argv[1], NULL, 10);
	size_t n_callers = strtoul(argv[2], NULL, 10), first = strtoul(argv[3], NULL, 10),
	       n = strtoul(argv[4], NULL, 10);
	jwt_keys_init(&keys);
	requests = calloc(n + 1, sizeof *requests);
	samples = calloc(n + 1, sizeof *samples);
	if (jwt_keys_add_secret(&keys, str_of(secret)) < 0 || !requests || !samples || !n || !n_callers ||
		n_callers > CALLERS_MAX)
		return 2;
	make_requests(first / CALLS_PER_CHANNEL, n / CALLS_PER_CHANNEL + 1, make_channel);
	run_all(1);
	free_requests();
	make_requests(first, n, make_call);
	double took = run_all(n_callers);
	qsort(samples, n, sizeof *samples, by_size);
	printf("{\"perSecond\":%.0f,\"p50ms\":%.2f,\"p99ms\":%.2f}\n", (double)n / took, samples[n / 2] * 1000,
		samples[(size_t)((double)(n - 1) * 0.99)] * 1000);
	free_requests();
	return 0;
}

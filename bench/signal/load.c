/* Clients of a Socket.IO server and what they cost it.
 *
 *   BELLWIRE_SECRET=… signal_load PORT PID websocket|tls|polling N WHO [CALLS]
 *
 * Connects N clients to /webrtc as users WHO0, WHO1, …; with CALLS, a file of call ids, the first of them join
 * these, two and two.
 * With LOAD_FIRST=PATH in the environment each WebSocket's connection fetches that before its upgrade; with LOAD_PROMPT
 * it gets a core as soon as it has something to do, as on a machine of its own (where the kernel knows how).
 * Prints one line of JSON about that, then one for each command read:
 *
 *   candidate|offer WINDOW 0 MS   closed loop: each client has WINDOW messages under way and answers each with one
 *   candidate|offer 0 RATE MS     RATE messages a second, evenly, from one client after another
 *   storm TICKETS 0 0             cuts all connections at once, and waits until all are back in their sessions;
 *                                 TICKETS: 1 with those of TLS, 0 with full handshakes
 *
 * CPU is that of all threads of process PID, from the system, for each message that arrived.
 */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 64
#define WARM_UP_US 300000
#define DRAIN_US 5000000
#define STAMP_LEN 16
#define N_SAMPLES 1000000
#define LINE_MAX_BYTES 256

struct setup setup;
struct client *clients;
size_t n_ready;

static int server_pid;
static size_t n_sent, n_received;
static bool answering, sampling, with_offers;
static uint32_t *samples; /* of latency, in µs */
static size_t n_samples;

_Noreturn void give_up(const char *what)
{
	fprintf(stderr, "signal_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

double cpu_us(void)
{
	char path[64], file[400];
	long long ns, sum = 0;
	snprintf(path, sizeof path, "/proc/%d/task", server_pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		snprintf(file, sizeof file, "%s/%s/schedstat", path, e->d_name);
		FILE *f = e->d_name[0] == '.' ? NULL : fopen(file, "r");
		if (f && fscanf(f, "%lld", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (!d)
		give_up(path);
	closedir(d);
	return (double)sum / 1000;
}

/* --- messages --- */

static void send_one(struct client *c)
{
	const struct message *m = with_offers ? &c->offer : &c->candidate;
	char stamp[STAMP_LEN + 1];
	if (sampling) {
		snprintf(stamp, sizeof stamp, "%016llx", (unsigned long long)now_us());
		memcpy(m->bytes + m->stamp_at, stamp, STAMP_LEN);
	}
	link_send_message(c, m);
	n_sent++;
}

static void take_sample(struct str packet)
{
	static const char before[] = "\"usernameFragment\":\"";
	const char *at = memmem(packet.ptr, packet.len, before, sizeof before - 1);
	if (at && n_samples < N_SAMPLES)
		samples[n_samples++] = (uint32_t)(now_us() - (int64_t)strtoull(at + sizeof before - 1, NULL, 16));
}

void load_event(struct client *c, struct str packet)
{
	if (!str_starts_with(packet, with_offers ? STR("42/webrtc,[\"call.offer\"") : STR("42/webrtc,[\"call.ice-")))
		return;
	n_received++;
	if (sampling)
		take_sample(packet);
	if (answering)
		send_one(c);
}

/* --- a run --- */

struct run {
	size_t window;
	double rate; /* messages a second; 0: a closed loop */
	int64_t us;
};

static void pace(const struct run *r, int64_t us)
{
	int64_t begin = now_us(), now;
	size_t sent = 0;
	while ((now = now_us()) < begin + us) {
		size_t due = (size_t)((double)(now - begin) * r->rate / 1e6);
		for (; sent < due; sent++)
			send_one(&clients[n_sent % (2 * setup.n_calls)]);
		link_turn(500);
	}
}

static void go_on(const struct run *r, int64_t us)
{
	if (r->rate > 0) {
		pace(r, us);
		return;
	}
	for (int64_t end = now_us() + us; now_us() < end;)
		link_turn(100000);
}

static void drain(void)
{
	answering = false;
	for (int64_t end = now_us() + DRAIN_US; n_received < n_sent;) {
		link_turn(100000);
		if (now_us() > end)
			give_up("messages were lost");
	}
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static double percentile_ms(double share)
{
	return n_samples ? samples[(size_t)((double)(n_samples - 1) * share)] / 1e3 : 0;
}

static void run(const struct run *r)
{
	n_sent = n_received = n_samples = 0;
	answering = r->rate <= 0;
	sampling = false;
	for (size_t i = 0; answering && i < 2 * setup.n_calls * r->window; i++)
		send_one(&clients[i % (2 * setup.n_calls)]);
	go_on(r, WARM_UP_US);
	sampling = r->rate > 0 && !with_offers;
	double cpu = -cpu_us();
	int64_t begin = now_us();
	size_t before = n_received;
	go_on(r, r->us);
	cpu += cpu_us();
	double n = (double)(n_received - before), seconds = (double)(now_us() - begin) / 1e6;
	drain();
	qsort(samples, n_samples, sizeof *samples, by_size);
	printf("{\"cpuUs\":%.2f,\"perSecond\":%.0f,\"busy\":%.3f,\"p50ms\":%.3f,\"p99ms\":%.3f}\n", cpu / n,
		n / seconds, cpu / 1e6 / seconds, percentile_ms(0.5), percentile_ms(0.99));
	fflush(stdout);
}

/* --- commands --- */

static void command(const char *line)
{
	char kind[16];
	struct run r = {0};
	double ms;
	if (sscanf(line, "%15s %zu %lf %lf", kind, &r.window, &r.rate, &ms) != 4)
		give_up("an unknown command");
	if (strcmp(kind, "storm") == 0) {
		storm(r.window > 0);
		return;
	}
	if (!setup.n_calls)
		give_up("messages without calls");
	with_offers = strcmp(kind, "offer") == 0;
	r.us = (int64_t)(ms * 1000);
	run(&r);
}

/* Between commands heartbeats are answered. */
static void serve_commands(void)
{
	char line[LINE_MAX_BYTES];
	size_t len = 0;
	for (;;) {
		struct pollfd in = {STDIN_FILENO, POLLIN, 0};
		link_turn(10000);
		if (poll(&in, 1, 0) <= 0)
			continue;
		if (len == sizeof line - 1 || read(STDIN_FILENO, line + len, 1) != 1)
			return;
		if (line[len++] == '\n') {
			line[len] = '\0';
			len = 0;
			command(line);
		}
	}
}

static void read_calls(const char *path)
{
	FILE *f = fopen(path, "re");
	setup.calls = calloc(setup.n / 2, sizeof *setup.calls);
	if (!f || !setup.calls)
		give_up(path);
	while (setup.n_calls < setup.n / 2 && fscanf(f, "%ms", &setup.calls[setup.n_calls]) == 1)
		setup.n_calls++;
	fclose(f);
}

static void raise_limit(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Asks for short turns on its core, the first of which comes the sooner for that: Linux 6.12. */
static void be_prompt(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t slice_ns, deadline, period;
	} attributes = {.size = sizeof attributes, .slice_ns = 100000};
	syscall(SYS_sched_setattr, 0, &attributes, 0);
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		fprintf(stderr, "signal_load PORT PID websocket|tls|polling N WHO [CALLS]\n");
		return 2;
	}
	setup = (struct setup){.port = (uint16_t)atoi(argv[1]),
		.polling = strcmp(argv[3], "polling") == 0,
		.tls = strcmp(argv[3], "tls") == 0,
		.n = strtoul(argv[4], NULL, 10),
		.who = argv[5],
		.first = getenv("LOAD_FIRST")};
	server_pid = atoi(argv[2]);
	if (getenv("LOAD_PROMPT"))
		be_prompt();
	if (argc > 6)
		read_calls(argv[6]);
	clients = calloc(setup.n, sizeof *clients);
	samples = calloc(N_SAMPLES, sizeof *samples);
	if (!clients || !samples)
		give_up("memory");
	raise_limit();
	signal(SIGPIPE, SIG_IGN);
	client_fill_tokens();
	wire_init();
	link_init();
	double cpu = -cpu_us();
	clients_open(AT_ONCE);
	cpu += cpu_us();
	printf("{\"cpuUs\":%.2f}\n", cpu / (double)setup.n);
	fflush(stdout);
	serve_commands();
	return 0;
}

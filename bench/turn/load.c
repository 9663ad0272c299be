/* The load on a relay: as many flows, packets and bursts as asked, both ways, and what came through.
 *
 *   turn_load --server ADDR:PORT [--secret S] --pid PID --load A|V|VG [--seconds N] [--scale PERCENT] [--patient]
 *   turn_load --server ADDR:PORT --secret S --pid PID --load allocations
 *
 * A: 500 flows of 160 bytes, 50 a second each way. V: 60 flows of bursts of nine 1,200 bytes every 33 ms each way.
 * VG: V whose ends send and receive bursts as one GSO buffer. Prints one line of JSON; CPU is the server process's,
 * from /proc, for each packet that arrived at its end.
 */
#include "load.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_FLOWS 4000
#define N_PEERS 16 /* sockets that the flows' peers share */
#define MAX_BURST 16
#define N_ALLOCATIONS MAX_FLOWS
#define N_CALLERS 16
#define HEADER 4 /* of ChannelData */
#define N_LATENCIES 2000000
#define WARM_UP_NS 1000000000ll
#define RENEW_NS 200000000000ll /* well before a channel's permission lapses */

struct shape {
	unsigned flows, size, burst;
	int64_t period_ns;
	bool gso;
};

static struct flow flows[MAX_FLOWS];
static int peers[N_PEERS];
static struct sockaddr_in peer_addr[N_PEERS];
static struct shape shape;
static struct load_server server;
static uint64_t n_sent, n_received;
static bool counting;
static bool patient; /* sleeps to the next burst: other work on the machine has the core meanwhile */
static uint32_t *latencies;
static size_t n_latencies;

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* The CPU time of all threads of a process so far. */
static int64_t cpu_ns(int pid)
{
	char path[64];
	int64_t sum = 0;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		char file[400];
		long long ns;
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s/schedstat", path, e->d_name);
		FILE *f = fopen(file, "r");
		if (f && fscanf(f, "%lld", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return sum;
}

static long resident_kb(int pid)
{
	char path[64], line[256];
	long kb = 0;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}

/* A load that waits for its turn must not be what loses packets: beyond the system's limit if that is permitted. */
static void widen(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static bool open_peers(int epoll)
{
	int one = 1;
	for (int i = 0; i < N_PEERS; i++) {
		socklen_t len = sizeof peer_addr[i];
		peer_addr[i] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		peers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		widen(peers[i], 32 << 20);
		if (shape.gso)
			setsockopt(peers[i], SOL_UDP, UDP_GRO, &one, sizeof one);
		struct epoll_event e = {.events = EPOLLIN, .data.fd = peers[i]};
		if (bind(peers[i], (struct sockaddr *)&peer_addr[i], len) != 0 ||
			getsockname(peers[i], (struct sockaddr *)&peer_addr[i], &len) != 0 ||
			epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i], &e) != 0)
			return false;
	}
	return true;
}

static bool open_flows(int epoll)
{
	int one = 1;
	for (unsigned i = 0; i < shape.flows; i++) {
		if (!flow_open(&flows[i], &server, &peer_addr[i % N_PEERS], i))
			return false;
		widen(flows[i].fd, 4 << 20);
		if (shape.gso)
			setsockopt(flows[i].fd, SOL_UDP, UDP_GRO, &one, sizeof one);
		struct epoll_event e = {.events = EPOLLIN, .data.fd = flows[i].fd};
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, flows[i].fd, &e) != 0)
			return false;
	}
	return true;
}

/* A burst is sent with one call either way; `head` bytes of ChannelData go before each packet. */
static void send_burst(int fd, const struct sockaddr_in *to, unsigned head)
{
	static uint8_t packets[MAX_BURST][2048];
	struct mmsghdr msgs[MAX_BURST] = {0};
	struct iovec iov[MAX_BURST];
	char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
	int64_t now = now_ns();
	for (unsigned i = 0; i < shape.burst; i++) {
		uint8_t *p = packets[i];
		if (head)
			memcpy(p, (uint8_t[]){0x40, 0, (uint8_t)(shape.size >> 8), (uint8_t)shape.size}, HEADER);
		memcpy(p + head, &now, sizeof now);
		p[head + sizeof now] = counting;
		iov[i] = (struct iovec){p, head + shape.size};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		msgs[i].msg_hdr.msg_name = (void *)(uintptr_t)to;
		msgs[i].msg_hdr.msg_namelen = to ? sizeof *to : 0;
	}
	n_sent += counting ? shape.burst : 0;
	if (!shape.gso) {
		sendmmsg(fd, msgs, shape.burst, MSG_DONTWAIT);
		return;
	}
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;
	uint16_t size = (uint16_t)(head + shape.size);
	*c = (struct cmsghdr){CMSG_LEN(sizeof size), SOL_UDP, UDP_SEGMENT};
	memcpy(CMSG_DATA(c), &size, sizeof size);
	msgs[0].msg_hdr.msg_iovlen = shape.burst;
	msgs[0].msg_hdr.msg_control = control;
	msgs[0].msg_hdr.msg_controllen = sizeof control;
	sendmsg(fd, &msgs[0].msg_hdr, MSG_DONTWAIT);
}

static void take_packet(const uint8_t *p, size_t len, int64_t now)
{
	/* A client sees the channel's header before the packet, unless the forwarder is bare. */
	size_t head = len - shape.size;
	int64_t then;
	if (len < shape.size || head > HEADER)
		return;
	memcpy(&then, p + head, sizeof then);
	if (!p[head + sizeof then])
		return;
	n_received++;
	if (n_latencies < N_LATENCIES)
		latencies[n_latencies++] = (uint32_t)((now - then) / 1000);
}

static void receive(int fd)
{
	static uint8_t bytes[16][65536];
	static struct mmsghdr msgs[16];
	struct iovec iov[16];
	char control[16][64];
	for (int i = 0; i < 16; i++) {
		iov[i] = (struct iovec){bytes[i], sizeof bytes[i]};
		msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
		msgs[i].msg_hdr.msg_control = control[i];
		msgs[i].msg_hdr.msg_controllen = sizeof control[i];
	}
	int n = recvmmsg(fd, msgs, 16, MSG_DONTWAIT, NULL);
	int64_t now = now_ns();
	for (int i = 0; i < n; i++) {
		size_t len = msgs[i].msg_len, part = len;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msgs[i].msg_hdr);
		if (c && c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof size);
			part = (size_t)size;
		}
		for (size_t at = 0; at < len; at += part)
			take_packet(bytes[i] + at, len - at < part ? len - at : part, now);
	}
}

static void receive_all(int epoll, int64_t timeout_ns)
{
	struct epoll_event events[256];
	struct timespec t = {timeout_ns / 1000000000, timeout_ns % 1000000000};
	int n = epoll_pwait2(epoll, events, 256, &t, NULL);
	for (int i = 0; i < n; i++)
		receive(events[i].data.fd);
}

static int64_t idle_ns(int64_t left_ns)
{
	if (patient)
		return left_ns > 0 ? left_ns : 0;
	return left_ns > 1500000 ? 1000000 : 0;
}

/* Flow i of n sends at phase i/n of the period, so that the load is even. */
static void run(int epoll, int64_t length_ns)
{
	unsigned head = server.secret ? HEADER : 0;
	int64_t start = now_ns(), due = 0;
	for (uint64_t k = 0; due < length_ns; k++) {
		due = (int64_t)(k / shape.flows) * shape.period_ns +
		      (int64_t)(k % shape.flows) * shape.period_ns / shape.flows;
		do /* also when late: what waits here is not lost by the server */
			receive_all(epoll, idle_ns(due - (now_ns() - start)));
		while (now_ns() - start < due);
		struct flow *f = &flows[k % shape.flows];
		if (server.secret && due / RENEW_NS != (due - shape.period_ns) / RENEW_NS && due > shape.period_ns)
			flow_renew(f, &peer_addr[k % shape.flows % N_PEERS]);
		send_burst(f->fd, NULL, head);
		send_burst(peers[k % shape.flows % N_PEERS], &f->relayed, 0);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static double percentile(double p)
{
	return n_latencies ? latencies[(size_t)((double)(n_latencies - 1) * p)] : 0;
}

static int measure(int pid, int seconds)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	latencies = malloc(N_LATENCIES * sizeof *latencies);
	if (!latencies || !open_peers(epoll) || !open_flows(epoll))
		return 1;
	run(epoll, WARM_UP_NS);
	counting = true;
	int64_t cpu = cpu_ns(pid), began = now_ns();
	run(epoll, seconds * 1000000000ll);
	counting = false;
	int64_t took = now_ns() - began;
	for (int64_t end = now_ns() + 300000000; now_ns() < end;)
		receive_all(epoll, 10000000);
	cpu = cpu_ns(pid) - cpu;
	qsort(latencies, n_latencies, sizeof *latencies, compare);
	printf("{\"sent\":%lu,\"received\":%lu,\"loss\":%.6f,\"us\":%.3f,\"p50\":%.0f,\"p99\":%.0f,\"rate\":%.0f}\n",
		n_sent, n_received, n_sent ? 1 - (double)n_received / (double)n_sent : 0,
		(double)cpu / 1000 / (double)(n_received ? n_received : 1), percentile(0.5), percentile(0.99),
		(double)n_sent / ((double)took / 1e9));
	return 0;
}

static bool allocate_some(unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		if (!flow_connect(&flows[i], &server, i) || !flow_allocate(&flows[i]))
			return false;
	return true;
}

/* A caller says whether all went well and stays, since a port that it gave back would come again in a new 5-tuple. */
static pid_t start_caller(unsigned from, unsigned n, int done)
{
	pid_t child = fork();
	if (child)
		return child;
	char ok = allocate_some(from, n) ? 1 : 0;
	if (write(done, &ok, 1) == 1)
		pause();
	_exit(1);
}

/* Clients that are challenged, allocate and stay, in N_CALLERS processes so that the server is what is waited for; and
 * what the server's memory grew by each. */
static int measure_allocations(int pid)
{
	long before = resident_kb(pid);
	int64_t cpu = cpu_ns(pid), began = now_ns();
	unsigned each = N_ALLOCATIONS / N_CALLERS, n = each * N_CALLERS, n_ok = 0;
	pid_t callers[N_CALLERS];
	int done[2];
	if (pipe(done) != 0)
		return 1;
	for (unsigned i = 0; i < N_CALLERS; i++)
		callers[i] = start_caller(i * each, each, done[1]);
	for (unsigned i = 0; i < N_CALLERS; i++) {
		char ok = 0;
		n_ok += read(done[0], &ok, 1) == 1 && ok;
	}
	double took = (double)(now_ns() - began) / 1e9;
	printf("{\"allocations\":%u,\"per_second\":%.0f,\"us\":%.1f,\"bytes\":%.0f}\n", n, n / took,
		(double)(cpu_ns(pid) - cpu) / 1000 / n, (double)(resident_kb(pid) - before) * 1024 / n);
	for (unsigned i = 0; i < N_CALLERS; i++)
		kill(callers[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	return n_ok == N_CALLERS ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"server", 1, NULL, 's'}, {"secret", 1, NULL, 'k'},
		{"pid", 1, NULL, 'p'}, {"load", 1, NULL, 'l'}, {"seconds", 1, NULL, 't'}, {"scale", 1, NULL, 'x'},
		{"patient", 0, NULL, 'w'}, {NULL, 0, NULL, 0}};
	const char *load = "A";
	int c, pid = 0, seconds = 5, scale = 100;
	union turn_addr addr = {0};
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			if (turn_addr_parse(str_of(optarg), &addr))
				return 2;
			break;
		case 'k': server.secret = optarg; break;
		case 'p': pid = atoi(optarg); break;
		case 'l': load = optarg; break;
		case 't': seconds = atoi(optarg); break;
		case 'x': scale = atoi(optarg); break;
		case 'w': patient = true; break;
		default: return 2;
		}
	}
	server.addr = addr.v4;
	if (strcmp(load, "allocations") == 0)
		return measure_allocations(pid);
	shape = load[0] == 'A' ? (struct shape){500, 160, 1, 20000000, false}
			       : (struct shape){60, 1200, 9, 33000000, strcmp(load, "VG") == 0};
	shape.period_ns = shape.period_ns * 100 / (scale > 0 ? scale : 100);
	return measure(pid, seconds);
}

/* Many uploads at a steady pace, from one thread that sleeps between its rounds.
 *
 *   upload_load PORT BYTES_PER_SECOND SECONDS < "PATH TOKEN" lines
 *
 * Each line is an upload of unknown length. Its connection sends PATCHes of CHUNK bytes one after the other, in pieces
 * every tenth of a second, and waits for each answer. Prints one line of JSON; an answer that is not 204 ends it
 * with 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 625000	/* five seconds of a megabit */
#define ROUND_US 1000	/* on average: something else that comes every millisecond does not meet each or none */
#define ROUNDS 100	/* in which each upload has its turn once: few at a time, as they come from many networks */
#define RAMP_US 5000000 /* they begin at different times, so that their chunks do not all end at once */
#define MOST 2000
#define ANSWER_SIZE 4096

struct upload {
	int fd;
	char path[80];
	char token[400];
	int64_t offset; /* acknowledged */
	size_t in_chunk;
	bool waits; /* for an answer */
	char answer[ANSWER_SIZE];
	size_t n_answer;
};

static struct upload uploads[MOST];
static size_t n_uploads;
static double rate;
static char bytes[CHUNK];
static uint64_t n_chunks, n_bytes;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "upload_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

static void open_upload(struct upload *u, uint16_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	u->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (u->fd < 0 || connect(u->fd, (struct sockaddr *)&to, sizeof to) < 0)
		give_up("connect");
	fcntl(u->fd, F_SETFL, O_NONBLOCK);
}

static void begin_chunk(struct upload *u)
{
	char head[1024];
	int n = snprintf(head, sizeof head,
		"PATCH %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\n"
		"Upload-Offset: %lld\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n",
		u->path, u->token, (long long)u->offset, CHUNK);
	if (send(u->fd, head, (size_t)n, MSG_NOSIGNAL) != n)
		give_up("send");
}

static void read_answer(struct upload *u)
{
	ssize_t n = recv(u->fd, u->answer + u->n_answer, ANSWER_SIZE - 1 - u->n_answer, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		give_up("recv");
	u->n_answer += (size_t)n;
	u->answer[u->n_answer] = 0;
	if (!strstr(u->answer, "\r\n\r\n"))
		return;
	if (strncmp(u->answer, "HTTP/1.1 204", 12) != 0) {
		fprintf(stderr, "%s\n", u->answer);
		give_up("answer");
	}
	u->n_answer = 0;
	u->waits = false;
	u->in_chunk = 0;
	u->offset += CHUNK;
	n_chunks++;
}

/* Sends what is due by now. */
static void serve(struct upload *u, int64_t us)
{
	int64_t due = (int64_t)(rate * (double)us / 1e6);
	if (u->waits)
		read_answer(u);
	while (!u->waits && u->offset + (int64_t)u->in_chunk < due) {
		if (u->in_chunk == 0)
			begin_chunk(u);
		size_t want = (size_t)(due - u->offset) - u->in_chunk;
		size_t left = CHUNK - u->in_chunk;
		ssize_t n = send(u->fd, bytes + u->in_chunk, want < left ? want : left, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			give_up("send");
		u->in_chunk += (size_t)n;
		n_bytes += (uint64_t)n;
		u->waits = u->in_chunk == CHUNK;
	}
}

static void read_uploads(uint16_t port)
{
	while (n_uploads < MOST && scanf("%79s %399s", uploads[n_uploads].path, uploads[n_uploads].token) == 2)
		open_upload(&uploads[n_uploads++], port);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "upload_load PORT BYTES_PER_SECOND SECONDS\n");
		return 2;
	}
	rate = atof(argv[2]);
	/* Every chunk begins as a WebM does, which only the first has to. */
	memcpy(bytes, "\x1a\x45\xdf\xa3", 4);
	read_uploads((uint16_t)atoi(argv[1]));
	int64_t begin = now_us(), end = begin + (int64_t)(atof(argv[3]) * 1e6);
	for (size_t round = 0; now_us() < end; round++) {
		for (size_t i = round % ROUNDS; i < n_uploads; i += ROUNDS)
			serve(&uploads[i], now_us() - begin - (int64_t)(i * RAMP_US / n_uploads));
		int64_t rest = begin + (int64_t)(round + 1) * ROUND_US + rand() % ROUND_US - now_us();
		if (rest > 0)
			usleep((useconds_t)rest);
	}
	double seconds = (double)(now_us() - begin) / 1e6;
	printf("{\"uploads\":%zu,\"chunks\":%llu,\"bytesPerSecond\":%.0f}\n", n_uploads, (unsigned long long)n_chunks,
		(double)n_bytes / seconds);
	return 0;
}

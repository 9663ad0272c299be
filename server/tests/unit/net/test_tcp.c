/* Listening and streams over loopback: refusals, pauses, the end of descriptors, closing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "check.h"
#include "net/tcp.h"

#define BIG (16u << 20) /* more than the system's buffers take */

static char bytes[BIG];
static struct loop loop;
static struct net net;
static struct listener listener;
static int n_accepted;
static int accepted[2000];
static bool listener_gone;

static struct {
	struct stream stream;
	size_t n_read;
	int n_ends, n_drains, last_end;
	bool closed;
} peer;

static void on_accept(struct listener *l, int fd, const struct addr *from)
{
	(void)l;
	assert_true(addr_is_loopback(from));
	accepted[n_accepted++] = fd;
}

static void on_listener_closed(struct listener *l)
{
	(void)l;
	listener_gone = true;
}

static void run(int ms)
{
	int64_t until = clock_mono_ms() + ms;
	do {
		uv_run(&loop.uv, UV_RUN_NOWAIT);
		usleep(200);
	} while (clock_mono_ms() < until);
}

static int start(void **state)
{
	(void)state;
	struct addr any;
	n_accepted = 0;
	peer.closed = true;
	listener_gone = false;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(net_init(&net, &loop), 0);
	assert_int_equal(addr_parse(STR("127.0.0.1:0"), &any), 0);
	return listener_open(&listener, &net, &any, on_accept, NULL);
}

static int stop(void **state)
{
	(void)state;
	if (!peer.closed)
		stream_abort(&peer.stream);
	listener_close(&listener, on_listener_closed);
	while (!listener_gone)
		run(1);
	for (int i = 0; i < n_accepted; i++)
		close(accepted[i]);
	loop_fini(&loop);
	net_fini(&net);
	return 0;
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int small = 65536;
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	assert_int_equal(connect(fd, &listener.addr.any, addr_len(&listener.addr)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void ports_that_cannot_be_had(void **state)
{
	(void)state;
	struct listener other;
	struct addr taken = listener.addr;
	assert_true(addr_port(&taken) != 0);
	assert_int_equal(listener_open(&other, &net, &taken, on_accept, NULL), ERR_EXISTS);
	assert_int_equal(addr_parse(STR("192.0.2.1:0"), &taken), 0);
	assert_int_equal(listener_open(&other, &net, &taken, on_accept, NULL), ERR_BAD_FIELD);
}

static void while_paused_connections_wait(void **state)
{
	(void)state;
	listener_pause(&listener);
	int fd = dial();
	run(20);
	assert_int_equal(n_accepted, 0);
	listener_resume(&listener);
	run(20);
	assert_int_equal(n_accepted, 1);
	close(fd);
}

/* The first in the queue is refused, nothing spins, and with room again all goes on. */
static void without_descriptors_it_waits(void **state)
{
	(void)state;
	struct rlimit before, tight;
	int clients[4];
	for (int i = 0; i < 4; i++)
		clients[i] = dial();
	int first_free = dup(0);
	close(first_free);
	getrlimit(RLIMIT_NOFILE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)first_free;
	setrlimit(RLIMIT_NOFILE, &tight);
	struct rusage from, to;
	getrusage(RUSAGE_SELF, &from);
	run(50);
	getrusage(RUSAGE_SELF, &to);
	assert_int_equal(n_accepted, 0);
	char byte;
	assert_int_equal(recv(clients[0], &byte, 1, 0), 0);
	assert_true(recv(clients[3], &byte, 1, 0) < 0 && errno == EAGAIN);
	assert_true(to.ru_utime.tv_sec * 1000 + to.ru_utime.tv_usec / 1000 - from.ru_utime.tv_sec * 1000 -
			    from.ru_utime.tv_usec / 1000 <
		    40);
	setrlimit(RLIMIT_NOFILE, &before);
	run(200);
	assert_int_equal(n_accepted, 3);
	for (int i = 0; i < 4; i++)
		close(clients[i]);
}

static void on_read(struct stream *s, unsigned char *got, size_t n)
{
	(void)s;
	(void)got;
	peer.n_read += n;
}

static void on_end(struct stream *s, int err)
{
	(void)s;
	peer.n_ends++;
	peer.last_end = err;
}

static void on_drain(struct stream *s)
{
	(void)s;
	peer.n_drains++;
}

static void on_closed(struct stream *s)
{
	(void)s;
	peer.closed = true;
}

static const struct stream_cb cb = {on_read, on_end, on_drain, on_closed, NULL};

/* A stream at the server's side; returns the client's socket. */
static int open_stream(void)
{
	int fd = dial();
	while (n_accepted == 0)
		run(1);
	memset(&peer, 0, sizeof peer);
	assert_int_equal(stream_open(&peer.stream, &net, accepted[--n_accepted], &cb), 0);
	stream_read_start(&peer.stream);
	return fd;
}

static size_t drain(int fd)
{
	static char taken[1 << 20];
	size_t n = 0;
	ssize_t now;
	for (int i = 0; i < 2000; i++) {
		while ((now = recv(fd, taken, sizeof taken, 0)) > 0)
			n += (size_t)now;
		if (now == 0)
			break;
		run(1);
	}
	return n;
}

static void what_is_queued_is_sent_before_the_end(void **state)
{
	(void)state;
	int fd = open_stream();
	struct str parts[] = {str_n(bytes, sizeof bytes), {NULL, 0}, STR("end")};
	assert_int_equal(stream_send(&peer.stream, parts, 3), 0);
	assert_true(stream_queued(&peer.stream) > 0);
	assert_int_equal(stream_send(&peer.stream, parts, 3), ERR_OVERLOADED);
	stream_close(&peer.stream);
	assert_int_equal(stream_send(&peer.stream, parts + 2, 1), ERR_CLOSED);
	assert_int_equal(drain(fd), sizeof bytes + 3);
	assert_false(peer.closed);
	close(fd);
	run(20);
	assert_true(peer.closed);
	assert_int_equal(peer.n_ends, 0);
}

static void a_queue_that_empties_says_so_and_holds_nothing(void **state)
{
	(void)state;
	int fd = open_stream();
	assert_int_equal(stream_send(&peer.stream, &(struct str){bytes, sizeof bytes}, 1), 0);
	assert_int_equal(peer.n_drains, 0);
	assert_int_equal(drain(fd), sizeof bytes);
	assert_int_equal(peer.n_drains, 1);
	assert_null(peer.stream.flight);
	assert_null(peer.stream.next.ptr);
	assert_int_equal(stream_send(&peer.stream, &STR("x"), 1), 0);
	run(10);
	assert_int_equal(peer.n_drains, 1);
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
	run(20);
	assert_int_equal(peer.n_ends, 1);
	assert_int_equal(peer.last_end, 0);
	stream_abort(&peer.stream);
	run(5);
	assert_true(peer.closed);
}

static void a_peer_that_takes_nothing_is_told_of(void **state)
{
	(void)state;
	int fd = open_stream();
	stream_limit(&peer.stream, 1 << 20, 50);
	assert_int_equal(stream_send(&peer.stream, &(struct str){bytes, sizeof bytes}, 1), 0);
	run(300);
	assert_int_equal(peer.last_end, ERR_OVERLOADED);
	stream_abort(&peer.stream);
	run(5);
	assert_true(peer.closed);
	close(fd);
}

static void without_memory_the_stream_breaks_later(void **state)
{
	(void)state;
	int fd = open_stream();
	mem_fail_after(0);
	assert_int_equal(stream_send(&peer.stream, &(struct str){bytes, sizeof bytes}, 1), ERR_NO_MEMORY);
	mem_fail_after(-1);
	assert_int_equal(peer.n_ends, 0);
	run(10);
	assert_int_equal(peer.last_end, ERR_CLOSED);
	stream_close(&peer.stream);
	run(5);
	assert_true(peer.closed);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ports_that_cannot_be_had, start, stop),
		cmocka_unit_test_setup_teardown(while_paused_connections_wait, start, stop),
		cmocka_unit_test_setup_teardown(without_descriptors_it_waits, start, stop),
		cmocka_unit_test_setup_teardown(what_is_queued_is_sent_before_the_end, start, stop),
		cmocka_unit_test_setup_teardown(a_queue_that_empties_says_so_and_holds_nothing, start, stop),
		cmocka_unit_test_setup_teardown(a_peer_that_takes_nothing_is_told_of, start, stop),
		cmocka_unit_test_setup_teardown(without_memory_the_stream_breaks_later, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The life of a relay worker: its thread, its sources of events, its commands. */
#include "turn/worker.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

int turn_worker_init(struct worker *w, struct turn_shared *shared)
{
	w->shared = shared;
	w->epoll = w->wake = w->clock = w->netlink = -1;
	w->wake_source = SOURCE_WAKE;
	w->clock_source = SOURCE_CLOCK;
	w->netlink_source = SOURCE_NETLINK;
	w->stream_buffer = mem_new(WORKER_STREAM_BUFFER);
	list_init(&w->streams);
	list_init(&w->with_output);
	list_init(&w->commands);
	map_init(&w->dtls_peers);
	turn_batch_init(&w->to_peers);
	turn_batch_init(&w->to_clients);
	pthread_mutex_init(&w->lock, NULL);
	turn_core_init(&w->core, shared, &turn_worker_ops, w);
	return turn_inbox_init(&w->inbox) && w->stream_buffer ? 0 : ERR_NO_MEMORY;
}

void turn_worker_fini(struct worker *w)
{
	for (size_t i = 0; i < w->n_udp; i++)
		close(w->udp[i].fd);
	for (size_t i = 0; i < w->n_tcp; i++)
		close(w->tcp[i].fd);
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->wake >= 0)
		close(w->wake);
	if (w->clock >= 0)
		close(w->clock);
	if (w->netlink >= 0)
		close(w->netlink);
	map_fini(&w->dtls_peers);
	SSL_CTX_free(w->tls);
	SSL_CTX_free(w->dtls);
	mem_free(w->inbox.slots);
	mem_free(w->stream_buffer);
	pthread_mutex_destroy(&w->lock);
}

bool turn_worker_watch(struct worker *w, int fd, uint32_t events, void *source)
{
	struct epoll_event e = {.events = events, .data.ptr = source};
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

void turn_worker_forget(struct worker *w, const void *source)
{
	for (int i = w->at_event + 1; i < w->n_events; i++)
		if (w->events[i].data.ptr == source)
			w->events[i].data.ptr = NULL;
}

void turn_worker_flush(struct worker *w)
{
	turn_batch_flush(&w->to_peers);
	turn_batch_flush(&w->to_clients);
	uint64_t failed = w->to_peers.failed + w->to_clients.failed;
	__atomic_store_n(&w->core.stats.send_failed, failed, __ATOMIC_RELAXED);
	turn_inbox_clear(&w->inbox);
	w->n_heads = 0;
}

/* Sends interface addresses' changes; without it (seldom: no netlink in a sandbox) they are read once a minute. */
static int open_netlink(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Wakes an idle worker for its clock. A timeout of epoll_wait would do as well, but costs each turn more than what is
 * done for a packet: the kernel sets a timer before every sleep and takes it back after it. */
static int open_clock(void)
{
	const struct itimerspec beat = {{0, WORKER_BEAT_MS * 1000000}, {0, WORKER_BEAT_MS * 1000000}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (fd >= 0 && timerfd_settime(fd, 0, &beat, NULL) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The turn itself looks at the time. */
static void on_clock(struct worker *w)
{
	uint64_t beats;
	if (read(w->clock, &beats, sizeof beats) < 0 && errno != EAGAIN)
		log_error("turn: a worker's clock cannot be read", LOG_I("errno", errno));
}

static void on_netlink(struct worker *w)
{
	char drop[4096];
	while (recv(w->netlink, drop, sizeof drop, MSG_DONTWAIT) > 0)
		;
	turn_policy_read_own(&w->core.policy);
}

/* Streams that are under way keep the certificate that they have shown; the door is made anew. */
static void take_tls(struct worker *w, struct command *cmd)
{
	SSL_CTX_free(w->tls);
	SSL_CTX_free(w->dtls);
	w->tls = cmd->tls;
	w->dtls = cmd->dtls;
	if (w->dtls_door)
		turn_stream_free(w->dtls_door);
	w->dtls_door = NULL;
}

static void take_commands(struct worker *w)
{
	uint64_t count;
	struct list *item;
	if (read(w->wake, &count, sizeof count) < 0 && errno != EAGAIN)
		return;
	for (;;) {
		pthread_mutex_lock(&w->lock);
		item = list_shift(&w->commands);
		pthread_mutex_unlock(&w->lock);
		if (!item)
			return;
		struct command *cmd = CONTAINER_OF(item, struct command, link);
		if (cmd->kind == COMMAND_ADOPT)
			turn_stream_adopt(w, cmd->stream);
		else if (cmd->kind == COMMAND_TLS)
			take_tls(w, cmd);
		else
			turn_core_cut_user(&w->core, str_of(cmd->user));
		mem_free(cmd);
	}
}

static void on_event(struct worker *w, struct epoll_event *e)
{
	if (!e->data.ptr)
		return;
	switch (*(uint8_t *)e->data.ptr) {
	case SOURCE_WAKE: take_commands(w); break;
	case SOURCE_CLOCK: on_clock(w); break;
	case SOURCE_NETLINK: on_netlink(w); break;
	case SOURCE_UDP: turn_worker_read_udp(w, e->data.ptr); break;
	case SOURCE_TCP: turn_stream_accept(w, e->data.ptr); break;
	case SOURCE_RELAY: turn_worker_read_relay(w, e->data.ptr); break;
	case SOURCE_STREAM: turn_stream_event(w, e->data.ptr, e->events); break;
	default: break;
	}
}

static bool stopping(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	bool stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static void on_second(struct worker *w)
{
	w->core.now.wall_s = clock_wall_ms() / 1000;
	turn_core_tick(&w->core);
	turn_stream_tick(w);
	if (w->netlink < 0 && w->core.now.mono_ms / 1000 % 60 == 0)
		turn_policy_read_own(&w->core.policy);
}

/* Whether pauses pay is seen in a window without them: each should find the packets of one turn at least, and turns
 * should be thin, as with hundreds of voices; bursts come together by themselves. Pauses then go on for a second, until
 * the next window. */
static void count_turn(struct worker *w)
{
	int64_t now = w->core.now.mono_ms;
	w->window_turns += w->turn_packets > 0;
	w->window_packets += w->turn_packets;
	w->turn_packets = 0;
	if (now < w->window_end_ms)
		return;
	bool looked = w->gather_us == 0;
	uint32_t apart_us = w->window_turns ? WORKER_WINDOW_MS * 1000 / w->window_turns : UINT32_MAX / 8;
	uint32_t pause_us = w->shared->cfg.gather_us;
	bool thin = w->window_packets < WORKER_THIN * w->window_turns;
	w->gather_us = looked && thin && apart_us <= pause_us ? pause_us : 0;
	w->window_end_ms = now + (w->gather_us ? WORKER_GATHER_MS : WORKER_WINDOW_MS);
	w->window_turns = w->window_packets = 0;
}

static int poll_events(struct worker *w, int timeout_ms)
{
	return epoll_wait(w->epoll, w->events, WORKER_EVENTS, timeout_ms);
}

/* The first packet of a burst wakes the worker, and with it the kernel sets aside who is just sending or receiving the
 * rest on this core: let that go on, and the burst is found whole. Whoever does not give the core back soon is no such
 * one, and is not let before for a second. */
static void let_burst_finish(struct worker *w)
{
	int64_t before = clock_mono_us();
	if (before < w->no_yield_until_us)
		return;
	sched_yield();
	int64_t after = clock_mono_us();
	if (after - before > WORKER_YIELD_US)
		w->no_yield_until_us = after + 1000000;
}

/* To be woken costs more than all that is done for a packet. A worker that would be woken all the time therefore sleeps
 * a little and then looks, and finds the packets of several turns as one. One that finds nothing waits to be woken. */
static void wait_events(struct worker *w)
{
	struct timespec pause = {.tv_nsec = (long)w->gather_us * 1000};
	w->n_events = 0;
	if (w->gather_us) {
		nanosleep(&pause, NULL);
		w->n_events = poll_events(w, 0);
	}
	if (w->n_events <= 0) {
		w->n_events = poll_events(w, -1);
		let_burst_finish(w);
	}
}

/* The clock is asked for each turn, not for each packet. What the clock ends goes after the events, so that none of
 * them still points to it. */
static void turn_once(struct worker *w)
{
	wait_events(w);
	int64_t before_s = w->core.now.mono_ms / 1000;
	w->core.now.mono_ms = clock_mono_ms();
	for (w->at_event = 0; w->at_event < w->n_events; w->at_event++)
		on_event(w, &w->events[w->at_event]);
	if (w->core.now.mono_ms / 1000 != before_s)
		on_second(w);
	turn_worker_flush(w);
	turn_stream_flush_all(w);
	count_turn(w);
}

static void drop_commands(struct worker *w)
{
	struct list *item;
	while ((item = list_shift(&w->commands))) {
		struct command *cmd = CONTAINER_OF(item, struct command, link);
		if (cmd->kind == COMMAND_ADOPT)
			turn_stream_free(cmd->stream);
		SSL_CTX_free(cmd->tls);
		SSL_CTX_free(cmd->dtls);
		mem_free(cmd);
	}
}

static void *run(void *arg)
{
	struct worker *w = arg;
	prctl(PR_SET_TIMERSLACK, 1000); /* nanoseconds: the pause of wait_events() is meant as it is said */
	w->core.now = (struct turn_now){clock_mono_ms(), clock_wall_ms() / 1000};
	turn_core_tick(&w->core);
	while (!stopping(w))
		turn_once(w);
	w->n_events = 0;
	turn_stream_close_all(w);
	turn_core_fini(&w->core);
	drop_commands(w);
	if (w->dtls_door)
		turn_stream_free(w->dtls_door);
	OPENSSL_thread_stop();
	return NULL;
}

static bool watch_all(struct worker *w)
{
	bool ok = w->epoll >= 0 && w->wake >= 0 && turn_worker_watch(w, w->wake, EPOLLIN, &w->wake_source);
	ok = ok && w->clock >= 0 && turn_worker_watch(w, w->clock, EPOLLIN, &w->clock_source);
	if (w->netlink >= 0)
		ok = ok && turn_worker_watch(w, w->netlink, EPOLLIN, &w->netlink_source);
	for (size_t i = 0; i < w->n_udp; i++)
		ok = ok && turn_worker_watch(w, w->udp[i].fd, EPOLLIN, &w->udp[i]);
	for (size_t i = 0; i < w->n_tcp; i++)
		ok = ok && turn_worker_watch(w, w->tcp[i].fd, EPOLLIN, &w->tcp[i]);
	return ok;
}

int turn_worker_start(struct worker *w)
{
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->clock = open_clock();
	w->netlink = open_netlink();
	if (!watch_all(w))
		return ERR_IO;
	if (w->netlink < 0)
		log_warn("turn: no netlink, addresses are read once a minute");
	return pthread_create(&w->thread, NULL, run, w) == 0 ? 0 : ERR_NO_MEMORY;
}

SSL_CTX *turn_worker_ref(SSL_CTX *ctx)
{
	return ctx && SSL_CTX_up_ref(ctx) ? ctx : NULL;
}

static void wake(struct worker *w)
{
	uint64_t one = 1;
	if (write(w->wake, &one, sizeof one) < 0)
		log_error("turn: a worker could not be woken", LOG_I("errno", errno));
}

void turn_worker_post(struct worker *w, struct command *cmd)
{
	pthread_mutex_lock(&w->lock);
	list_push(&w->commands, &cmd->link);
	pthread_mutex_unlock(&w->lock);
	wake(w);
}

void turn_worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_mutex_unlock(&w->lock);
	wake(w);
	pthread_join(w->thread, NULL);
}

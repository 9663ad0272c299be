/* The server as a whole: binds, starts the workers, and speaks with them. */
#include "turn/turn.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "turn/worker.h"

#define LISTEN_BUFFER (4 << 20)
#define LISTEN_BACKLOG 512
#define PORT_TRIES 16

struct turn {
	struct turn_shared shared;
	struct worker *workers[TURN_MAX_WORKERS]; /* owned */
	unsigned n_workers, n_started;
	atomic_uint next; /* worker for the next adopted stream */
	union turn_addr bound[TURN_MAX_ADDRS];
};

static bool is_wildcard(const union turn_addr *a)
{
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr);
}

static unsigned addr_size(const union turn_addr *a)
{
	return a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
}

static void set_udp_options(int fd, const union turn_addr *at)
{
	int one = 1, buffer = LISTEN_BUFFER;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	turn_worker_set_udp(fd, at->any.sa_family == AF_INET ? STUN_IPV4 : STUN_IPV6);
	if (!is_wildcard(at))
		return;
	if (at->any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
}

/* A bound socket, or -1. `shared` ones may be bound again by the other workers. */
static int bound_socket(const union turn_addr *at, int type, bool shared)
{
	int one = 1;
	int fd = socket(at->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (at->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, &at->any, addr_size(at)) == 0 && (type != SOCK_STREAM || listen(fd, LISTEN_BACKLOG) == 0))
		return fd;
	close(fd);
	return -1;
}

/* A port that nobody has: sockets that share a port would split another server's clients without a word. */
static int probe(union turn_addr *at)
{
	bool any_port = at->v4.sin_port == 0; /* the same place in both families */
	for (int i = 0; i < PORT_TRIES; i++) {
		socklen_t len = sizeof *at;
		int udp = bound_socket(at, SOCK_DGRAM, false), tcp = -1;
		if (udp >= 0 && getsockname(udp, &at->any, &len) == 0)
			tcp = bound_socket(at, SOCK_STREAM, false);
		int why = errno;
		if (udp >= 0)
			close(udp);
		if (tcp >= 0)
			close(tcp);
		if (udp >= 0 && tcp >= 0)
			return 0;
		errno = why;
		if (!any_port)
			return ERR_IO;
		at->v4.sin_port = 0;
	}
	return ERR_IO;
}

static int listen_at(struct worker *w, const union turn_addr *at)
{
	struct listener l = {.bound = *at, .addr = turn_policy_from_sockaddr(at), .wildcard = is_wildcard(at)};
	l.kind = SOURCE_UDP;
	l.fd = bound_socket(at, SOCK_DGRAM, true);
	if (l.fd < 0)
		return ERR_IO;
	set_udp_options(l.fd, at);
	w->udp[w->n_udp++] = l;
	l.kind = SOURCE_TCP;
	l.fd = bound_socket(at, SOCK_STREAM, true);
	if (l.fd < 0)
		return ERR_IO;
	w->tcp[w->n_tcp++] = l;
	return 0;
}

static int bind_all(struct turn *t)
{
	const struct turn_config *cfg = &t->shared.cfg;
	for (size_t i = 0; i < cfg->n_listen; i++) {
		char text[TURN_ADDR_TEXT];
		t->bound[i] = cfg->listen[i];
		int err = probe(&t->bound[i]);
		for (unsigned k = 0; k < t->n_workers && !err; k++)
			err = listen_at(t->workers[k], &t->bound[i]);
		if (err) {
			turn_addr_format(&cfg->listen[i], text);
			log_error("turn: cannot listen", LOG_STR("address", str_of(text)),
				LOG_S("reason", strerror(errno)));
			return err;
		}
	}
	return 0;
}

/* What makes no sense stops the start, in words. */
static const char *find_fault(const struct turn_config *cfg)
{
	if (cfg->n_listen == 0 || cfg->n_listen > TURN_MAX_ADDRS)
		return "no address to listen on, or too many";
	if (cfg->n_relay > TURN_MAX_ADDRS || cfg->n_external > TURN_MAX_ADDRS)
		return "too many relay or external addresses";
	if (cfg->n_deny > TURN_MAX_NETS || cfg->n_allow > TURN_MAX_NETS)
		return "too many denied or allowed ranges";
	if (cfg->relay_port_min == 0 || cfg->relay_port_max < cfg->relay_port_min)
		return "the relay ports are no range";
	if (cfg->realm.len == 0 || cfg->realm.len >= TURN_REALM_MAX)
		return "the realm is empty or too long";
	if (cfg->workers > TURN_MAX_WORKERS)
		return "too many workers";
	if (cfg->max_permissions > 1024 || cfg->max_channels > 1024)
		return "more than 1024 permissions or channels";
	if (cfg->max_lifetime_s < TURN_LIFETIME_S || cfg->max_lifetime_s > 3600)
		return "the longest lifetime is not between 600 and 3600 seconds";
	if (cfg->gather_us > 1000)
		return "the pause between turns is above a millisecond";
	return NULL;
}

static void fill_defaults(struct turn_config *cfg)
{
	struct turn_config d;
	turn_config_init(&d);
	cfg->max_allocations = cfg->max_allocations ? cfg->max_allocations : d.max_allocations;
	cfg->max_allocations_per_user =
		cfg->max_allocations_per_user ? cfg->max_allocations_per_user : d.max_allocations_per_user;
	cfg->max_permissions = cfg->max_permissions ? cfg->max_permissions : d.max_permissions;
	cfg->max_channels = cfg->max_channels ? cfg->max_channels : d.max_channels;
	cfg->max_streams = cfg->max_streams ? cfg->max_streams : d.max_streams;
	cfg->max_lifetime_s = cfg->max_lifetime_s ? cfg->max_lifetime_s : d.max_lifetime_s;
	cfg->nonce_lifetime_s = cfg->nonce_lifetime_s ? cfg->nonce_lifetime_s : d.nonce_lifetime_s;
	if (!cfg->workers) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		cfg->workers = cores < 1 ? 1 : cores > TURN_MAX_WORKERS ? TURN_MAX_WORKERS : (unsigned)cores;
	}
}

static int make_workers(struct turn *t, const struct turn_config *cfg)
{
	for (unsigned i = 0; i < t->shared.cfg.workers; i++) {
		struct worker *w = mem_new(sizeof *w);
		if (!w)
			return ERR_NO_MEMORY;
		t->workers[t->n_workers++] = w;
		w->tls = turn_worker_ref(cfg->tls);
		w->dtls = turn_worker_ref(cfg->dtls);
		int err = turn_worker_init(w, &t->shared);
		if (err)
			return err;
	}
	return 0;
}

static int start_workers(struct turn *t)
{
	for (unsigned i = 0; i < t->n_workers; i++) {
		int err = turn_worker_start(t->workers[i]);
		if (err)
			return err;
		t->n_started++;
	}
	return 0;
}

int turn_start(const struct turn_config *cfg, struct turn **out)
{
	struct turn_config full = *cfg;
	const char *fault = find_fault(&full);
	if (fault) {
		log_error("turn: configuration", LOG_S("fault", fault));
		return ERR_CONFIG;
	}
	struct turn *t = mem_new(sizeof *t);
	if (!t)
		return ERR_NO_MEMORY;
	fill_defaults(&full);
	int err = turn_shared_init(&t->shared, &full, clock_mono_ms());
	if (cfg->dtls)
		turn_dtls_prepare(cfg->dtls);
	if (!err)
		err = make_workers(t, cfg);
	if (!err)
		err = bind_all(t);
	if (!err)
		err = start_workers(t);
	if (err) {
		turn_stop(t);
		return err;
	}
	if (t->shared.cfg.realm.len > 24)
		log_warn("turn: a realm above 24 bytes lets unauthenticated answers grow beyond 2.8 times the request");
	*out = t;
	return 0;
}

size_t turn_listening(const struct turn *t, union turn_addr *out, size_t max)
{
	size_t n = t->shared.cfg.n_listen < max ? t->shared.cfg.n_listen : max;
	memcpy(out, t->bound, n * sizeof *out);
	return n;
}

void turn_drain(struct turn *t)
{
	atomic_store(&t->shared.draining, true);
}

void turn_stop(struct turn *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n_started; i++)
		turn_worker_stop(t->workers[i]);
	for (unsigned i = 0; i < t->n_workers; i++) {
		turn_worker_fini(t->workers[i]);
		mem_free(t->workers[i]);
	}
	turn_shared_fini(&t->shared);
	mem_free(t);
}

int turn_set_secrets(struct turn *t, struct str secret, struct str previous)
{
	return turn_shared_set_secrets(&t->shared, secret, previous);
}

int turn_set_tls(struct turn *t, SSL_CTX *tls, SSL_CTX *dtls)
{
	if (dtls)
		turn_dtls_prepare(dtls);
	for (unsigned i = 0; i < t->n_workers; i++) {
		struct command *cmd = mem_new(sizeof *cmd);
		if (!cmd)
			return ERR_NO_MEMORY;
		cmd->kind = COMMAND_TLS;
		cmd->tls = turn_worker_ref(tls);
		cmd->dtls = turn_worker_ref(dtls);
		turn_worker_post(t->workers[i], cmd);
	}
	return 0;
}

/* The user may have allocations at every worker. */
void turn_cut_user(struct turn *t, struct str user)
{
	for (unsigned i = 0; i < t->n_workers; i++) {
		struct command *cmd = mem_new(sizeof *cmd);
		if (!cmd || str_copy(cmd->user, sizeof cmd->user, user)) {
			mem_free(cmd);
			log_error("turn: a user could not be cut");
			return;
		}
		cmd->kind = COMMAND_CUT;
		turn_worker_post(t->workers[i], cmd);
	}
}

int turn_adopt_stream(struct turn *t, const struct turn_stream *from)
{
	if (from->received.len > 65536 || from->plain.len > 65536)
		return ERR_TOO_LARGE;
	struct command *cmd = mem_new(sizeof *cmd);
	struct stream *s = cmd ? turn_stream_new_adopted(from) : NULL;
	if (!s) {
		mem_free(cmd);
		return ERR_NO_MEMORY;
	}
	cmd->kind = COMMAND_ADOPT;
	cmd->stream = s;
	turn_worker_post(t->workers[atomic_fetch_add(&t->next, 1) % t->n_workers], cmd);
	return 0;
}

enum turn_guess turn_guess_stream(struct str first)
{
	static const uint8_t cookie[4] = {0x21, 0x12, 0xA4, 0x42};
	const uint8_t *p = (const uint8_t *)first.ptr;
	if (first.len && p[0] > 3)
		return TURN_GUESS_NO;
	for (size_t i = 4; i < first.len && i < 8; i++)
		if (p[i] != cookie[i - 4])
			return TURN_GUESS_NO;
	return first.len < 8 ? TURN_GUESS_MORE : TURN_GUESS_YES;
}

/* turn_stats is an array of counters: each worker's are added, one by one. */
void turn_stats(struct turn *t, struct turn_stats *out)
{
	_Static_assert(sizeof *out % sizeof(uint64_t) == 0, "counters only");
	uint64_t *sum = (uint64_t *)(void *)out;
	*out = (struct turn_stats){0};
	for (unsigned i = 0; i < t->n_workers; i++) {
		const uint64_t *one = (const uint64_t *)(const void *)&t->workers[i]->core.stats;
		for (size_t k = 0; k < sizeof *out / sizeof *sum; k++)
			sum[k] += __atomic_load_n(&one[k], __ATOMIC_RELAXED);
	}
}

void turn_each_user(struct turn *t, void (*cb)(void *arg, const struct turn_user_stats *user), void *arg)
{
	pthread_mutex_lock(&t->shared.lock);
	for (struct map_node *node = map_next(&t->shared.users, NULL); node; node = map_next(&t->shared.users, node)) {
		struct turn_user *u = CONTAINER_OF(node, struct turn_user, node);
		struct turn_user_stats stats = {
			u->name, u->n_allocations, atomic_load(&u->bytes_to_peer), atomic_load(&u->bytes_to_client)};
		cb(arg, &stats);
	}
	pthread_mutex_unlock(&t->shared.lock);
}

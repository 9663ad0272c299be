/* The whole way of packets through TURN, with a memory: a script of packets from clients and peers, of time and change.
 *
 * Each step is an operation byte, a byte that names the client (16 5-tuples of 4 users, over all transports), a length
 * byte and as many bytes. Since no fuzzer finds an HMAC, an operation signs what it is given; others send it as it is.
 * Whatever happens, tables stay bounded, every socket is closed at the end, and forbidden peers get nothing.
 */
#include "fuzz.h"
#include "still.h"
#include "turn/core.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

#define N_CLIENTS 16
#define SECRET STR("fuzzing needs no secret at all!!")

static struct turn_shared *shared;
static struct turn_core *core;
static int n_open, next_fd;
static struct turn_path paths[N_CLIENTS];
static struct turn_credentials logins[N_CLIENTS];
static uint8_t keys[N_CLIENTS][16], keys_sha256[N_CLIENTS][32];
static uint32_t serial;

static int on_bind(void *arg, const struct stun_addr *at)
{
	(void)arg;
	(void)at;
	n_open++;
	return next_fd++;
}

static int on_watch(void *arg, struct turn_relay *r)
{
	(void)arg;
	/* One socket in eight cannot be watched. */
	return r->fd % 8 == 7 ? ERR_IO : 0;
}

static void on_close(void *arg, int fd)
{
	(void)arg;
	assert(fd >= 100 && n_open > 0);
	n_open--;
}

static void on_gone(void *arg, struct turn_alloc *a)
{
	(void)arg;
	for (int i = 0; i < N_CLIENTS; i++)
		if (paths[i].alloc == a)
			paths[i].alloc = NULL;
}

static const struct turn_ops ops = {on_bind, on_watch, on_close, on_gone};

static void make_client(int i)
{
	char user[2] = {(char)('a' + i % 4), 0};
	paths[i] = (struct turn_path){.key = {.transport = (uint8_t)(i % 5 % TURN_N_TRANSPORTS)}};
	paths[i].key.client = (struct stun_addr){STUN_IPV4, 0, (uint16_t)(4000 + i), {203, 0, 113, 1}};
	paths[i].key.server = (struct stun_addr){STUN_IPV4, 0, 3478, {198, 51, 100, 1}};
	turn_credentials_make(SECRET, str_of(user), 2000000000, &logins[i]);
	stun_key_md5(str_of(logins[i].username), STR("r"), str_of(logins[i].password), keys[i]);
	stun_key_sha256(str_of(logins[i].username), STR("r"), str_of(logins[i].password), keys_sha256[i]);
}

/* What is told has been moved, and of a user who is here. */
static void on_usage(void *arg, const struct turn_usage *u)
{
	(void)arg;
	assert(u->allocation && u->user[0] && u->transport < TURN_N_TRANSPORTS);
}

static void configure(struct turn_config *cfg)
{
	turn_config_init(cfg);
	turn_addr_parse(STR("198.51.100.1:3478"), &cfg->listen[0]);
	turn_addr_parse(STR("[2001:db8::1]:3478"), &cfg->listen[1]);
	turn_external_parse(STR("192.31.7.7/198.51.100.1"), &cfg->external[0]);
	cfg->n_listen = 2;
	cfg->n_external = 1;
	cfg->realm = STR("r");
	cfg->secret = SECRET;
	cfg->max_allocations = 10;
	cfg->max_allocations_per_user = 3;
	cfg->max_permissions = cfg->max_channels = 4;
	cfg->on_usage = on_usage;
	cfg->relay_port_max = (uint16_t)(cfg->relay_port_min + 15);
}

/* Both as they are before the first packet. Making them anew would ask the kernel for this machine's addresses and sign
 * 16 credentials for each input, which is far more than an input does; lists that are empty point into themselves, so
 * that they can be copied back to where they were. */
static struct turn_shared *fresh_shared;
static struct turn_core *fresh_core;

static void make_fresh(void)
{
	struct turn_config cfg;
	configure(&cfg);
	shared = mem_new(sizeof *shared);
	core = mem_new(sizeof *core);
	fresh_shared = mem_new(sizeof *shared);
	fresh_core = mem_new(sizeof *core);
	if (!shared || !core || !fresh_shared || !fresh_core)
		abort();
	assert(turn_shared_init(shared, &cfg, 1000000) == 0);
	turn_core_init(core, shared, &ops, NULL);
	core->now = (struct turn_now){1000000, 1790000000};
	turn_core_tick(core);
	for (int i = 0; i < N_CLIENTS; i++)
		make_client(i);
	memcpy(fresh_shared, shared, sizeof *shared);
	memcpy(fresh_core, core, sizeof *core);
}

static void start(void)
{
	if (!core)
		make_fresh();
	memcpy(shared, fresh_shared, sizeof *shared);
	memcpy(core, fresh_core, sizeof *core);
	n_open = 0;
	next_fd = 100;
	serial = 0;
	for (int i = 0; i < N_CLIENTS; i++)
		paths[i].alloc = NULL;
}

static void check(enum turn_verdict v, const struct turn_move *m)
{
	if (v == TURN_REPLY)
		assert(core->reply_len >= 20 && core->reply_len <= sizeof core->reply);
	if (v == TURN_TO_PEER) {
		struct stun_addr to = turn_policy_from_sockaddr(m->to);
		/* the private end of --turn-external leads to our own relays */
		turn_policy_to_public(&core->policy, &to);
		enum policy_reach reach = turn_policy_check(&core->policy, &to);
		assert(reach == POLICY_YES || (reach == POLICY_RELAY && turn_port_used(shared, to.family, to.port)));
		assert(m->relay->fd >= 0 && m->len <= 65535);
	}
	assert(core->allocs.n <= 10 && n_open <= 2 * 10 + TURN_MAX_RESERVATIONS);
}

static void deliver(int i, uint8_t *bytes, size_t len)
{
	struct turn_move move;
	if (paths[i].key.transport == TURN_UDP)
		paths[i].alloc = NULL;
	check(turn_core_from_client(core, &paths[i], bytes, len, &move), &move);
}

/* As a client signs that knows RFC 8489, or one of before. */
static void sign(struct stun_writer *w, int i, bool modern)
{
	static const uint16_t algorithms[] = {STUN_SHA256, STUN_MD5};
	char nonce[TURN_NONCE_MAX];
	size_t nonce_len = turn_nonce_make(shared, &paths[i].key, modern, (uint32_t)(core->now.mono_ms / 1000), nonce);
	stun_put(w, STUN_USERNAME, str_of(logins[i].username));
	stun_put(w, STUN_REALM, STR("r"));
	stun_put(w, STUN_NONCE, str_n(nonce, nonce_len));
	if (!modern) {
		stun_put_sha1(w, str_n((const char *)keys[i], sizeof keys[i]));
		return;
	}
	stun_put_algorithms(w, algorithms, 2);
	stun_put(w, STUN_PASSWORD_ALGORITHM, str_n("\0\2\0\0", 4));
	stun_put_sha256(w, str_n((const char *)keys_sha256[i], sizeof keys_sha256[i]), 32);
}

/* data: a method, then attributes, cut where the fuzzer cuts them. */
static void deliver_signed(int i, const uint8_t *data, size_t len)
{
	static const uint8_t methods[] = {STUN_ALLOCATE, STUN_REFRESH, STUN_CREATE_PERMISSION, STUN_CHANNEL_BIND};
	uint8_t request[1024], txid[STUN_TXID_SIZE] = {0};
	struct stun_writer w;
	if (len == 0)
		return;
	serial += (data[0] & 0x80) == 0;
	memcpy(txid, &serial, sizeof serial);
	stun_begin(&w, request, sizeof request);
	stun_put_header(&w, STUN_REQUEST, methods[data[0] % 4], txid);
	for (size_t at = 1; at + 2 <= len;) {
		size_t n = data[at + 1] % 32 < len - at - 2 ? data[at + 1] % 32 : len - at - 2;
		uint16_t type = data[at] & 0x80 ? (uint16_t)(0x8000 | (data[at] & 0x7f)) : data[at];
		stun_put(&w, type, str_n((const char *)data + at + 2, n));
		at += 2 + n;
	}
	sign(&w, i, data[0] & 0x40);
	if (stun_size(&w) > 0)
		deliver(i, request, (size_t)stun_size(&w));
}

/* A Send indication to an address that the fuzzer chooses, 4 bytes and a port or 16. */
static void deliver_send(int i, const uint8_t *data, size_t len)
{
	uint8_t packet[256], txid[STUN_TXID_SIZE] = {7};
	struct stun_addr to = {.family = len >= 18 ? STUN_IPV6 : STUN_IPV4};
	size_t n = to.family == STUN_IPV6 ? 16 : 4;
	struct stun_writer w;
	if (len < n + 2)
		return;
	to.port = (uint16_t)(data[0] << 8 | data[1]);
	memcpy(to.ip, data + 2, n);
	stun_begin(&w, packet, sizeof packet);
	stun_put_header(&w, STUN_INDICATION, STUN_SEND, txid);
	stun_put_xor_addr(&w, STUN_XOR_PEER_ADDRESS, &to);
	stun_put(&w, STUN_DATA_VALUE, str_n((const char *)data + 2 + n, len - 2 - n));
	deliver(i, packet, (size_t)stun_size(&w));
}

static void from_peer(int i, const uint8_t *data, size_t len)
{
	uint8_t head[TURN_HEADROOM];
	struct turn_move move;
	struct stun_addr from = {.family = STUN_IPV4, .port = 9};
	union turn_addr addr;
	paths[i].alloc = NULL;
	struct turn_alloc *a = turn_alloc_find(core, &paths[i]);
	if (!a || len < 5)
		return;
	struct turn_relay *r = &a->relays[data[0] & 1];
	if (r->fd < 0)
		return;
	from.family = data[0] & 1 ? STUN_IPV6 : STUN_IPV4;
	memcpy(from.ip, data + 1, len - 1 < 16 && from.family == STUN_IPV6 ? len - 1 : 4);
	turn_policy_to_sockaddr(&from, &addr);
	struct turn_sender sender;
	if (!turn_core_admit(core, r, &addr, len, &sender))
		return;
	enum turn_verdict v = turn_core_from_peer(core, r, &sender, str_n((const char *)data, len), head, &move);
	assert(v == TURN_DROP || (v == TURN_TO_CLIENT && move.head_len <= TURN_HEADROOM && move.pad_len < 4));
}

static void pass_time(unsigned s)
{
	core->now.mono_ms += s * 1000;
	core->now.wall_s += s;
	turn_core_tick(core);
}

static void change_addresses(const uint8_t *data, size_t len)
{
	if (len < 4)
		return;
	core->policy.own[0] = (struct stun_addr){.family = STUN_IPV4};
	memcpy(core->policy.own[0].ip, data, 4);
	core->policy.n_own = 1;
	core->policy.generation++;
}

static void step(uint8_t op, int i, const uint8_t *data, size_t len)
{
	uint8_t copy[256];
	memcpy(copy, data, len);
	switch (op % 8) {
	case 0: deliver(i, copy, len); break;
	case 1:
	case 2: deliver_signed(i, data, len); break;
	case 3: deliver_send(i, data, len); break;
	case 4: from_peer(i, data, len); break;
	case 5: pass_time(len ? data[0] * 4u : 1); break;
	case 6: change_addresses(data, len); break;
	default:
		if (len)
			turn_core_cut_user(core, str_of((char[]){(char)('a' + data[0] % 4), 0}));
		else
			turn_core_client_gone(core, &paths[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	still_begin();
	start();
	for (size_t at = 0; at + 3 <= size;) {
		size_t len = data[at + 2] < size - at - 3 ? data[at + 2] : size - at - 3;
		step(data[at], data[at + 1] % N_CLIENTS, data + at + 3, len);
		at += 3 + len;
	}
	turn_core_fini(core);
	for (size_t i = 0; i < TURN_MAX_RESERVATIONS; i++)
		if (shared->reservations[i].fd >= 0) {
			on_close(NULL, shared->reservations[i].fd);
			shared->reservations[i].fd = -1;
		}
	assert(n_open == 0 && shared->n_allocations == 0 && shared->users.n == 0);
	map_fini(&shared->users);
	return 0;
}

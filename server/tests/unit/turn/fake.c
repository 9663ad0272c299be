/* A TURN core without sockets, and a client that signs its requests. */
#include "fake.h"

#include "base/err.h"
#include "base/mem.h"
#include "check.h"

static int on_bind(void *arg, const struct stun_addr *at)
{
	struct fake *f = arg;
	(void)at;
	if (f->refuse_bind)
		return ERR_IO;
	f->n_open++;
	return f->next_fd++;
}

static int on_watch(void *arg, struct turn_relay *relay)
{
	(void)arg;
	return relay->fd >= 0 ? 0 : ERR_IO;
}

static void on_close(void *arg, int fd)
{
	struct fake *f = arg;
	assert_true(fd >= 1000);
	f->n_open--;
}

static void on_gone(void *arg, struct turn_alloc *alloc)
{
	struct fake *f = arg;
	(void)alloc;
	f->n_gone++;
}

static const struct turn_ops ops = {on_bind, on_watch, on_close, on_gone};

void fake_config(struct turn_config *cfg)
{
	turn_config_init(cfg);
	assert_int_equal(turn_addr_parse(STR("198.51.100.1:3478"), &cfg->listen[0]), 0);
	assert_int_equal(turn_addr_parse(STR("[2001:db8::1]:3478"), &cfg->listen[1]), 0);
	cfg->n_listen = 2;
	cfg->secret = FAKE_SECRET;
	cfg->unauth_per_source_s = 0;
}

void fake_start(struct fake *f, const struct turn_config *cfg)
{
	*f = (struct fake){.next_fd = 1000};
	f->shared = mem_new(sizeof *f->shared);
	f->core = mem_new(sizeof *f->core);
	assert_int_equal(turn_shared_init(f->shared, cfg, 1000000), 0);
	turn_core_init(f->core, f->shared, &ops, f);
	f->core->now = (struct turn_now){1000000, FAKE_WALL_S};
	turn_core_tick(f->core);
}

void fake_stop(struct fake *f)
{
	turn_core_fini(f->core);
	assert_int_equal(f->shared->n_allocations, 0);
	mem_free(f->core);
	turn_shared_fini(f->shared);
	mem_free(f->shared);
}

struct stun_addr fake_addr(const char *text)
{
	union turn_addr addr;
	assert_int_equal(turn_addr_parse(str_of(text), &addr), 0);
	return turn_policy_from_sockaddr(&addr);
}

void fake_client(struct fake_client *cl, struct fake *f, const char *from, const char *user)
{
	*cl = (struct fake_client){.f = f};
	cl->path.key.client = fake_addr(from);
	cl->path.key.server = fake_addr(from[0] == '[' ? "[2001:db8::1]:3478" : "198.51.100.1:3478");
	assert_int_equal(turn_credentials_make(FAKE_SECRET, str_of(user), FAKE_WALL_S + 3600, &cl->login), 0);
	stun_key_md5(str_of(cl->login.username), STR("bellwire"), str_of(cl->login.password), cl->key);
	cl->key_len = 16;
}

static uint8_t request[2048];
static struct stun_writer writer;

struct stun_writer *fake_begin(struct fake_client *cl, enum stun_method method)
{
	uint8_t txid[STUN_TXID_SIZE] = {0};
	cl->serial++;
	memcpy(txid, &cl->serial, sizeof cl->serial);
	memcpy(txid + 4, &cl->path.key.client.port, 2);
	stun_begin(&writer, request, sizeof request);
	stun_put_header(&writer, STUN_REQUEST, (uint16_t)method, txid);
	return &writer;
}

static void deliver(struct fake_client *cl)
{
	struct turn_move move;
	struct turn_core *c = cl->f->core;
	unsigned code = 0;
	struct str reason;
	/* As over UDP: the allocation is looked up anew. */
	cl->path.alloc = NULL;
	cl->code = 1;
	if (turn_core_from_client(c, &cl->path, request, (size_t)stun_size(&writer), &move) != TURN_REPLY)
		return;
	assert_int_equal(stun_decode(c->reply, c->reply_len, &cl->answer), 0);
	const struct stun_attr *error = stun_find(&cl->answer, STUN_ERROR_CODE);
	if (error)
		assert_int_equal(stun_get_error(error, &code, &reason), 0);
	cl->code = code;
	struct str nonce = stun_find_str(&cl->answer, STUN_NONCE);
	if (nonce.len)
		assert_int_equal(str_copy(cl->nonce, sizeof cl->nonce, nonce), 0);
}

static void put_name(const struct fake_client *cl)
{
	uint8_t hash[32];
	stun_userhash(str_of(cl->login.username), STR("bellwire"), hash);
	if (cl->userhash)
		stun_put(&writer, STUN_USERHASH, str_n((const char *)hash, sizeof hash));
	else
		stun_put(&writer, STUN_USERNAME, str_of(cl->login.username));
}

unsigned fake_send(struct fake_client *cl)
{
	struct str key = str_n((const char *)cl->key, cl->key_len);
	if (cl->nonce[0]) {
		put_name(cl);
		stun_put(&writer, STUN_REALM, STR("bellwire"));
		stun_put(&writer, STUN_NONCE, str_of(cl->nonce));
		if (cl->sha256)
			stun_put_sha256(&writer, key, 32);
		else
			stun_put_sha1(&writer, key);
	}
	deliver(cl);
	/* What was asked with credentials is answered with them. */
	if (cl->nonce[0] && (cl->code == 0 || cl->code == 403 || cl->code == 437 || cl->code == 486 || cl->code == 508))
		assert_true(cl->sha256 ? stun_check_sha256(&cl->answer, key, 32) : stun_check_sha1(&cl->answer, key));
	return cl->code;
}

unsigned fake_allocate(struct fake_client *cl)
{
	for (int i = 0; i < 2; i++) {
		stun_put_u32(fake_begin(cl, STUN_ALLOCATE), STUN_REQUESTED_TRANSPORT, 17u << 24);
		if (fake_send(cl) != 401 || i)
			break;
	}
	return cl->code;
}

unsigned fake_refresh(struct fake_client *cl, uint32_t lifetime_s)
{
	stun_put_u32(fake_begin(cl, STUN_REFRESH), STUN_LIFETIME, lifetime_s);
	return fake_send(cl);
}

unsigned fake_permit(struct fake_client *cl, const char *peer)
{
	struct stun_addr addr = fake_addr(peer);
	stun_put_xor_addr(fake_begin(cl, STUN_CREATE_PERMISSION), STUN_XOR_PEER_ADDRESS, &addr);
	return fake_send(cl);
}

unsigned fake_bind_channel(struct fake_client *cl, const char *peer, uint16_t number)
{
	struct stun_addr addr = fake_addr(peer);
	stun_put_u32(fake_begin(cl, STUN_CHANNEL_BIND), STUN_CHANNEL_NUMBER, (uint32_t)number << 16);
	stun_put_xor_addr(&writer, STUN_XOR_PEER_ADDRESS, &addr);
	return fake_send(cl);
}

enum turn_verdict fake_send_indication(struct fake_client *cl, const char *peer, struct str data, struct turn_move *out)
{
	struct stun_addr addr = fake_addr(peer);
	uint8_t txid[STUN_TXID_SIZE] = {9};
	stun_begin(&writer, request, sizeof request);
	stun_put_header(&writer, STUN_INDICATION, STUN_SEND, txid);
	stun_put_xor_addr(&writer, STUN_XOR_PEER_ADDRESS, &addr);
	stun_put(&writer, STUN_DATA_VALUE, data);
	cl->path.alloc = NULL;
	return turn_core_from_client(cl->f->core, &cl->path, request, (size_t)stun_size(&writer), out);
}

enum turn_verdict fake_channel_data(struct fake_client *cl, uint16_t number, struct str data, struct turn_move *out)
{
	request[0] = (uint8_t)(number >> 8);
	request[1] = (uint8_t)number;
	request[2] = (uint8_t)(data.len >> 8);
	request[3] = (uint8_t)data.len;
	memcpy(request + 4, data.ptr, data.len);
	cl->path.alloc = NULL;
	return turn_core_from_client(cl->f->core, &cl->path, request, data.len + 4, out);
}

enum turn_verdict fake_from_peer(struct fake_client *cl, const char *peer, struct str data, struct turn_move *out)
{
	static uint8_t head[TURN_HEADROOM];
	struct stun_addr addr = fake_addr(peer);
	union turn_addr from;
	turn_policy_to_sockaddr(&addr, &from);
	cl->path.alloc = NULL;
	struct turn_alloc *a = turn_alloc_find(cl->f->core, &cl->path);
	assert_non_null(a);
	struct turn_relay *relay = &a->relays[addr.family == STUN_IPV6];
	struct turn_sender sender;
	return turn_core_admit(cl->f->core, relay, &from, data.len, &sender)
		       ? turn_core_from_peer(cl->f->core, relay, &sender, data, head, out)
		       : TURN_DROP;
}

void fake_pass_seconds(struct fake *f, int seconds)
{
	f->core->now.mono_ms += seconds * 1000;
	f->core->now.wall_s += seconds;
	turn_core_tick(f->core);
}

struct stun_addr fake_relayed(const struct fake_client *cl)
{
	struct stun_addr addr;
	const struct stun_attr *a = stun_find(&cl->answer, STUN_XOR_RELAYED_ADDRESS);
	assert_non_null(a);
	assert_int_equal(stun_get_xor_addr(&cl->answer, a, &addr), 0);
	return addr;
}

uint32_t fake_lifetime(const struct fake_client *cl)
{
	uint32_t s = 0;
	assert_int_equal(stun_get_u32(stun_find(&cl->answer, STUN_LIFETIME), &s), 0);
	return s;
}

int stage_set_up(void **state)
{
	struct stage *s = mem_new(sizeof *s);
	fake_config(&s->cfg);
	*state = s;
	return 0;
}

void stage_open(struct stage *s)
{
	fake_start(&s->f, &s->cfg);
	fake_client(&s->ann, &s->f, "203.0.113.5:4000", "ann");
	fake_client(&s->bob, &s->f, "203.0.113.6:4000", "bob");
}

int stage_tear_down(void **state)
{
	struct stage *s = *state;
	fake_stop(&s->f);
	assert_int_equal(s->f.n_open, 0);
	mem_free(s);
	return 0;
}

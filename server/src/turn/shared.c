/* What all relay workers have in common. */
#include "turn/shared.h"

#include <unistd.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"

void turn_bucket_init(struct turn_bucket *b, uint64_t rate, int64_t now_ms)
{
	b->rate = rate;
	atomic_init(&b->credit, (int64_t)(rate / 2));
	atomic_init(&b->filled_ms, now_ms);
}

/* Whoever moves the time on adds the bytes of the time between. */
static void bucket_fill(struct turn_bucket *b, int64_t now_ms)
{
	int64_t then = atomic_load_explicit(&b->filled_ms, memory_order_relaxed);
	if (now_ms <= then || !atomic_compare_exchange_strong(&b->filled_ms, &then, now_ms))
		return;
	int64_t most = (int64_t)(b->rate / 2);
	int64_t gone_ms = now_ms - then < 1000 ? now_ms - then : 1000;
	int64_t credit = atomic_fetch_add(&b->credit, (int64_t)b->rate * gone_ms / 1000);
	credit += (int64_t)b->rate * gone_ms / 1000;
	if (credit > most)
		atomic_fetch_sub(&b->credit, credit - most);
}

bool turn_bucket_take(struct turn_bucket *b, size_t n, int64_t now_ms)
{
	if (!b->rate)
		return true;
	bucket_fill(b, now_ms);
	if (atomic_load_explicit(&b->credit, memory_order_relaxed) <= 0)
		return false;
	atomic_fetch_sub_explicit(&b->credit, (int64_t)n, memory_order_relaxed);
	return true;
}

/* A 401 is 20 of header, 8 of error, realm and nonce. An Allocate has 28 bytes at least: 2.8 times are 78. What the
 * realm leaves is the nonce's, between 12 and 24 bytes before base64. */
static size_t nonce_room(size_t realm_len)
{
	size_t used = 20 + 8 + 4 + ((realm_len + 3) & ~(size_t)3) + 4;
	size_t chars = used < 78 ? (78 - used) & ~(size_t)3 : 0;
	size_t raw = chars / 4 * 3;
	return raw < 12 ? 12 : raw > 24 ? 24 : raw;
}

int turn_shared_init(struct turn_shared *s, const struct turn_config *cfg, int64_t now_ms)
{
	memset(s, 0, sizeof *s);
	s->cfg = *cfg;
	if (str_copy(s->realm, sizeof s->realm, cfg->realm))
		return ERR_CONFIG;
	s->cfg.realm = str_of(s->realm);
	s->cfg.secret = s->cfg.previous_secret = str_n(NULL, 0);
	s->nonce_raw = nonce_room(cfg->realm.len);
	id_random(s->nonce_key, sizeof s->nonce_key);
	turn_bucket_init(&s->bucket, cfg->rate_server, now_ms);
	for (size_t i = 0; i < TURN_MAX_RESERVATIONS; i++)
		s->reservations[i].fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	map_init(&s->users);
	return turn_shared_set_secrets(s, cfg->secret, cfg->previous_secret);
}

/* All allocations are gone by now, so no user is left. */
void turn_shared_fini(struct turn_shared *s)
{
	for (size_t i = 0; i < TURN_MAX_RESERVATIONS; i++)
		if (s->reservations[i].fd >= 0)
			close(s->reservations[i].fd);
	map_fini(&s->users);
	pthread_mutex_destroy(&s->lock);
	OPENSSL_cleanse(s, sizeof *s);
}

int turn_shared_set_secrets(struct turn_shared *s, struct str secret, struct str previous)
{
	if (secret.len > TURN_SECRET_MAX || previous.len > TURN_SECRET_MAX)
		return ERR_CONFIG;
	pthread_mutex_lock(&s->lock);
	s->secret_len = secret.len;
	s->previous_len = previous.len;
	if (secret.len)
		memcpy(s->secret, secret.ptr, secret.len);
	if (previous.len)
		memcpy(s->previous, previous.ptr, previous.len);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void turn_shared_secrets(struct turn_shared *s, struct turn_secrets *out)
{
	pthread_mutex_lock(&s->lock);
	out->secret_len = s->secret_len;
	out->previous_len = s->previous_len;
	memcpy(out->secret, s->secret, s->secret_len);
	memcpy(out->previous, s->previous, s->previous_len);
	pthread_mutex_unlock(&s->lock);
}

static struct turn_user *user_new(struct turn_shared *s, struct str name, int64_t now_ms)
{
	struct turn_user *u = mem_new(sizeof *u + name.len + 1);
	if (!u)
		return NULL;
	memcpy(u->name, name.ptr, name.len);
	turn_bucket_init(&u->bucket, s->cfg.rate_user, now_ms);
	if (map_put(&s->users, &u->node, str_n(u->name, name.len)) == 0)
		return u;
	mem_free(u);
	return NULL;
}

static unsigned join_locked(struct turn_shared *s, struct str name, int64_t now_ms, struct turn_user **out)
{
	struct map_node *node = map_get(&s->users, name);
	struct turn_user *u = node ? CONTAINER_OF(node, struct turn_user, node) : NULL;
	if (u && u->n_allocations >= s->cfg.max_allocations_per_user)
		return 486;
	if (s->n_allocations >= s->cfg.max_allocations)
		return 508;
	if (!u)
		u = user_new(s, name, now_ms);
	if (!u)
		return 508;
	u->n_allocations++;
	s->n_allocations++;
	*out = u;
	return 0;
}

unsigned turn_shared_join(struct turn_shared *s, struct str name, int64_t now_ms, struct turn_user **out)
{
	if (atomic_load(&s->draining))
		return 508;
	pthread_mutex_lock(&s->lock);
	unsigned code = join_locked(s, name, now_ms, out);
	pthread_mutex_unlock(&s->lock);
	return code;
}

void turn_shared_leave(struct turn_shared *s, struct turn_user *user)
{
	pthread_mutex_lock(&s->lock);
	s->n_allocations--;
	bool last = --user->n_allocations == 0;
	if (last)
		map_remove(&s->users, &user->node);
	pthread_mutex_unlock(&s->lock);
	if (last)
		mem_free(user);
}

bool turn_port_claim(struct turn_shared *s, uint8_t family, uint16_t port)
{
	uint64_t bit = 1ULL << (port & 63);
	return !(atomic_fetch_or(&s->ports[family == STUN_IPV6][port >> 6], bit) & bit);
}

void turn_port_release(struct turn_shared *s, uint8_t family, uint16_t port)
{
	atomic_fetch_and(&s->ports[family == STUN_IPV6][port >> 6], ~(1ULL << (port & 63)));
}

bool turn_port_used(const struct turn_shared *s, uint8_t family, uint16_t port)
{
	uint64_t word = atomic_load_explicit(&s->ports[family == STUN_IPV6][port >> 6], memory_order_relaxed);
	return word >> (port & 63) & 1;
}

bool turn_reserve_put(struct turn_shared *s, struct turn_reservation *r)
{
	bool done = false;
	id_random(r->token, sizeof r->token);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < TURN_MAX_RESERVATIONS && !done; i++)
		if (s->reservations[i].fd < 0) {
			s->reservations[i] = *r;
			done = true;
		}
	pthread_mutex_unlock(&s->lock);
	return done;
}

static int reserve_pick(struct turn_shared *s, const uint8_t *token, int64_t now_ms, struct stun_addr *out_local)
{
	int fd = -1;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < TURN_MAX_RESERVATIONS && fd < 0; i++) {
		struct turn_reservation *r = &s->reservations[i];
		if (r->fd < 0)
			continue;
		if (token ? CRYPTO_memcmp(r->token, token, TURN_TOKEN_SIZE) != 0 : r->expires_ms > now_ms)
			continue;
		fd = r->fd;
		*out_local = r->local;
		r->fd = -1;
	}
	pthread_mutex_unlock(&s->lock);
	return fd;
}

int turn_reserve_take(struct turn_shared *s, const uint8_t *token, struct stun_addr *out_local)
{
	return reserve_pick(s, token, 0, out_local);
}

int turn_reserve_expired(struct turn_shared *s, int64_t now_ms, struct stun_addr *out_local)
{
	return reserve_pick(s, NULL, now_ms, out_local);
}

/* Who asks: nonces without memory, credentials that expire, and a bound on answers to the unknown. */
#include "turn/auth.h"

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "codec/hmac.h"

/* RFC 8489 §9.2: a nonce that begins so says which of the RFC's features the server has; bit 0 of the 24 (the leftmost)
 * is password algorithms, in base64 "gAAA". */
#define NONCE_COOKIE "obMatJos2gAAA"

static const uint16_t offered[] = {STUN_SHA256, STUN_MD5};
#define N_OFFERED (sizeof offered / sizeof *offered)

/* Time of making, then an HMAC over it, the 5-tuple and whether algorithms were offered. */
static void nonce_bytes(
	const struct turn_shared *s, const struct turn_key *key, bool algorithms, uint32_t made_s, uint8_t out[36])
{
	uint8_t text[sizeof *key + 5];
	memcpy(text, key, sizeof *key);
	memcpy(text + sizeof *key, &made_s, 4);
	text[sizeof *key + 4] = algorithms;
	memcpy(out, &made_s, 4);
	struct str secret = str_n((const char *)s->nonce_key, sizeof s->nonce_key);
	hmac_sum(HMAC_SHA256, secret, str_n((const char *)text, sizeof text), out + 4);
}

size_t turn_nonce_make(const struct turn_shared *s, const struct turn_key *key, bool algorithms, uint32_t now_s,
	char out[TURN_NONCE_MAX])
{
	uint8_t bytes[36];
	size_t at = 0;
	nonce_bytes(s, key, algorithms, now_s, bytes);
	if (algorithms) {
		at = sizeof NONCE_COOKIE - 1;
		memcpy(out, NONCE_COOKIE, at);
	}
	return at + (size_t)EVP_EncodeBlock((unsigned char *)out + at, bytes, (int)s->nonce_raw);
}

static bool has_cookie(struct str nonce)
{
	return str_starts_with(nonce, STR(NONCE_COOKIE));
}

bool turn_nonce_valid(const struct turn_shared *s, const struct turn_key *key, struct str nonce, uint32_t now_s)
{
	uint8_t got[48], want[36];
	uint32_t made_s;
	bool algorithms = has_cookie(nonce);
	if (algorithms)
		nonce = str_n(nonce.ptr + sizeof NONCE_COOKIE - 1, nonce.len - (sizeof NONCE_COOKIE - 1));
	if (nonce.len != s->nonce_raw / 3 * 4 || id_base64_decode(nonce, got, sizeof got) != (int)s->nonce_raw)
		return false;
	memcpy(&made_s, got, 4);
	nonce_bytes(s, key, algorithms, made_s, want);
	return CRYPTO_memcmp(got, want, s->nonce_raw) == 0 && now_s - made_s <= s->cfg.nonce_lifetime_s;
}

int turn_username_parse(struct str username, int64_t *out_expiry_s, struct str *out_user)
{
	uint64_t expiry;
	size_t colon = str_find(username, ':');
	if (colon == username.len || colon == 0 || (username.ptr[0] == '0' && colon > 1))
		return ERR_BAD_FIELD;
	if (str_parse_u64(str_n(username.ptr, colon), INT64_MAX, &expiry))
		return ERR_BAD_FIELD;
	*out_expiry_s = (int64_t)expiry;
	*out_user = str_n(username.ptr + colon + 1, username.len - colon - 1);
	bool bad = out_user->len == 0 || out_user->len > TURN_USER_MAX || memchr(out_user->ptr, 0, out_user->len);
	return bad ? ERR_BAD_FIELD : 0;
}

static void make_password(struct str secret, struct str username, char out[32])
{
	uint8_t sum[32];
	hmac_sum(HMAC_SHA1, secret, username, sum);
	EVP_EncodeBlock((unsigned char *)out, sum, 20);
}

int turn_credentials_make(struct str secret, struct str user, int64_t expires_s, struct turn_credentials *out)
{
	if (user.len == 0 || user.len > TURN_USER_MAX || memchr(user.ptr, 0, user.len) || !secret.len || expires_s < 0)
		return ERR_BAD_FIELD;
	struct buf name;
	buf_init(&name, sizeof out->username);
	buf_put_u64(&name, (uint64_t)expires_s);
	buf_put_c(&name, ':');
	buf_put(&name, user);
	int err = buf_ok(&name) ? str_copy(out->username, sizeof out->username, buf_str(&name)) : name.err;
	buf_fini(&name);
	if (!err)
		make_password(secret, str_of(out->username), out->password);
	return err;
}

static bool signed_with(const struct stun_msg *m, const struct turn_signer *s)
{
	struct str key = str_n((const char *)s->key, s->key_len);
	return s->sha256 ? stun_check_sha256(m, key, 32) : stun_check_sha1(m, key);
}

static bool try_secret(
	const struct turn_shared *s, const struct stun_msg *m, struct str secret, struct turn_signer *out)
{
	char password[32];
	struct str username = stun_find_str(m, STUN_USERNAME);
	if (!secret.len)
		return false;
	make_password(secret, username, password);
	out->key_len = out->algorithm == STUN_SHA256 ? 32 : 16;
	if (out->algorithm == STUN_SHA256)
		stun_key_sha256(username, s->cfg.realm, str_of(password), out->key);
	else
		stun_key_md5(username, s->cfg.realm, str_of(password), out->key);
	return signed_with(m, out);
}

/* Protection against bidding down (RFC 8489 §9.2.4): a client that saw our offer repeats it, signed. */
static unsigned check_algorithms(const struct stun_msg *m, struct str nonce, uint16_t *out)
{
	const struct stun_attr *chosen = stun_find(m, STUN_PASSWORD_ALGORITHM);
	const struct stun_attr *list = stun_find(m, STUN_PASSWORD_ALGORITHMS);
	uint16_t seen[N_OFFERED + 1], one;
	*out = STUN_MD5;
	if (!has_cookie(nonce) || (!chosen && !list))
		return 0;
	if (!chosen || !list || stun_get_algorithms(chosen, &one, 1) != 1)
		return 400;
	if (stun_get_algorithms(list, seen, N_OFFERED) != (int)N_OFFERED || memcmp(seen, offered, sizeof offered) != 0)
		return 400;
	if (one != STUN_MD5 && one != STUN_SHA256)
		return 400;
	*out = one;
	return 0;
}

/* The attributes that long-term credentials need (§9.2.4), and a nonce of ours. */
static unsigned check_form(struct turn_shared *s, const struct stun_msg *m, const struct turn_key *key, uint32_t now_s,
	struct turn_signer *out)
{
	bool sha1 = stun_find(m, STUN_MESSAGE_INTEGRITY) != NULL;
	out->sha256 = stun_find(m, STUN_MESSAGE_INTEGRITY_SHA256) != NULL;
	if (!sha1 && !out->sha256)
		return 401;
	struct str nonce = stun_find_str(m, STUN_NONCE);
	bool named = stun_find(m, STUN_USERNAME) || stun_find(m, STUN_USERHASH);
	if (!nonce.ptr || !stun_find(m, STUN_REALM) || !named)
		return 400;
	if (!turn_nonce_valid(s, key, nonce, now_s))
		return 438;
	return check_algorithms(m, nonce, &out->algorithm);
}

/* A hash of a user name can only be looked up where the name is known: at the allocation that it made. */
static bool is_known(
	const struct turn_shared *s, const struct stun_msg *m, const struct turn_login *known, struct turn_login *out)
{
	char name[TURN_USER_MAX + 24];
	uint8_t hash[32];
	struct str userhash = stun_find_str(m, STUN_USERHASH);
	if (!known || known->signer.algorithm != out->signer.algorithm)
		return false;
	int n = snprintf(name, sizeof name, "%lld:%.*s", (long long)known->expiry_s, STR_ARG(known->user));
	struct str full = str_n(name, (size_t)n);
	if (userhash.ptr) {
		stun_userhash(full, s->cfg.realm, hash);
		if (!str_eq(userhash, str_n((const char *)hash, sizeof hash)))
			return false;
	} else if (!str_eq(stun_find_str(m, STUN_USERNAME), full)) {
		return false;
	}
	bool sha256 = out->signer.sha256;
	*out = *known;
	out->signer.sha256 = sha256;
	return true;
}

unsigned turn_auth_check(struct turn_shared *s, const struct stun_msg *m, const struct turn_key *key,
	const struct turn_login *known, struct turn_now now, struct turn_login *out)
{
	struct turn_secrets secrets;
	unsigned code = check_form(s, m, key, (uint32_t)(now.mono_ms / 1000), &out->signer);
	if (code)
		return code;
	if (is_known(s, m, known, out))
		return signed_with(m, &out->signer) ? 0 : 401;
	if (turn_username_parse(stun_find_str(m, STUN_USERNAME), &out->expiry_s, &out->user) ||
		out->expiry_s < now.wall_s)
		return 401;
	turn_shared_secrets(s, &secrets);
	bool ok = try_secret(s, m, str_n(secrets.secret, secrets.secret_len), &out->signer) ||
		  try_secret(s, m, str_n(secrets.previous, secrets.previous_len), &out->signer);
	OPENSSL_cleanse(&secrets, sizeof secrets);
	return ok ? 0 : 401;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

void turn_auth_challenge(const struct turn_shared *s, const struct stun_msg *m, const struct turn_key *key,
	uint32_t now_s, unsigned code, struct stun_writer *w)
{
	char nonce[TURN_NONCE_MAX];
	size_t full = 20 + 8 + 4 + padded(s->cfg.realm.len) + 4 +
		      padded(sizeof NONCE_COOKIE - 1 + s->nonce_raw / 3 * 4) + 4 + 4 * N_OFFERED;
	bool proven = key->transport != TURN_UDP;
	bool offer = proven || full * 10 <= m->len * 28;
	stun_put_header(w, STUN_ERROR, m->method, m->txid);
	stun_put_error(w, code, STR(""));
	if (code != 401 && code != 438)
		return;
	size_t n = turn_nonce_make(s, key, offer, now_s, nonce);
	stun_put(w, STUN_REALM, s->cfg.realm);
	stun_put(w, STUN_NONCE, str_n(nonce, n));
	if (offer)
		stun_put_algorithms(w, offered, N_OFFERED);
}

/* IPv6 sources own a /64 at least, so that is what counts as one. */
bool turn_guard_allows(struct turn_guard *g, const struct stun_addr *client, uint32_t per_s, int64_t now_ms)
{
	if (!per_s)
		return true;
	size_t n = client->family == STUN_IPV4 ? 4 : 8;
	size_t i = map_hash(str_n((const char *)client->ip, n)) % TURN_GUARD_SLOTS;
	uint32_t now = (uint32_t)now_ms, most = per_s * 1000;
	uint64_t gained = (uint64_t)(now - g->slots[i].filled_ms) * per_s;
	uint64_t credit = g->slots[i].credit + gained;
	g->slots[i].filled_ms = now;
	g->slots[i].credit = (uint32_t)(credit > most ? most : credit);
	if (g->slots[i].credit < 1000)
		return false;
	g->slots[i].credit -= 1000;
	return true;
}

/* Tokens: taken apart, proved, read. */
#include "codec/jwt.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "codec/hmac.h"
#include "codec/jwks.h"

#define MAX_HEADER 512
#define MAX_SIGNATURE (JWKS_MAX_RSA_BITS / 8)

/* The end of the year 9999: later ones cannot be written down (RFC 3339). */
#define MAX_SECONDS 253402300799LL

void jwt_keys_init(struct jwt_keys *keys)
{
	*keys = (struct jwt_keys){0};
}

void jwt_keys_fini(struct jwt_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof *keys);
}

int jwt_keys_add_secret(struct jwt_keys *keys, struct str secret)
{
	if (keys->n == JWT_MAX_KEYS || secret.len < JWT_MIN_SECRET || secret.len > JWT_MAX_SECRET)
		return ERR_CONFIG;
	struct jwt_key *key = &keys->keys[keys->n++];
	key->secret_len = secret.len;
	memcpy(key->secret, secret.ptr, secret.len);
	return 0;
}

static int mac(const struct jwt_key *key, struct str text, unsigned char out[JWT_MAC_SIZE])
{
	return hmac_sum(HMAC_SHA256, str_n((const char *)key->secret, key->secret_len), text, out);
}

int jwt_keys_mac(const struct jwt_keys *keys, struct str text, unsigned char out[JWT_MAC_SIZE])
{
	assert(keys->n && str_find(text, '|') < text.len);
	return mac(&keys->keys[0], text, out);
}

/* A token's three parts (RFC 7515 §7.1). */
struct parts {
	struct str header;
	struct str payload;
	struct str signature;
	struct str signed_text; /* header "." payload */
};

static bool split(struct str token, struct parts *out)
{
	struct str rest = token;
	if (token.len > JWT_MAX_TOKEN)
		return false;
	out->header = str_cut(&rest, '.');
	if (!rest.ptr)
		return false;
	out->payload = str_cut(&rest, '.');
	if (!rest.ptr || str_find(rest, '.') < rest.len)
		return false;
	out->signature = rest;
	out->signed_text = str_n(token.ptr, out->header.len + 1 + out->payload.len);
	return true;
}

/* Decodes one part as a JSON object; null when it is none. `room` must hold its bytes. */
static json_t *decode_object(struct str part, char *room, size_t size)
{
	json_t *object;
	int n = id_base64url_decode(part, room, size);
	if (n < 0 || json_read_object(str_n(room, (size_t)n), &object) < 0)
		return NULL;
	return object;
}

/* Header members that change how a token is to be understood or bring a key of their own (RFC 7515 §4.1, RFC 7797).
 * A token of ours has no use for them. */
static bool has_foreign_member(const json_t *header)
{
	static const char *const refused[] = {"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "cty"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (json_object_get(header, refused[i]))
			return true;
	return false;
}

/* How a token says that it is signed. */
struct header {
	bool is_public; /* by the issuer's key: alg and kid tell which; else HS256, by one of our secrets */
	enum jwks_alg alg;
	char kid[JWKS_MAX_KID + 1];
	bool has_kid;
};

static bool read_header(const json_t *json, struct header *out)
{
	struct str alg, typ, kid;
	if (json_get_str(json, "alg", &alg) < 0 || !alg.ptr || has_foreign_member(json))
		return false;
	if (json_get_str(json, "typ", &typ) < 0 || (typ.ptr && !str_eq_nocase(typ, STR("JWT"))))
		return false;
	if (json_get_str(json, "kid", &kid) < 0 || str_copy(out->kid, sizeof out->kid, kid) < 0)
		return false;
	out->has_kid = kid.ptr != NULL;
	out->is_public = jwks_alg_of(alg, &out->alg);
	return out->is_public || str_eq_z(alg, "HS256");
}

static bool check_header(struct str part, struct header *out)
{
	char room[MAX_HEADER];
	json_t *json = decode_object(part, room, sizeof room);
	bool ok = json && read_header(json, out);
	json_decref(json);
	return ok;
}

/* Every key is tried in full, so that the time tells nothing about which one it was. */
static int check_mac(const struct parts *p, const struct jwt_keys *keys)
{
	unsigned char given[JWT_MAC_SIZE], made[JWT_MAC_SIZE];
	bool good = false;
	if (id_base64url_decode(p->signature, given, sizeof given) != JWT_MAC_SIZE)
		return ERR_TOKEN_INVALID;
	for (size_t i = 0; i < keys->n; i++) {
		if (mac(&keys->keys[i], p->signed_text, made) < 0)
			return ERR_NO_MEMORY;
		good |= CRYPTO_memcmp(given, made, sizeof made) == 0;
	}
	return good ? 0 : ERR_TOKEN_INVALID;
}

static int check_public(const struct parts *p, const struct header *h, const struct jwt_keys *keys)
{
	char signature[MAX_SIGNATURE];
	int n = id_base64url_decode(p->signature, signature, sizeof signature);
	if (!keys->issuer || n < 0)
		return ERR_TOKEN_INVALID;
	const struct jwks_signed what = {
		h->alg, h->has_kid ? str_of(h->kid) : str_n(NULL, 0), p->signed_text, str_n(signature, (size_t)n)};
	int err = jwks_verify(keys->issuer, &what);
	if (err == ERR_NOT_FOUND && h->has_kid && keys->on_unknown_key)
		keys->on_unknown_key(keys->arg);
	return err == ERR_NOT_FOUND ? ERR_TOKEN_INVALID : err;
}

/* A claim in seconds, as milliseconds. False when it is there but not a whole number in range. */
static bool get_time(const json_t *claims, const char *key, int64_t *out_ms)
{
	int64_t seconds = -1;
	if (json_get_int(claims, key, 0, MAX_SECONDS, &seconds) < 0)
		return false;
	*out_ms = seconds < 0 ? -1 : seconds * 1000;
	return true;
}

static int check_times(const json_t *claims, int64_t now_ms, int64_t *out_expires_ms)
{
	int64_t exp, nbf, iat;
	if (!get_time(claims, "exp", &exp) || !get_time(claims, "nbf", &nbf) || !get_time(claims, "iat", &iat))
		return ERR_TOKEN_INVALID;
	if (exp < 0 || nbf > now_ms + JWT_LEEWAY_MS || iat > now_ms + JWT_LEEWAY_MS)
		return ERR_TOKEN_INVALID;
	*out_expires_ms = exp;
	return exp <= now_ms ? ERR_TOKEN_EXPIRED : 0;
}

/* No control characters: neither ASCII's nor the C1 ones, which are U+0080 to U+009F (C2 80 to C2 9F). */
static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < s.len && (unsigned char)s.ptr[i + 1] < 0xa0)
			return false;
	}
	return str_is_utf8(s);
}

static bool get_text(const json_t *claims, const char *key, char *out, size_t size)
{
	struct str s;
	return json_get_str(claims, key, &s) == 0 && is_clean(s) && str_copy(out, size, s) == 0;
}

/* Shown by clients as a picture: no scheme that runs or reads anything, and nothing that would end an attribute. */
static bool is_web_address(struct str url)
{
	if (!str_starts_with(url, STR("https://")) && !str_starts_with(url, STR("http://")))
		return false;
	for (size_t i = 0; i < url.len; i++)
		if (strchr(" \"'<>\\`", url.ptr[i]))
			return false;
	return url.len > strlen("https://");
}

/* Scopes are words parted by spaces (RFC 8693 §4.2). */
static bool has_scope(struct str scopes, const char *wanted)
{
	while (scopes.ptr)
		if (str_eq_z(str_cut(&scopes, ' '), wanted))
			return true;
	return false;
}

static int read_claims(const json_t *claims, int64_t now_ms, struct jwt_claims *out)
{
	struct str scope;
	*out = (struct jwt_claims){0};
	bool ok = get_text(claims, "sub", out->user_id, sizeof out->user_id) && out->user_id[0] &&
		  get_text(claims, "name", out->name, sizeof out->name) &&
		  get_text(claims, "avatarUrl", out->avatar_url, sizeof out->avatar_url) &&
		  (!out->avatar_url[0] || is_web_address(str_of(out->avatar_url))) &&
		  json_get_str(claims, "scope", &scope) == 0 &&
		  json_get_bool(claims, "moderator", &out->is_moderator) == 0 &&
		  json_get_bool(claims, "recorder", &out->may_record) == 0;
	if (!ok)
		return ERR_TOKEN_INVALID;
	out->is_server = has_scope(scope, "server");
	out->may_record |= out->is_server || out->is_moderator;
	return check_times(claims, now_ms, &out->expires_at_ms);
}

static int verify_claims(struct str part, int64_t now_ms, struct jwt_claims *out)
{
	char room[JWT_MAX_TOKEN];
	struct jwt_claims read;
	json_t *claims = decode_object(part, room, sizeof room);
	if (!claims)
		return ERR_TOKEN_INVALID;
	int err = read_claims(claims, now_ms, &read);
	json_decref(claims);
	if (err == 0)
		*out = read;
	return err;
}

int jwt_verify(struct str token, const struct jwt_keys *keys, int64_t now_ms, struct jwt_claims *out)
{
	struct parts p;
	struct header header;
	if (token.len == 0)
		return ERR_TOKEN_MISSING;
	if (!split(token, &p) || !check_header(p.header, &header))
		return ERR_TOKEN_INVALID;
	int err = header.is_public ? check_public(&p, &header, keys) : check_mac(&p, keys);
	return err < 0 ? err : verify_claims(p.payload, now_ms, out);
}

static void put_claims(struct buf *out, const struct jwt_claims *c, int64_t now_ms)
{
	struct json_writer w = json_writer(out);
	jw_object(&w);
	jw_kz(&w, "sub", c->user_id);
	if (c->name[0])
		jw_kz(&w, "name", c->name);
	if (c->avatar_url[0])
		jw_kz(&w, "avatarUrl", c->avatar_url);
	if (c->is_server)
		jw_kz(&w, "scope", "server");
	if (c->is_moderator)
		jw_kbool(&w, "moderator", true);
	if (c->may_record && !c->is_moderator && !c->is_server)
		jw_kbool(&w, "recorder", true);
	jw_kint(&w, "iat", now_ms / 1000);
	jw_kint(&w, "exp", c->expires_at_ms / 1000);
	jw_end_object(&w);
}

/* Only what jwt_verify would take. */
static bool can_sign(const struct jwt_claims *c, int64_t now_ms)
{
	return c->user_id[0] && is_clean(str_of(c->user_id)) && is_clean(str_of(c->name)) &&
	       (!c->avatar_url[0] || (is_clean(str_of(c->avatar_url)) && is_web_address(str_of(c->avatar_url)))) &&
	       c->expires_at_ms > now_ms && c->expires_at_ms <= MAX_SECONDS * 1000;
}

int jwt_sign(const struct jwt_claims *claims, const struct jwt_keys *keys, int64_t now_ms, struct buf *out)
{
	struct buf json;
	unsigned char signature[JWT_MAC_SIZE];
	assert(keys->n);
	if (!can_sign(claims, now_ms))
		return ERR_BAD_FIELD;
	buf_init(&json, JWT_MAX_TOKEN);
	put_claims(&json, claims, now_ms);
	size_t start = out->len;
	id_base64url_encode(out, STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
	buf_put_c(out, '.');
	id_base64url_encode(out, buf_str(&json));
	int err = buf_ok(&json) ? out->err : json.err;
	buf_fini(&json);
	if (err == 0)
		err = mac(&keys->keys[0], str_n(out->ptr + start, out->len - start), signature);
	if (err < 0)
		return err;
	buf_put_c(out, '.');
	id_base64url_encode(out, str_n((char *)signature, sizeof signature));
	return out->err;
}

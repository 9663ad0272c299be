/* Public keys out of JSON, pinned, and one signature checked with one of them. */
#include "codec/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"

#define RSA_BYTES (JWKS_MAX_RSA_BITS / 8)
#define RSA_MIN_EXPONENT 65537
#define P256_BYTES 32

struct key {
	enum jwks_alg alg;
	char kid[JWKS_MAX_KID + 1]; /* "" when it has none */
	EVP_PKEY *public;	    /* owned */
};

struct jwks {
	struct key keys[JWKS_MAX_KEYS];
	size_t n;
};

bool jwks_alg_of(struct str name, enum jwks_alg *out)
{
	static const char *const names[] = {[JWKS_RS256] = "RS256", [JWKS_PS256] = "PS256", [JWKS_ES256] = "ES256"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (str_eq_z(name, names[i])) {
			*out = (enum jwks_alg)i;
			return true;
		}
	}
	return false;
}

/* --- making a key --- */

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *made = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_name(NULL, type, NULL) : NULL;
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return made;
}

/* A base64url member; -1 when it is absent, malformed or too long. */
static int get_bytes(const json_t *jwk, const char *name, unsigned char *out, size_t size)
{
	struct str text;
	if (json_get_str(jwk, name, &text) < 0 || !text.ptr)
		return -1;
	return id_base64url_decode(text, out, size);
}

static bool is_good_rsa(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);
	return bits >= JWKS_MIN_RSA_BITS && bits <= JWKS_MAX_RSA_BITS && BN_is_odd(n) && BN_is_odd(e) &&
	       BN_num_bits(e) <= 32 && BN_get_word(e) >= RSA_MIN_EXPONENT;
}

static EVP_PKEY *make_rsa(const json_t *jwk)
{
	unsigned char modulus[RSA_BYTES], exponent[4];
	int n_len = get_bytes(jwk, "n", modulus, sizeof modulus),
	    e_len = get_bytes(jwk, "e", exponent, sizeof exponent);
	if (n_len < 0 || e_len < 0)
		return NULL;
	EVP_PKEY *made = NULL;
	BIGNUM *n = BN_bin2bn(modulus, n_len, NULL), *e = BN_bin2bn(exponent, e_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (n && e && build && is_good_rsa(n, e) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		made = make("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return made;
}

/* RFC 7518 §6.2.1: coordinates of the curve's full length. A point that is not on the curve makes no key. */
static EVP_PKEY *make_p256(const json_t *jwk)
{
	unsigned char point[1 + 2 * P256_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	if (get_bytes(jwk, "x", point + 1, P256_BYTES) != P256_BYTES ||
		get_bytes(jwk, "y", point + 1 + P256_BYTES, P256_BYTES) != P256_BYTES)
		return NULL;
	EVP_PKEY *made = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
		made = make("EC", build);
	OSSL_PARAM_BLD_free(build);
	return made;
}

/* --- reading a set --- */

/* Whether a key is for checking signatures, and no secret (RFC 7517 §4.2, §4.3). */
static bool is_for_signatures(const json_t *jwk)
{
	struct str use;
	const json_t *ops = json_object_get(jwk, "key_ops"), *op;
	size_t i;
	if (json_object_get(jwk, "d") || json_object_get(jwk, "k") || json_get_str(jwk, "use", &use) < 0 ||
		(use.ptr && !str_eq_z(use, "sig")))
		return false;
	bool verifies = !ops;
	json_array_foreach(ops, i, op)
	{
		if (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0)
			verifies = true;
	}
	return verifies;
}

/* What the key is used for: RSA keys that do not say it are for RS256. */
static bool pin(const json_t *jwk, enum jwks_alg *out)
{
	struct str kty, crv, alg;
	if (json_get_str(jwk, "kty", &kty) < 0 || json_get_str(jwk, "crv", &crv) < 0 ||
		json_get_str(jwk, "alg", &alg) < 0)
		return false;
	bool is_rsa = str_eq_z(kty, "RSA");
	if (!is_rsa && !(str_eq_z(kty, "EC") && str_eq_z(crv, "P-256")))
		return false;
	*out = is_rsa ? JWKS_RS256 : JWKS_ES256;
	return !alg.ptr || (jwks_alg_of(alg, out) && (*out == JWKS_ES256) == !is_rsa);
}

static const struct key *find(const struct jwks *set, enum jwks_alg alg, struct str kid)
{
	const struct key *found = NULL;
	for (size_t i = 0; i < set->n; i++) {
		const struct key *k = &set->keys[i];
		if (k->alg != alg || (kid.ptr && !str_eq_z(kid, k->kid)))
			continue;
		if (found)
			return NULL;
		found = k;
	}
	return found;
}

static void add(struct jwks *set, const json_t *jwk)
{
	struct key key = {0};
	struct str kid;
	if (set->n == JWKS_MAX_KEYS || !json_is_object(jwk) || !is_for_signatures(jwk) || !pin(jwk, &key.alg))
		return;
	if (json_get_str(jwk, "kid", &kid) < 0 || str_copy(key.kid, sizeof key.kid, kid) < 0)
		return;
	if (find(set, key.alg, str_of(key.kid)))
		return;
	key.public = key.alg == JWKS_ES256 ? make_p256(jwk) : make_rsa(jwk);
	if (key.public)
		set->keys[set->n++] = key;
}

int jwks_read(struct str json, struct jwks **out, struct buf *why)
{
	json_t *root, *item;
	size_t i;
	if (json.len > JWKS_MAX_BYTES || json_read_object(json, &root) < 0) {
		buf_printf(why, "it is no JSON Web Key Set (RFC 7517) of at most %d bytes", JWKS_MAX_BYTES);
		return ERR_CONFIG;
	}
	struct jwks *set = mem_new(sizeof *set);
	if (!set) {
		json_decref(root);
		return ERR_NO_MEMORY;
	}
	json_array_foreach(json_object_get(root, "keys"), i, item)
	{
		add(set, item);
	}
	json_decref(root);
	ERR_clear_error();
	if (set->n == 0) {
		jwks_free(set);
		buf_printf(why, "there is no key in it for RS256, PS256 (RSA, 2048 bits or more) or ES256 (P-256)");
		return ERR_CONFIG;
	}
	*out = set;
	return 0;
}

void jwks_free(struct jwks *set)
{
	for (size_t i = 0; set && i < set->n; i++)
		EVP_PKEY_free(set->keys[i].public);
	mem_free(set);
}

size_t jwks_count(const struct jwks *set)
{
	return set ? set->n : 0;
}

/* --- checking --- */

static bool check(const struct key *key, struct str text, const unsigned char *signature, size_t len)
{
	EVP_PKEY_CTX *how;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ready = ctx && EVP_DigestVerifyInit(ctx, &how, EVP_sha256(), NULL, key->public) == 1;
	if (ready && key->alg == JWKS_PS256)
		ready = EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1;
	bool good = ready && EVP_DigestVerify(ctx, signature, len, (const unsigned char *)text.ptr, text.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

/* RFC 7518 §3.4: two numbers of full length, which OpenSSL wants in DER. */
static bool check_ecdsa(const struct key *key, const struct jwks_signed *what)
{
	const unsigned char *b = (const unsigned char *)what->signature.ptr;
	unsigned char *der = NULL;
	if (what->signature.len != 2 * (size_t)P256_BYTES)
		return false;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(b, P256_BYTES, NULL), *s = BN_bin2bn(b + P256_BYTES, P256_BYTES, NULL);
	if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(pair);
		return false;
	}
	int len = i2d_ECDSA_SIG(pair, &der);
	bool good = len > 0 && check(key, what->text, der, (size_t)len);
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return good;
}

int jwks_verify(const struct jwks *set, const struct jwks_signed *what)
{
	const struct key *key = find(set, what->alg, what->kid);
	if (!key)
		return ERR_NOT_FOUND;
	bool good = key->alg == JWKS_ES256
			    ? check_ecdsa(key, what)
			    : check(key, what->text, (const unsigned char *)what->signature.ptr, what->signature.len);
	return good ? 0 : ERR_TOKEN_INVALID;
}

/* Certificates read from files, chosen by name, and read again while connections go on. */
#include "net/tls.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tickets.h"

#define HTTP_PROTOCOL "http/1.1"
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
/* The first is also what holds least memory in a connection. */
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

/* The certificates of one reading. */
struct shown {
	SSL_CTX *items[TLS_MAX_PAIRS]; /* owned */
	size_t n;
};

struct tls {
	struct tls_pair pairs[TLS_MAX_PAIRS]; /* owned texts */
	size_t n_pairs;
	const char *other_protocol;
	struct shown shown;
	struct tickets tickets;
};

/* --- what happens in a handshake --- */

static int on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	for (size_t i = 0; name && i < t->shown.n; i++) {
		if (X509_check_host(SSL_CTX_get0_certificate(t->shown.items[i]), name, strlen(name), 0, NULL) != 1)
			continue;
		SSL_set_SSL_CTX(ssl, t->shown.items[i]);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool is_protocol(const unsigned char *offer, const char *protocol)
{
	return protocol && offer[0] == strlen(protocol) && memcmp(offer + 1, protocol, offer[0]) == 0;
}

/* The first of the client's protocols that is spoken here; with none in common it is told so (RFC 7301 §3.2). */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offers,
	unsigned int n, void *arg)
{
	const struct tls *t = arg;
	(void)ssl;
	for (unsigned int at = 0; at < n; at += 1u + offers[at]) {
		if (!is_protocol(offers + at, HTTP_PROTOCOL) && !is_protocol(offers + at, t->other_protocol))
			continue;
		*out = offers + at + 1;
		*out_len = offers[at];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use_key(
	const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(
			OSSL_MAC_PARAM_KEY, (void *)(uintptr_t)key->mac /* only read */, sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, sealing) == 1;
}

/* RFC 5077 §4. 0: no such key, a full handshake follows; 2: opened, and a new one is to be given out. */
static int on_ticket(
	SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct tls *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	int64_t now = clock_mono_ms();
	const struct ticket_key *current = tickets_current(&t->tickets, now);
	if (sealing) {
		if (!current || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		memcpy(name, current->name, sizeof current->name);
		return use_key(current, iv, cipher, mac, 1) ? 1 : -1;
	}
	const struct ticket_key *key = tickets_find(&t->tickets, name, now);
	if (!key)
		return 0;
	if (!use_key(key, iv, cipher, mac, 0))
		return -1;
	return key == current ? 1 : 2;
}

/* --- files --- */

/* Nobody is there to be asked; *arg tells that a passphrase was wanted. */
static int on_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return 0;
}

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	return reason ? reason : "unknown error";
}

static int unreadable(struct buf *why, const char *option, const char *file)
{
	buf_printf(why, "%s: cannot read %s: %s", option, file, strerror(errno));
	return ERR_CONFIG;
}

static bool can_read(const char *file)
{
	FILE *f = fopen(file, "re");
	if (f)
		fclose(f);
	return f != NULL;
}

static int use_cert(SSL_CTX *ctx, const struct tls_pair *pair, struct buf *why)
{
	if (!can_read(pair->cert_file))
		return unreadable(why, "--tls-cert", pair->cert_file);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ctx, pair->cert_file) == 1)
		return 0;
	if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_PEM || ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_PEM)
		buf_printf(why,
			"--tls-cert: %s holds no PEM certificate; it must begin with the server's own, then the "
			"intermediate ones",
			pair->cert_file);
	else
		buf_printf(why, "--tls-cert: %s cannot be used (%s); ask for a new certificate", pair->cert_file,
			openssl_reason());
	return ERR_CONFIG;
}

static int use_private_key(SSL_CTX *ctx, const struct tls_pair *pair, struct buf *why)
{
	bool encrypted = false;
	if (!can_read(pair->key_file))
		return unreadable(why, "--tls-key", pair->key_file);
	SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, &encrypted);
	ERR_clear_error();
	int got = SSL_CTX_use_PrivateKey_file(ctx, pair->key_file, SSL_FILETYPE_PEM);
	unsigned long reason = ERR_peek_last_error();
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (got == 1 && SSL_CTX_check_private_key(ctx) == 1)
		return 0;
	if (encrypted)
		buf_printf(why,
			"--tls-key: %s is encrypted; write it without a passphrase: openssl pkey -in %s -out NEW",
			pair->key_file, pair->key_file);
	else if (got == 1 || ERR_GET_LIB(reason) == ERR_LIB_X509)
		buf_printf(why, "--tls-key: %s is not the key of %s; give the pairs in the same order", pair->key_file,
			pair->cert_file);
	else
		buf_printf(why, "--tls-key: %s holds no PEM private key", pair->key_file);
	return ERR_CONFIG;
}

/* --- contexts --- */

static bool set_rules(SSL_CTX *ctx, struct tls *t)
{
	static const unsigned char id[] = "bellwire";
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(
		ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKETS_LIFETIME_S);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, t);
	SSL_CTX_set_alpn_select_cb(ctx, on_protocols, t);
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket) == 1 && SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1) == 1 &&
	       SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 && SSL_CTX_set_ciphersuites(ctx, CIPHERS_1_3) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

static void shown_fini(struct shown *s)
{
	for (size_t i = 0; i < s->n; i++)
		SSL_CTX_free(s->items[i]);
	s->n = 0;
}

static int read_all(struct tls *t, struct shown *out, struct buf *why)
{
	int err = 0;
	out->n = 0;
	for (size_t i = 0; err == 0 && i < t->n_pairs; i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
		if (!ctx)
			err = ERR_NO_MEMORY;
		else
			out->items[out->n++] = ctx;
		if (err == 0 && !set_rules(ctx, t))
			err = ERR_NO_MEMORY;
		if (err == 0)
			err = use_cert(ctx, &t->pairs[i], why);
		if (err == 0)
			err = use_private_key(ctx, &t->pairs[i], why);
	}
	ERR_clear_error();
	if (err < 0)
		shown_fini(out);
	return err;
}

static int copy_pairs(struct tls *t, const struct tls_config *config)
{
	for (size_t i = 0; i < config->n_pairs; i++) {
		t->pairs[i].cert_file = mem_dup(str_of(config->pairs[i].cert_file));
		t->pairs[i].key_file = mem_dup(str_of(config->pairs[i].key_file));
		t->n_pairs = i + 1;
		if (!t->pairs[i].cert_file || !t->pairs[i].key_file)
			return ERR_NO_MEMORY;
	}
	return 0;
}

int tls_new(const struct tls_config *config, struct tls **out, struct buf *why)
{
	assert(config->n_pairs > 0 && config->n_pairs <= TLS_MAX_PAIRS);
	struct tls *t = mem_new(sizeof *t);
	if (!t)
		return ERR_NO_MEMORY;
	t->other_protocol = config->other_protocol;
	int err = copy_pairs(t, config);
	if (err == 0)
		err = read_all(t, &t->shown, why);
	if (err == 0)
		*out = t;
	else
		tls_free(t);
	return err;
}

int tls_reload(struct tls *t, struct buf *why)
{
	struct shown fresh;
	int err = read_all(t, &fresh, why);
	if (err < 0)
		return err;
	shown_fini(&t->shown); /* connections hold on to what they use */
	t->shown = fresh;
	return 0;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	shown_fini(&t->shown);
	for (size_t i = 0; i < t->n_pairs; i++) {
		mem_free((char *)(uintptr_t)t->pairs[i].cert_file);
		mem_free((char *)(uintptr_t)t->pairs[i].key_file);
	}
	tickets_wipe(&t->tickets);
	mem_free(t);
}

/* An old certificate is shown all the same: those who know it by other means go on. */
void tls_log_dates(const struct tls *t)
{
	for (size_t i = 0; i < t->shown.n; i++) {
		const X509 *cert = SSL_CTX_get0_certificate(t->shown.items[i]);
		if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
			log_warn("the certificate has expired", LOG_S("file", t->pairs[i].cert_file));
		else if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
			log_warn("the certificate is not valid yet", LOG_S("file", t->pairs[i].cert_file));
	}
}

struct ssl_st *tls_accept(struct tls *t)
{
	SSL *ssl = SSL_new(t->shown.items[0]);
	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

bool tls_chose_other(const struct tls *t, const struct ssl_st *ssl)
{
	const unsigned char *chosen;
	unsigned int n;
	SSL_get0_alpn_selected(ssl, &chosen, &n);
	return t->other_protocol && n == strlen(t->other_protocol) && memcmp(chosen, t->other_protocol, n) == 0;
}

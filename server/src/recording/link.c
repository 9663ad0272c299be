/* Signed links: "?exp=SECONDS&sig=PROOF" lets a player fetch one recording for a while, without a token. */
#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "recording/inner.h"

#define SIG_SIZE 44 /* base64url of 32 bytes, with its NUL */

static int make_sig(struct recordings *r, const char *id, int64_t exp, char out[SIG_SIZE])
{
	char text[ID_UUID_SIZE + 40];
	unsigned char proof[32];
	struct buf sig;
	snprintf(text, sizeof text, "recording|%s|%lld", id, (long long)exp);
	int err = r->config.host.prove(r->config.host.arg, str_of(text), proof);
	if (err < 0)
		return err;
	buf_init(&sig, SIG_SIZE);
	id_base64url_encode(&sig, str_n((const char *)proof, sizeof proof));
	err = buf_ok(&sig) ? str_copy(out, SIG_SIZE, buf_str(&sig)) : sig.err;
	buf_fini(&sig);
	return err;
}

void link_write(struct recordings *r, const char *id, struct json_writer *w)
{
	char sig[SIG_SIZE], url[RECORDING_URL_SIZE + 100];
	int64_t exp = (clock_wall_ms() + r->config.link_ms) / 1000;
	int err = make_sig(r, id, exp, sig);
	if (err < 0) {
		w->out->err = err;
		return;
	}
	snprintf(url, sizeof url, "/api/recordings/%s?exp=%lld&sig=%s", id, (long long)exp, sig);
	jw_object(w);
	jw_kz(w, "url", url);
	jw_ktime(w, "expiresAt", exp * 1000);
	jw_end_object(w);
}

bool link_is_good(struct recordings *r, struct http_req *req, const char *id)
{
	char exp_text[20], sig[SIG_SIZE], want[SIG_SIZE];
	uint64_t exp;
	if (http_req_query_get(req, "exp", exp_text, sizeof exp_text) < 0 ||
		http_req_query_get(req, "sig", sig, sizeof sig) < 0 ||
		str_parse_u64(str_of(exp_text), INT64_MAX / 2000, &exp) < 0)
		return false;
	return make_sig(r, id, (int64_t)exp, want) == 0 && str_eq_secret(str_of(sig), str_of(want)) &&
	       (int64_t)exp * 1000 > clock_wall_ms();
}

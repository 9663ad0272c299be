/* How uploads speak on the wire: the header fields that a tus request has, and those of its answers. */
#include "recording/tus.h"

#include <stdio.h>

#include "base/err.h"

#define RETRY_S "5"

/* --- answers --- */

void tus_add_fields(struct recordings *r, struct http_req *req)
{
	char text[24];
	http_resp_header(req, "Tus-Resumable", STR("1.0.0"));
	http_resp_header(req, "Tus-Version", STR("1.0.0"));
	snprintf(text, sizeof text, "%lld", (long long)r->config.max_bytes);
	http_resp_header(req, "Tus-Max-Size", str_of(text));
}

void tus_refuse(struct recordings *r, struct http_req *req, int err, const char *field)
{
	tus_add_fields(r, req);
	if (err == ERR_TOO_MANY_UPLOADS || err == ERR_UPLOAD_LOCKED)
		http_resp_header(req, "Retry-After", STR(RETRY_S));
	http_respond_problem(req, err, NULL, field);
}

static void add_number(struct http_req *req, const char *name, int64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)n);
	http_resp_header(req, name, str_of(text));
}

/* RFC 9110 §5.6.7 */
static void add_expiry(const struct upload *u, struct http_req *req)
{
	char text[40];
	struct tm tm;
	time_t at = (time_t)((u->meta.touched_at + u->r->config.expire_ms) / 1000);
	gmtime_r(&at, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	http_resp_header(req, "Upload-Expires", str_of(text));
}

void tus_answer(struct upload *u, struct http_req *req, int status)
{
	tus_add_fields(u->r, req);
	add_number(req, "Upload-Offset", u->offset);
	if (u->meta.length >= 0)
		add_number(req, "Upload-Length", u->meta.length);
	else
		http_resp_header(req, "Upload-Defer-Length", STR("1"));
	if (u->meta.state == UPLOAD_OPEN)
		add_expiry(u, req);
	http_respond(req, status, NULL, STR(""));
}

void tus_add_location(const struct upload *u, struct http_req *req)
{
	char text[80];
	snprintf(text, sizeof text, "/api/uploads/%s", u->meta.row.id);
	http_resp_header(req, "Location", str_of(text));
}

/* --- what a request says --- */

bool tus_is_spoken(struct recordings *r, struct http_req *req)
{
	if (str_eq(http_req_header(req, "tus-resumable"), STR("1.0.0")))
		return true;
	tus_refuse(r, req, ERR_TUS_VERSION, "Tus-Resumable");
	return false;
}

struct upload *tus_find(struct recordings *r, struct http_req *req)
{
	struct recording_asker who;
	if (!ask_who(r, req, &who) || !tus_is_spoken(r, req))
		return NULL;
	struct upload *u = upload_find(r, http_req_param(req, "id"));
	if (u && !who.is_server && strcmp(u->meta.row.user_id, who.user_id) != 0)
		u = NULL;
	if (!u)
		tus_refuse(r, req, ERR_UPLOAD_NOT_FOUND, NULL);
	return u;
}

/* "name base64,name base64" */
const char *tus_read_metadata(struct str text, struct recording *row)
{
	char value[RECORDING_NAME_SIZE];
	while (text.ptr && text.len) {
		struct str pair = str_trim(str_cut(&text, ','));
		struct str key = str_cut(&pair, ' ');
		struct str coded = pair.ptr ? str_trim(pair) : STR("");
		int n = id_base64_decode(coded, value, sizeof value - 1);
		struct str got = str_n(value, n < 0 ? 0 : (size_t)n);
		bool good = n >= 0 && str_is_utf8(got) && !memchr(value, 0, got.len);
		if (str_eq_z(key, "callId")) {
			if (!good || !id_is_uuid(got))
				return "callId";
			str_copy(row->call_id, sizeof row->call_id, got);
		} else if (str_eq_z(key, "filetype")) {
			if (!good)
				return "filetype";
			got.len = str_find(got, ';'); /* without codecs */
			if (str_copy(row->media_type, sizeof row->media_type, got) < 0)
				return "filetype";
		} else if (str_eq_z(key, "filename")) {
			if (!good || str_copy(row->file_name, sizeof row->file_name, got) < 0)
				return "filename";
		}
	}
	return row->call_id[0] ? NULL : "callId";
}

const char *tus_read_number(struct http_req *req, const char *name, int64_t *out)
{
	uint64_t n = 0;
	struct str text = http_req_header(req, name);
	if (!text.ptr)
		return NULL;
	if (str_parse_u64(text, INT64_MAX / 2, &n) < 0)
		return name;
	*out = (int64_t)n;
	return NULL;
}

/* "sha256 base64" */
int tus_read_checksum(struct http_req *req, struct append_config *out)
{
	struct str text = http_req_header(req, "upload-checksum");
	if (!text.ptr)
		return 0;
	out->checksum_name = str_cut(&text, ' ');
	bool sha1 = str_eq_z(out->checksum_name, "sha1");
	int n = text.ptr ? id_base64_decode(text, out->checksum, sizeof out->checksum) : -1;
	if ((!sha1 && !str_eq_z(out->checksum_name, "sha256")) || n != (sha1 ? 20 : 32))
		return ERR_BAD_FIELD;
	out->n_checksum = (size_t)n;
	return 0;
}

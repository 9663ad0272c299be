/* Calls as lines of text/csv: every value quoted where it must be, and none that a spreadsheet would compute. */
#include "api/csv.h"

#include "base/clock.h"
#include "base/err.h"

bool api_csv_wanted(const struct http_req *req)
{
	struct str accept = http_req_header(req, "accept");
	while (accept.ptr) {
		struct str range = str_cut(&accept, ',');
		struct str type = str_trim(str_cut(&range, ';'));
		if (str_eq_nocase(type, STR("text/csv")))
			return true;
		if (str_eq_nocase(type, STR("application/json")) || str_eq(type, STR("*/*")))
			return false;
	}
	return false;
}

/* Spreadsheets take text that begins so for a formula; an apostrophe makes it text again. */
static bool is_formula(struct str s)
{
	return s.len && memchr("=+-@\t\r", s.ptr[0], 6);
}

/* Quoted when it holds a comma, a quote or a line break (RFC 4180 §2). */
static void put_value(struct buf *out, struct str s)
{
	bool quote = is_formula(s) || str_find(s, ',') < s.len || str_find(s, '"') < s.len ||
		     str_find(s, '\n') < s.len || str_find(s, '\r') < s.len;
	if (quote)
		buf_put_c(out, '"');
	if (is_formula(s))
		buf_put_c(out, '\'');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"')
			buf_put_c(out, '"');
		buf_put_c(out, s.ptr[i]);
	}
	if (quote)
		buf_put_c(out, '"');
}

static void put_z(struct buf *out, const char *z)
{
	buf_put_c(out, ',');
	put_value(out, str_of(z));
}

static void put_time(struct buf *out, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE] = "";
	if (wall_ms)
		clock_format(wall_ms, text);
	put_z(out, text);
}

/* Everybody else in the call, by name where one is known. */
static void put_others(struct buf *out, const struct call *call, const char *viewer_id)
{
	struct buf others;
	buf_init(&others, 64 * 1024);
	for (size_t i = 0; i < call->n_participants; i++) {
		const struct user *u = &call->participants[i].user;
		if (strcmp(u->id, viewer_id) == 0)
			continue;
		if (others.len)
			buf_put(&others, STR("; "));
		buf_put(&others, str_of(u->name[0] ? u->name : u->id));
	}
	buf_put_c(out, ',');
	if (buf_ok(&others))
		put_value(out, buf_str(&others));
	else
		out->err = others.err;
	buf_fini(&others);
}

static void put_call(struct buf *out, const struct call *call, const char *viewer_id)
{
	const struct participant *own = call_participant(call, str_of(viewer_id));
	put_value(out, str_of(call->id));
	put_time(out, call->started_at);
	put_z(out, own ? direction_word(participant_direction(own)) : "");
	put_z(out, own ? outcome_word(participant_outcome(call, own)) : "");
	put_z(out, call_type_word(call->type));
	put_z(out, call_mode_word(call->mode));
	put_z(out, call->channel_id);
	put_others(out, call, viewer_id);
	put_time(out, call->answered_at);
	put_time(out, call->ended_at);
	buf_put_c(out, ',');
	buf_put_u64(out, (uint64_t)call_duration_s(call, clock_wall_ms()));
	put_z(out, call->end_reason == END_NONE ? "" : end_reason_word(call->end_reason));
	buf_put(out, STR("\r\n"));
}

void api_csv_write(struct buf *out, const struct store_read_history *read)
{
	buf_put(out, STR("id,startedAt,direction,outcome,callType,mode,channelId,others,answeredAt,endedAt,duration,"
			 "endReason\r\n"));
	for (size_t i = 0; i < read->n_calls; i++)
		put_call(out, read->calls[i], read->viewer_id);
}

void api_csv_answer(struct http_req *req, struct buf *body)
{
	if (buf_ok(body)) {
		http_resp_header(req, "Content-Disposition", STR("attachment; filename=\"calls.csv\""));
		http_respond(req, 200, "text/csv; charset=utf-8", buf_str(body));
	} else {
		http_respond_problem(req, ERR_NO_MEMORY, NULL, NULL);
	}
	buf_fini(body);
}

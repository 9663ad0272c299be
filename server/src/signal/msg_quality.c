/* call.quality: how good the connection is, in a word, and the samples and events behind it for the flight recorder. */
#include "base/err.h"
#include "signal/dispatch.h"

/* An array member as a tree; null when it is absent. */
static int get_array(const struct msg *m, const char *key, json_t **out)
{
	struct str raw = envelope_get(m->envelope, key);
	*out = NULL;
	if (!raw.ptr)
		return 0;
	return json_read(raw, out) == 0 && json_is_array(*out) ? 0 : ERR_BAD_FIELD;
}

static int record(const struct msg *m, struct str call_id)
{
	json_t *peers = NULL, *events = NULL;
	int err = get_array(m, "peers", &peers);
	if (err == 0)
		err = get_array(m, "events", &events);
	struct call_record what = {.actor = m->actor, .call_id = call_id, .peers = peers, .events = events};
	if (err == 0)
		err = msg_record(m, &what);
	json_decref(peers);
	json_decref(events);
	return err;
}

int msg_quality(const struct msg *m)
{
	struct call_command cmd = {.verb = CMD_MEDIA, .actor = m->actor, .media = {.set = MEDIA_QUALITY}};
	struct str word = {0};
	bool has_level = envelope_get(m->envelope, "connectionQuality").ptr;
	bool has_samples = envelope_get(m->envelope, "peers").ptr || envelope_get(m->envelope, "events").ptr;
	int err = msg_call_id(m, &cmd.call_id);
	if (err == 0 && (has_level || !has_samples))
		err = msg_text(m, "connectionQuality", &word);
	if (err == 0 && has_level)
		err = quality_parse(word, &cmd.media.quality);
	if (err == 0 && has_level && cmd.media.quality == QUALITY_NONE)
		err = ERR_BAD_FIELD;
	if (err < 0)
		return err;
	if (!has_samples)
		return msg_submit(m, &cmd, NULL);
	if (has_level)
		calls_submit(m->session->sig->config.calls, &cmd, NULL, NULL);
	return record(m, cmd.call_id);
}

/* Being in a call: join, leave, decline, ring signs, connection reports, recording notices. */
#include "base/err.h"
#include "signal/dispatch.h"

static int begin(const struct msg *m, enum call_verb verb, struct call_command *cmd)
{
	*cmd = (struct call_command){.verb = verb, .actor = m->actor};
	return msg_call_id(m, &cmd->call_id);
}

static void write_call(struct json_writer *w, const struct call_reply *r)
{
	if (!r->call)
		return;
	jw_key(w, "call");
	call_write_json(w, r->call, r->now);
}

static void write_joined(struct json_writer *w, const struct call_reply *r)
{
	write_call(w, r);
	if (!r->call || !r->self)
		return;
	jw_key(w, "self");
	call_write_self(w, r->call, r->self);
	jw_key(w, "participants");
	call_write_legs(w, r->call, r->self);
}

int msg_join(const struct msg *m)
{
	struct call_command cmd;
	bool present;
	int err = begin(m, CMD_JOIN, &cmd);
	if (err == 0)
		err = msg_optional_bool(m, "takeover", &cmd.join.takeover, &present);
	if (err == 0)
		err = msg_optional_bool(m, "isMuted", &cmd.join.media.is_muted, &present);
	if (err == 0 && present)
		cmd.join.media.set |= MEDIA_MUTED;
	if (err == 0)
		err = msg_optional_bool(m, "isVideoEnabled", &cmd.join.media.is_video_enabled, &present);
	if (err == 0 && present)
		cmd.join.media.set |= MEDIA_VIDEO;
	return err < 0 ? err : msg_submit(m, &cmd, write_joined);
}

static int submit_plain(const struct msg *m, enum call_verb verb, msg_write_cb write)
{
	struct call_command cmd;
	int err = begin(m, verb, &cmd);
	return err < 0 ? err : msg_submit(m, &cmd, write);
}

int msg_leave(const struct msg *m)
{
	return submit_plain(m, CMD_LEAVE, write_call);
}

int msg_decline(const struct msg *m)
{
	return submit_plain(m, CMD_DECLINE, write_call);
}

int msg_ack(const struct msg *m)
{
	return submit_plain(m, CMD_ACK, NULL);
}

int msg_connection(const struct msg *m)
{
	struct call_command cmd;
	struct str state = STR("");
	int err = begin(m, CMD_CONNECTION, &cmd);
	if (err == 0)
		err = msg_text(m, "state", &state);
	if (err < 0)
		return err;
	if (str_eq_z(state, "connected"))
		cmd.connection = CONNECTION_CONNECTED;
	else if (str_eq_z(state, "failed"))
		cmd.connection = CONNECTION_FAILED;
	else
		return ERR_BAD_FIELD;
	return msg_submit(m, &cmd, NULL);
}

static int submit_recording(const struct msg *m, enum call_recording what)
{
	struct call_command cmd;
	int err = begin(m, CMD_RECORDING, &cmd);
	cmd.recording = what;
	return err < 0 ? err : msg_submit(m, &cmd, NULL);
}

int msg_recording_start(const struct msg *m)
{
	return submit_recording(m, RECORDING_START);
}

int msg_recording_stop(const struct msg *m)
{
	return submit_recording(m, RECORDING_STOP);
}

int msg_recording_consent(const struct msg *m)
{
	bool agrees = true, present;
	int err = msg_optional_bool(m, "consent", &agrees, &present);
	return err < 0 ? err : submit_recording(m, agrees ? RECORDING_CONSENT : RECORDING_REFUSE);
}

/* Microphone, camera and screen. */
#include "base/err.h"
#include "signal/dispatch.h"

static int submit(const struct msg *m, const struct call_media *media)
{
	struct call_command cmd = {.verb = CMD_MEDIA, .actor = m->actor, .media = *media};
	int err = msg_call_id(m, &cmd.call_id);
	return err < 0 ? err : msg_submit(m, &cmd, NULL);
}

int msg_mute(const struct msg *m)
{
	struct call_media media = {.set = MEDIA_MUTED};
	int err = msg_bool(m, "isMuted", &media.is_muted);
	return err < 0 ? err : submit(m, &media);
}

int msg_video(const struct msg *m)
{
	struct call_media media = {.set = MEDIA_VIDEO};
	int err = msg_bool(m, "isVideoEnabled", &media.is_video_enabled);
	return err < 0 ? err : submit(m, &media);
}

int msg_screen(const struct msg *m)
{
	struct call_media media = {.set = MEDIA_SCREEN};
	int err = msg_bool(m, "isScreenSharing", &media.is_screen_sharing);
	return err < 0 ? err : submit(m, &media);
}

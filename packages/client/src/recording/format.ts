/** What the browser can write: WebM where it can, MP4 where it cannot. */

const WITH_VIDEO = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const SOUND_ONLY = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4"];

/** The first that `isSupported`; undefined: the browser cannot record at all. */
export function pickType(
  withVideo: boolean,
  isSupported = (type: string): boolean => MediaRecorder.isTypeSupported(type),
): string | undefined {
  return (withVideo ? WITH_VIDEO : SOUND_ONLY).find((type) => isSupported(type));
}

export const endingOf = (mediaType: string): string => (/^\w+\/mp4/.test(mediaType) ? "mp4" : "webm");

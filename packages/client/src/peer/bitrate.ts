/** How much video one connection of several may send, so that all together fit through this device's uplink. */

/** For all pictures to everybody, in bits per second. */
export const DEFAULT_VIDEO_BITRATE = 2_500_000;
/** Less than this is no picture any more; audio has its own room beside it. */
const LEAST = 80_000;

/** Each picture is sent once to each peer. */
export function shareOf(total: number, nPeers: number, nPictures: number): number {
  return Math.max(LEAST, Math.floor(total / Math.max(1, nPeers) / Math.max(1, nPictures)));
}

/** What a camera can show well with so many bits: [at least, lines, frames per second]. */
const STEPS: readonly [number, number, number][] = [
  [1_000_000, 720, 30],
  [500_000, 540, 30],
  [250_000, 360, 30],
  [120_000, 270, 20],
  [0, 180, 15],
];

export interface SenderLimit {
  maxBitrate: number;
  scaleResolutionDownBy: number;
  maxFramerate: number | undefined;
}

/** A screen stays sharp, whatever its share is: text has to be read. */
export function limitOf(bitrate: number, lines: number | undefined, isScreen: boolean): SenderLimit {
  const step = STEPS.find(([least]) => bitrate >= least);
  if (isScreen || !step) return { maxBitrate: bitrate, scaleResolutionDownBy: 1, maxFramerate: undefined };
  const [, goal, maxFramerate] = step;
  return { maxBitrate: bitrate, scaleResolutionDownBy: Math.max(1, (lines ?? goal) / goal), maxFramerate };
}

/** Tells a sender; before the first negotiation some browsers have nothing to set it on, so it is told again after. */
export async function limitSender(sender: RTCRtpSender, bitrate: number, isScreen: boolean): Promise<void> {
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings ?? [];
  if (!encoding) return;
  const limit = limitOf(bitrate, sender.track?.getSettings().height, isScreen);
  const { maxBitrate, scaleResolutionDownBy = 1, maxFramerate } = encoding;
  const isSame =
    maxBitrate === limit.maxBitrate &&
    scaleResolutionDownBy === limit.scaleResolutionDownBy &&
    maxFramerate === limit.maxFramerate;
  if (isSame) return;
  encoding.maxBitrate = limit.maxBitrate;
  encoding.scaleResolutionDownBy = limit.scaleResolutionDownBy;
  if (limit.maxFramerate === undefined) delete encoding.maxFramerate;
  else encoding.maxFramerate = limit.maxFramerate;
  // A sender in the middle of a negotiation refuses; it is told again when that is over.
  await sender.setParameters(parameters).catch(() => {});
}

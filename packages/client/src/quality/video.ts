/** How good a picture is, 0 to 100: the product of how fluent, how steady, how whole and how large it is. The reasons
 *  for each number are in docs/guide/quality.md. */

export interface Picture {
  /** Frames per second. */
  fps: number | null;
  /** Share of the time that it stood still. */
  frozen: number;
  /** Share of its packets that were lost on the way, repaired or not. */
  loss: number;
  height: number | null;
}

const FLUENT_FPS = 24;
const LARGE_HEIGHT = 240;

export function videoScore({ fps, frozen, loss, height }: Picture): number {
  const fluent =
    fps === null || fps >= FLUENT_FPS ? 1 : Math.exp(-(Math.log(Math.max(fps, 0.1) / FLUENT_FPS) ** 2) / 2);
  const steady = Math.exp(-3 * frozen);
  const whole = Math.exp(-4 * loss);
  const large = height === null || height <= 0 || height >= LARGE_HEIGHT ? 1 : Math.sqrt(height / LARGE_HEIGHT);
  return 100 * fluent * steady * whole * large;
}

/** The E-model of ITU-T G.107, narrowed to what a browser can measure: delay, and sound that was lost. Everything else
 *  (loudness, noise, side tone, echo loss) has the standard's default values. docs/guide/quality.md tells how. */

/** Ro - Is with the default values of G.107, before anything is measured. */
const BASE = 93.355;
const RLR = 2;
const NO = -61.18;
const TELR = 65;
const WEPL = 110;
const RO = 15 - 1.5 * (8 + NO);

/** The codec: its impairment without loss, and how well it bears loss (larger is better). */
export interface Codec {
  ie: number;
  bpl: number;
}

/** Opus, wide band used narrowly: nothing lost by coding; its concealment is near the best that G.113 lists. */
export const OPUS: Codec = { ie: 0, bpl: 20 };

const root = (a: number, b: number) => a / 2 + Math.sqrt((a * a) / 4 + b);

/** Talker echo: what comes back is more disturbing the later it comes. */
function talkerEcho(t: number): number {
  const terv = TELR - 40 * Math.log10((1 + t / 10) / (1 + t / 150)) + 6 * Math.exp(-0.3 * t * t);
  const roe = -1.5 * (NO - RLR);
  return (root(roe - (80 + 2.5 * (terv - 14)), 100) - 1) * (1 - Math.exp(-t));
}

/** Listener echo. */
const listenerEcho = (tr: number) => root(RO - 10.5 * (WEPL + 7) * (tr + 1) ** -0.25, 169);

/** Delay alone, even without any echo: people begin to talk at the same time. Nothing up to 100 ms. */
export function delayImpairment(ta: number): number {
  if (ta <= 100) return 0;
  const x = Math.log2(ta / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** Loss in percent, at random. */
export function lossImpairment(loss: number, { ie, bpl }: Codec): number {
  return ie + ((95 - ie) * loss) / (loss + bpl);
}

/** The transmission rating R, 0 to 93.2: one-way delay in ms, loss in percent. */
export function rating(delay: number, loss: number, codec: Codec = OPUS): number {
  const id = talkerEcho(delay) + listenerEcho(2 * delay) + delayImpairment(delay);
  return Math.max(0, Math.min(100, BASE - id - lossImpairment(loss, codec)));
}

/** What people would say of it on the scale of 1 to 5 (G.107 Annex B). */
export function meanOpinion(r: number): number {
  if (r <= 0) return 1;
  return r >= 100 ? 4.5 : 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
}

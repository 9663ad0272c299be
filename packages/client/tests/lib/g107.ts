/** ITU-T G.107 (06/2015) in full, clause 7, to hold the narrowed model of the client against: every parameter may be given,
 *  and has the standard's default (its table 2) otherwise. */

const DEFAULTS = {
  ...{ SLR: 8, RLR: 2, STMR: 15, LSTR: 18, Ds: 3, TELR: 65, WEPL: 110, T: 0, Tr: 0, Ta: 0, qdu: 1 },
  ...{ Ie: 0, Bpl: 4.3, Ppl: 0, BurstR: 1, Nc: -70, Nfor: -64, Ps: 35, Pr: 35, A: 0, sT: 1, mT: 100 },
};

export type Parameters = typeof DEFAULTS;

const power = (db: number) => 10 ** (db / 10);
const root = (a: number, b: number) => a / 2 + Math.sqrt((a * a) / 4 + b);

/** 7.2: all noises at the 0 dBr point, as one. */
function noise({ SLR, RLR, Ds, LSTR, Nc, Nfor, Ps, Pr }: Parameters): number {
  const OLR = SLR + RLR;
  const Nos = Ps - SLR - Ds - 100 + 0.004 * (Ps - OLR - Ds - 14) ** 2;
  const Pre = Pr + 10 * Math.log10(1 + power(10 - LSTR));
  const Nor = RLR - 121 + Pre + 0.008 * (Pre - 35) ** 2;
  return 10 * Math.log10(power(Nc) + power(Nos) + power(Nor) + power(Nfor + RLR));
}

/** 7.3: what comes with the voice itself: loudness, side tone, quantizing. */
function simultaneous(p: Parameters, No: number, Ro: number): number {
  const OLR = p.SLR + p.RLR;
  const Xolr = OLR + 0.2 * (64 + No - p.RLR);
  const Iolr = 20 * ((1 + (Xolr / 8) ** 8) ** (1 / 8) - Xolr / 8);
  const STMRo = -10 * Math.log10(power(-p.STMR) + Math.exp(-p.T / 4) * power(-p.TELR));
  const bend = (x: number, order: number) => (1 + x ** order) ** (1 / order);
  const Ist = 12 * bend((STMRo - 13) / 6, 8) - 28 * bend((STMRo + 1) / 19.4, 35) - 13 * bend((STMRo - 3) / 33, 13) + 29;
  const Q = 37 - 15 * Math.log10(p.qdu);
  const G = 1.07 + 0.258 * Q + 0.0602 * Q * Q;
  const Iq = 15 * Math.log10(1 + 10 ** ((Ro - 100) / 15 + 46 / 8.4 - G / 9) + 10 ** (46 / 30 - G / 40));
  return Iolr + Ist + Iq;
}

/** 7.4: talker echo, listener echo, and delay by itself. */
function delay({ TELR, WEPL, RLR, T, Tr, Ta, sT, mT }: Parameters, No: number, Ro: number): number {
  const TERV = TELR - 40 * Math.log10((1 + T / 10) / (1 + T / 150)) + 6 * Math.exp(-0.3 * T * T);
  const Roe = -1.5 * (No - RLR);
  const Idte = (root(Roe - (80 + 2.5 * (TERV - 14)), 100) - 1) * (1 - Math.exp(-T));
  const Rle = 10.5 * (WEPL + 7) * (Tr + 1) ** -0.25;
  const Idle = root(Ro - Rle, 169);
  const X = Math.log10(Ta / mT) / Math.log10(2);
  const bend = (x: number) => (1 + x ** (6 * sT)) ** (1 / (6 * sT));
  const Idd = Ta <= mT ? 0 : 25 * (bend(X) - 3 * bend(X / 3) + 2);
  return Idte + Idle + Idd;
}

/** 7.5. */
const equipment = ({ Ie, Ppl, BurstR, Bpl }: Parameters) => Ie + ((95 - Ie) * Ppl) / (Ppl / BurstR + Bpl);

export function g107(given: Partial<Parameters> = {}): number {
  const p = { ...DEFAULTS, ...given };
  const No = noise(p);
  const Ro = 15 - 1.5 * (p.SLR + No);
  return Ro - simultaneous(p, No, Ro) - delay(p, No, Ro) - equipment(p) + p.A;
}

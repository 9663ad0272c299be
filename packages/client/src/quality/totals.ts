/** What getStats counts on one connection, in one shape for Chromium, Firefox and Safari. */

interface Media {
  packets: number;
  lost: number;
  bytes: number;
  frames: number;
  height: number;
  /** Seconds. */
  jitter: number | null;
  frozen: number;
}

interface Inbound extends Media {
  concealed: number;
  played: number;
  waited: number;
  emitted: number;
}

interface Outbound extends Media {
  /** As the far end says, of its last report; null when there was none. */
  lossShare: number | null;
  /** When that report came, in milliseconds of performance.now(). */
  reportedAt: number | null;
}

export interface Totals {
  /** Milliseconds of performance.now(). */
  at: number;
  in: Record<"audio" | "video", Inbound>;
  out: Record<"audio" | "video", Outbound>;
  /** Seconds. */
  roundTrip: number | null;
  /** Bits per second. */
  available: number | null;
  limit: string | null;
  /** 1 direct udp, 2 direct tcp, 3–5 own relay over udp, tcp, tls, 6 relay of the far end; null unknown. */
  path: number | null;
}

// biome-ignore lint/suspicious/noExplicitAny: the lib's types know few of the members, and those of no browser exactly.
type Entry = any;

const media = (): Inbound & Outbound => ({
  ...{ packets: 0, lost: 0, bytes: 0, frames: 0, height: 0, jitter: null, frozen: 0 },
  ...{ concealed: 0, played: 0, waited: 0, emitted: 0, lossShare: null, reportedAt: null },
});

const most = (a: number | null, b: number | undefined) => (b === undefined ? a : Math.max(a ?? 0, b));

function addInbound(to: Inbound, entry: Entry): void {
  to.packets += entry.packetsReceived ?? 0;
  to.lost += entry.packetsLost ?? 0;
  to.bytes += entry.bytesReceived ?? 0;
  to.frames += entry.framesDecoded ?? 0;
  to.height = Math.max(to.height, entry.frameHeight ?? 0);
  to.jitter = most(to.jitter, entry.jitter);
  to.frozen += entry.totalFreezesDuration ?? 0;
  to.concealed += (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0);
  to.played += entry.totalSamplesReceived ?? 0;
  to.waited += entry.jitterBufferDelay ?? 0;
  to.emitted += entry.jitterBufferEmittedCount ?? 0;
}

function addOutbound(to: Outbound, entry: Entry): void {
  to.packets += entry.packetsSent ?? 0;
  to.bytes += entry.bytesSent ?? 0;
  to.frames += entry.framesSent ?? entry.framesEncoded ?? 0;
  to.height = Math.max(to.height, entry.frameHeight ?? 0);
}

/** Browsers stamp a report with its arrival, and what they count themselves with the time of asking. */
function addReport(to: Outbound, entry: Entry, now: number, at: number): void {
  to.lost += Math.max(0, entry.packetsLost ?? 0);
  to.jitter = most(to.jitter, entry.jitter);
  to.lossShare = most(to.lossShare, entry.fractionLost);
  to.reportedAt = most(to.reportedAt, at - Math.max(0, now - (entry.timestamp ?? now)));
}

/** The pair in use: Chromium names it in the transport, Firefox marks it. */
const isMarked = (pair: Entry) => pair.selected || (pair.nominated && pair.state === "succeeded");

function pathOf(report: RTCStatsReport, pair: Entry): number | null {
  const local: Entry = report.get(pair?.localCandidateId);
  const remote: Entry = report.get(pair?.remoteCandidateId);
  if (!local) return null;
  if (local.candidateType === "relay") return 3 + Math.max(0, ["udp", "tcp", "tls"].indexOf(local.relayProtocol));
  if (remote?.candidateType === "relay") return 6;
  return local.protocol === "tcp" ? 2 : 1;
}

const isMedia = (entry: Entry) => entry.type.endsWith("-rtp");

/** In one pass: each entry is made for JavaScript when it is looked at, which is most of what measuring costs. */
export function readTotals(report: RTCStatsReport, at: number): Totals {
  const totals: Totals = {
    at,
    in: { audio: media(), video: media() },
    out: { audio: media(), video: media() },
    ...{ roundTrip: null, available: null, limit: null, path: null },
  };
  const found: Entry[] = [];
  let [selectedId, marked]: [string | undefined, Entry] = [undefined, undefined];
  let now = 0;
  for (const entry of report.values() as Iterable<Entry>) {
    now = Math.max(now, entry.timestamp ?? 0);
    if (isMedia(entry)) found.push(entry);
    else if (entry.type === "transport") selectedId ??= entry.selectedCandidatePairId;
    else if (entry.type === "candidate-pair" && isMarked(entry)) marked ??= entry;
  }
  const reported = addMedia(totals, found, now);
  const pair = selectedId ? report.get(selectedId) : marked;
  totals.roundTrip = pair?.currentRoundTripTime ?? reported;
  totals.available = pair?.availableOutgoingBitrate ?? null;
  totals.path = pathOf(report, pair);
  return totals;
}

/** Gives the round trip that the far end's reports give, if any. */
function addMedia(totals: Totals, entries: readonly Entry[], now: number): number | null {
  let roundTrip: number | null = null;
  for (const entry of entries) {
    const kind: "audio" | "video" = entry.kind ?? entry.mediaType;
    if (!totals.in[kind]) continue;
    if (entry.type === "inbound-rtp") addInbound(totals.in[kind], entry);
    else if (entry.type === "outbound-rtp") {
      addOutbound(totals.out[kind], entry);
      if (kind === "video" && entry.qualityLimitationReason && entry.active !== false)
        totals.limit = entry.qualityLimitationReason;
    } else if (entry.type === "remote-inbound-rtp") {
      addReport(totals.out[kind], entry, now, totals.at);
      roundTrip = entry.roundTripTime ?? roundTrip;
    }
  }
  return roundTrip;
}

/** What went wrong in a call, in plain words, each with its evidence. */
import type { TimelineEntry } from "../api.js";
import type { Column } from "./load.js";
import { clock, type Direction, type Report, type Series } from "./model.js";
import { wayOf } from "./ways.js";

export type FindingKind =
  | "loss"
  | "jitter"
  | "delay"
  | "frozen"
  | "no-picture"
  | "cpu"
  | "bandwidth"
  | "path"
  | "restart"
  | "end";

export interface Finding {
  kind: FindingKind;
  text: string;
  evidence: string;
  /** Seconds from the beginning. */
  from: number;
  to: number;
  severity: number;
}

interface Span {
  from: number;
  to: number;
  values: number[];
}

/** Gaps of so many seconds do not part a span. */
const BRIDGE_S = 7;

/** Where a column (or the larger of several) is at least `least`, for at least two samples. */
export function spansOf({ t, columns }: Series, names: Column[], isBad: (value: number, i: number) => boolean): Span[] {
  const spans: Span[] = [];
  const chosen = names.map((name) => columns[name] ?? []);
  t.forEach((at, i) => {
    const value = chosen.reduce((most, column) => Math.max(most, column[i] ?? -1), -1); // an hour has many: no lists here
    if (value < 0 || !isBad(value, i)) return;
    const last = spans.at(-1);
    if (last && at - last.to <= BRIDGE_S) {
      last.to = at;
      last.values.push(value);
    } else spans.push({ from: at, to: at, values: [value] });
  });
  return spans.filter(({ values }) => values.length >= 2);
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const percent = (share: number) => `${(share / 10).toFixed(share < 100 ? 1 : 0)} %`;
const when = ({ from, to }: Span) => `from ${clock(from)} to ${clock(to)}`;
const samples = ({ values }: Span) => `${values.length} samples`;

function ofDirection({ fromName, toName, received, sent }: Direction): Finding[] {
  const make = (kind: FindingKind, span: Span, text: string, evidence: string, severity: number): Finding => ({
    ...{ kind, text, evidence, severity },
    ...{ from: span.from, to: span.to },
  });
  const expects = received.columns.expects ?? [];
  const camera = (i: number) => ((expects[i] ?? 0) & 2) !== 0;
  const losses = spansOf(received, ["inAudioLoss", "inVideoLoss"], (v) => v >= 30).map((span) => {
    const typical = median(span.values);
    const text = `${toName} lost ${percent(typical)} of what ${fromName} sent, ${when(span)}.`;
    return make(
      "loss",
      span,
      text,
      `median of ${samples(span)}, at most ${percent(Math.max(...span.values))}`,
      3 + typical / 50,
    );
  });
  const wavers = spansOf(received, ["inAudioJitter"], (v) => v >= 40).map((span) =>
    make(
      "jitter",
      span,
      `The way from ${fromName} to ${toName} wavered, ${when(span)}.`,
      `jitter ${median(span.values)} ms, median of ${samples(span)}`,
      2,
    ),
  );
  const still = spansOf(received, ["inFps"], (v, i) => v < 1 && camera(i)).map((span) => {
    const own = sent
      ? spansOf(sent, ["outFps"], (v) => v < 1).filter((one) => one.to >= span.from && one.from <= span.to)
      : [];
    return own.length > 0
      ? make(
          "frozen",
          span,
          `${fromName}'s device sent no pictures although the camera was on, ${when(span)}.`,
          `0 frames a second sent, ${own[0] ? samples(own[0]) : ""}`,
          4,
        )
      : make(
          "no-picture",
          span,
          `No picture from ${fromName} reached ${toName}, ${when(span)}.`,
          `0 frames a second, ${samples(span)}`,
          4,
        );
  });
  return [...losses, ...wavers, ...still];
}

/** What concerns a device, told once however many others it sends to. */
function ofSender({ fromName, sent }: Direction): Finding[] {
  if (!sent) return [];
  const limited = (limit: number) => spansOf(sent, ["limit"], (v) => v === limit);
  const fps = (span: Span) => {
    const shown = sent.t.flatMap((at, i) => (at >= span.from && at <= span.to ? (sent.columns.outFps?.[i] ?? []) : []));
    return shown.length > 0 ? `, ${median(shown)} frames a second sent` : "";
  };
  return [
    ...limited(1).map(
      (span): Finding => ({
        ...{ kind: "cpu", from: span.from, to: span.to, severity: 3 },
        text: `${fromName}'s device was too busy to encode its picture, ${when(span)}.`,
        evidence: `the encoder was limited by the processor in ${samples(span)}${fps(span)}`,
      }),
    ),
    ...limited(2)
      .filter(({ values }) => values.length >= 5)
      .map(
        (span): Finding => ({
          ...{ kind: "bandwidth", from: span.from, to: span.to, severity: 1 },
          text: `${fromName}'s upload had too little room for the whole picture, ${when(span)}.`,
          evidence: `the encoder was limited by the bandwidth in ${samples(span)}`,
        }),
      ),
  ];
}

function ofTimeline(report: Report, timeline: readonly TimelineEntry[]): Finding[] {
  return timeline.flatMap((entry): Finding[] => {
    const at = (Date.parse(entry.ts) - report.begin) / 1000;
    const who = report.nameOf(entry.actorId);
    const base = { from: at, to: at, evidence: `reported by ${who}'s device at ${clock(at)}` };
    const { from, state } = entry.data as { from?: string; state?: string };
    if (entry.type === "client.path" && from && state && from !== state)
      return [
        {
          ...base,
          kind: "path",
          severity: 2,
          text: `${who}'s media moved from ${wayOf(from)} to ${wayOf(state)} at ${clock(at)}.`,
        },
      ];
    if (entry.type === "client.restart" && at > 0)
      return [
        {
          ...base,
          kind: "restart",
          severity: 2,
          text: `${who}'s device looked for a new way through the network at ${clock(at)}.`,
        },
      ];
    return [];
  });
}

const ENDS: Record<string, string> = {
  connection_lost: "The call ended because a device was lost and did not come back.",
  connect_failed: "The devices found no way to each other: no media ever flowed.",
  server_restart: "The server was started anew and nobody came back.",
  caller_lost: "The caller's device was lost while it rang.",
};

function ofEnd({ call, length }: Report): Finding[] {
  const text = ENDS[call.endReason ?? ""];
  return text
    ? [{ kind: "end", text, evidence: `end reason ${call.endReason}`, from: length, to: length, severity: 5 }]
    : [];
}

function ofDelay(report: Report): Finding[] {
  return report.connections.flatMap(({ name, directions: [first] }) =>
    (first ? spansOf(first.received, ["rtt"], (v) => v >= 400) : []).map(
      (span): Finding => ({
        ...{ kind: "delay", from: span.from, to: span.to, severity: 2 },
        text: `Between ${name} an answer took ${(median(span.values) / 1000).toFixed(1)} s, ${when(span)}.`,
        evidence: `round trip ${median(span.values)} ms, median of ${samples(span)}`,
      }),
    ),
  );
}

/** By their time; equal ones of one sender once. */
export function findingsOf(report: Report, timeline: readonly TimelineEntry[]): Finding[] {
  const directions = report.connections.flatMap((one) => one.directions);
  const all = [
    ...directions.flatMap(ofDirection),
    ...directions.flatMap(ofSender),
    ...ofDelay(report),
    ...ofTimeline(report, timeline),
    ...ofEnd(report),
  ];
  const seen = new Set<string>();
  return all
    .filter(({ text }) => !seen.has(text) && seen.add(text))
    .sort((a, b) => a.from - b.from)
    .slice(0, 40);
}

/** The whole in one sentence. */
export function summaryOf(report: Report, findings: readonly Finding[]): string {
  const levels = report.connections.flatMap((c) => c.directions.flatMap((d) => d.received.columns.level ?? []));
  const known = levels.filter((level) => level !== null && level > 0) as number[];
  if (known.length === 0) return "No device has told how its connection was.";
  const share = (least: number) => Math.round((100 * known.filter((level) => level >= least).length) / known.length);
  const bad = share(3);
  if (bad === 0 && findings.every(({ severity }) => severity < 3)) return "This call went well from beginning to end.";
  const worst = [...findings].sort((a, b) => b.severity - a.severity)[0];
  const how = share(4) >= 20 ? "was bad" : bad >= 5 ? "was impaired" : "had short troubles";
  return `This call ${how}: ${bad} % of the time the connection was fair or poor.${worst ? ` Most of all: ${worst.text}` : ""}`;
}

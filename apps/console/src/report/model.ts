/** From what was stored of a call to what is drawn: connections between two devices, each with its two directions. */
import type { CallFacts, QualityAnswer, QualityPeer } from "../api.js";
import type { Column } from "./load.js";

/** Values at times, in seconds since the call's beginning. */
export interface Series {
  t: number[];
  columns: Partial<Record<Column, (number | null)[]>>;
}

/** What one device heard and saw of another. */
export interface Direction {
  from: string;
  to: string;
  fromName: string;
  toName: string;
  /** As the receiver measured. */
  received: Series;
  /** As the sender measured; null when it told nothing. */
  sent: Series | null;
}

export interface Connection {
  key: string;
  name: string;
  directions: Direction[];
}

export interface Report {
  call: CallFacts;
  /** Milliseconds: where the time axes begin. */
  begin: number;
  /** Seconds. */
  length: number;
  connections: Connection[];
  nameOf(userId: string | null): string;
}

function seriesOf(peer: QualityPeer, begin: number): Series {
  const offset = (Date.parse(peer.start) - begin) / 1000;
  return { t: peer.t.map((tenths) => offset + tenths / 10), columns: peer.columns };
}

export function makeReport(call: CallFacts, quality: QualityAnswer): Report {
  const starts = quality.legs.flatMap((leg) => leg.peers.map((peer) => Date.parse(peer.start)));
  const begin = Math.min(Date.parse(call.answeredAt ?? call.startedAt), ...starts);
  const names = new Map(call.participants.map((one) => [one.userId, one.name ?? one.userId]));
  const nameOf = (userId: string | null) => (userId === null ? "someone" : (names.get(userId) ?? userId));
  const owners = new Map(quality.legs.map((leg) => [leg.socketId, leg.userId]));
  const measured = new Map<string, Series>();
  for (const leg of quality.legs)
    for (const peer of leg.peers) measured.set(`${leg.socketId} ${peer.socketId}`, seriesOf(peer, begin));

  const connections = new Map<string, Connection>();
  for (const pair of measured.keys()) {
    const [to = "", from = ""] = pair.split(" ");
    const key = [to, from].sort().join(" ");
    const people = [to, from].map((leg) => nameOf(owners.get(leg) ?? otherOf(call, owners, to, from)));
    const connection = connections.get(key) ?? { key, name: [...people].sort().join(" and "), directions: [] };
    connections.set(key, connection);
    connection.directions.push({
      ...{ from, to, fromName: people[1] ?? "", toName: people[0] ?? "" },
      received: measured.get(pair) ?? { t: [], columns: {} },
      sent: measured.get(`${from} ${to}`) ?? null,
    });
  }
  const last = [...measured.values()].reduce((most, { t }) => Math.max(most, t.at(-1) ?? 0), 0);
  const ended = call.endedAt ? (Date.parse(call.endedAt) - begin) / 1000 : 0;
  const list = [...connections.values()];
  for (const one of list) one.directions.sort((a, b) => a.fromName.localeCompare(b.fromName));
  return { call, begin, length: Math.max(last, ended, 1), connections: list, nameOf };
}

/** A device that has sent no samples of its own: in a call of two it is the other's. */
function otherOf(call: CallFacts, owners: Map<string, string>, to: string, from: string): string | null {
  const known = owners.get(to) ?? owners.get(from);
  const others = call.participants.filter((one) => one.userId !== known);
  return others.length === 1 ? (others[0]?.userId ?? null) : null;
}

/** mm:ss, or h:mm:ss. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${rest}` : rest;
}

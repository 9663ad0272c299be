/** The server's REST interface, as much of it as the console asks. */

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export async function ask<T>(token: string, path: string, method: "GET" | "POST" = "GET"): Promise<T> {
  const response = await fetch(path, { method, headers: { authorization: `Bearer ${token}` } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new ApiError(
      response.status,
      body.code ?? "",
      body.detail ?? body.title ?? `The server answered ${response.status}.`,
    );
  return body as T;
}

export interface Levels {
  excellent: number;
  good: number;
  fair: number;
  poor: number;
}

export interface CallPerson {
  userId: string;
  name: string | null;
  state: string;
  role: string;
  connectionQuality: keyof Levels | null;
}

export interface CallFacts {
  id: string;
  channelId: string;
  callType: string;
  mode: string;
  status: string;
  startedBy: string;
  startedAt: string;
  answeredAt: string | null;
  endedAt: string | null;
  endReason: string | null;
  endedBy: string | null;
  duration: number;
  recording?: { state: string } | null;
  participants: CallPerson[];
}

export interface QualityPeer {
  socketId: string;
  userId: string | null;
  start: string;
  t: number[];
  columns: Record<string, (number | null)[]>;
}

export interface QualityAnswer {
  callId: string;
  step: number;
  legs: { socketId: string; userId: string; peers: QualityPeer[] }[];
}

export interface TimelineEntry {
  seq: number | null;
  ts: string;
  type: string;
  actorId: string | null;
  socketId?: string;
  data: Record<string, unknown>;
}

export interface Overview {
  now: {
    ringing: number;
    active: number;
    people: number;
    sockets: number;
    levels: Levels;
    relay: { allocations: number; bytes: number } | null;
    recordings: { uploads: number; bytes: number } | null;
    calls: CallFacts[];
  };
  since: string;
  until: string;
  step: number;
  spans: { at: string; calls: number; answered: number; levels: Levels }[];
  reasons: Record<string, number>;
  worst: { callId: string; startedAt: string; levels: Levels }[];
}

/** All pages of a timeline. */
export async function askTimeline(token: string, callId: string): Promise<TimelineEntry[]> {
  const all: TimelineEntry[] = [];
  for (let after = 0; ; ) {
    const path = `/api/calls/${callId}/timeline?limit=500&after=${after}`;
    const { events, hasMore } = await ask<{ events: TimelineEntry[]; hasMore: boolean }>(token, path);
    all.push(...events);
    if (!hasMore) return all;
    after = events.reduce((most, one) => Math.max(most, one.seq ?? 0), after);
  }
}

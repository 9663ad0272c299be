/** The flight recorder's end in the client: gathers samples and events, and sends them in batches that are acked when
 *  they are kept. */
import type { ClientEvents, DeviceEvent, QualityField } from "../generated/events.js";
import type { Measured } from "./meter.js";
import { pathName } from "./path.js";

export const FIELDS: readonly QualityField[] = [
  ...(["level", "audioScore", "videoScore", "rtt", "inAudioKbps", "inAudioLoss", "inAudioJitter"] as const),
  ...(["concealed", "inVideoKbps", "inVideoLoss", "inVideoJitter", "inFps", "frozenMs", "inHeight"] as const),
  ...(["outAudioKbps", "outAudioLoss", "outVideoKbps", "outVideoLoss", "outFps", "outHeight", "outJitter"] as const),
  ...(["availableKbps", "limit", "path", "sends", "expects", "bufferMs"] as const),
];

export type Batch = Omit<ClientEvents["call.quality"], "callId" | "connectionQuality">;

export interface FlightPorts {
  /** Rejects when the batch was not kept; it is then sent again with the next. */
  send(batch: Batch): Promise<void>;
}

interface Kept {
  at: number;
  leg: string;
  values: (number | null)[];
}
interface Noted {
  at: number;
  type: string;
  data: DeviceEvent["data"];
}

/** Samples that wait for an undisturbed moment. */
const PATIENCE_MS = 8000;
const MAX_SAMPLES = 240;
const MAX_NOTES = 30;
const LIMITS = ["none", "cpu", "bandwidth", "other"];

const round = (value: number | null | undefined) => (value == null ? null : Math.round(value));

export class Flight {
  readonly #ports: FlightPorts;
  readonly #states = new Map<string, Record<string, string>>();
  #samples: Kept[] = [];
  #notes: Noted[] = [];
  #sentAt = performance.now();
  #isSending = false;
  /** Something that shall not wait came up meanwhile. */
  #isUrgent = false;

  constructor(ports: FlightPorts) {
    this.#ports = ports;
  }

  /** Something happened. `data` is small and tells no address. */
  note(type: string, data: NonNullable<DeviceEvent["data"]> = {}): void {
    this.#notes.push({ at: performance.now(), type, data });
    if (this.#notes.length > MAX_NOTES) this.#notes.shift();
  }

  /** A connection was looked at. What changed in kind is noted by itself; what is bad or new goes out at once. */
  take(leg: string, { at, values, level, isSample }: Measured): void {
    if (isSample) this.#samples.push({ at, leg, values: FIELDS.map((field) => round(values[field])) });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    this.#follow(leg, "quality", level ?? "");
    this.#follow(leg, "path", pathName(values.path ?? null) ?? "");
    this.#follow(leg, "limit", LIMITS[values.limit ?? 0] ?? "");
    const isStill = values.inFps != null && values.inFps < 1 && ((values.expects ?? 0) & 2) !== 0;
    this.#follow(leg, "picture", isStill ? "frozen" : "moves");
    const isCalm = this.#notes.length === 0 && (level === "excellent" || level === "good");
    if (!isCalm || at - this.#sentAt >= PATIENCE_MS) this.flush();
  }

  #follow(leg: string, type: string, state: string): void {
    const states = this.#states.get(leg) ?? { limit: "none", picture: "moves" };
    this.#states.set(leg, states);
    const from = states[type];
    if (state === "" || state === from) return;
    states[type] = state;
    this.note(type, { peer: leg, state, ...(from !== undefined && { from }) });
  }

  /** Sends what there is. */
  flush(): void {
    this.#isUrgent = this.#isSending;
    if (this.#isSending || this.#samples.length + this.#notes.length === 0) return;
    const [samples, notes] = [this.#samples, this.#notes];
    [this.#samples, this.#notes] = [[], []];
    this.#isSending = true;
    this.#sentAt = performance.now();
    this.#ports
      .send(batchOf(samples, notes, this.#sentAt))
      .catch(() => {
        this.#samples = [...samples, ...this.#samples].slice(-MAX_SAMPLES);
        this.#notes = [...notes, ...this.#notes].slice(-MAX_NOTES);
      })
      .finally(() => {
        this.#isSending = false;
        if (this.#isUrgent) this.flush();
      });
  }
}

function batchOf(samples: readonly Kept[], notes: readonly Noted[], now: number): Batch {
  const legs = new Map<string, (number | null)[][]>();
  for (const { at, leg, values } of samples) {
    const list = legs.get(leg) ?? [];
    legs.set(leg, list);
    list.push([Math.max(0, Math.round(now - at)), ...values]);
  }
  return {
    ...(samples.length > 0 && { peers: [...legs].map(([socketId, list]) => ({ socketId, samples: list })) }),
    ...(notes.length > 0 && {
      events: notes.map(({ at, type, data }) => ({
        type,
        age: Math.max(0, Math.round(now - at)),
        ...(data && { data }),
      })),
    }),
  };
}

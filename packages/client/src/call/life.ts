/** What is known here of one call: its facts, how far it is, when things happened, and why it ended. */
import type { BellwireError } from "../errors.js";
import type { Call as CallData, RecordingState } from "../generated/events.js";
import type { CallEndReason, CallState, CallTimings, MediaState } from "../types.js";
import { factsOfData } from "./facts.js";
import type { CallFacts } from "./ports.js";

/** How far a call is; while it is `joined`, the state that a user sees is worked out from media. */
export type Phase = "idle" | "ringing-out" | "ringing-in" | "joined" | "ended";

export interface Ringing {
  isRemoteRinging: boolean;
  isUnreachable: boolean;
}

export class CallLife {
  facts: CallFacts;
  phase: Phase;
  isAnswered = false;
  ringing: Ringing = { isRemoteRinging: false, isUnreachable: false };
  endReason: CallEndReason | null = null;
  error: BellwireError | null = null;
  timings: CallTimings = { accepted: null, connected: null, firstFrame: null };
  hasAgreed = false;
  #wasConnected = false;

  constructor(facts: CallFacts, phase: Phase) {
    this.facts = facts;
    this.phase = phase;
  }

  get isOver(): boolean {
    return this.phase === "ended";
  }

  /** This device has not got an answer yet from anybody. */
  get isCalling(): boolean {
    return this.phase === "ringing-out" || this.phase === "idle";
  }

  /** `media` is the best that there is with anybody, `isAlone` that there is nobody. */
  state(media: MediaState, isAlone: boolean): CallState {
    if (this.phase !== "joined") return this.phase;
    if (media === "connected") return "active";
    if (this.facts.mode === "group" && isAlone) return "active"; // waiting for others
    return this.#wasConnected ? "reconnecting" : "connecting";
  }

  /** The direction and whether one was busy are this device's own view, and stay. */
  take(data: CallData, ownUserId: string): void {
    const { direction, isWaiting } = this.facts;
    const before = this.facts.recording;
    this.facts = { ...factsOfData(data, ownUserId), direction, isWaiting };
    const own = data.participants.find(({ userId }) => userId === ownUserId);
    if (own?.recordingConsent) this.hasAgreed = true;
    const recording = data.recording ?? before;
    if (recording) this.record(recording);
  }

  /** One consent is for one recording. */
  record(recording: RecordingState): void {
    if (recording.state === "none") this.hasAgreed = false;
    this.facts = { ...this.facts, recording };
  }

  answered(at: string | null): void {
    if (at) this.facts = { ...this.facts, answeredAt: at };
    if (!this.isCalling) return;
    this.isAnswered = true;
    this.phase = "joined";
    this.mark("accepted");
  }

  /** The user answered here; `back` undoes it when the server said no and it rings on. */
  entering(): void {
    this.phase = "joined";
    this.isAnswered = true;
    this.error = null;
  }

  back(): void {
    this.phase = "ringing-in";
    this.isAnswered = false;
  }

  connected(): void {
    this.#wasConnected = true;
    this.mark("connected");
  }

  ended(reason: CallEndReason, at: number): void {
    this.phase = "ended";
    this.endReason = reason;
    this.facts = { ...this.facts, endedAt: this.facts.endedAt ?? new Date(at).toISOString() };
  }

  /** Only the first time counts. */
  mark(moment: keyof CallTimings): void {
    if (this.timings[moment] === null) this.timings = { ...this.timings, [moment]: performance.now() };
  }
}

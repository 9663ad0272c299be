/** A call as one device takes part in it: rings, is answered, connects, runs, ends. */

import { Emitter } from "../emitter.js";
import { BellwireError } from "../errors.js";
import type { Call as CallData, Participant, SyncCall } from "../generated/events.js";
import type { PeerMessage } from "../peer/ports.js";
import type { ServerEvent } from "../server/signaling.js";
import { Store } from "../store.js";
import type {
  CallEndReason,
  CallSnapshot,
  CallState,
  CallTimings,
  MediaChoice,
  ParticipantSnapshot,
} from "../types.js";
import { type CallInside, handleCallEvent } from "./events.js";
import { endByRefusal } from "./join.js";
import { CallLife, type Phase } from "./life.js";
import { CallParts } from "./parts.js";
import type { CallFacts, CallPorts } from "./ports.js";
import { CallView } from "./view.js";

export interface CallEvents {
  state: CallState;
  /** Media did flow and has stopped; and it flows again. */
  reconnecting: undefined;
  reconnected: undefined;
  ended: CallEndReason;
  /** Something went wrong that the call survives. */
  error: BellwireError;
}

export class Call extends Emitter<CallEvents> {
  readonly #ports: CallPorts;
  readonly #life: CallLife;
  readonly #parts: CallParts;
  readonly #view: CallView;
  readonly #store = new Store<CallSnapshot>(() => this.#makeSnapshot());
  readonly #inside: CallInside;
  #toldState: CallState;

  /** @internal Calls are made by the client. */
  constructor(ports: CallPorts, facts: CallFacts, phase: "idle" | "ringing-out" | "ringing-in") {
    super();
    this.#ports = ports;
    this.#life = new CallLife(facts, phase);
    this.#toldState = phase;
    this.#view = new CallView((time) => ports.localTime(time));
    this.#parts = new CallParts(ports, this.#life, {
      changed: () => this.#changed(),
      trouble: (error) => this.#trouble(error),
      take: (data) => this.take(data),
    });
    this.#inside = this.#makeInside();
  }

  get id(): string {
    return this.#life.facts.id;
  }

  get channelId(): string {
    return this.#life.facts.channelId;
  }

  get state(): CallState {
    return this.#life.state(this.#parts.legs.media(), this.#parts.legs.size === 0);
  }

  get endReason(): CallEndReason | null {
    return this.#life.endReason;
  }

  get timings(): CallTimings {
    return this.#life.timings;
  }

  get participants(): readonly ParticipantSnapshot[] {
    return this.getSnapshot().participants;
  }

  readonly getSnapshot = (): CallSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  // ---- What the user does

  /** Answers. Opens what is wished, by default what the type of the call says, and nothing else. */
  async accept(media: MediaChoice = {}): Promise<void> {
    if (this.#life.phase !== "ringing-in") throw this.#closedError();
    this.#life.mark("accepted");
    await this.enter(media);
  }

  /** Enters a live call: by accepting, or as another member of a group, or again after a reload. */
  async enter(media: MediaChoice = {}, takeover = false): Promise<void> {
    const before = this.#life.phase;
    this.#life.entering();
    this.#changed();
    const opening = this.#parts.local.begin(this.#choice(media));
    try {
      await this.#parts.entrance.join(takeover);
    } catch (thrown) {
      this.#onJoinRefused(BellwireError.from(thrown, "internal"), before);
      throw thrown;
    }
    await opening;
  }

  /** Says no, on all devices. Stops ringing here at once, whatever the network does. */
  async decline(): Promise<void> {
    if (this.#life.phase !== "ringing-in") return;
    this.end("declined", false);
    await this.#parts.voice.leave("decline");
  }

  /** Cancels, declines or leaves, as the moment wants it. Everything here stops at once. */
  async hangUp(): Promise<void> {
    const { phase, isCalling, facts } = this.#life;
    if (phase === "ended") return;
    if (phase === "ringing-in") return this.decline();
    this.end(isCalling ? "cancelled" : facts.mode === "group" ? "left" : "hangup", false);
    await this.#parts.voice.leave(isCalling ? "cancel" : "leave");
  }

  /** Rejects with no_microphone, permission_denied … when there is none to be had; the call goes on. */
  setMicrophoneEnabled(on: boolean): Promise<void> {
    return this.#parts.local.setMicrophone(on);
  }

  /** Off stops the camera, so that its light goes out. */
  setCameraEnabled(on: boolean): Promise<void> {
    return this.#parts.local.setCamera(on);
  }

  setScreenShareEnabled(on: boolean): Promise<void> {
    return this.#parts.local.setScreen(on);
  }

  // ---- Recording: who may, and who agrees. `CallRecorder` of "@bellwire/client/recording" does the work.

  /** Says that this device records, or asks everyone whether it may. Rejects with forbidden, recording_off … */
  async startRecording(): Promise<void> {
    await this.#ports.signaling.request("call.recording-start", { callId: this.id });
  }

  /** By who started it, or a moderator. */
  async stopRecording(): Promise<void> {
    await this.#ports.signaling.request("call.recording-stop", { callId: this.id });
  }

  /** Agrees to being recorded; false ends the recording for all, where everybody must agree (forbidden elsewhere). */
  async consentToRecording(consent = true): Promise<void> {
    await this.#ports.signaling.request("call.recording-consent", { callId: this.id, consent });
    this.#life.hasAgreed = consent;
    this.#changed();
  }

  /** Writes into the call's timeline, as `client.TYPE`, that something happened on this device; small, and of no secret. */
  note(type: string, data: Record<string, string | number> = {}): void {
    this.#parts.flight.note(type, data);
    this.#parts.flight.flush();
  }

  // ---- What the client does

  /** @internal Opens the devices of the caller while it rings. */
  openMedia(media: MediaChoice): Promise<void> {
    return this.#parts.local.begin(this.#choice(media));
  }

  /** @internal The answer of the server that the call was made, or that it is one that was there already. */
  async created(data: CallData): Promise<void> {
    if (this.#life.isOver) return;
    this.take(data);
    await this.#parts.entrance.join();
  }

  /** @internal What an answer or sync tells of the call. */
  take(data: CallData): void {
    if (this.#life.isOver) return;
    this.#life.take(data, this.#ports.ownUserId());
    this.#parts.legs.setRoster(data.participants);
    if (data.status === "active") this.#life.answered(data.answeredAt);
    if (data.status === "ended" || data.status === "missed" || data.status === "declined")
      this.end(data.endReason ?? "hangup");
    else this.#changed();
  }

  /** @internal The server's list of live calls after a (re)connect has this one. */
  resync(data: SyncCall): void {
    this.take(data);
    const { phase } = this.#life;
    if (phase === "ringing-in" && data.status === "active" && data.mode === "direct") {
      this.end("answered_elsewhere");
    } else if (phase === "joined" || phase === "ringing-out") {
      this.#parts.entrance
        .join()
        .catch((thrown: unknown) => this.#onJoinRefused(BellwireError.from(thrown, "internal"), this.#life.phase));
    }
  }

  /** @internal An event of this call, already known to be new. */
  handle(event: ServerEvent): void {
    if (!this.#life.isOver) handleCallEvent(this.#inside, event);
  }

  /** @internal Lets go of everything. The first reason counts. `isKnown`: the server knows of it already. */
  end(reason: CallEndReason, isKnown = true): void {
    if (this.#life.isOver) return;
    this.#parts.flight.flush();
    this.#life.ended(reason, this.#ports.serverNow());
    this.#parts.legs.clear();
    this.#parts.local.close();
    this.#changed();
    this.#ports.onEnded(this);
    this.emit("ended", reason);
    this.removeListeners();
    if (isKnown) this.#ports.onSettled();
  }

  /** @internal It could not be made. */
  fail(error: BellwireError): void {
    this.#life.error = error;
    this.end("failed");
  }

  /** @internal */
  hasLeg(socketId: string): boolean {
    return this.#parts.legs.has(socketId);
  }

  /** @internal The people, before the server has told more. */
  setRoster(participants: readonly Participant[]): void {
    this.#parts.legs.setRoster(participants);
  }

  /** @internal An offer, an answer or a candidate. */
  receive(from: { from: string; userId: string }, message: PeerMessage): void {
    const { phase } = this.#life;
    if (phase === "joined" || phase === "ringing-out") this.#parts.legs.receive(from, message);
  }

  /** @internal The credentials for TURN will not be good for much longer. */
  renew(): void {
    this.#parts.legs.renew();
  }

  /** @internal The user chose another microphone or camera. */
  switchDevice(kind: "microphone" | "camera" | "speaker"): Promise<void> {
    return this.#life.isOver ? Promise.resolve() : this.#parts.local.switchDevice(kind);
  }

  /** What the handlers of events may do with it. */
  #makeInside(): CallInside {
    const life = this.#life;
    return {
      legs: this.#parts.legs,
      phase: () => life.phase,
      ownLeg: () => this.#parts.entrance.leg,
      answered: (at) => {
        life.answered(at);
        this.#changed();
      },
      ended: (reason, facts) => {
        life.facts = { ...life.facts, ...facts };
        this.end(reason);
      },
      ringing: (change) => {
        life.ringing = { ...life.ringing, ...change };
        this.#changed();
      },
      recording: (state) => {
        life.record(state);
        this.#changed();
      },
      entered: (self, participants) => void this.#parts.entrance.enter(self, participants),
      trouble: (error) => this.#trouble(error),
    };
  }

  // ---- What happens to it

  #onJoinRefused(error: BellwireError, before: Phase): void {
    const reason = endByRefusal(error.code, before === "joined");
    this.#trouble(error);
    if (this.#life.isOver) return;
    if (reason) this.end(reason);
    else if (before === "ringing-in") this.#backToRinging();
    // A device that is in keeps its place for a while, and the next connection asks again.
    else if (before === "idle" || !error.retryable) this.fail(error);
  }

  /** The user may try again, as long as it rings. */
  #backToRinging(): void {
    this.#life.back();
    this.#parts.local.reset();
    this.#changed();
  }

  #choice(media: MediaChoice): MediaChoice {
    return { audio: media.audio ?? true, video: media.video ?? this.#life.facts.callType === "video" };
  }

  // ---- What it tells

  #closedError(): BellwireError {
    const code = this.#life.isOver ? "call_ended" : "closed";
    return new BellwireError(code, { message: `The call is ${this.state}.` });
  }

  #trouble(error: BellwireError): void {
    this.#life.error = error;
    this.#changed();
    this.emit("error", error);
    this.#ports.onError(error);
  }

  #changed(): void {
    this.#store.changed();
    this.#ports.onChange(this);
    const { state } = this;
    const before = this.#toldState;
    if (state === before) return;
    this.#toldState = state;
    this.emit("state", state);
    if (state === "reconnecting") this.emit("reconnecting", undefined);
    else if (before === "reconnecting" && state === "active") this.emit("reconnected", undefined);
  }

  #makeSnapshot(): CallSnapshot {
    const { facts, isAnswered, hasAgreed, ringing, endReason, error, timings } = this.#life;
    return this.#view.make({
      ...{ facts, isAnswered, hasAgreed, ...ringing, endReason, error, timings },
      ownLeg: this.#parts.entrance.leg,
      state: this.state,
      local: this.#parts.local.snapshot(),
      participants: this.#parts.legs.snapshot(this.#ports.ownUserId()),
    });
  }
}

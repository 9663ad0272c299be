/** A call as one device takes part in it: rings, is answered, connects, runs, ends. */

import { type CallInside, handleCallEvent, type Phase } from "./callEvents.js";
import { endByRefusal, type Joined, joinCall } from "./callJoin.js";
import { isExpectedRefusal, MarksTeller } from "./callMarks.js";
import type { CallFacts, CallPorts } from "./callPorts.js";
import { CallView } from "./callView.js";
import { Emitter } from "./emitter.js";
import { BellwireError } from "./errors.js";
import { factsOfData } from "./facts.js";
import type { Call as CallData, ClientEvents, LegInfo, Participant, Self, SyncCall } from "./generated/events.js";
import { Legs } from "./legs.js";
import { LocalMedia } from "./local.js";
import type { PeerMessage, Slot } from "./peer.js";
import type { ServerEvent } from "./signaling.js";
import { Store } from "./store.js";
import type {
  CallEndReason,
  CallSnapshot,
  CallState,
  CallTimings,
  MediaChoice,
  MediaState,
  ParticipantSnapshot,
} from "./types.js";

export interface CallEvents {
  state: CallState;
  ended: CallEndReason;
  /** Something went wrong that the call survives. */
  error: BellwireError;
}

export class Call extends Emitter<CallEvents> {
  readonly #ports: CallPorts;
  readonly #local: LocalMedia;
  readonly #legs: Legs;
  readonly #marks: MarksTeller;
  readonly #view: CallView;
  readonly #store = new Store<CallSnapshot>(() => this.#makeSnapshot());
  readonly #inside: CallInside;
  #facts: CallFacts;
  #phase: Phase;
  #toldState: CallState;
  #self: Self | null = null;
  #hasJoined = false;
  #join: Promise<void> | null = null;
  #isAnswered = false;
  #wasConnected = false;
  #endReason: CallEndReason | null = null;
  #error: BellwireError | null = null;
  #isRemoteRinging = false;
  #isUnreachable = false;
  #timings: CallTimings = { accepted: null, connected: null, firstFrame: null };

  /** @internal Calls are made by the client. */
  constructor(ports: CallPorts, facts: CallFacts, phase: "idle" | "ringing-out" | "ringing-in") {
    super();
    this.#ports = ports;
    this.#facts = facts;
    this.#view = new CallView((time) => ports.localTime(time));
    this.#phase = phase;
    this.#toldState = phase;
    this.#local = new LocalMedia({
      media: ports.platform.media,
      selected: (kind) => ports.selectedDevice(kind),
      onTrack: (slot, track) => this.#onLocalTrack(slot, track),
      onChange: () => this.#onLocalChange(),
    });
    this.#legs = new Legs({
      media: ports.platform.media,
      createConnection: (iceServers) => ports.createConnection(iceServers),
      iceServers: () => ports.iceServers(),
      send: (to, message) => this.#send(to, message),
      localTrack: (slot) => this.#local.track(slot),
      onChange: () => this.#changed(),
      onMedia: (socketId, state) => this.#onMedia(socketId, state),
      onFirstFrame: () => this.#mark("firstFrame"),
      onQuality: (quality) => this.#marks.quality(quality),
      onError: (error) => this.#trouble(error),
    });
    this.#marks = new MarksTeller({
      callId: () => this.id,
      marks: () => this.#local.marks(),
      say: (event, payload) => this.#say(event, payload),
    });
    this.#inside = this.#makeInside();
  }

  /** What the handlers of events may do with it. */
  #makeInside(): CallInside {
    return {
      legs: this.#legs,
      phase: () => this.#phase,
      ownLeg: () => this.#self?.socketId,
      answered: (at) => this.#onAnswered(at),
      ended: (reason, facts) => {
        this.#facts = { ...this.#facts, ...facts };
        this.end(reason);
      },
      ringing: ({ isRemoteRinging = this.#isRemoteRinging, isUnreachable = this.#isUnreachable }) => {
        this.#isRemoteRinging = isRemoteRinging;
        this.#isUnreachable = isUnreachable;
        this.#changed();
      },
      entered: (self, participants) => void this.#enter(self, participants),
      trouble: (error) => this.#trouble(error),
    };
  }

  get id(): string {
    return this.#facts.id;
  }

  get channelId(): string {
    return this.#facts.channelId;
  }

  get state(): CallState {
    if (this.#phase !== "joined") return this.#phase;
    const media = this.#legs.media();
    if (media === "connected") return "active";
    if (this.#facts.mode === "group" && this.#legs.size === 0) return "active"; // alone, and waiting for others
    return this.#wasConnected ? "reconnecting" : "connecting";
  }

  get endReason(): CallEndReason | null {
    return this.#endReason;
  }

  get timings(): CallTimings {
    return this.#timings;
  }

  get participants(): readonly ParticipantSnapshot[] {
    return this.getSnapshot().participants;
  }

  readonly getSnapshot = (): CallSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  // ---- What the user does

  /** Answers. Opens what is wished, by default what the type of the call says, and nothing else. */
  async accept(media: MediaChoice = {}): Promise<void> {
    if (this.#phase !== "ringing-in") throw this.#closedError();
    this.#mark("accepted");
    await this.enter(media);
  }

  /** Enters a live call: by accepting, or as another member of a group, or again after a reload. */
  async enter(media: MediaChoice = {}, takeover = false): Promise<void> {
    const before = this.#phase;
    this.#phase = "joined";
    this.#isAnswered = true;
    this.#error = null;
    this.#changed();
    const opening = this.#local.begin(this.#choice(media));
    try {
      await this.#joinNow(takeover);
    } catch (thrown) {
      this.#onJoinRefused(BellwireError.from(thrown, "internal"), before);
      throw thrown;
    }
    await opening;
  }

  /** Says no, on all devices. Stops ringing here at once, whatever the network does. */
  async decline(): Promise<void> {
    if (this.#phase !== "ringing-in") return;
    this.end("declined", false);
    await this.#tellServer("decline");
  }

  /** Cancels, declines or leaves, as the moment wants it. Everything here stops at once. */
  async hangUp(): Promise<void> {
    if (this.#phase === "ended") return;
    if (this.#phase === "ringing-in") return this.decline();
    const wasRinging = this.#phase === "ringing-out" || this.#phase === "idle";
    this.end(wasRinging ? "cancelled" : this.#facts.mode === "group" ? "left" : "hangup", false);
    await this.#tellServer(wasRinging ? "cancel" : "leave");
  }

  /** Rejects with no_microphone, permission_denied … when there is none to be had; the call goes on. */
  setMicrophoneEnabled(on: boolean): Promise<void> {
    return this.#local.setMicrophone(on);
  }

  /** Off stops the camera, so that its light goes out. */
  setCameraEnabled(on: boolean): Promise<void> {
    return this.#local.setCamera(on);
  }

  setScreenShareEnabled(on: boolean): Promise<void> {
    return this.#local.setScreen(on);
  }

  // ---- What the client does

  /** @internal Opens the devices of the caller while it rings. */
  openMedia(media: MediaChoice): Promise<void> {
    return this.#local.begin(this.#choice(media));
  }

  /** @internal The answer of the server that the call was made, or that it is one that was there already. */
  async created(data: CallData): Promise<void> {
    if (this.#phase === "ended") return;
    this.take(data);
    await this.#joinNow();
  }

  /** @internal What an answer or sync tells of the call. */
  take(data: CallData): void {
    if (this.#phase === "ended") return;
    const { direction, isWaiting } = this.#facts;
    this.#facts = { ...factsOfData(data, this.#ports.ownUserId()), direction, isWaiting };
    this.#legs.setRoster(data.participants);
    if (data.status === "active") this.#onAnswered(data.answeredAt);
    if (data.status === "ended" || data.status === "missed" || data.status === "declined")
      this.end(data.endReason ?? "hangup");
    else this.#changed();
  }

  /** @internal The server's list of live calls after a (re)connect has this one. */
  resync(data: SyncCall): void {
    this.take(data);
    if (this.#phase === "ended") return;
    if (this.#phase === "ringing-in" && data.status === "active" && data.mode === "direct") {
      this.end("answered_elsewhere");
    } else if (this.#phase === "joined" || this.#phase === "ringing-out") {
      this.#joinNow().catch((thrown: unknown) =>
        this.#onJoinRefused(BellwireError.from(thrown, "internal"), this.#phase),
      );
    }
  }

  /** @internal An event of this call, already known to be new. */
  handle(event: ServerEvent): void {
    if (this.#phase !== "ended") handleCallEvent(this.#inside, event);
  }

  /** @internal Lets go of everything. The first reason counts. `isKnown`: the server knows of it already. */
  end(reason: CallEndReason, isKnown = true): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#endReason = reason;
    this.#facts = { ...this.#facts, endedAt: this.#facts.endedAt ?? new Date(this.#ports.serverNow()).toISOString() };
    this.#legs.clear();
    this.#local.close();
    this.#changed();
    this.#ports.onEnded(this);
    this.emit("ended", reason);
    this.removeListeners();
    if (isKnown) this.#ports.onSettled();
  }

  /** @internal It could not be made. */
  fail(error: BellwireError): void {
    this.#error = error;
    this.end("failed");
  }

  // ---- Joining

  /** Once at a time. */
  #joinNow(takeover = false): Promise<void> {
    const { signaling } = this.#ports;
    const wish = { callId: this.id, takeover, marks: () => this.#local.marks(), isOver: () => this.#phase === "ended" };
    this.#join ??= joinCall(signaling, wish)
      .then((joined) => {
        if (joined) this.#onJoined(joined);
      })
      .finally(() => {
        this.#join = null;
      });
    return this.#join;
  }

  #onJoined({ answer: { call, self, participants }, told }: Joined): void {
    if (this.#phase === "ended") {
      // Hung up while the answer was on its way: the server has to hear it once more.
      void this.#tellServer("leave");
      return;
    }
    const isAgain = !this.#enter(self, participants) && this.#hasJoined;
    this.#hasJoined = true;
    this.take(call);
    if (isAgain) this.#legs.reconcile(participants);
    // A leg that was there already keeps the marks that it had; a new one has those of the join.
    this.#marks.joined(isAgain ? null : told);
  }

  /** The ack of call.join and the event call.participants say the same; the first of them counts. False: known. This
   *  device is the newcomer to everyone in the list. */
  #enter(self: Self, participants: readonly LegInfo[]): boolean {
    if (this.#self?.socketId === self.socketId) return false;
    this.#legs.clear(); // connections of a leg that is no more
    this.#self = self;
    for (const leg of participants) this.#legs.add(leg, true);
    return true;
  }

  #onJoinRefused(error: BellwireError, before: Phase): void {
    const reason = endByRefusal(error.code, before === "joined");
    this.#trouble(error);
    if (this.#phase === "ended") return;
    if (reason) this.end(reason);
    else if (before === "ringing-in") this.#backToRinging();
    else if (!error.retryable) this.fail(error);
  }

  /** The user may try again, as long as it rings. */
  #backToRinging(): void {
    this.#phase = "ringing-in";
    this.#isAnswered = false;
    this.#local.reset();
    this.#changed();
  }

  #onAnswered(answeredAt: string | null): void {
    if (answeredAt) this.#facts = { ...this.#facts, answeredAt };
    if (this.#phase === "ringing-out" || this.#phase === "idle") {
      this.#isAnswered = true;
      this.#phase = "joined";
      this.#mark("accepted");
    }
    this.#changed();
  }

  // ---- Others

  /** @internal */
  hasLeg(socketId: string): boolean {
    return this.#legs.has(socketId);
  }

  /** @internal The people, before the server has told more. */
  setRoster(participants: readonly Participant[]): void {
    this.#legs.setRoster(participants);
  }

  /** @internal An offer, an answer or a candidate. */
  receive(from: { from: string; userId: string }, message: PeerMessage): void {
    if (this.#phase === "joined" || this.#phase === "ringing-out") this.#legs.receive(from, message);
  }

  /** What is lost is sent again after the resume; a leg that is gone is told by participant.left. */
  #send(to: string, message: PeerMessage): void {
    if ("offer" in message) this.#say("call.offer", { to, ...message });
    else if ("answer" in message) this.#say("call.answer", { to, ...message });
    else this.#say("call.ice-candidate", { to, ...message });
  }

  #onMedia(socketId: string, state: MediaState): void {
    if (state === "connected") {
      this.#wasConnected = true;
      this.#mark("connected");
    }
    if (state !== "connected" && state !== "failed") return;
    if (state === "failed") this.#trouble(new BellwireError("connection_failed"));
    this.#say("call.connection", { callId: this.id, state, socketId });
  }

  // ---- This device

  #choice(media: MediaChoice): MediaChoice {
    return { audio: media.audio ?? true, video: media.video ?? this.#facts.callType === "video" };
  }

  #onLocalTrack(slot: Slot, track: MediaStreamTrack | null): void {
    this.#legs.setTrack(slot, track);
    this.#onLocalChange();
  }

  #onLocalChange(): void {
    this.#changed();
    if (this.#phase !== "ended") this.#marks.changed();
  }

  /** @internal The user chose another microphone or camera. */
  switchDevice(kind: "microphone" | "camera" | "speaker"): Promise<void> {
    return this.#phase === "ended" ? Promise.resolve() : this.#local.switchDevice(kind);
  }

  #say<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    this.#ports.signaling.say(event, payload, (error) => {
      if (!isExpectedRefusal(error)) this.#trouble(error);
    });
  }

  async #tellServer(verb: "cancel" | "decline" | "leave"): Promise<void> {
    try {
      await this.#ports.leave(this.id, verb);
    } catch (thrown) {
      // Over here it is over; a device that is not heard of again is taken out by the server.
      this.#ports.onError(BellwireError.from(thrown, "internal"));
    }
    this.#ports.onSettled();
  }

  #closedError(): BellwireError {
    return new BellwireError(this.#phase === "ended" ? "call_ended" : "closed", {
      message: `The call is ${this.state}.`,
    });
  }

  #mark(moment: keyof CallTimings): void {
    if (this.#timings[moment] !== null) return;
    this.#timings = { ...this.#timings, [moment]: performance.now() };
    this.#changed();
  }

  #trouble(error: BellwireError): void {
    this.#error = error;
    this.#changed();
    this.emit("error", error);
    this.#ports.onError(error);
  }

  #changed(): void {
    this.#store.changed();
    this.#ports.onChange(this);
    const { state } = this;
    if (state === this.#toldState) return;
    this.#toldState = state;
    this.emit("state", state);
  }

  #makeSnapshot(): CallSnapshot {
    return this.#view.make({
      facts: this.#facts,
      state: this.state,
      isAnswered: this.#isAnswered,
      isRemoteRinging: this.#isRemoteRinging,
      isUnreachable: this.#isUnreachable,
      endReason: this.#endReason,
      error: this.#error,
      timings: this.#timings,
      local: this.#local.snapshot(),
      participants: this.#legs.snapshot(this.#ports.ownUserId()),
    });
  }
}

/** The other devices in a call: a connection to each, and what is known of their people. */
import type { BellwireError } from "../errors.js";
import type { LegInfo, Participant, Quality } from "../generated/events.js";
import type { Media } from "../media/media.js";
import type { Hint } from "../quality/hint.js";
import { better, worse } from "../quality/level.js";
import { type Measured, Meter } from "../quality/meter.js";
import { type ConnectionPath, pathName } from "../quality/path.js";
import type { Switches } from "../quality/sample.js";
import type { MediaState, ParticipantSnapshot } from "../types.js";
import { personSnapshot } from "./absent.js";
import { shareOf } from "./bitrate.js";
import { Peer } from "./peer.js";
import type { PeerMessage, PeerRole, Slot } from "./ports.js";
import { Watch } from "./watch.js";

export interface LegsPorts {
  media: Media;
  createConnection(iceServers: RTCIceServer[]): RTCPeerConnection;
  iceServers(): Promise<RTCIceServer[]>;
  send(to: string, message: PeerMessage): void;
  /** The server is there to pass on what is sent. */
  isHeard(): boolean;
  localTrack(slot: Slot): MediaStreamTrack | null;
  /** For all that this device sends to all of them. */
  videoBitrate: number;
  onChange(): void;
  onMedia(socketId: string, state: MediaState): void;
  onFirstFrame(): void;
  /** What this device sends now. */
  sends(): Switches;
  /** A connection was looked at. */
  onMeasured(socketId: string, measured: Measured): void;
  /** How well media reaches this device: from where it does so best, for what is bad with one peer alone is the peer's. */
  onQuality(quality: Quality): void;
  onRestart(socketId: string): void;
  /** Nothing arrives from somebody any more, or the browser says so: perhaps it is this device that lost its way. */
  onSilence(): void;
  onError(error: BellwireError): void;
}

/** What is told of a leg before anyone said more: an offer may come before its participant.joined. */
type LegFacts = Omit<LegInfo, "joinedAt" | "name"> & { name: string | null };

interface Leg extends LegFacts {
  peer: Peer;
  watch: Watch | null;
  meter: Meter | null;
  stream: MediaStream;
  screenStream: MediaStream | null;
  isSpeaking: boolean;
  isReconnecting: boolean;
  /** How well media reaches it, as its device says, and when it said so. */
  connectionQuality: Quality | null;
  toldAt: number;
  /** As it was measured from here: how media comes from there, and gets there. */
  arrives: Quality | null;
  leaves: Quality | null;
  hint: Hint | null;
  path: ConnectionPath | null;
}

export class Legs {
  readonly #ports: LegsPorts;
  readonly #legs = new Map<string, Leg>();
  readonly #roster = new Map<string, Participant>();
  #cache = new Map<string, ParticipantSnapshot>();

  constructor(ports: LegsPorts) {
    this.#ports = ports;
  }

  get size(): number {
    return this.#legs.size;
  }

  has(socketId: string): boolean {
    return this.#legs.has(socketId);
  }

  hasUser(userId: string): boolean {
    return [...this.#legs.values()].some((leg) => leg.userId === userId);
  }

  /** The people of the call, as an answer or sync tells them. */
  setRoster(participants: readonly Participant[]): void {
    for (const participant of participants) this.#roster.set(participant.userId, participant);
    this.#ports.onChange();
  }

  updatePerson(userId: string, change: Partial<Participant>): void {
    const person = this.#roster.get(userId);
    if (person) this.#roster.set(userId, { ...person, ...change });
    this.#ports.onChange();
  }

  person(userId: string): Participant | undefined {
    return this.#roster.get(userId);
  }

  /** A device to talk to. `isNewcomer`: this device came later, so it offers and is polite. */
  add(facts: LegFacts, isNewcomer: boolean): Leg {
    const known = this.#legs.get(facts.socketId);
    if (known) {
      Object.assign(known, facts);
      this.#ports.onChange();
      return known;
    }
    const leg: Leg = {
      ...facts,
      peer: this.#connect(facts.socketId, { isPolite: isNewcomer, initiates: isNewcomer, former: null }),
      watch: null,
      meter: null,
      stream: this.#ports.media.createStream([]),
      screenStream: null,
      isSpeaking: false,
      isReconnecting: false,
      ...{ connectionQuality: null, toldAt: 0, arrives: null, leaves: null, hint: null, path: null },
    };
    this.#legs.set(facts.socketId, leg);
    this.#supply(leg);
    return leg;
  }

  /** After a resume: those who are gone go, those who stayed are made sure of. */
  reconcile(legs: readonly LegInfo[]): void {
    const present = new Set(legs.map((leg) => leg.socketId));
    for (const socketId of [...this.#legs.keys()]) if (!present.has(socketId)) this.remove(socketId);
    for (const facts of legs) {
      const isKnown = this.#legs.has(facts.socketId);
      const leg = this.add(facts, false);
      if (isKnown) leg.peer.nudge();
    }
  }

  remove(socketId: string): void {
    const leg = this.#legs.get(socketId);
    if (!leg) return;
    this.#legs.delete(socketId);
    release(leg);
    this.#share();
    this.#ports.onChange();
  }

  clear(): void {
    for (const socketId of [...this.#legs.keys()]) this.remove(socketId);
  }

  update(socketId: string, change: Partial<Leg>): void {
    const leg = this.#legs.get(socketId);
    if (!leg) return;
    Object.assign(leg, change);
    this.#syncStreams(leg);
    this.#ports.onChange();
  }

  /** Its device says how well media reaches it: newer than what was last reported of that here. */
  hears(socketId: string, connectionQuality: Quality): void {
    this.update(socketId, { connectionQuality, toldAt: performance.now(), leaves: null });
  }

  returned(socketId: string): void {
    this.#legs.get(socketId)?.peer.returned();
  }

  /** An offer, an answer or a candidate; the sender may be a newcomer of whom nothing was heard yet. */
  receive(from: { from: string; userId: string }, message: PeerMessage): void {
    const leg =
      this.#legs.get(from.from) ??
      ("offer" in message ? this.add(this.#unknown(from.from, from.userId), false) : undefined);
    leg?.peer.receive(message);
  }

  setTrack(slot: Slot, track: MediaStreamTrack | null): void {
    for (const leg of this.#legs.values()) leg.peer.setTrack(slot, track);
    this.#share();
  }

  /** Looks for new ways with fresh credentials, while media goes on over the old ones. */
  renew(): void {
    for (const leg of this.#legs.values()) leg.peer.restart();
  }

  /** The uplink is shared out anew whenever somebody or a picture comes or goes. */
  #share(): void {
    const { localTrack, videoBitrate } = this.#ports;
    const nPictures = ["camera", "screen"].filter((slot) => localTrack(slot as Slot)).length;
    const share = shareOf(videoBitrate, this.#legs.size, nPictures);
    for (const leg of this.#legs.values()) leg.peer.setVideoBitrate(share);
  }

  /** The best that there is: one connected device is enough to talk. */
  media(): MediaState {
    const states = [...this.#legs.values()].map((leg) => leg.peer.state);
    for (const state of ["connected", "reconnecting", "connecting", "new"] as const)
      if (states.includes(state)) return state;
    return states.length > 0 ? "failed" : "new";
  }

  /** The same objects for those who have not changed. */
  snapshot(ownUserId: string): ParticipantSnapshot[] {
    const legs = [...this.#legs.values()].map((leg) => this.#legSnapshot(leg));
    const present = new Set(legs.map((leg) => leg.userId));
    const absent = [...this.#roster.values()]
      .filter((p) => p.userId !== ownUserId && !present.has(p.userId))
      .map(personSnapshot);
    const next = new Map([...legs, ...absent].map((entry) => [entry.id, reuse(this.#cache.get(entry.id), entry)]));
    this.#cache = next;
    return [...next.values()];
  }

  #unknown(socketId: string, userId: string): LegFacts {
    const name = this.#roster.get(userId)?.name ?? null;
    return { socketId, userId, name, isMuted: false, isVideoEnabled: false, isScreenSharing: false };
  }

  #supply(leg: Leg): void {
    for (const slot of ["audio", "camera", "screen"] as const) leg.peer.setTrack(slot, this.#ports.localTrack(slot));
    this.#share();
    this.#ports.onChange();
  }

  /** Another connection to the same device, in place of one that cannot be mended. */
  #replace(socketId: string, offer: PeerMessage | null): void {
    const leg = this.#legs.get(socketId);
    if (!leg) return;
    release(leg);
    const { role, former } = leg.peer;
    Object.assign(leg, { watch: null, meter: null });
    leg.peer = this.#connect(socketId, { isPolite: role.isPolite, initiates: !offer, former });
    this.#supply(leg);
    if (offer) leg.peer.receive(offer);
    this.#onState(socketId, leg.peer.state);
  }

  #connect(socketId: string, role: PeerRole): Peer {
    const ports = this.#ports;
    return new Peer(
      {
        createConnection: (iceServers) => ports.createConnection(iceServers),
        iceServers: () => ports.iceServers(),
        send: (message) => ports.send(socketId, message),
        isHeard: () => ports.isHeard(),
        onState: (state) => this.#onState(socketId, state),
        onTracks: () => this.update(socketId, {}),
        onError: (error) => ports.onError(error),
        onRestart: () => ports.onRestart(socketId),
        onReplace: (offer) => this.#replace(socketId, offer),
      },
      role,
    );
  }

  #onState(socketId: string, state: MediaState): void {
    const leg = this.#legs.get(socketId);
    if (!leg) return;
    const pc = leg.peer.connection;
    if (state === "connected" && pc) {
      leg.watch ??= this.#watch(leg, pc);
      leg.meter ??= this.#measure(leg, pc);
    }
    if (state === "reconnecting") this.#ports.onSilence();
    this.#ports.onMedia(socketId, state);
    this.#ports.onChange();
  }

  #watch(leg: Leg, pc: RTCPeerConnection): Watch {
    const ports = {
      onFirstFrame: () => this.#ports.onFirstFrame(),
      onSpeaking: (isSpeaking: boolean) => this.update(leg.socketId, { isSpeaking }),
      onSilence: () => {
        leg.peer.silent();
        this.#ports.onSilence();
      },
      onAlive: () => leg.peer.alive(),
    };
    return new Watch(pc, ports, () => leg.isVideoEnabled);
  }

  #measure(leg: Leg, pc: RTCPeerConnection): Meter {
    return new Meter(pc, {
      isFlowing: () => leg.peer.state === "connected",
      sends: () => this.#ports.sends(),
      expects: () => ({ microphone: !leg.isMuted, camera: leg.isVideoEnabled, screen: leg.isScreenSharing }),
      toldAt: () => leg.toldAt,
      onMeasured: (measured) => this.#onMeasured(leg, measured),
    });
  }

  #onMeasured(leg: Leg, measured: Measured): void {
    const { arrives, leaves, hint, values } = measured;
    const change = { arrives, leaves, hint, path: pathName(values.path ?? null) };
    if (reuse(leg, { ...leg, ...change }) !== leg) this.update(leg.socketId, change);
    this.#ports.onMeasured(leg.socketId, measured);
    const own = [...this.#legs.values()].reduce<Quality | null>((best, one) => better(best, one.arrives), null);
    if (own) this.#ports.onQuality(own);
  }

  /** A picture is in the stream only while its sender says that there is one: players wait for tracks that never come. */
  #syncStreams(leg: Leg): void {
    const { peer, stream } = leg;
    setPresent(stream, peer.remoteTrack("audio"), true);
    setPresent(stream, peer.remoteTrack("camera"), leg.isVideoEnabled);
    const screen = leg.isScreenSharing ? peer.remoteScreen() : null;
    if (screen === (leg.screenStream?.getTracks()[0] ?? null)) return;
    leg.screenStream = screen ? this.#ports.media.createStream([screen]) : null;
  }

  #legSnapshot(leg: Leg): ParticipantSnapshot {
    const person = this.#roster.get(leg.userId);
    const { peer, stream } = leg;
    return {
      id: leg.socketId,
      userId: leg.userId,
      name: leg.name ?? person?.name ?? null,
      avatarUrl: person?.avatarUrl ?? null,
      role: person?.role ?? "member",
      state: leg.isReconnecting ? "reconnecting" : "joined",
      socketId: leg.socketId,
      stream: stream.getTracks().length > 0 ? stream : null,
      screenStream: leg.screenStream,
      isMuted: leg.isMuted,
      isVideoEnabled: leg.isVideoEnabled,
      isScreenSharing: leg.isScreenSharing,
      isSpeaking: leg.isSpeaking && !leg.isMuted,
      connectionQuality: worse(worse(leg.arrives, leg.leaves), leg.connectionQuality),
      connectionHint: leg.hint,
      connectionPath: leg.path,
      media: peer.state,
    };
  }
}

function release({ watch, meter, peer }: Leg): void {
  watch?.close();
  meter?.close();
  peer.close();
}

function setPresent(stream: MediaStream, track: MediaStreamTrack | null, isWanted: boolean): void {
  if (!track) return;
  // The track of a connection that was replaced stays until the next one has its own.
  for (const old of stream.getTracks()) if (old.kind === track.kind && old !== track) stream.removeTrack(old);
  const isThere = stream.getTracks().includes(track);
  if (isWanted && !isThere) stream.addTrack(track);
  else if (!isWanted && isThere) stream.removeTrack(track);
}

/** The old object if nothing in it has changed. */
export function reuse<T extends object>(old: T | undefined, next: T): T {
  if (!old) return next;
  const keys = Object.keys(next) as (keyof T)[];
  return keys.every((key) => Object.is(old[key], next[key])) ? old : next;
}

/** One connection to one other device.
 *
 * The newcomer offers first. After that either side may offer at any time; when both do at once, the polite one (who
 * joined later) takes its offer back. Everything that touches the connection goes through one queue, so that no step
 * sees another half done.
 *
 *   audio, camera   two transceivers from the start, always in both directions: switching a device on or off replaces
 *                   a track and needs no negotiation
 *   screen          any further video transceiver, added when somebody first shares
 *
 * Offers carry a number `n` and answers repeat it: what was doubled, delayed or overtaken on its way is told apart,
 * and an offer that is not answered in time is sent again. `after` is the number of the other side's last offer that
 * was answered before, `dropped` that of an own offer which was taken back and must not be taken when it comes
 * late. Clients that do not number their offers are served too.
 *
 * What no restart can mend (Firefox's encryption ends with a way that was lost for thirty seconds) is replaced by a new
 * connection, whose certificate tells both sides that it is one.
 */
import { BellwireError } from "../errors.js";
import type { IceCandidate, Sdp } from "../generated/events.js";
import type { MediaState } from "../types.js";
import { limitSender } from "./bitrate.js";
import { Counterpart } from "./counterpart.js";
import { closeCalmly } from "./farewell.js";
import { Health } from "./health.js";
import type { PeerMessage, PeerPorts, PeerRole, Slot } from "./ports.js";
import { onWayChange, sendWholePicture } from "./refresh.js";
import { belongsTo, isNewWay, keepRole, plain } from "./sdp.js";

/** An offer without an answer is sent again. */
const RESEND_MS = 3000;
const MAX_PENDING_CANDIDATES = 256;

export class Peer {
  readonly role: PeerRole;
  readonly #ports: PeerPorts;
  readonly #slots: Partial<Record<Slot, RTCRtpTransceiver>> = {};
  readonly #tracks: Record<Slot, MediaStreamTrack | null> = { audio: null, camera: null, screen: null };
  readonly #candidates: IceCandidate[] = [];
  readonly #health: Health;
  readonly #counterpart: Counterpart;
  readonly #listening = new AbortController();
  #pc: RTCPeerConnection | null = null;
  #queue: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Connected once: from now on a change of the way is told. */
  #isFollowed = false;
  /** The slots are there: an offer was made or taken. */
  #isBegun = false;
  #offerNumber = 0;
  #lastTaken = 0;
  #lastAnswer: PeerMessage | null = null;
  #resendTimer: ReturnType<typeof setTimeout> | undefined;
  #videoBitrate: number | null = null;

  constructor(ports: PeerPorts, role: PeerRole) {
    this.#ports = ports;
    this.role = role;
    this.#counterpart = new Counterpart(role);
    this.#health = new Health({ onState: ports.onState, restart: () => ports.isHeard() && this.restart() }, role);
    this.#run(() => this.#open());
  }

  get state(): MediaState {
    return this.#health.state;
  }

  /** For the one that takes this one's place. */
  get former(): Set<string> {
    return this.#counterpart.former;
  }

  /** Nothing arrives any more, and something does again, as our own statistics see it. */
  silent(): void {
    this.#health.silent();
  }

  alive(): void {
    this.#health.alive();
  }

  /** For getStats; null until it is made. */
  get connection(): RTCPeerConnection | null {
    return this.#pc;
  }

  /** What comes from the other side; null before the first negotiation. */
  remoteTrack(slot: "audio" | "camera"): MediaStreamTrack | null {
    return this.#slots[slot]?.receiver.track ?? null;
  }

  /** The screen that flows, if any does. Both may have opened one at once: then there are two, and one is silent. */
  remoteScreen(): MediaStreamTrack | null {
    const tracks = this.#extras().map((t) => t.receiver.track);
    return tracks.find((t) => !t.muted) ?? tracks[0] ?? null;
  }

  setTrack(slot: Slot, track: MediaStreamTrack | null): void {
    this.#tracks[slot] = track;
    this.#run(() => this.#applyTrack(slot));
  }

  /** For each picture that is sent to this peer, in bits per second. */
  setVideoBitrate(bitrate: number): void {
    if (this.#videoBitrate === bitrate) return;
    this.#videoBitrate = bitrate;
    this.#run(() => this.#limit());
  }

  receive(message: PeerMessage): void {
    const judgement = this.#counterpart.judge(message);
    if (judgement === "anew") this.#replace(message);
    if (judgement !== "ours") return;
    this.#run(() => {
      if ("offer" in message) return this.#onOffer(message);
      if ("answer" in message) return this.#onAnswer(message);
      return this.#onCandidate(message.candidate);
    });
  }

  /** This side was away: what was sent meanwhile may be lost. */
  nudge(): void {
    this.#run(() => this.#resend());
    if (this.state !== "connected") this.restart();
  }

  /** The other side was. */
  returned(): void {
    this.#run(() => this.#resend());
    this.#health.returned();
  }

  /** Finds new ways through the network; media goes on if there is any. */
  restart(): void {
    this.#run(async (pc) => {
      const iceServers = await this.#ports.iceServers();
      if (this.#isClosed || !this.#isBegun) return;
      pc.setConfiguration({ ...pc.getConfiguration(), iceServers });
      pc.restartIce();
      this.#health.renewing();
      this.#ports.onRestart();
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#resendTimer);
    this.#health.close();
    this.#listening.abort();
    if (this.#pc) closeCalmly(this.#pc);
  }

  /** Nothing that this connection does will mend it. */
  #replace(offer: PeerMessage | null): void {
    if (this.#isClosed) return;
    this.#counterpart.dismiss();
    this.#ports.onReplace(offer);
  }

  /** What was connected once and refuses a description now will refuse the next one as well. */
  async #take(pc: RTCPeerConnection, description: Sdp): Promise<void> {
    try {
      await pc.setRemoteDescription(description as RTCSessionDescriptionInit);
    } catch (thrown) {
      if (!this.#isFollowed || (thrown as DOMException).name === "InvalidStateError") throw thrown;
      this.#replace(null);
    }
  }

  /** One step after the other; a step that fails does not stop those behind it. */
  #run(step: (pc: RTCPeerConnection) => void | Promise<void>): void {
    this.#queue = this.#queue
      .then(() => (this.#isClosed ? undefined : step(this.#pc as RTCPeerConnection)))
      .catch((thrown: unknown) => {
        if (!this.#isClosed) this.#ports.onError(BellwireError.from(thrown, "connection_failed"));
      });
  }

  async #open(): Promise<void> {
    const iceServers = await this.#ports.iceServers();
    if (this.#isClosed) return;
    const pc = this.#ports.createConnection(iceServers);
    this.#pc = pc;
    const { signal } = this.#listening;
    pc.addEventListener("negotiationneeded", () => this.#run(() => this.#offer()), { signal });
    pc.addEventListener(
      "icecandidate",
      ({ candidate }) => candidate && this.#ports.send({ candidate: candidate.toJSON() }),
      { signal },
    );
    pc.addEventListener("connectionstatechange", () => this.#onConnectionState(pc), { signal });
    pc.addEventListener("track", ({ track }) => this.#watchTrack(track, signal), { signal });
    if (!this.role.initiates) return;
    this.#isBegun = true;
    this.#slots.audio = pc.addTransceiver("audio", { direction: "sendrecv" });
    this.#slots.camera = pc.addTransceiver("video", { direction: "sendrecv" });
    for (const slot of ["audio", "camera", "screen"] as const) await this.#applyTrack(slot);
  }

  #onConnectionState(pc: RTCPeerConnection): void {
    const isBroken = pc.getSenders?.().some(({ transport }) => transport?.state === "failed");
    if (pc.connectionState === "failed" && isBroken) return this.#replace(null);
    this.#health.follow(pc.connectionState);
    if (pc.connectionState !== "connected" || this.#isFollowed) return;
    this.#isFollowed = true;
    onWayChange(pc, () => this.#run(() => this.#refresh()), this.#listening.signal);
  }

  async #refresh(): Promise<void> {
    // A sender in the middle of a negotiation refuses; it is asked once more.
    for (const slot of [this.#slots.camera, this.#slots.screen])
      if (slot) await sendWholePicture(slot.sender).catch(() => {});
  }

  #watchTrack(track: MediaStreamTrack, signal: AbortSignal): void {
    for (const event of ["mute", "unmute", "ended"])
      track.addEventListener(event, () => this.#ports.onTracks(), { signal });
    this.#ports.onTracks();
  }

  // ---- Negotiation

  async #offer(): Promise<void> {
    const pc = this.#pc as RTCPeerConnection;
    // In the middle of another negotiation: the browser asks again when that is over.
    if (pc.signalingState !== "stable") return;
    await pc.setLocalDescription();
    this.#offerNumber++;
    this.#resend();
  }

  /** Sends the offer that waits for an answer, now and again until there is one. */
  #resend(): void {
    const pc = this.#pc;
    clearTimeout(this.#resendTimer);
    if (pc?.signalingState !== "have-local-offer" || !pc.localDescription) return;
    this.#ports.send({ offer: plain(pc.localDescription), n: this.#offerNumber, after: this.#lastTaken });
    this.#resendTimer = setTimeout(() => this.#run(() => this.#resend()), RESEND_MS);
  }

  async #onOffer({ offer, n, after }: Extract<PeerMessage, { offer: Sdp }>): Promise<void> {
    const pc = this.#pc as RTCPeerConnection;
    if (n !== undefined && n <= this.#lastTaken) {
      // An old one, or the last one again because our answer has not arrived.
      if (n === this.#lastTaken && this.#lastAnswer) this.#ports.send(this.#lastAnswer);
      return;
    }
    if (pc.signalingState !== "stable") {
      if (!this.role.isPolite) return; // ours counts
      // It builds on an answer to our offer that is still to come: taking ours back now would undo what they have.
      if (after !== undefined && after >= this.#offerNumber) return this.#resend();
    }
    const dropped = pc.signalingState === "stable" ? 0 : this.#offerNumber;
    clearTimeout(this.#resendTimer);
    const isRestart = isNewWay(pc.remoteDescription?.sdp, offer.sdp);
    await this.#take(pc, offer);
    if (this.#isClosed) return;
    if (isRestart) this.#health.renewing();
    await this.#adopt();
    await pc.setLocalDescription();
    if (this.#isClosed || !pc.localDescription) return;
    this.#lastTaken = n ?? 0;
    this.#lastAnswer = { answer: plain(pc.localDescription), n, dropped };
    this.#ports.send(this.#lastAnswer);
    await this.#useCandidates();
    await this.#limit();
  }

  async #onAnswer({ answer, n, dropped = 0 }: Extract<PeerMessage, { answer: Sdp }>): Promise<void> {
    const pc = this.#pc as RTCPeerConnection;
    if (pc.signalingState !== "have-local-offer") return;
    if (n !== undefined && n !== this.#offerNumber) return;
    clearTimeout(this.#resendTimer);
    if (dropped > this.#lastTaken) {
      this.#lastTaken = dropped;
      this.#lastAnswer = null;
    }
    await this.#take(pc, keepRole(answer, pc));
    if (this.#isClosed) return;
    await this.#useCandidates();
    await this.#limit();
  }

  async #onCandidate(candidate: IceCandidate | null): Promise<void> {
    if (!candidate?.candidate) return; // the end of candidates tells nothing that the browser needs
    if (this.#candidates.length >= MAX_PENDING_CANDIDATES) this.#candidates.shift();
    this.#candidates.push(candidate);
    await this.#useCandidates();
  }

  /** Hands over the candidates that belong to the remote description in force; the others wait for theirs. */
  async #useCandidates(): Promise<void> {
    const pc = this.#pc as RTCPeerConnection;
    const sdp = pc.remoteDescription?.sdp;
    if (sdp === undefined) return;
    for (const candidate of this.#candidates.splice(0)) {
      if (!belongsTo(candidate, sdp)) this.#candidates.push(candidate);
      else await pc.addIceCandidate(candidate as RTCIceCandidateInit).catch(() => {}); // one bad way of many
    }
  }

  // ---- Tracks

  /** The first offer from the other side made our transceivers: name them, and send in them too. */
  async #adopt(): Promise<void> {
    const pc = this.#pc as RTCPeerConnection;
    this.#isBegun = true;
    for (const transceiver of pc.getTransceivers()) {
      const slot = transceiver.receiver.track.kind === "audio" ? "audio" : "camera";
      if (this.#slots[slot] || this.#slots.screen === transceiver) continue;
      this.#slots[slot] = transceiver;
      transceiver.direction = "sendrecv";
      await transceiver.sender.replaceTrack(this.#tracks[slot]);
    }
    if (this.#tracks.screen && !this.#slots.screen) await this.#applyTrack("screen");
    this.#ports.onTracks(); // the browser's events came before the slots had names
  }

  async #applyTrack(slot: Slot): Promise<void> {
    if (!this.#isBegun) return; // #open or #adopt will
    const track = this.#tracks[slot];
    const transceiver = this.#slots[slot] ?? (track ? this.#makeSlot(slot) : undefined);
    if (!transceiver || transceiver.sender.track === track) return;
    await transceiver.sender.replaceTrack(track);
    await this.#limit();
  }

  async #limit(): Promise<void> {
    const { camera, screen } = this.#slots;
    if (this.#videoBitrate === null || this.#isClosed) return;
    if (camera) await limitSender(camera.sender, this.#videoBitrate, false);
    if (screen) await limitSender(screen.sender, this.#videoBitrate, true);
  }

  #makeSlot(slot: Slot): RTCRtpTransceiver {
    const pc = this.#pc as RTCPeerConnection;
    const free = slot === "screen" ? this.#extras().find((t) => !t.sender.track) : undefined;
    const transceiver = free ?? pc.addTransceiver(slot === "audio" ? "audio" : "video");
    transceiver.direction = "sendrecv";
    this.#slots[slot] = transceiver;
    return transceiver;
  }

  /** Video beyond the camera. */
  #extras(): RTCRtpTransceiver[] {
    if (!this.#slots.camera) return [];
    return (this.#pc?.getTransceivers() ?? []).filter(
      (t) => t.receiver.track.kind === "video" && t !== this.#slots.camera,
    );
  }
}

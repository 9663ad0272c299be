/** A peer connection without a network: the signaling states, transceivers and ICE generations of the real one.
 *
 * Two of them connect when both are stable with each other's descriptions in force and each has a candidate of the
 * other's present ICE generation. What a browser refuses is refused here too, so that a wrong order of steps shows.
 */
import { FakeTrack } from "./fakeMedia.js";

interface Section {
  mid: string;
  kind: string;
  direction: RTCRtpTransceiverDirection;
}

interface Description {
  type: "offer" | "answer";
  id: number;
  /** The offer that an answer answers. */
  answers?: number;
  ufrag: string;
  sections: Section[];
}

const CHECK_MS = 3000;

let nextId = 1;

export class FakeTransceiver {
  mid: string | null = null;
  readonly receiver: { track: FakeTrack };
  parameters: RTCRtpSendParameters = { encodings: [{}] } as unknown as RTCRtpSendParameters;
  readonly sender = {
    transport: { state: "connected" },
    track: null as MediaStreamTrack | null,
    getParameters: () => structuredClone(this.parameters),
    setParameters: async (parameters: RTCRtpSendParameters) => {
      this.parameters = parameters;
    },
    replaceTrack: async (track: MediaStreamTrack | null) => {
      this.sender.track = track;
    },
  };
  readonly #onChange: () => void;
  #direction: RTCRtpTransceiverDirection;
  /** As agreed in the last negotiation. */
  agreed: RTCRtpTransceiverDirection | null = null;

  constructor(kind: string, direction: RTCRtpTransceiverDirection, onChange: () => void) {
    this.receiver = { track: new FakeTrack(kind) };
    this.#direction = direction;
    this.#onChange = onChange;
  }

  get direction(): RTCRtpTransceiverDirection {
    return this.#direction;
  }

  set direction(direction: RTCRtpTransceiverDirection) {
    if (direction === this.#direction) return;
    this.#direction = direction;
    this.#onChange();
  }
}

const write = (d: Description, certificate: number) =>
  `v=0\r\na=fingerprint:sha-256 ${certificate}\r\na=fake:${JSON.stringify(d)}\r\n${d.sections.map((s) => `m=${s.kind} 9 x\r\na=ice-ufrag:${d.ufrag}\r\n`).join("")}`;

function read(init: { sdp?: string | undefined }): Description {
  const text = /a=fake:(.*)\r\n/.exec(init.sdp ?? "")?.[1];
  if (!text) throw new DOMException("not a description", "OperationError");
  return JSON.parse(text);
}

const invalid = (text: string) => new DOMException(text, "InvalidStateError");

export class FakeConnection extends EventTarget {
  /** All that were made and not closed. */
  static readonly open = new Set<FakeConnection>();

  signalingState: RTCSignalingState = "stable";
  connectionState: RTCPeerConnectionState = "new";
  config: RTCConfiguration;
  readonly transceivers: FakeTransceiver[] = [];
  /** Candidates that fitted no description: somebody was not patient. */
  refused = 0;
  readonly #certificate = nextId++;
  #local: Description | null = null;
  #remote: Description | null = null;
  #pendingLocal: Description | null = null;
  #pendingRemote: Description | null = null;
  #ufrag = "";
  #wantsRestart = false;
  #needsNegotiation = false;
  #isAsked = false;
  readonly #candidates = new Set<string>();

  constructor(config: RTCConfiguration) {
    super();
    this.config = config;
    FakeConnection.open.add(this);
  }

  get localDescription(): RTCSessionDescription | null {
    return this.#expose(this.#pendingLocal ?? this.#local);
  }

  get remoteDescription(): RTCSessionDescription | null {
    return this.#expose(this.#pendingRemote ?? this.#remote);
  }

  getConfiguration = () => this.config;
  getTransceivers = () => [...this.transceivers];
  getReceivers = () => [];
  getSenders = () => this.transceivers.map(({ sender }) => sender);
  getStats = async () => new Map();

  setConfiguration(config: RTCConfiguration): void {
    this.#checkOpen();
    this.config = config;
  }

  addTransceiver(kind: string, init: RTCRtpTransceiverInit = {}): FakeTransceiver {
    this.#checkOpen();
    const transceiver = new FakeTransceiver(kind, init.direction ?? "sendrecv", () => this.#need());
    this.transceivers.push(transceiver);
    this.#need();
    return transceiver;
  }

  restartIce(): void {
    this.#checkOpen();
    this.#wantsRestart = true;
    this.#need();
  }

  async setLocalDescription(): Promise<void> {
    this.#checkOpen();
    await null;
    if (this.signalingState === "stable") this.#makeOffer();
    else if (this.signalingState === "have-remote-offer") this.#makeAnswer();
    else throw invalid(`setLocalDescription in ${this.signalingState}`);
  }

  async setRemoteDescription(init: RTCSessionDescriptionInit): Promise<void> {
    this.#checkOpen();
    const description = read(init);
    await null;
    if (init.type === "offer") this.#takeOffer(description);
    else this.#takeAnswer(description);
  }

  async addIceCandidate(candidate: RTCIceCandidateInit): Promise<void> {
    this.#checkOpen();
    const remote = this.#pendingRemote ?? this.#remote;
    if (!remote || remote.ufrag !== candidate.usernameFragment) {
      this.refused++;
      throw new DOMException("a candidate of no description here", "OperationError");
    }
    this.#candidates.add(remote.ufrag);
    connectAll();
  }

  close(): void {
    FakeConnection.open.delete(this);
    this.signalingState = "closed";
    this.connectionState = "closed";
  }

  /** The network between the two is gone. */
  lose(state: "disconnected" | "failed"): void {
    this.#candidates.clear();
    this.setState(state);
  }

  /** The encryption has ended with the way: nothing mends that. */
  breakDown(): void {
    for (const { sender } of this.transceivers) sender.transport.state = "failed";
    this.lose("failed");
  }

  setState(state: RTCPeerConnectionState): void {
    if (this.connectionState === state || this.connectionState === "closed") return;
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }

  /** Whether media would reach this one from the other, and back. */
  reaches(other: FakeConnection): boolean {
    const fits = (a: FakeConnection, b: FakeConnection) => a.#remote?.ufrag === b.#ufrag && a.#candidates.has(b.#ufrag);
    const areStable = this.signalingState === "stable" && other.signalingState === "stable";
    return areStable && this.#local !== null && fits(this, other) && fits(other, this);
  }

  #makeOffer(): void {
    const ufrag = this.#wantsRestart || !this.#ufrag ? `u${nextId++}` : this.#ufrag;
    const sections = this.transceivers.map((t) => ({
      mid: t.mid ?? `m${nextId++}`,
      kind: t.receiver.track.kind,
      direction: t.direction,
    }));
    this.#pendingLocal = { type: "offer", id: nextId++, ufrag, sections };
    this.#needsNegotiation = false;
    this.signalingState = "have-local-offer";
    if (ufrag !== this.#ufrag) this.#gather(ufrag);
  }

  #makeAnswer(): void {
    const offer = this.#pendingRemote as Description;
    const isNewGeneration = offer.ufrag !== this.#remote?.ufrag;
    const ufrag = isNewGeneration ? `u${nextId++}` : this.#ufrag;
    const sections = offer.sections.map(({ mid, kind }) => ({
      mid,
      kind,
      direction: this.#byMid(mid)?.direction ?? "inactive",
    }));
    this.#local = { type: "answer", id: nextId++, answers: offer.id, ufrag, sections };
    this.#remote = offer;
    this.#pendingRemote = null;
    this.#agree(sections, offer.sections);
    if (isNewGeneration) {
      this.#ufrag = ufrag;
      this.#wantsRestart = false;
      this.#gather(ufrag);
    }
    this.#becomeStable();
  }

  #takeOffer(offer: Description): void {
    if (this.signalingState === "have-local-offer") {
      this.#pendingLocal = null; // rolled back; the browser will ask to negotiate again
      this.#needsNegotiation = true;
    }
    this.#pendingRemote = offer;
    this.signalingState = "have-remote-offer";
    for (const { mid, kind } of offer.sections) {
      if (this.#byMid(mid)) continue;
      const transceiver = new FakeTransceiver(kind, "recvonly", () => this.#need());
      transceiver.mid = mid;
      this.transceivers.push(transceiver);
      this.#tellTrack(transceiver);
    }
  }

  #takeAnswer(answer: Description): void {
    const offer = this.#pendingLocal;
    if (this.signalingState !== "have-local-offer" || !offer) throw invalid(`an answer in ${this.signalingState}`);
    if (answer.answers !== offer.id) throw new DOMException("the answer to another offer", "OperationError");
    this.#local = offer;
    this.#pendingLocal = null;
    this.#remote = answer;
    if (offer.ufrag !== this.#ufrag) this.#wantsRestart = false;
    this.#ufrag = offer.ufrag;
    offer.sections.forEach(({ mid }, i) => {
      const transceiver = this.transceivers[i] as FakeTransceiver;
      const isNew = transceiver.mid === null;
      transceiver.mid = mid;
      if (isNew) this.#tellTrack(transceiver);
    });
    this.#agree(offer.sections, answer.sections);
    this.#becomeStable();
  }

  #agree(own: Section[], theirs: Section[]): void {
    own.forEach((section, i) => {
      const both = section.direction === "sendrecv" && theirs[i]?.direction === "sendrecv";
      const transceiver = this.#byMid(section.mid);
      if (transceiver)
        transceiver.agreed = both ? "sendrecv" : section.direction === "sendrecv" ? "sendonly" : "recvonly";
    });
  }

  #becomeStable(): void {
    this.signalingState = "stable";
    const isAgreed = this.transceivers.every(
      (t) => t.mid !== null && (t.direction === t.agreed || t.agreed === "sendonly"),
    );
    this.#needsNegotiation = this.#wantsRestart || !isAgreed;
    connectAll();
    setTimeout(() => this.#check(), CHECK_MS);
    if (this.#needsNegotiation) this.#need();
  }

  /** A new ICE generation whose candidates never came: the old way is given up after a while. */
  #check(): void {
    const isReached = [...FakeConnection.open].some((other) => other !== this && this.reaches(other));
    if (this.connectionState === "connected" && this.signalingState === "stable" && !isReached)
      this.lose("disconnected");
  }

  #byMid(mid: string): FakeTransceiver | undefined {
    return this.transceivers.find((t) => t.mid === mid);
  }

  #tellTrack({ receiver }: FakeTransceiver): void {
    queueMicrotask(() => this.dispatchEvent(Object.assign(new Event("track"), { track: receiver.track })));
  }

  /** Asks once per turn, and only in peace; what was asked for in between is asked for after it. */
  #need(): void {
    this.#needsNegotiation = true;
    if (this.#isAsked) return;
    this.#isAsked = true;
    queueMicrotask(() => {
      this.#isAsked = false;
      if (this.signalingState === "stable" && this.#needsNegotiation)
        this.dispatchEvent(new Event("negotiationneeded"));
    });
  }

  #gather(ufrag: string): void {
    this.setState(this.connectionState === "new" ? "connecting" : this.connectionState);
    const candidate = {
      candidate: `candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag ${ufrag}`,
      sdpMid: "0",
      usernameFragment: ufrag,
    };
    const event = Object.assign(new Event("icecandidate"), { candidate: { toJSON: () => candidate } });
    setTimeout(() => this.signalingState !== "closed" && this.dispatchEvent(event), 1);
  }

  #expose(description: Description | null): RTCSessionDescription | null {
    return description
      ? ({ type: description.type, sdp: write(description, this.#certificate) } as RTCSessionDescription)
      : null;
  }

  #checkOpen(): void {
    if (this.signalingState === "closed") throw invalid("closed");
  }
}

function connectAll(): void {
  for (const a of FakeConnection.open)
    for (const b of FakeConnection.open)
      if (a !== b && a.reaches(b)) {
        a.setState("connected");
        b.setState("connected");
      }
}

/** As the platform wants it. */
export function fakeConnection(config: RTCConfiguration): RTCPeerConnection {
  return new FakeConnection(config) as unknown as RTCPeerConnection;
}

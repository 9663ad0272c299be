/** One call at a time under the old SDK's names: join it by its id, hear of streams, mute, leave. */
import type { Call } from "../call/call.js";
import { type Client, createClient } from "../client.js";
import { Emitter } from "../emitter.js";
import { BellwireError } from "../errors.js";
import type { Platform } from "../platform.js";
import type { CallEndReason } from "../types.js";
import { type Address, addressOf, type CompatToken, rememberAddress } from "./address.js";
import { type RemoteStream, StreamTeller } from "./streams.js";

export type { CompatToken } from "./address.js";

export interface WebRTCClientEvents {
  /** Camera and microphone, again whenever a device came or went. */
  localStream: MediaStream;
  remoteStream: RemoteStream;
  /** Beyond the old SDK: a device left, so that no frozen picture stays. */
  remoteStreamRemoved: { socketId: string };
  connectionStateChange: { socketId: string; state: RTCPeerConnectionState };
  /** Beyond the old SDK: the call is over, and why. */
  ended: CallEndReason;
  /** Beyond the old SDK: whatever goes wrong in the background. */
  error: BellwireError;
}

export class WebRTCClient extends Emitter<WebRTCClientEvents> {
  readonly #address: Address;
  readonly #platform: Platform | undefined;
  #iceServers: RTCIceServer[] | undefined;
  #client: Client | null = null;
  #call: Call | null = null;
  /** Rises with every start and end, so that an old start's answer is not taken for the present one's. */
  #turn = 0;

  /** `wsUrl` as before ("ws://localhost:3000/webrtc"); `token` may be a function that gives a fresh one each time. */
  constructor(wsUrl: string, token: CompatToken, { platform }: { platform?: Platform } = {}) {
    super();
    this.#address = addressOf(wsUrl, token);
    this.#platform = platform;
    rememberAddress(this.#address);
  }

  /** The whole of bellwire behind it, for what the old names have no word for; null before `initialize`. */
  get client(): Client | null {
    return this.#client;
  }

  /** Connects. Without ICE servers of your own the server's are fetched, and renewed in time. */
  async initialize(iceServers?: RTCIceServer[]): Promise<void> {
    if (Array.isArray(iceServers) && iceServers.length > 0) this.#iceServers = iceServers;
    await this.#open().connect();
  }

  /** Joins a call that was made over REST, or answers it; resolves when this device is in it. Who one is says the
   *  token; `userId` is not looked at. `isVideo` is by default what the type of the call says. A device that cannot be
   *  opened is left out and told by `error`: the call goes on without it. */
  async startCall(callId: string, _userId?: string, isVideo?: boolean): Promise<void> {
    const turn = ++this.#turn;
    const client = this.#open();
    // From the first moment, so that the own picture need not wait for the server.
    const off = client.subscribe(() => this.#follow(client.getCall(callId)));
    try {
      await client.connect();
      this.#follow(await client.join(callId, isVideo === undefined ? {} : { audio: true, video: isVideo }));
    } catch (thrown) {
      if (turn === this.#turn) throw thrown; // ended meanwhile: nobody waits for it
    } finally {
      off();
    }
  }

  toggleMute(isMuted: boolean): void {
    this.#call?.setMicrophoneEnabled(!isMuted).catch((thrown) => this.#tell(thrown));
  }

  /** Off stops the camera, so that its light goes out. */
  toggleVideo(isVideoEnabled: boolean): void {
    this.#call?.setCameraEnabled(isVideoEnabled).catch((thrown) => this.#tell(thrown));
  }

  /** Leaves the call and closes the connection; `startCall` opens it again. */
  async endCall(_callId?: string): Promise<void> {
    this.#turn++;
    const client = this.#client;
    const call = this.#call;
    this.#client = null;
    this.#call = null;
    await call?.hangUp();
    client?.close();
  }

  #open(): Client {
    if (this.#client) return this.#client;
    const { url, getToken } = this.#address;
    const client = createClient({
      ...{ url, getToken },
      ...(this.#platform ? { platform: this.#platform } : {}),
      ...(this.#iceServers ? { iceServers: this.#iceServers } : {}),
    });
    client.on("error", (error) => this.emit("error", error));
    this.#client = client;
    return client;
  }

  #follow(call: Call | null): void {
    if (!call || this.#call === call || call.state === "ended") return;
    this.#call = call;
    const teller = new StreamTeller({
      localStream: (stream) => this.emit("localStream", stream),
      remoteStream: (remote) => this.emit("remoteStream", remote),
      remoteStreamRemoved: (gone) => this.emit("remoteStreamRemoved", gone),
      connectionStateChange: (change) => this.emit("connectionStateChange", change),
    });
    let told: BellwireError | null = null;
    const look = () => {
      const snapshot = call.getSnapshot();
      teller.look(snapshot);
      const { error } = snapshot.local;
      if (error && error !== told) this.emit("error", error);
      told = error;
    };
    call.subscribe(look);
    call.on("ended", (reason) => {
      look();
      this.emit("ended", reason);
    });
    look();
  }

  #tell(thrown: unknown): void {
    this.emit("error", BellwireError.from(thrown, "media_failed"));
  }
}

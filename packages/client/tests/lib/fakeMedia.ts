/** Devices that exist only here: what is open, what was stopped, and what is refused can be asked and set. */
import { BellwireError, type LocalErrorCode } from "../../src/errors.js";
import type { Media, MediaRequest } from "../../src/media/media.js";
import type { DeviceInfo } from "../../src/types.js";

let nextId = 1;

export class FakeTrack extends EventTarget {
  readonly id = `track-${nextId++}`;
  readonly kind: string;
  readonly deviceId: string;
  enabled = true;
  muted = false;
  readyState: "live" | "ended" = "live";

  constructor(kind: string, deviceId = "default") {
    super();
    this.kind = kind;
    this.deviceId = deviceId;
  }

  getSettings(): MediaTrackSettings {
    return this.kind === "video" ? { width: 1280, height: 720 } : {};
  }

  stop(): void {
    this.readyState = "ended";
  }

  /** Pulled out. */
  lose(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}

export class FakeStream {
  readonly id = `stream-${nextId++}`;
  readonly #tracks: MediaStreamTrack[];

  constructor(tracks: MediaStreamTrack[] = []) {
    this.#tracks = [...tracks];
  }

  getTracks = () => [...this.#tracks];
  getAudioTracks = () => this.#tracks.filter((t) => t.kind === "audio");
  getVideoTracks = () => this.#tracks.filter((t) => t.kind === "video");
  addTrack = (track: MediaStreamTrack) => void this.#tracks.push(track);
  removeTrack = (track: MediaStreamTrack) => void this.#tracks.splice(this.#tracks.indexOf(track), 1);
}

export class FakeMedia implements Media {
  /** Everything that was ever opened. */
  readonly opened: FakeTrack[] = [];
  readonly requests: MediaRequest[] = [];
  /** What opening answers instead of a track. */
  readonly refused: { audio?: LocalErrorCode; video?: LocalErrorCode; screen?: LocalErrorCode } = {};
  list: DeviceInfo[] = [];
  /** Opening waits for this: the permission prompt. */
  prompt: Promise<void> = Promise.resolve();
  readonly listeners = new Set<() => void>();

  live(kind?: string): FakeTrack[] {
    return this.opened.filter((t) => t.readyState === "live" && (!kind || t.kind === kind));
  }

  async open(request: MediaRequest): Promise<MediaStreamTrack[]> {
    this.requests.push(request);
    await this.prompt;
    const kinds = (["audio", "video"] as const).filter((kind) => request[kind]);
    for (const kind of kinds) if (this.refused[kind]) throw new BellwireError(this.refused[kind]);
    return kinds.map((kind) => this.#make(kind, request[kind]));
  }

  async openScreen(): Promise<MediaStreamTrack[]> {
    await this.prompt;
    if (this.refused.screen) throw new BellwireError(this.refused.screen);
    return [this.#make("video", { deviceId: "screen" })];
  }

  async devices(): Promise<DeviceInfo[]> {
    return this.list;
  }

  onDeviceChange(callback: () => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  createStream(tracks: MediaStreamTrack[]): MediaStream {
    return new FakeStream(tracks) as unknown as MediaStream;
  }

  #make(kind: string, wish: MediaRequest["audio"]): MediaStreamTrack {
    const track = new FakeTrack(kind, typeof wish === "object" ? wish.deviceId : "default");
    this.opened.push(track);
    return track as unknown as MediaStreamTrack;
  }
}

/** What this device sends in one call: microphone, camera, screen, each opened when wished and stopped when not.
 *
 * The microphone keeps its track while muted, so that speaking again takes no time. A camera that is off is stopped,
 * so that its light goes out; on again asks for it anew.
 */
import { BellwireError, type LocalErrorCode } from "../errors.js";
import type { Slot } from "../peer/ports.js";
import type { DeviceKind, LocalSnapshot, MediaChoice } from "../types.js";
import type { Media, MediaRequest } from "./media.js";

export interface LocalPorts {
  media: Media;
  /** The device to open, or null for the system's default. */
  selected(kind: DeviceKind): string | null;
  /** The track of a slot was exchanged, or something else in the snapshot changed. */
  onTrack(slot: Slot, track: MediaStreamTrack | null): void;
  onChange(): void;
}

export interface LocalMarks {
  isMuted: boolean;
  isVideoEnabled: boolean;
  isScreenSharing: boolean;
}

type Slots<T> = Record<Slot, T>;

const MISSING: Slots<LocalErrorCode> = { audio: "no_microphone", camera: "no_camera", screen: "media_failed" };

export class LocalMedia {
  readonly #ports: LocalPorts;
  readonly #tracks: Slots<MediaStreamTrack | null> = { audio: null, camera: null, screen: null };
  /** The last wish of the user; what is open follows it. */
  readonly #wishes: Slots<boolean> = { audio: false, camera: false, screen: false };
  readonly #listeners = new Map<MediaStreamTrack, () => void>();
  #queue: Promise<void> = Promise.resolve();
  #stream: MediaStream | null = null;
  #screenStream: MediaStream | null = null;
  #error: BellwireError | null = null;
  #isBeginning = false;
  #isClosed = false;

  constructor(ports: LocalPorts) {
    this.#ports = ports;
  }

  get isMuted(): boolean {
    return !this.#tracks.audio?.enabled;
  }

  get isVideoEnabled(): boolean {
    return this.#tracks.camera !== null;
  }

  get isScreenSharing(): boolean {
    return this.#tracks.screen !== null;
  }

  track(slot: Slot): MediaStreamTrack | null {
    return this.#tracks[slot];
  }

  /** What the others are told. While the first devices are being opened, what is wished: it is nearly always granted,
   *  and the others are ready for the picture when it comes. */
  marks(): LocalMarks {
    const { isMuted, isVideoEnabled, isScreenSharing } = this;
    if (!this.#isBeginning) return { isMuted, isVideoEnabled, isScreenSharing };
    return { isMuted: !this.#wishes.audio, isVideoEnabled: this.#wishes.camera, isScreenSharing };
  }

  snapshot(): LocalSnapshot {
    return {
      stream: this.#stream,
      screenStream: this.#screenStream,
      isMicrophoneEnabled: !this.isMuted,
      isCameraEnabled: this.isVideoEnabled,
      isScreenSharing: this.isScreenSharing,
      error: this.#error,
    };
  }

  /** Opens what the call begins with. Never rejects: what cannot be opened is left out and told in the snapshot. */
  async begin({ audio = false, video = false }: MediaChoice): Promise<void> {
    this.#wishes.audio = audio;
    this.#wishes.camera = video;
    this.#isBeginning = true;
    await this.#serially(async () => {
      if (!audio || !video) return;
      // One question for both; if it fails, each for itself.
      const tracks = await this.#ports.media.open({ audio: this.#device("audio"), video: this.#device("camera") });
      for (const track of tracks) this.#put(track.kind === "audio" ? "audio" : "camera", track);
    }).catch(() => {});
    for (const slot of ["audio", "camera"] as const) await this.#follow(slot).catch(() => {});
    this.#isBeginning = false;
    this.#ports.onChange();
  }

  /** Rejects with the reason when it cannot be switched on; the wish is dropped then. */
  setMicrophone(on: boolean): Promise<void> {
    return this.#wish("audio", on);
  }

  setCamera(on: boolean): Promise<void> {
    return this.#wish("camera", on);
  }

  setScreen(on: boolean): Promise<void> {
    return this.#wish("screen", on);
  }

  /** Opens the newly chosen device in place of the present one. */
  async switchDevice(kind: DeviceKind): Promise<void> {
    const slot = kind === "microphone" ? "audio" : "camera";
    if (kind === "speaker" || !this.#tracks[slot]) return;
    await this.#serially(async () => {
      const old = this.#tracks[slot];
      const isEnabled = old?.enabled ?? true;
      const track = await this.#open(slot).catch((thrown: unknown) => this.#openAlone(slot, thrown));
      track.enabled = isEnabled;
      this.#put(slot, track);
    });
  }

  /** Some systems open one device of a kind at a time: then the present one is given back first. */
  #openAlone(slot: Slot, thrown: unknown): Promise<MediaStreamTrack> {
    if (BellwireError.from(thrown, MISSING[slot]).code !== "device_in_use") throw thrown;
    this.#put(slot, null);
    return this.#open(slot);
  }

  /** Everything off, for good. */
  close(): void {
    this.#isClosed = true;
    this.reset();
  }

  /** Everything off; it may be opened again. */
  reset(): void {
    for (const slot of ["audio", "camera", "screen"] as const) this.#wishes[slot] = false;
    for (const slot of ["audio", "camera", "screen"] as const) this.#put(slot, null);
  }

  #wish(slot: Slot, on: boolean): Promise<void> {
    if (this.#isClosed) return Promise.reject(new BellwireError("closed"));
    this.#wishes[slot] = on;
    return this.#follow(slot);
  }

  /** Brings a slot to where the last wish wants it; wishes that were overtaken cost nothing. */
  #follow(slot: Slot): Promise<void> {
    return this.#serially(async () => {
      const on = this.#wishes[slot];
      const track = this.#tracks[slot];
      if (slot === "audio" && track) this.#setEnabled(track, on);
      else if (on && !track) this.#put(slot, await this.#openAny(slot));
      else if (!on && track) this.#put(slot, null);
    }).catch((thrown: unknown) => {
      this.#wishes[slot] = this.#tracks[slot] !== null;
      this.#tell(BellwireError.from(thrown, MISSING[slot]));
      throw thrown;
    });
  }

  async #open(slot: Slot): Promise<MediaStreamTrack> {
    const { media } = this.#ports;
    const tracks = await (slot === "screen" ? media.openScreen() : media.open(this.#request(slot)));
    const [track] = tracks;
    if (!track) throw new BellwireError(MISSING[slot]);
    return track;
  }

  /** The chosen microphone, or the system's where that one is gone. */
  #openAny(slot: Slot): Promise<MediaStreamTrack> {
    return this.#open(slot).catch(async (thrown: unknown) => {
      if (slot !== "audio" || this.#device("audio") === true) throw thrown;
      const [track] = await this.#ports.media.open({ audio: true });
      if (!track) throw thrown;
      return track;
    });
  }

  #request(slot: Slot): MediaRequest {
    return slot === "audio" ? { audio: this.#device("audio") } : { video: this.#device("camera") };
  }

  #device(slot: "audio" | "camera"): true | { deviceId: string } {
    const deviceId = this.#ports.selected(slot === "audio" ? "microphone" : "camera");
    return deviceId === null ? true : { deviceId };
  }

  #setEnabled(track: MediaStreamTrack, on: boolean): void {
    if (track.enabled === on) return;
    track.enabled = on;
    this.#ports.onChange();
  }

  #put(slot: Slot, track: MediaStreamTrack | null): void {
    const old = this.#tracks[slot];
    if (old === track) return;
    if (old) this.#drop(old);
    // The call ended, or the user thought better of it, while the browser asked for permission.
    const isWanted = track !== null && !this.#isClosed && this.#wishes[slot];
    if (track && !isWanted) track.stop();
    this.#tracks[slot] = isWanted ? track : null;
    if (isWanted) {
      const onEnded = () => void this.#onEnded(slot, track);
      track.addEventListener("ended", onEnded);
      this.#listeners.set(track, onEnded);
      this.#error = null;
    }
    this.#restream();
    this.#ports.onTrack(slot, this.#tracks[slot]);
  }

  #drop(track: MediaStreamTrack): void {
    const onEnded = this.#listeners.get(track);
    if (onEnded) track.removeEventListener("ended", onEnded);
    this.#listeners.delete(track);
    track.stop();
  }

  /** Pulled out, or the browser's own "stop sharing". */
  async #onEnded(slot: Slot, track: MediaStreamTrack): Promise<void> {
    if (this.#tracks[slot] !== track) return;
    if (slot === "audio" && (await this.#replaceMicrophone(track))) return;
    if (this.#tracks[slot] !== track) return;
    this.#wishes[slot] = false;
    this.#put(slot, null);
    if (slot !== "screen") this.#tell(new BellwireError("device_lost"));
  }

  /** A headset was pulled out: one goes on talking with what is left. Nobody wants that of a camera. */
  async #replaceMicrophone(lost: MediaStreamTrack): Promise<boolean> {
    try {
      await this.#serially(async () => {
        const isMuted = !this.#wishes.audio; // then another is opened when one speaks again
        const track = isMuted ? null : await this.#openAny("audio");
        if (this.#tracks.audio === lost) this.#put("audio", track);
        else track?.stop();
      });
      return true;
    } catch {
      return false;
    }
  }

  #tell(error: BellwireError): void {
    this.#error = error;
    this.#ports.onChange();
  }

  #restream(): void {
    const { audio, camera, screen } = this.#tracks;
    const own = [audio, camera].filter((t) => t !== null);
    this.#stream = own.length > 0 ? this.#ports.media.createStream(own) : null;
    this.#screenStream = screen ? this.#ports.media.createStream([screen]) : null;
  }

  #serially(step: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(step);
    this.#queue = done.catch(() => {});
    return done;
  }
}

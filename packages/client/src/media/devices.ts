/** Which microphones, cameras and speakers there are, and which are chosen. */
import { BellwireError } from "../errors.js";
import { Store } from "../store.js";
import type { DeviceInfo, DeviceKind, MediaChoice } from "../types.js";
import type { Media, MediaRequest } from "./media.js";

export interface DevicesSnapshot {
  readonly microphones: readonly DeviceInfo[];
  readonly cameras: readonly DeviceInfo[];
  readonly speakers: readonly DeviceInfo[];
  /** The chosen device's id; null means the system's default. */
  readonly selected: Readonly<Record<DeviceKind, string | null>>;
  readonly error: BellwireError | null;
}

export class Devices {
  readonly #media: Media;
  readonly #onSelect: (kind: DeviceKind) => Promise<void>;
  readonly #store: Store<DevicesSnapshot>;
  #list: DeviceInfo[] = [];
  #selected: Record<DeviceKind, string | null> = { microphone: null, camera: null, speaker: null };
  #error: BellwireError | null = null;
  #listeners = 0;
  #stop: (() => void) | null = null;

  constructor(media: Media, onSelect: (kind: DeviceKind) => Promise<void>) {
    this.#media = media;
    this.#onSelect = onSelect;
    this.#store = new Store(() => this.#snapshot());
  }

  get selected(): Readonly<Record<DeviceKind, string | null>> {
    return this.#selected;
  }

  readonly getSnapshot = (): DevicesSnapshot => this.#store.getSnapshot();

  /** The list is looked after as long as somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const off = this.#store.subscribe(listener);
    if (this.#listeners++ === 0) {
      this.#stop = this.#media.onDeviceChange(() => void this.refresh());
      void this.refresh();
    }
    let isOn = true;
    return () => {
      off();
      if (!isOn) return;
      isOn = false;
      if (--this.#listeners === 0) this.#stop?.();
    };
  };

  /** Asks the browser again; never rejects. Names are known once a device was opened. */
  async refresh(): Promise<void> {
    try {
      this.#list = await this.#media.devices();
      this.#error = null;
    } catch (thrown) {
      this.#error = BellwireError.from(thrown, "media_failed");
    }
    this.#store.changed();
  }

  /** Chooses, and switches in the calls that run. Rejects when the device cannot be opened. */
  async select(kind: DeviceKind, deviceId: string | null): Promise<void> {
    this.#selected = { ...this.#selected, [kind]: deviceId };
    this.#store.changed();
    await this.#onSelect(kind);
  }

  /** Opens the chosen devices, to be looked at before a call; who asks stops the tracks. All or nothing: rejects with
   *  no_camera, permission_denied … */
  async open({ audio = false, video = false }: MediaChoice): Promise<MediaStream> {
    const wish: MediaRequest = {};
    if (audio) wish.audio = this.#chosen("microphone");
    if (video) wish.video = this.#chosen("camera");
    const tracks = await this.#media.open(wish);
    void this.refresh(); // the names of devices are known from now on
    return this.#media.createStream(tracks);
  }

  #chosen(kind: DeviceKind): true | { deviceId: string } {
    const deviceId = this.#selected[kind];
    return deviceId === null ? true : { deviceId };
  }

  #snapshot(): DevicesSnapshot {
    const of = (kind: DeviceKind) => this.#list.filter((d) => d.kind === kind);
    const lists = { microphones: of("microphone"), cameras: of("camera"), speakers: of("speaker") };
    return { ...lists, selected: this.#selected, error: this.#error };
  }
}

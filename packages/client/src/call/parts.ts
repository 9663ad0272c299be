/** The parts that a call is made of, joined: what is open here, the other devices, the place among them, and what is said
 *  of it all. */
import { BellwireError } from "../errors.js";
import type { Call as CallData } from "../generated/events.js";
import { LocalMedia } from "../media/local.js";
import { Legs } from "../peer/legs.js";
import type { Slot } from "../peer/ports.js";
import { Flight } from "../quality/flight.js";
import type { Switches } from "../quality/sample.js";
import type { MediaState } from "../types.js";
import { Entrance } from "./entrance.js";
import type { CallLife } from "./life.js";
import { MarksTeller } from "./marks.js";
import type { CallPorts } from "./ports.js";
import { CallVoice } from "./voice.js";

export interface PartsHooks {
  /** Something that the snapshot shows. */
  changed(): void;
  trouble(error: BellwireError): void;
  take(data: CallData): void;
}

export class CallParts {
  readonly voice: CallVoice;
  readonly local: LocalMedia;
  readonly legs: Legs;
  readonly marks: MarksTeller;
  readonly entrance: Entrance;
  readonly flight: Flight;
  readonly #ports: CallPorts;
  readonly #life: CallLife;
  readonly #hooks: PartsHooks;

  constructor(ports: CallPorts, life: CallLife, hooks: PartsHooks) {
    this.#ports = ports;
    this.#life = life;
    this.#hooks = hooks;
    this.voice = new CallVoice(ports, this.#callId, hooks.trouble);
    this.local = this.#makeLocal();
    this.legs = this.#makeLegs();
    this.marks = new MarksTeller({
      callId: this.#callId,
      marks: () => this.local.marks(),
      say: (event, payload) => this.voice.say(event, payload),
    });
    this.entrance = this.#makeEntrance();
    this.flight = new Flight({ send: (batch) => this.voice.quality(batch, this.entrance.leg) });
  }

  readonly #callId = () => this.#life.facts.id;

  #makeLocal(): LocalMedia {
    const { platform, selectedDevice } = this.#ports;
    return new LocalMedia({
      media: platform.media,
      selected: selectedDevice,
      onTrack: (slot, track) => this.#onLocalTrack(slot, track),
      onChange: () => this.#onLocalChange(),
    });
  }

  #makeLegs(): Legs {
    const { platform, createConnection, iceServers, videoBitrate, signaling } = this.#ports;
    return new Legs({
      media: platform.media,
      createConnection,
      iceServers,
      videoBitrate,
      onSilence: () => signaling.check(this.#callId()),
      isHeard: () => signaling.isConnected(),
      send: (to, message) => this.voice.relay(to, message),
      localTrack: (slot) => this.local.track(slot),
      onChange: this.#hooks.changed,
      onMedia: (socketId, state) => this.#onMedia(socketId, state),
      onFirstFrame: () => {
        this.#life.mark("firstFrame");
        this.#hooks.changed();
      },
      sends: () => this.#sends(),
      onMeasured: (socketId, measured) => this.flight.take(socketId, measured),
      onQuality: (quality) => this.marks.quality(quality),
      onRestart: (peer) => this.flight.note("restart", { peer }),
      onError: this.#hooks.trouble,
    });
  }

  #makeEntrance(): Entrance {
    return new Entrance({
      signaling: this.#ports.signaling,
      legs: this.legs,
      marks: this.marks,
      callId: this.#callId,
      localMarks: () => this.local.marks(),
      isOver: () => this.#life.isOver,
      take: this.#hooks.take,
      leaveAgain: () => void this.voice.leave("leave"),
    });
  }

  #sends(): Switches {
    const { isMuted, isVideoEnabled, isScreenSharing } = this.local.marks();
    return { microphone: !isMuted, camera: isVideoEnabled, screen: isScreenSharing };
  }

  #onMedia(socketId: string, state: MediaState): void {
    this.flight.note("media", { peer: socketId, state });
    if (state === "connected") this.#life.connected();
    if (state === "failed") this.#hooks.trouble(new BellwireError("connection_failed"));
    this.voice.media(socketId, state);
  }

  #onLocalTrack(slot: Slot, track: MediaStreamTrack | null): void {
    this.legs.setTrack(slot, track);
    this.flight.note("track", { slot, state: track ? "on" : "off" });
    this.#onLocalChange();
  }

  #onLocalChange(): void {
    this.#hooks.changed();
    if (!this.#life.isOver) this.marks.changed();
  }
}

/** Keeps the server told of this device's marks: muted, camera, screen, quality. Only what changed is said. */
import type { BellwireError } from "../errors.js";
import type { ClientEvents, Quality } from "../generated/events.js";
import type { LocalMarks } from "../media/local.js";

export interface MarksPorts {
  callId(): string;
  marks(): LocalMarks;
  /** Sends without waiting; what is lost with the connection is said again after the next join. */
  say<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void;
}

export class MarksTeller {
  readonly #ports: MarksPorts;
  /** null: the device has no leg yet. */
  #told: LocalMarks | null = null;
  #quality: Quality | null = null;

  constructor(ports: MarksPorts) {
    this.#ports = ports;
  }

  /** `told`: what the join said; null when the leg was there already, and nobody knows what the server has. */
  joined(told: LocalMarks | null): void {
    this.#tell(told);
  }

  changed(): void {
    if (this.#told) this.#tell(this.#told);
  }

  quality(connectionQuality: Quality): void {
    if (connectionQuality === this.#quality) return;
    this.#quality = connectionQuality;
    this.#ports.say("call.quality", { callId: this.#ports.callId(), connectionQuality });
  }

  #tell(before: LocalMarks | null): void {
    const marks = this.#ports.marks();
    const { isMuted, isVideoEnabled, isScreenSharing } = marks;
    const callId = this.#ports.callId();
    this.#told = marks;
    if (before?.isMuted !== isMuted) this.#ports.say("call.mute", { callId, isMuted });
    if (before?.isVideoEnabled !== isVideoEnabled) this.#ports.say("call.video-toggle", { callId, isVideoEnabled });
    if (before?.isScreenSharing !== isScreenSharing) this.#ports.say("call.screen-toggle", { callId, isScreenSharing });
  }
}

/** Refusals that nobody needs to hear of: the connection is away, or the call is over and its end is on the way. */
const EXPECTED: ReadonlySet<string> = new Set([
  ...["not_connected", "timeout", "closed", "call_ended", "not_in_call", "leg_not_found"],
]);

export function isExpectedRefusal(error: BellwireError): boolean {
  return EXPECTED.has(error.code);
}

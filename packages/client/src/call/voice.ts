/** What a call says to the server. Nothing here waits or throws: what is lost is said again after the next join. */
import { BellwireError } from "../errors.js";
import type { ClientEvents } from "../generated/events.js";
import type { PeerMessage } from "../peer/ports.js";
import type { Batch } from "../quality/flight.js";
import type { MediaState } from "../types.js";
import { isExpectedRefusal } from "./marks.js";
import type { CallPorts } from "./ports.js";

export class CallVoice {
  readonly #ports: CallPorts;
  readonly #callId: () => string;
  readonly #onTrouble: (error: BellwireError) => void;

  constructor(ports: CallPorts, callId: () => string, onTrouble: (error: BellwireError) => void) {
    this.#ports = ports;
    this.#callId = callId;
    this.#onTrouble = onTrouble;
  }

  say<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]): void {
    this.#ports.signaling.say(event, payload, (error) => {
      if (!isExpectedRefusal(error)) this.#onTrouble(error);
    });
  }

  /** What is lost is sent again after the resume; a leg that is gone is told by participant.left. */
  relay(to: string, message: PeerMessage): void {
    if ("offer" in message) this.say("call.offer", { to, ...message });
    else if ("answer" in message) this.say("call.answer", { to, ...message });
    else this.say("call.ice-candidate", { to, ...message });
  }

  /** Whether media to a leg stands, or never will. */
  media(socketId: string, state: MediaState): void {
    if (state === "connected" || state === "failed")
      this.say("call.connection", { callId: this.#callId(), state, socketId });
  }

  /** A batch of the flight recorder, over HTTP once this device is out of the call. Rejects when it is worth sending
   *  again. */
  async quality(batch: Batch, leg: string | undefined): Promise<void> {
    const { signaling, keepQuality } = this.#ports;
    try {
      await signaling.request("call.quality", { callId: this.#callId(), ...batch });
    } catch (thrown) {
      const { code, retryable } = BellwireError.from(thrown, "internal");
      if (retryable) throw thrown;
      if (code === "not_in_call" && leg) await keepQuality(this.#callId(), { socketId: leg, ...batch }).catch(() => {});
    }
  }

  async leave(verb: "cancel" | "decline" | "leave"): Promise<void> {
    try {
      await this.#ports.leave(this.#callId(), verb);
    } catch (thrown) {
      // Over here it is over; a device that is not heard of again is taken out by the server.
      this.#ports.onError(BellwireError.from(thrown, "internal"));
    }
    this.#ports.onSettled();
  }
}

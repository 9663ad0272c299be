/** Channels whose group calls may be joined late: asked for at each connect, since the server tells only of new ones. */
import { BellwireError } from "./errors.js";
import type { Call as CallData } from "./generated/events.js";

export interface ChannelsPorts {
  activeCall(channelId: string): Promise<CallData | null>;
  /** A group call that goes on. */
  onCall(call: CallData): void;
  onError(error: BellwireError): void;
}

export class Channels {
  readonly #ports: ChannelsPorts;
  /** How many watch each. */
  readonly #watched = new Map<string, number>();
  #isConnected = false;

  constructor(ports: ChannelsPorts) {
    this.#ports = ports;
  }

  watch(channelId: string): () => void {
    const before = this.#watched.get(channelId) ?? 0;
    this.#watched.set(channelId, before + 1);
    if (before === 0 && this.#isConnected) void this.#ask(channelId);
    let isOn = true;
    return () => {
      if (isOn) this.#leave(channelId);
      isOn = false;
    };
  }

  setConnected(isConnected: boolean): void {
    if (isConnected && !this.#isConnected) for (const channelId of this.#watched.keys()) void this.#ask(channelId);
    this.#isConnected = isConnected;
  }

  #leave(channelId: string): void {
    const left = (this.#watched.get(channelId) ?? 0) - 1;
    if (left > 0) this.#watched.set(channelId, left);
    else this.#watched.delete(channelId);
  }

  async #ask(channelId: string): Promise<void> {
    try {
      const call = await this.#ports.activeCall(channelId);
      if (call?.mode === "group" && call.status === "active" && this.#watched.has(channelId)) this.#ports.onCall(call);
    } catch (thrown) {
      this.#ports.onError(BellwireError.from(thrown, "internal"));
    }
  }
}

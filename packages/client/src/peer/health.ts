/** How one connection does, and when to look for a new way through the network.
 *
 * The browser's own word comes late: after an address has changed it takes five seconds. So silence that our own
 * statistics have noticed counts as well, and what arrives again ends it. Restarts repeat until something flows. Each
 * throws away what the one before has found, so one that has begun, here or there, is given time.
 */
import type { MediaState } from "../types.js";

export interface HealthPorts {
  onState(state: MediaState): void;
  /** Find a new way; what flows goes on meanwhile. */
  restart(): void;
}

/** Browsers heal short gaps by themselves. */
const DISCONNECTED_MS = 1000;
/** Candidates may have been lost on their way: not connected by then, try anew. */
const CONNECT_TRY_MS = 8000;
/** Between two ICE restarts, whoever began them. */
const RESTART_EVERY_MS = 5000;
/** For the other side's offer, once it is back. */
const RETURNED_MS = 1000;
/** The impolite one waits, so that a restart from both sides at once is rare. */
const IMPOLITE_DELAY_MS = 300;
/** Never connected by then: it will not be. The server's own window is 30 s. */
const CONNECT_WINDOW_MS = 25_000;

export class Health {
  readonly #ports: HealthPorts;
  readonly #patienceMs: number;
  #state: MediaState = "new";
  #browserSays: RTCPeerConnectionState = "new";
  #wasConnected = false;
  /** No restart before; a way that carries something ends the wait. */
  #notBefore = 0;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #windowTimer: ReturnType<typeof setTimeout> | undefined;

  /** With `former` it takes the place of one that was connected. */
  constructor(ports: HealthPorts, { isPolite, former }: { isPolite: boolean; former: object | null }) {
    this.#ports = ports;
    this.#patienceMs = isPolite ? 0 : IMPOLITE_DELAY_MS;
    this.#wasConnected = former !== null;
    if (former) this.#state = "reconnecting";
    else this.#windowTimer = setTimeout(() => this.#setState("failed"), CONNECT_WINDOW_MS);
  }

  get state(): MediaState {
    return this.#state;
  }

  /** What the browser says of the connection. */
  follow(says: RTCPeerConnectionState): void {
    this.#browserSays = says;
    clearTimeout(this.#restartTimer);
    if (says === "connected") {
      this.#wasConnected = true;
      clearTimeout(this.#windowTimer);
      this.#setState("connected");
    } else if (says === "connecting") {
      if (this.#state === "new") this.#setState("connecting");
      this.#restartIn(CONNECT_TRY_MS);
    } else if (says === "disconnected" || says === "failed") {
      this.#lost(says === "failed" ? 0 : DISCONNECTED_MS);
    }
  }

  /** Nothing arrives any more, though the browser has not said so. */
  silent(): void {
    if (this.#state === "connected") this.#lost(0);
  }

  /** One side looks for a new way: nobody else needs to for a while. */
  renewing(ms = RESTART_EVERY_MS): void {
    this.#notBefore = performance.now() + ms;
    if (this.#state === "reconnecting") this.#restartIn(0);
  }

  /** The other side was away. It will look for a new way itself if it needs one. */
  returned(): void {
    this.renewing(RETURNED_MS);
  }

  /** Something arrives. */
  alive(): void {
    if (this.#browserSays !== "connected" || this.#state !== "reconnecting") return;
    clearTimeout(this.#restartTimer);
    this.#notBefore = 0;
    this.#setState("connected");
  }

  close(): void {
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#windowTimer);
  }

  #lost(delay: number): void {
    if (this.#wasConnected) this.#setState("reconnecting");
    this.#restartIn(delay);
  }

  #restartIn(delay: number): void {
    const wait = Math.max(delay, this.#notBefore - performance.now());
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => {
      this.#ports.restart();
      this.#restartIn(RESTART_EVERY_MS);
    }, wait + this.#patienceMs);
  }

  #setState(state: MediaState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#ports.onState(state);
  }
}

/** STUN and TURN servers with credentials that are still good for a while. */
import type { BellwireError } from "../errors.js";
import type { IceServer } from "../generated/api.js";
import type { Rest } from "./rest.js";

/** Renewed after this part of their life, so that a call that begins now has time left. */
const RENEW_AFTER = 0.7;
const MAX_AGE_MS = 3_600_000;

export interface IceOptions {
  /** The application's own, used as they are. */
  own?: RTCIceServer[] | undefined;
  onError(error: BellwireError): void;
  /** Those that were given out will not be good for much longer. */
  onStale(): void;
}

export class IceServers {
  readonly #rest: Rest;
  readonly #options: IceOptions;
  #servers: RTCIceServer[] = [];
  #goodUntil = 0;
  #staleTimer: ReturnType<typeof setTimeout> | undefined;
  #fetching: Promise<RTCIceServer[]> | null = null;

  constructor(rest: Rest, options: IceOptions) {
    this.#rest = rest;
    this.#options = options;
  }

  /** Never rejects: without the server's list one still reaches devices in the same network. */
  get(): Promise<RTCIceServer[]> {
    const { own } = this.#options;
    if (own) return Promise.resolve(own);
    if (Date.now() < this.#goodUntil) return Promise.resolve(this.#servers);
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  /** Nobody is told of anything any more. */
  close(): void {
    clearTimeout(this.#staleTimer);
  }

  async #fetch(): Promise<RTCIceServer[]> {
    try {
      const servers = await this.#rest.request<IceServer[]>("/api/webrtc/ice-servers");
      const ttl = Math.min(...servers.map((s) => (s.ttl ? s.ttl * 1000 : MAX_AGE_MS)), MAX_AGE_MS) * RENEW_AFTER;
      this.#goodUntil = Date.now() + ttl;
      this.#servers = servers.map(({ ttl: _, ...server }) => server);
      clearTimeout(this.#staleTimer);
      this.#staleTimer = setTimeout(() => this.#options.onStale(), ttl);
    } catch (thrown) {
      this.#options.onError(thrown as BellwireError);
    }
    return this.#servers;
  }
}

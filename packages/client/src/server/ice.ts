/** STUN and TURN servers with credentials that are still good for a while. */
import type { BellwireError } from "../errors.js";
import type { IceServer } from "../generated/api.js";
import type { Rest } from "./rest.js";

/** Renewed after this part of their life, so that a call that begins now has time left. */
const RENEW_AFTER = 0.7;
const MAX_AGE_MS = 3_600_000;

export class IceServers {
  readonly #rest: Rest;
  readonly #onError: (error: BellwireError) => void;
  #servers: RTCIceServer[] = [];
  #goodUntil = 0;
  #fetching: Promise<RTCIceServer[]> | null = null;

  /** `own`: the application's, used as they are. */
  constructor(rest: Rest, onError: (error: BellwireError) => void, own?: RTCIceServer[]) {
    this.#rest = rest;
    this.#onError = onError;
    if (!own) return;
    this.#servers = own;
    this.#goodUntil = Number.POSITIVE_INFINITY;
  }

  /** Never rejects: without the server's list one still reaches devices in the same network. */
  get(): Promise<RTCIceServer[]> {
    if (Date.now() < this.#goodUntil) return Promise.resolve(this.#servers);
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<RTCIceServer[]> {
    try {
      const servers = await this.#rest.request<IceServer[]>("/api/webrtc/ice-servers");
      const ttl = Math.min(...servers.map((s) => (s.ttl ? s.ttl * 1000 : MAX_AGE_MS)), MAX_AGE_MS);
      this.#goodUntil = Date.now() + ttl * RENEW_AFTER;
      this.#servers = servers.map(({ ttl: _, ...server }) => server);
    } catch (thrown) {
      this.#onError(thrown as BellwireError);
    }
    return this.#servers;
  }
}

/** Everything that the SDK takes from the browser, in one place, so that tests can bring their own. */
import { io, type Socket } from "socket.io-client";
import type { Auth } from "./generated/events.js";
import { browserMedia, type Media } from "./media/media.js";

/** What we use of a Socket.IO socket. */
export interface SocketLike {
  readonly connected: boolean;
  /** It will try again by itself. */
  readonly active: boolean;
  on(event: string, listener: (...args: never[]) => void): unknown;
  onAny(listener: (event: string, ...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  connect(): unknown;
  /** Says goodbye: the server takes it that this device leaves its calls. */
  disconnect(): unknown;
  /** Drops the connection without a goodbye, so that a new one is made at once. */
  kick(): void;
}

export interface Platform {
  media: Media;
  createConnection(config: RTCConfiguration): RTCPeerConnection;
  /** Not connected yet; auth is asked before every attempt. */
  openSocket(url: string, path: string | undefined, auth: (give: (auth: Auth) => void) => void): SocketLike;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Calls back when the network is back after it was gone; returns how to stop that. */
  onOnline(callback: () => void): () => void;
  /** Calls back when the machine slept, or the page was frozen; returns how to stop that. */
  onWake(callback: () => void): () => void;
}

const WAKE_EVERY_MS = 1000;
/** Hidden pages have their timers slowed down, but not by so much while a call goes on. */
const SLEPT_MS = 4000;

/** What loses a WebSocket opens a new one at once, and only every second time asks over HTTP first. HTTP keeps connections
 *  for later, and one that died with an old address holds a request up for many seconds in Firefox. */
export function returnByWebSocket(socket: Socket): void {
  const { io: manager } = socket;
  const { transports } = manager.opts;
  let hadWebSocket = false;
  socket.on("disconnect", () => {
    hadWebSocket = manager.engine?.transport?.name === "websocket";
  });
  manager.on("reconnect_attempt", (attempt) => {
    manager.opts.transports = hadWebSocket && attempt % 2 === 1 ? ["websocket"] : transports;
  });
}

export function browserPlatform(): Platform {
  return {
    media: browserMedia(),
    createConnection: (config) => new RTCPeerConnection(config),
    openSocket: (url, path, auth) => {
      const socket = io(url, {
        path,
        auth: (give) => auth(give as (auth: Auth) => void),
        autoConnect: false,
        forceNew: true,
        reconnectionDelay: 300,
        reconnectionDelayMax: 3000,
        timeout: 8000,
      });
      returnByWebSocket(socket);
      return Object.assign(socket, { kick: () => socket.io.engine?.close() });
    },
    fetch: (url, init) => fetch(url, init),
    onOnline: (callback) => {
      if (typeof window === "undefined") return () => {};
      window.addEventListener("online", callback);
      return () => window.removeEventListener("online", callback);
    },
    onWake: (callback) => {
      let last = Date.now();
      const timer = setInterval(() => {
        const slept = Date.now() - last - WAKE_EVERY_MS;
        last = Date.now();
        if (slept > SLEPT_MS) callback();
      }, WAKE_EVERY_MS);
      return () => clearInterval(timer);
    },
  };
}

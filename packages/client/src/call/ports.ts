/** What a call needs from its client, so that it can be tested without one. */

import type { BellwireError } from "../errors.js";
import type { PutQuality } from "../generated/api.js";
import type {
  CallMode,
  CallType,
  ClientEvents,
  Direction,
  Metadata,
  RecordingState,
  Topology,
} from "../generated/events.js";
import type { Platform } from "../platform.js";
import type { Signaling } from "../server/signaling.js";
import type { DeviceKind } from "../types.js";
import type { Call } from "./call.js";

/** What does not depend on this device. */
export interface CallFacts {
  readonly id: string;
  readonly channelId: string;
  readonly callType: CallType;
  readonly mode: CallMode;
  readonly topology: Topology;
  readonly direction: Direction;
  readonly startedBy: string;
  readonly isWaiting: boolean;
  readonly ringExpiresAt: string | null;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
  readonly endedBy: string | null;
  readonly duration: number;
  readonly metadata: Metadata;
  /** null: the server has not told of it. */
  readonly recording: RecordingState | null;
}

export interface CallPorts {
  platform: Platform;
  /** For all pictures that a call sends to all its people, in bits per second. */
  videoBitrate: number;
  signaling: Pick<Signaling, "request" | "whenConnected" | "check"> & {
    isConnected(): boolean;
    /** Sends without waiting; a refusal goes to `onError`. */
    say<E extends keyof ClientEvents>(
      event: E,
      payload: ClientEvents[E],
      onError?: (error: BellwireError) => void,
    ): void;
  };
  createConnection(iceServers: RTCIceServer[]): RTCPeerConnection;
  iceServers(): Promise<RTCIceServer[]>;
  /** By the socket, and by HTTP when that is not there. */
  leave(callId: string, verb: "cancel" | "decline" | "leave"): Promise<void>;
  /** Samples of quality over HTTP. */
  keepQuality(callId: string, body: PutQuality): Promise<void>;
  selectedDevice(kind: DeviceKind): string | null;
  ownUserId(): string;
  /** A time of the server as milliseconds of this machine's clock. */
  localTime(time: string | null): number | null;
  /** The server's clock now. */
  serverNow(): number;
  onChange(call: Call): void;
  onEnded(call: Call): void;
  /** The end is in the server's books too. */
  onSettled(): void;
  onError(error: BellwireError): void;
}

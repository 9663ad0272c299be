/** Turns the snapshots of a call into the old SDK's events: a stream appeared, changed, or its sender is gone. */
import type { CallSnapshot, MediaState, ParticipantSnapshot } from "../types.js";

export interface RemoteStream {
  /** The leg: one device of somebody in the call. */
  socketId: string;
  userId: string;
  stream: MediaStream;
}

export interface StreamListener {
  localStream(stream: MediaStream): void;
  remoteStream(remote: RemoteStream): void;
  /** The device left: its stream is over. */
  remoteStreamRemoved(gone: { socketId: string }): void;
  connectionStateChange(change: { socketId: string; state: RTCPeerConnectionState }): void;
}

/** In the browser's own words, which the old SDK passed on. */
const STATES: Record<MediaState, RTCPeerConnectionState> = {
  new: "new",
  connecting: "connecting",
  connected: "connected",
  reconnecting: "disconnected",
  failed: "failed",
};

interface Told {
  stream: MediaStream | null;
  tracks: number;
  media: MediaState;
}

export class StreamTeller {
  readonly #listener: StreamListener;
  readonly #told = new Map<string, Told>();
  #local: MediaStream | null = null;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  /** Tells what is new since the last one. */
  look({ local, participants }: Pick<CallSnapshot, "local" | "participants">): void {
    if (local.stream && local.stream !== this.#local) this.#listener.localStream(local.stream);
    this.#local = local.stream;
    const present = participants.filter((p) => p.socketId !== null);
    for (const participant of present) this.#lookAt(participant, participant.socketId as string);
    const legs = new Set(present.map((p) => p.socketId));
    for (const socketId of [...this.#told.keys()]) if (!legs.has(socketId)) this.#gone(socketId);
  }

  #lookAt({ userId, stream, media }: ParticipantSnapshot, socketId: string): void {
    const before = this.#told.get(socketId);
    const tracks = stream?.getTracks().length ?? 0;
    this.#told.set(socketId, { stream, tracks, media });
    if (media !== (before?.media ?? "new")) this.#listener.connectionStateChange({ socketId, state: STATES[media] });
    // As with the browser's own event, each track that comes is told with the stream that it is in.
    if (stream && (stream !== before?.stream || tracks > before.tracks))
      this.#listener.remoteStream({ socketId, userId, stream });
  }

  #gone(socketId: string): void {
    this.#told.delete(socketId);
    this.#listener.connectionStateChange({ socketId, state: "closed" });
    this.#listener.remoteStreamRemoved({ socketId });
  }
}

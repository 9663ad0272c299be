/** What a connection to one other device is told, and what it says. */
import type { BellwireError } from "../errors.js";
import type { IceCandidate, Sdp } from "../generated/events.js";
import type { MediaState } from "../types.js";

export type Slot = "audio" | "camera" | "screen";

export type PeerMessage =
  | { offer: Sdp; n?: number | undefined; after?: number | undefined }
  | { answer: Sdp; n?: number | undefined; dropped?: number | undefined }
  | { candidate: IceCandidate | null };

export interface PeerPorts {
  createConnection(iceServers: RTCIceServer[]): RTCPeerConnection;
  /** Fresh credentials; never rejects. */
  iceServers(): Promise<RTCIceServer[]>;
  /** May lose messages, never throws. */
  send(message: PeerMessage): void;
  /** What is sent has a chance to arrive. */
  isHeard(): boolean;
  onState(state: MediaState): void;
  /** A remote track arrived, or media began or stopped to flow in it. */
  onTracks(): void;
  /** A new way is looked for. */
  onRestart(): void;
  /** This connection is over, and another is to take its place: one that answers this offer, or one that offers. */
  onReplace(offer: PeerMessage | null): void;
  /** Something went wrong that is not lost by it. */
  onError(error: BellwireError): void;
}

export interface PeerRole {
  isPolite: boolean;
  /** Offers without being asked: the newcomer. */
  initiates: boolean;
  /** Certificates of the other side's connections before: what still comes from those is too late. Null: this one is
   *  the first. */
  former: Set<string> | null;
}

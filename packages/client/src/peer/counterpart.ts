/** Which of the other side's connections speaks: the one that this side's connection belongs to, one before it, or one that
 *  has taken its place. They are told apart by their certificates. */
import type { PeerMessage, PeerRole } from "./ports.js";
import { certificateOf } from "./sdp.js";

export class Counterpart {
  /** Certificates of connections that are over: what still comes from those is too late. */
  readonly former: Set<string>;
  readonly #role: PeerRole;
  #theirs: string | null = null;

  constructor(role: PeerRole) {
    this.#role = role;
    this.former = role.former ?? new Set();
  }

  /** Whether a message is for this connection; "anew" is an offer that only another connection can answer. */
  judge(message: PeerMessage): "ours" | "late" | "anew" {
    const theirs = certificateOf(message);
    if (!theirs || theirs === this.#theirs) return "ours";
    if (this.former.has(theirs)) return "late";
    if (this.#theirs !== null) return "offer" in message ? "anew" : "late";
    // Both have begun anew at once, unless it builds on our offer: then their answer is still on its way.
    if (this.#role.initiates && "offer" in message && !message.after) {
      if (this.#role.isPolite) return "anew";
      this.former.add(theirs);
      return "late";
    }
    this.#theirs = theirs;
    return "ours";
  }

  /** This connection is over on both sides. */
  dismiss(): void {
    if (this.#theirs) this.former.add(this.#theirs);
  }
}

/** This device's place in a call: the first join, the same again after a lost connection, and the leg that it got. */
import type { Call as CallData, LegInfo, Self } from "../generated/events.js";
import type { LocalMarks } from "../media/local.js";
import type { Legs } from "../peer/legs.js";
import { type Joined, joinCall } from "./join.js";
import type { MarksTeller } from "./marks.js";
import type { CallPorts } from "./ports.js";

export interface EntrancePorts {
  signaling: CallPorts["signaling"];
  legs: Legs;
  marks: MarksTeller;
  callId(): string;
  localMarks(): LocalMarks;
  isOver(): boolean;
  take(data: CallData): void;
  /** Let in after the user had left: the server has to hear it once more. */
  leaveAgain(): void;
}

export class Entrance {
  readonly #ports: EntrancePorts;
  #self: Self | null = null;
  #hasJoined = false;
  #join: Promise<void> | null = null;

  constructor(ports: EntrancePorts) {
    this.#ports = ports;
  }

  get leg(): string | undefined {
    return this.#self?.socketId;
  }

  /** Once at a time. Rejects with the server's refusal. */
  join(takeover = false): Promise<void> {
    const { signaling, callId, localMarks, isOver } = this.#ports;
    this.#join ??= joinCall(signaling, { callId: callId(), takeover, marks: localMarks, isOver })
      .then((joined) => {
        if (joined) this.#onJoined(joined);
      })
      .finally(() => {
        this.#join = null;
      });
    return this.#join;
  }

  /** The ack of call.join and the event call.participants say the same; the first of them counts. False: known. This
   *  device is the newcomer to everyone in the list. */
  enter(self: Self, participants: readonly LegInfo[]): boolean {
    if (this.#self?.socketId === self.socketId) return false;
    const { legs } = this.#ports;
    legs.clear(); // connections of a leg that is no more
    this.#self = self;
    for (const leg of participants) legs.add(leg, true);
    return true;
  }

  #onJoined({ answer: { call, self, participants }, told }: Joined): void {
    const { legs, marks, isOver, take, leaveAgain } = this.#ports;
    if (isOver()) return leaveAgain();
    const isAgain = !this.enter(self, participants) && this.#hasJoined;
    this.#hasJoined = true;
    take(call);
    if (isAgain) legs.reconcile(participants);
    // A leg that was there already keeps the marks that it had; a new one has those of the join.
    marks.joined(isAgain ? null : told);
  }
}

/** Looks at a connection while it runs: the first picture, who speaks, and whether it has gone silent before the browser
 *  says so. How good it is, quality/meter.ts tells. */

export interface WatchPorts {
  onFirstFrame(): void;
  onSpeaking(isSpeaking: boolean): void;
  /** Nothing at all has arrived for a while; and then something has again. */
  onSilence(): void;
  onAlive(): void;
}

const FIRST_FRAME_EVERY_MS = 50;
const SPEAKING_EVERY_MS = 250;
const STATS_EVERY_MS = 500;
/** Browsers check the way every 2.5 s; they call it lost only after 5. */
const SILENCE_MS = 4000;
/** Where sound or pictures flowed until then, there are many packets in a second. */
const FLOW_SILENCE_MS = 1300;
const FLOW_PACKETS = 5;
const SPEAKING_LEVEL = 0.02;

interface Sample {
  at: number;
  frames: number;
  packets: number;
  /** Rises with whatever arrives, checks of the way among it. */
  arrived: number;
}

export class Watch {
  readonly #pc: RTCPeerConnection;
  readonly #ports: WatchPorts;
  readonly #expectsVideo: () => boolean;
  readonly #timers = new Set<ReturnType<typeof setInterval>>();
  #isSpeaking = false;
  #last: Sample | null = null;
  #arrivedAt = 0;
  /** Many packets came in the last time that anything did, and in the one before. */
  #isFlowing = [false, false];
  #isSilent = false;

  constructor(pc: RTCPeerConnection, ports: WatchPorts, expectsVideo: () => boolean) {
    this.#pc = pc;
    this.#ports = ports;
    this.#expectsVideo = expectsVideo;
    const first = this.#every(FIRST_FRAME_EVERY_MS, () => this.#lookForFrame(first));
    this.#every(SPEAKING_EVERY_MS, () => this.#listen());
    this.#every(STATS_EVERY_MS, () => this.#look());
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
  }

  #every(ms: number, task: () => void | Promise<void>): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      // A connection that is being closed rejects; there is nothing to see any more.
      Promise.resolve(task()).catch(() => {});
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  async #lookForFrame(timer: ReturnType<typeof setInterval>): Promise<void> {
    const sample = await readStats(this.#pc);
    const isThere = this.#expectsVideo() ? sample.frames > 0 : sample.packets > 0;
    if (!isThere || !this.#timers.delete(timer)) return;
    clearInterval(timer);
    this.#ports.onFirstFrame();
  }

  #listen(): void {
    const level = Math.max(
      0,
      ...this.#pc.getReceivers().flatMap((r) => r.getSynchronizationSources().map((s) => s.audioLevel ?? 0)),
    );
    const isSpeaking = level > SPEAKING_LEVEL;
    if (isSpeaking === this.#isSpeaking) return;
    this.#isSpeaking = isSpeaking;
    this.#ports.onSpeaking(isSpeaking);
  }

  async #look(): Promise<void> {
    const sample = await readStats(this.#pc);
    const before = this.#last;
    this.#last = sample;
    // Less than before is nothing new: Firefox forgets a way as soon as it looks for another.
    if (sample.arrived <= (before?.arrived ?? 0)) return this.#onNothing(sample);
    this.#arrivedAt = sample.at;
    // The last time before silence may have caught but a few, so the one before counts as well.
    this.#isFlowing = [sample.packets - (before?.packets ?? 0) >= FLOW_PACKETS, this.#isFlowing[0] === true];
    if (this.#isSilent) this.#ports.onAlive();
    this.#isSilent = false;
  }

  #onNothing(sample: Sample): void {
    const patience = this.#isFlowing.includes(true) ? FLOW_SILENCE_MS : SILENCE_MS;
    if (this.#arrivedAt === 0 || sample.at - this.#arrivedAt < patience) return;
    this.#arrivedAt = sample.at; // tell again only after as long once more
    this.#isFlowing = [false, false];
    this.#isSilent = true;
    this.#ports.onSilence();
  }
}

async function readStats(pc: RTCPeerConnection): Promise<Sample> {
  const sample: Sample = { at: performance.now(), frames: 0, packets: 0, arrived: 0 };
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type === "inbound-rtp") {
      sample.frames += entry.framesDecoded ?? 0;
      sample.packets += entry.packetsReceived ?? 0;
      sample.arrived += entry.packetsReceived ?? 0;
    } else if (entry.type === "candidate-pair" && (entry.nominated || entry.selected)) {
      sample.arrived += (entry.bytesReceived ?? 0) + (entry.responsesReceived ?? 0) + (entry.requestsReceived ?? 0);
    }
  }
  return sample;
}

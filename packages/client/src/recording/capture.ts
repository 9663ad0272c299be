/** The call as one stream that a MediaRecorder writes: everyone's sound mixed, and everyone's picture in a grid. */
import { BellwireError } from "../errors.js";
import type { CallSnapshot } from "../types.js";
import { sourcesOf } from "./faces.js";
import { Mixer } from "./mixer.js";
import { Painter, type PainterOptions } from "./painter.js";

export interface CaptureOptions extends PainterOptions {
  mediaType: string;
  withVideo: boolean;
  videoBitsPerSecond: number;
  audioBitsPerSecond: number;
  /** How often there is a piece, in milliseconds. */
  everyMs: number;
  /** Under one's own picture. */
  ownName: string;
  /** It runs from this place on, or halts there. */
  onTurn(isRunning: boolean, elapsedMs: number): void;
  /** Called in the order of the pieces. */
  onPiece(bytes: ArrayBuffer): Promise<void>;
  onError(error: BellwireError): void;
}

const DRAIN_MS = 250;
const DRAIN_TRIES = 12;

export class Capture {
  readonly #options: CaptureOptions;
  readonly #mixer = new Mixer();
  readonly #painter: Painter | null;
  readonly #recorder: MediaRecorder;
  #pieces: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #taken = 0;
  #ranMs = 0;
  #runsSince: number | null = null;

  constructor(options: CaptureOptions, call: CallSnapshot) {
    this.#options = options;
    const { mediaType: mimeType, videoBitsPerSecond, audioBitsPerSecond } = options;
    this.#painter = options.withVideo ? new Painter(this.#mixer.context, options) : null;
    const tracks = [this.#mixer.track, ...(this.#painter ? [this.#painter.track] : [])];
    const bits = { videoBitsPerSecond, audioBitsPerSecond };
    this.#recorder = new MediaRecorder(new MediaStream(tracks), { mimeType, ...bits });
    this.#recorder.ondataavailable = ({ data }) => this.#take(data);
    this.#recorder.onerror = () => options.onError(new BellwireError("media_failed"));
    // When it began, which the page may hear of later.
    this.#recorder.onstart = ({ timeStamp }) => this.#go(timeStamp);
    this.follow(call);
    this.#recorder.start(options.everyMs);
  }

  /** How long the recording is, without the pauses. */
  get elapsedMs(): number {
    return this.#ranMs + (this.#runsSince === null ? 0 : performance.now() - this.#runsSince);
  }

  get isRunning(): boolean {
    return this.#runsSince !== null;
  }

  follow(call: CallSnapshot): void {
    const sources = sourcesOf(call, this.#options.ownName);
    this.#mixer.follow(sources.map(({ stream }) => stream));
    this.#painter?.follow(sources);
  }

  run(shallRun: boolean): void {
    const { state } = this.#recorder;
    if (shallRun && state === "paused") {
      this.#recorder.resume();
      this.#go();
    } else if (!shallRun && state === "recording") {
      this.#recorder.pause();
      this.#halt();
    }
  }

  /** Resolves when the last piece has been taken. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#recorder.state === "recording") await this.#drain();
    this.#halt();
    if (this.#recorder.state !== "inactive")
      await new Promise((resolve) => {
        this.#recorder.onstop = resolve;
        this.#recorder.stop();
      });
    this.#painter?.close();
    this.#mixer.close();
    await this.#pieces;
  }

  /** On a busy machine encoders are behind; what they have taken and not given yet is lost by stop(), not by pause(). */
  async #drain(): Promise<void> {
    this.#recorder.pause();
    this.#halt();
    for (let tries = 0; this.#recorder.state === "paused" && tries < DRAIN_TRIES; tries++) {
      const before = this.#taken;
      this.#recorder.requestData();
      await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
      if (this.#taken === before) return;
    }
  }

  #go(since = performance.now()): void {
    this.#runsSince = since;
    this.#options.onTurn(true, this.#ranMs);
  }

  #halt(): void {
    if (this.#runsSince === null) return;
    this.#ranMs = this.elapsedMs;
    this.#runsSince = null;
    this.#options.onTurn(false, this.#ranMs);
  }

  #take(data: Blob): void {
    if (data.size === 0) return;
    this.#taken++;
    this.#pieces = this.#pieces
      .then(async () => this.#options.onPiece(await data.arrayBuffer()))
      .catch((thrown: unknown) => this.#options.onError(BellwireError.from(thrown, "internal")));
  }
}

/** Records a whole call on this device and brings it to the server while it is being made. */
import type { Call } from "../call/call.js";
import type { Client } from "../client.js";
import { BellwireError } from "../errors.js";
import { Store } from "../store.js";
import { uuid7 } from "../uuid.js";
import { Capture } from "./capture.js";
import { openChunks } from "./chunks.js";
import { endingOf, pickType } from "./format.js";
import { beginUpload } from "./unfinished.js";
import type { Upload } from "./upload.js";

/** `waiting`: for consents. `held`: somebody came who has not agreed yet. `uploading`: stopped, the rest is on its way. */
export type RecorderState = "idle" | "waiting" | "recording" | "paused" | "held" | "uploading" | "done" | "failed";

export interface RecorderSnapshot {
  readonly state: RecorderState;
  /** Without the pauses. */
  readonly elapsedMs: number;
  /** Recorded so far, and how much of it the server has. */
  readonly bytes: number;
  readonly sentBytes: number;
  /** Why the rest waits on this device (network, storage_full …); null while it is being sent. */
  readonly trouble: BellwireError | null;
  /** Of the recording at the server, once it is there. */
  readonly recordingId: string | null;
  readonly error: BellwireError | null;
}

export interface RecorderOptions {
  /** Pictures too; by default in video calls. */
  video?: boolean;
  /** Of the picture (1280 × 720, 15 a second). */
  width?: number;
  height?: number;
  framesPerSecond?: number;
  /** 1,500,000 and 96,000. */
  videoBitsPerSecond?: number;
  audioBitsPerSecond?: number;
}

const PIECE_MS = 1000;
/** How often the time is told: pieces may come seldom, as they do in Firefox. */
const TICK_MS = 500;
const DEFAULTS = { width: 1280, height: 720, framesPerSecond: 15 };
const BITS = { videoBitsPerSecond: 1_500_000, audioBitsPerSecond: 96_000 };
const FRESH: RecorderSnapshot = {
  ...{ state: "idle", elapsedMs: 0, bytes: 0, sentBytes: 0, trouble: null, recordingId: null, error: null },
};

export class CallRecorder {
  readonly #client: Client;
  readonly #call: Call;
  readonly #options: RecorderOptions;
  readonly #store = new Store<RecorderSnapshot>(() => this.#now);
  #now = FRESH;
  #capture: Capture | null = null;
  #upload: Upload | null = null;
  #opening: Promise<void> | null = null;
  #isPaused = false;
  /** The recording's id stands in the call's timeline. */
  #isNamed = false;
  /** The server has taken note that this device records or wants to. */
  #isKnown = false;
  #unfollow: () => void = () => {};
  #ticks: ReturnType<typeof setInterval> | undefined;

  constructor(client: Client, call: Call, options: RecorderOptions = {}) {
    this.#client = client;
    this.#call = call;
    this.#options = options;
  }

  readonly getSnapshot = (): RecorderSnapshot => this.#store.getSnapshot();
  readonly subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Asks the server, which tells everyone; recording begins when it may. To be called from a click, for the browser may
   *  not let sound be mixed otherwise. Rejects with forbidden, recording_off, already_recorded, not_supported … */
  async start(): Promise<void> {
    if (this.#now.state !== "idle") throw new BellwireError("closed", { message: "A recorder records once." });
    this.#change({ state: "waiting" });
    this.#unfollow = this.#call.subscribe(() => this.#follow());
    try {
      if (typeof MediaRecorder === "undefined" || !this.#mediaType) throw new BellwireError("not_supported");
      await this.#call.startRecording();
      this.#follow();
    } catch (thrown) {
      throw this.#fail(BellwireError.from(thrown, "internal"));
    }
  }

  pause(): void {
    this.#isPaused = true;
    this.#follow();
  }

  resume(): void {
    this.#isPaused = false;
    this.#follow();
  }

  /** Resolves with the recording's id when the server has all of it, null when nothing was recorded. While the network is
   *  away it waits; what waits outlives the page (`finishUploads`). */
  async stop(): Promise<string | null> {
    const { state } = this.#now;
    if (state === "idle" || state === "done" || state === "failed") return this.#now.recordingId;
    if (state === "uploading") return this.#upload?.done ?? null;
    this.#change({ state: "uploading" });
    this.#leaveCall();
    try {
      await this.#opening;
      await this.#capture?.stop();
      this.#change({ elapsedMs: this.#capture?.elapsedMs ?? 0 });
      this.#call.stopRecording().catch(() => {}); // the call may be over, or the server has stopped it
      const recordingId = (await this.#upload?.complete()) ?? null;
      this.#change({ state: "done", recordingId });
      return recordingId;
    } catch (thrown) {
      throw this.#fail(BellwireError.from(thrown, "internal"));
    }
  }

  get #withVideo(): boolean {
    return this.#options.video ?? this.#call.getSnapshot().callType === "video";
  }

  get #mediaType(): string | undefined {
    return pickType(this.#withVideo);
  }

  /** Does what the call's state and the user want now. */
  #follow(): void {
    const call = this.#call.getSnapshot();
    const { state, isOwn } = call.recording;
    this.#isKnown ||= isOwn;
    if (!this.#isKnown) return;
    if (call.state === "ended" || !isOwn) return void this.stop().catch(() => {}); // the snapshot tells
    if (state === "started") this.#opening ??= this.#open();
    const isHeld = state === "requested";
    this.#capture?.follow(call);
    this.#capture?.run(!isHeld && !this.#isPaused);
    if (!this.#capture) return;
    const { elapsedMs } = this.#capture;
    this.#change({ elapsedMs, state: isHeld ? "held" : this.#isPaused ? "paused" : "recording" });
  }

  async #open(): Promise<void> {
    try {
      const { user } = this.#client.getSnapshot();
      const mediaType = this.#mediaType ?? "";
      const { id: callId } = this.#call;
      const fileName = `call-${callId}.${endingOf(mediaType)}`;
      const note = { key: uuid7(Date.now()), userId: user?.id ?? "", callId, mediaType, fileName };
      const chunks = await openChunks();
      const ports = { onProgress: (sent: number) => this.#onSent(sent), onTrouble: this.#onTrouble };
      this.#upload = await beginUpload(this.#client, { ...note, path: null, length: 0 }, chunks, ports);
      this.#upload?.done.catch((error: BellwireError) => this.#fail(error));
      if (this.#now.state === "uploading") return; // stopped meanwhile
      this.#capture = this.#makeCapture(mediaType, user?.name ?? user?.id ?? "");
      this.#ticks = setInterval(() => this.#tick(), TICK_MS);
      this.#follow();
    } catch (thrown) {
      this.#fail(BellwireError.from(thrown, "media_failed"));
    }
  }

  #makeCapture(mediaType: string, ownName: string): Capture {
    const how = { ...DEFAULTS, ...BITS, ...this.#options, mediaType, ownName, withVideo: this.#withVideo };
    const onPiece = async (bytes: ArrayBuffer) => {
      this.#change({ bytes: this.#now.bytes + bytes.byteLength });
      await this.#upload?.add(bytes);
    };
    const onTurn = (isRunning: boolean, ms: number) => this.#mark(isRunning, ms);
    const onError = (error: BellwireError) => void this.#fail(error);
    return new Capture({ ...how, everyMs: PIECE_MS, onTurn, onPiece, onError }, this.#call.getSnapshot());
  }

  #tick(): void {
    const { isRunning = false, elapsedMs = 0 } = this.#capture ?? {};
    if (isRunning) this.#change({ elapsedMs });
  }

  #onSent(sentBytes: number): void {
    this.#change({ sentBytes });
    const capture = this.#capture;
    if (!this.#isNamed && capture) this.#mark(capture.isRunning, capture.elapsedMs);
  }

  readonly #onTrouble = (trouble: BellwireError | null): void => {
    if (trouble !== this.#now.trouble) this.#change({ trouble });
  };

  /** Into the timeline: which moment of the call this place of the recording is. A player shows by it who came when. */
  #mark(isRunning: boolean, elapsedMs: number): void {
    const id = this.#upload?.id;
    this.#isNamed ||= Boolean(id);
    const ms = Math.round(elapsedMs);
    this.#call.note("recording", { state: isRunning ? "on" : "off", ms, ...(id && { id }) });
  }

  /** What the server has by now remains a recording. */
  #fail(error: BellwireError): BellwireError {
    if (this.#now.state === "failed") return error;
    this.#change({ state: "failed", error });
    this.#leaveCall();
    void this.#windUp();
    if (this.#isKnown) this.#call.stopRecording().catch(() => {}); // so that nobody is told of one that has ended
    return error;
  }

  /** What was recorded until a failure is still sent; of more trouble there is nothing to tell. */
  async #windUp(): Promise<void> {
    await this.#capture?.stop().catch(() => {});
    await this.#upload?.complete().catch(() => {});
  }

  /** Of what comes now nothing is recorded any more. */
  #leaveCall(): void {
    this.#unfollow();
    clearInterval(this.#ticks);
  }

  #change(change: Partial<RecorderSnapshot>): void {
    this.#now = { ...this.#now, ...change };
    this.#store.changed();
  }
}

/** Records a stream in the browser and uploads it in one piece, under the old SDK's names. */
import { BellwireError } from "../errors.js";
import { Rest } from "../server/rest.js";
import { type Address, addressOf, type CompatToken, lastAddress } from "./address.js";

export interface RecordingOptions {
  /** As for WebRTCClient; without it, where the page's last WebRTCClient went. */
  wsUrl?: string;
  token?: CompatToken;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** The first that the browser can write. */
const TYPES = ["video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const CHUNK_EVERY_MS = 1000;
/** Half an hour of video at a slow uplink. */
const UPLOAD_TIMEOUT_MS = 30 * 60_000;

export class CallRecordingService {
  readonly #options: RecordingOptions;
  #recorder: MediaRecorder | null = null;
  #chunks: Blob[] = [];

  constructor(options: RecordingOptions = {}) {
    this.#options = options;
  }

  /** Rejects with not_supported where the browser cannot record. */
  async startRecording(stream: MediaStream): Promise<void> {
    if (this.#recorder) throw new BellwireError("media_failed", { message: "A recording runs already." });
    if (typeof MediaRecorder === "undefined") throw new BellwireError("not_supported");
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType });
    this.#chunks = [];
    recorder.addEventListener("dataavailable", ({ data }) => {
      if (data.size > 0) this.#chunks.push(data);
    });
    recorder.start(CHUNK_EVERY_MS);
    this.#recorder = recorder;
  }

  /** Resolves with all that was recorded; rejects when nothing was begun. */
  async stopRecording(): Promise<Blob> {
    const recorder = this.#recorder;
    if (!recorder) throw new BellwireError("media_failed", { message: "No recording runs." });
    this.#recorder = null;
    // It stops by itself when the stream's tracks ended.
    if (recorder.state !== "inactive")
      await new Promise((resolve) => {
        recorder.addEventListener("stop", resolve, { once: true });
        recorder.stop();
      });
    const blob = new Blob(this.#chunks, { type: recorder.mimeType });
    this.#chunks = [];
    return blob;
  }

  /** Resolves with the server's answer; rejects with its refusal. The token needs the claim `recorder: true`. */
  async uploadRecording(callId: string, blob: Blob): Promise<unknown> {
    const { url, getToken } = this.#address();
    const form = new FormData();
    const ending = blob.type.startsWith("video/mp4") ? "mp4" : "webm";
    form.append("recording", blob, `call-${callId}.${ending}`);
    const rest = new Rest(url, getToken, this.#options.fetch ?? ((to, init) => fetch(to, init)));
    const path = `/api/calls/${encodeURIComponent(callId)}/recording`;
    return rest.request(path, { method: "POST", body: form, timeoutMs: UPLOAD_TIMEOUT_MS });
  }

  #address(): Address {
    const { wsUrl, token } = this.#options;
    const address = token === undefined ? lastAddress() : addressOf(wsUrl ?? "", token);
    if (!address) throw new BellwireError("token_failed", { message: "Give a token, or make a WebRTCClient before." });
    return address;
  }
}

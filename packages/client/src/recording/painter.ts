/** All pictures of a call in one, drawn into a canvas that is not on the page. */
import type { Source } from "./faces.js";
import { fitInto, gridOf, type Tile } from "./grid.js";

export interface PainterOptions {
  width: number;
  height: number;
  framesPerSecond: number;
}

const BACKGROUND = "#16181d";
const TILE = "#2a2e37";
const TEXT = "#f2f4f8";

export class Painter {
  readonly #canvas = document.createElement("canvas");
  readonly #pen: CanvasRenderingContext2D;
  readonly #stream: MediaStream;
  readonly #players = new Map<string, HTMLVideoElement>();
  readonly #beat: Beat;
  #sources: readonly Source[] = [];

  constructor(context: AudioContext, { width, height, framesPerSecond }: PainterOptions) {
    Object.assign(this.#canvas, { width, height });
    this.#pen = this.#canvas.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
    this.#stream = this.#canvas.captureStream(framesPerSecond);
    this.#beat = new Beat(context, 1 / framesPerSecond, () => this.#draw());
    this.#draw();
  }

  get track(): MediaStreamTrack {
    return this.#stream.getVideoTracks()[0] as MediaStreamTrack;
  }

  follow(sources: readonly Source[]): void {
    this.#sources = sources;
    const wanted = new Map(sources.map(({ key, stream }) => [key, stream]));
    for (const [key, player] of this.#players) {
      if (wanted.get(key)) continue;
      player.srcObject = null;
      this.#players.delete(key);
    }
    for (const [key, stream] of wanted) if (stream) this.#play(key, stream);
  }

  close(): void {
    this.#beat.stop();
    this.follow([]);
    this.track.stop();
  }

  #play(key: string, stream: MediaStream): void {
    const player = this.#players.get(key) ?? document.createElement("video");
    this.#players.set(key, player);
    if (player.srcObject === stream) return;
    player.muted = true;
    player.playsInline = true;
    player.srcObject = stream;
    player.play().catch(() => {}); // put away meanwhile, or the stream has no picture yet
  }

  #draw(): void {
    const { width, height } = this.#canvas;
    this.#pen.fillStyle = BACKGROUND;
    this.#pen.fillRect(0, 0, width, height);
    const tiles = gridOf(this.#sources.length, width, height);
    this.#sources.forEach((source, i) => {
      this.#drawTile(source, tiles[i] as Tile);
    });
  }

  #drawTile(source: Source, tile: Tile): void {
    const { x, y, width, height } = tile;
    const pen = this.#pen;
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.fillStyle = TILE;
    pen.fillRect(x, y, width, height);
    const player = this.#players.get(source.key);
    if (player && source.hasPicture && player.videoWidth > 0) {
      const size = { width: player.videoWidth, height: player.videoHeight };
      const at = fitInto(tile, size, source.isScreen);
      pen.drawImage(player, at.x, at.y, at.width, at.height);
    }
    pen.font = `600 ${Math.max(12, Math.round(height / 18))}px system-ui, sans-serif`;
    pen.fillStyle = TEXT;
    pen.shadowColor = "#000";
    pen.shadowBlur = 4;
    pen.fillText(source.name, x + 12, y + height - 12, width - 24);
    pen.restore();
  }
}

/** So many times its length, and a sound is not waited for any longer. */
const LATE = 3;

/** A clock that a hidden page does not slow down, as it does with timers: the end of one silent sound starts the next.
 *  Where no sound runs (a machine without any, a browser that wants a gesture first) a timer does it. */
class Beat {
  readonly #context: AudioContext;
  readonly #seconds: number;
  readonly #onBeat: () => void;
  #sound: ConstantSourceNode | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The sound's own time at the last beat. */
  #at = -1;

  constructor(context: AudioContext, seconds: number, onBeat: () => void) {
    this.#context = context;
    this.#seconds = seconds;
    this.#onBeat = onBeat;
    this.#next();
  }

  stop(): void {
    if (this.#sound) this.#sound.onended = null;
    this.#sound = null;
    clearTimeout(this.#timer);
  }

  #beat(): void {
    this.stop();
    this.#onBeat();
    this.#next();
  }

  #next(): void {
    const { currentTime } = this.#context;
    const isRunning = currentTime > this.#at;
    this.#at = currentTime;
    this.#timer = setTimeout(() => this.#beat(), (isRunning ? LATE : 1) * this.#seconds * 1000);
    if (!isRunning) return;
    const sound = this.#context.createConstantSource();
    this.#sound = sound;
    sound.onended = () => this.#beat();
    sound.start();
    sound.stop(currentTime + this.#seconds);
  }
}

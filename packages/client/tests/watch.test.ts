/** What the numbers of a connection mean: the first picture, silence, who speaks. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Watch } from "../src/peer/watch.js";

interface Numbers {
  framesDecoded: number;
  packetsReceived: number;
  bytesReceived: number;
  audioLevel: number;
}

const numbers: Numbers = {} as Numbers;
let heard: string[];
let watch: Watch;

function connection(): RTCPeerConnection {
  const { framesDecoded: _, ...audio } = numbers;
  return {
    getStats: async () =>
      new Map<string, object>([
        ["video", { type: "inbound-rtp", ...numbers }],
        ["pair", { type: "candidate-pair", nominated: true, ...audio, ...numbers }],
        ["other", { type: "candidate-pair", nominated: false, bytesReceived: Math.random() }],
      ]),
    getReceivers: () => [{ getSynchronizationSources: () => [{ audioLevel: numbers.audioLevel }] }],
  } as never;
}

function start(expectsVideo = true): void {
  const ports = {
    onFirstFrame: () => heard.push("frame"),
    onSpeaking: (isSpeaking: boolean) => heard.push(isSpeaking ? "speaks" : "silent"),
    onSilence: () => heard.push("silence"),
    onAlive: () => heard.push("alive"),
  };
  watch = new Watch(connection(), ports, () => expectsVideo);
}

/** Media arrives for a while. */
async function flow(ms: number, change: Partial<Numbers> = {}): Promise<void> {
  for (let i = 0; i < ms; i += 500) {
    numbers.packetsReceived += 100;
    numbers.bytesReceived += 1000;
    Object.assign(numbers, change);
    await vi.advanceTimersByTimeAsync(500);
  }
}

describe("a watch", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    heard = [];
    const none = { framesDecoded: 0, packetsReceived: 0, bytesReceived: 0 };
    Object.assign(numbers, none, { audioLevel: 0 });
  });

  afterEach(() => {
    watch.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("tells the first picture once, and without pictures the first sound", async () => {
    start();
    await flow(1000);
    expect(heard).toEqual([]);
    numbers.framesDecoded = 1;
    await flow(1000);
    expect(heard).toEqual(["frame"]);
    watch.close();
    start(false);
    await flow(1000);
    expect(heard).toEqual(["frame", "frame"]);
  });

  it("notices silence before the browser does, and tells it again only after a while", async () => {
    start();
    await flow(2000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(heard).toEqual(["silence"]);
    await vi.advanceTimersByTimeAsync(3500);
    expect(heard).toEqual(["silence"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(heard).toEqual(["silence", "silence"]);
    await flow(500);
    expect(heard.slice(0, 3)).toEqual(["silence", "silence", "alive"]);
  });

  it("notices it as soon after a look that caught the last few packets, and where a way is forgotten", async () => {
    start();
    await flow(2000);
    numbers.packetsReceived += 1;
    numbers.bytesReceived += 10;
    await vi.advanceTimersByTimeAsync(500);
    numbers.bytesReceived = 0;
    await vi.advanceTimersByTimeAsync(1000);
    expect(heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(500);
    expect(heard).toEqual(["silence"]);
    await flow(500);
    expect(heard).toContain("alive");
  });

  it("waits longer where nothing is sent but checks of the way", async () => {
    start();
    for (let i = 0; i < 3; i++) {
      numbers.bytesReceived += 100;
      await vi.advanceTimersByTimeAsync(2500);
    }
    expect(heard).not.toContain("silence");
    await vi.advanceTimersByTimeAsync(2500);
    expect(heard).toContain("silence");
  });

  it("hears who speaks", async () => {
    start();
    await flow(1000, { audioLevel: 0.3 });
    await flow(1000, { audioLevel: 0.001 });
    expect(heard).toEqual(["speaks", "silent"]);
  });
});

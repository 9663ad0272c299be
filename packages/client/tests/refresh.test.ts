/** A new way is told at once, and once more when what took the old one is gone. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { onWayChange, sendWholePicture } from "../src/peer/refresh.js";

beforeEach(() => void vi.useFakeTimers());

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("tells twice of a new way, and nothing more once nobody listens", async () => {
  const iceTransport = new EventTarget();
  const listening = new AbortController();
  const told = vi.fn();
  onWayChange({ getSenders: () => [{ transport: { iceTransport } }] } as never, told, listening.signal);
  const change = () => iceTransport.dispatchEvent(new Event("selectedcandidatepairchange"));
  change();
  expect(told).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(told).toHaveBeenCalledTimes(2);
  change();
  await vi.advanceTimersByTimeAsync(500);
  change(); // the first one's second word is no longer needed
  await vi.advanceTimersByTimeAsync(5000);
  expect(told).toHaveBeenCalledTimes(5);
  change();
  listening.abort();
  change();
  await vi.advanceTimersByTimeAsync(5000);
  expect(told).toHaveBeenCalledTimes(6);
});

it("asks a sender for a whole picture by switching it off and on", async () => {
  const set: unknown[] = [];
  const sender = {
    track: {},
    getParameters: () => ({ encodings: [{ active: true, maxBitrate: 5 }] }),
    setParameters: async (parameters: RTCRtpSendParameters) => void set.push(structuredClone(parameters.encodings)),
  };
  await sendWholePicture(sender as never);
  expect(set).toEqual([[{ active: false, maxBitrate: 5 }], [{ active: true, maxBitrate: 5 }]]);
  await sendWholePicture({ ...sender, track: null } as never);
  expect(set).toHaveLength(2);
});

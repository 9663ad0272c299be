/** When a new way is looked for, and when one that has begun is given time. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Health } from "../src/peer/health.js";
import { isNewWay } from "../src/peer/sdp.js";

let told: string[];
let health: Health;

function connected(isPolite = true): void {
  const ports = { onState: (state: string) => told.push(state), restart: () => told.push("restart") };
  health = new Health(ports, { isPolite, former: null });
  health.follow("connected");
  told.length = 0;
}

describe("the health of a connection", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    told = [];
  });

  afterEach(() => {
    health.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("looks for a new way as soon as it is silent, the impolite side a little later, and again until something comes", () => {
    connected();
    health.silent();
    vi.advanceTimersByTime(0);
    expect(told).toEqual(["reconnecting", "restart"]);
    vi.advanceTimersByTime(5000);
    expect(told).toEqual(["reconnecting", "restart", "restart"]);
    health.alive();
    vi.advanceTimersByTime(20_000);
    expect(told).toEqual(["reconnecting", "restart", "restart", "connected"]);
    health.close();
    connected(false);
    health.silent();
    vi.advanceTimersByTime(299);
    expect(told).toEqual(["reconnecting"]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(["reconnecting", "restart"]);
  });

  it("gives the way that somebody looks for time, and says all the same that nothing comes", () => {
    connected();
    health.renewing();
    vi.advanceTimersByTime(500);
    health.silent();
    expect(told).toEqual(["reconnecting"]);
    health.follow("connected"); // the browser's word for a way over which nothing has come yet
    health.silent();
    vi.advanceTimersByTime(4499);
    expect(told).not.toContain("restart");
    vi.advanceTimersByTime(1);
    expect(told.at(-1)).toBe("restart");
  });

  it("puts off a look that was about to begin", () => {
    connected(false);
    health.silent();
    vi.advanceTimersByTime(200);
    health.renewing();
    vi.advanceTimersByTime(5299);
    expect(told).toEqual(["reconnecting"]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(["reconnecting", "restart"]);
  });

  it("waits no longer once the way has carried something", () => {
    connected();
    health.renewing();
    health.silent();
    health.alive();
    health.silent();
    vi.advanceTimersByTime(0);
    expect(told).toEqual(["reconnecting", "connected", "reconnecting", "restart"]);
  });

  it("leaves the first look to one who has returned, for a second", () => {
    connected();
    health.silent();
    health.returned();
    vi.advanceTimersByTime(999);
    expect(told).toEqual(["reconnecting"]);
    vi.advanceTimersByTime(1);
    expect(told).toEqual(["reconnecting", "restart"]);
  });
});

it("tells an offer of a new way from one of anything else", () => {
  const sdp = (fragment: string) => `v=0\r\nm=audio 9 x\r\na=ice-ufrag:${fragment}\r\n`;
  expect(isNewWay(undefined, sdp("a"))).toBe(false);
  expect(isNewWay(sdp("a"), `${sdp("a")}m=video 9 x\r\n`)).toBe(false);
  expect(isNewWay(sdp("a"), sdp("b"))).toBe(true);
});

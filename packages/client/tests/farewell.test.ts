/** A connection is closed only when the browser has told all that it had to tell. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { closeCalmly } from "../src/peer/farewell.js";

class Connection extends EventTarget {
  isClosed = false;

  constructor(
    public connectionState: string,
    public iceGatheringState: string,
  ) {
    super();
  }

  become(change: Partial<Connection>, event: string): void {
    Object.assign(this, change);
    this.dispatchEvent(new Event(event));
  }

  close(): void {
    this.isClosed = true;
  }
}

function closing(connectionState: string, iceGatheringState: string): Connection {
  const pc = new Connection(connectionState, iceGatheringState);
  closeCalmly(pc as never);
  return pc;
}

describe("a connection", () => {
  beforeEach(() => void vi.useFakeTimers());

  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("that runs or has never begun is closed at once", () => {
    for (const state of ["new", "connected", "disconnected", "failed"])
      expect(closing(state, "complete").isClosed).toBe(true);
  });

  it("that gathers and looks for a way is closed once it has done both", async () => {
    const pc = closing("connecting", "gathering");
    pc.become({ iceGatheringState: "complete" }, "icegatheringstatechange");
    await vi.advanceTimersByTimeAsync(100);
    expect(pc.isClosed).toBe(false);
    pc.become({ connectionState: "connected" }, "connectionstatechange");
    expect(pc.isClosed).toBe(false); // not before the other events of this moment
    await vi.advanceTimersByTimeAsync(0);
    expect(pc.isClosed).toBe(true);
  });

  it("that finds no way is closed all the same, and once", async () => {
    const pc = closing("connecting", "complete");
    const close = vi.spyOn(pc, "close");
    await vi.advanceTimersByTimeAsync(999);
    expect(close).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    pc.become({ connectionState: "closed" }, "connectionstatechange");
    await vi.advanceTimersByTimeAsync(1000);
    expect(close).toHaveBeenCalledOnce();
  });
});

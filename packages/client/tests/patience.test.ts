/** A request whose answer cannot be expected any more is ended: by time, or by news of the network. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { patienceOf, type Watched } from "../src/recording/patience.js";

let page: EventTarget;
let connection: string;
let listeners: Set<() => void>;

const client = {
  getSnapshot: () => ({ connection }),
  subscribe: (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
} as unknown as Watched;
const { wait, within } = patienceOf(client);

/** The browser's news, or the signaling's. */
function tell(news: string): void {
  if (news === "online" || news === "offline") page.dispatchEvent(new Event(news));
  else connection = news;
  for (const listener of [...listeners]) listener();
}

beforeEach(() => {
  vi.useFakeTimers();
  page = new EventTarget();
  connection = "connected";
  listeners = new Set();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Has no answer; rejects as fetch does when its signal says so. */
const unanswered = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

it("ends a request after its time, as a timeout", async () => {
  const asked = within(1000, unanswered);
  const told = expect(asked).rejects.toMatchObject({ name: "TimeoutError" });
  await vi.advanceTimersByTimeAsync(1000);
  await told;
});

it.each(["offline", "online", "reconnecting"])("ends a request when the client is %s", async (news) => {
  const asked = within(1000, unanswered);
  const told = expect(asked).rejects.toMatchObject({ name: "AbortError" });
  tell("connected"); // no news
  tell(news);
  await told;
});

it("lets a request be that was answered", async () => {
  let signal: AbortSignal | undefined;
  const answer = await within(1000, async (given) => {
    signal = given;
    return "answer";
  });
  expect(listeners.size).toBe(0);
  tell("offline");
  await vi.advanceTimersByTimeAsync(2000);
  expect(answer).toBe("answer");
  expect(signal?.aborted).toBe(false);
});

it.each(["online", "connected"])(
  "tries again sooner when the client is %s, not when the network goes",
  async (news) => {
    connection = "reconnecting";
    const done = vi.fn();
    void wait(1000).then(done);
    tell("offline");
    await vi.advanceTimersByTimeAsync(500);
    expect(done).not.toHaveBeenCalled();
    tell(news);
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toHaveBeenCalled();
  },
);
